"""What runs of one worker share: decoded images, and measures of depths that are the same network bit for bit."""

from __future__ import annotations

from collections import OrderedDict
from pathlib import Path

from engine import backbones, datasets
from engine.control import Control
from engine.datasets import Images
from engine.datasets._fill import silent
from engine.errors import ScoreNotDefined
from engine.features import Features
from engine.limits import image_memory
from engine.scores import Measured

CACHED_DATASETS = 4
CACHED_DEPTHS = 4_096
CACHED_FEATURES = 256 * 2**20
"""Bytes of test images' features that are kept for other seeds and label budgets."""


class Caches:
    """What runs of one worker share: decoded images, and measures of depths that are the same network bit for bit."""

    def __init__(self) -> None:
        self.images: OrderedDict[tuple, Images] = OrderedDict()
        self.depths: OrderedDict[tuple, Measured | ScoreNotDefined] = OrderedDict()
        self.tests: OrderedDict[tuple, Features] = OrderedDict()
        self.kept: OrderedDict[tuple, float] = OrderedDict()

    def load(self, name: str, card: backbones.Card, home: Path | None, control: Control | None = None) -> Images:
        """Download and decode a dataset for a network, once per size; the control is told how far, and may stop it."""
        tell = control.tell if control else silent
        datasets.fetch(name, home, tell)
        # The signature changes when files of a folder do: a worker may live longer than they stay the same.
        key = (name, datasets.signature(name, home), *card.sizing.values())
        if key not in self.images:
            self.images[key] = datasets.load(name, home=home, tell=tell, **card.sizing)
        self.images.move_to_end(key)
        bound = image_memory(home)
        while len(self.images) > 1 and (len(self.images) > CACHED_DATASETS or self._held() > bound):
            self.images.popitem(last=False)
        return self.images[key]

    def _held(self) -> int:
        """Bytes of memory; what is mapped takes none of its own."""
        return sum(images.pixels.nbytes for images in self.images.values() if not images.mapped)

    def keep_test(self, key: tuple, features: Features) -> None:
        """Remember what a wholly frozen backbone makes of the test images, within CACHED_FEATURES bytes."""
        self.tests[key] = features
        while self.tests and sum(one.nbytes for one in self.tests.values()) > CACHED_FEATURES:
            self.tests.popitem(last=False)

    def keep(self, key: tuple, measured: Measured | ScoreNotDefined) -> None:
        """Remember a measure of one depth, or why it has none."""
        self.depths[key] = measured
        while len(self.depths) > CACHED_DEPTHS:
            self.depths.popitem(last=False)
