"""Measures at every depth from one frozen pass, with what runs of one worker share."""

from __future__ import annotations

import dataclasses
import functools
from collections import OrderedDict
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from engine import backbones, datasets, train
from engine.backbones._network import Composition, Network
from engine.batches import Pixels
from engine.control import Control
from engine.datasets import Images, Split
from engine.datasets._fill import silent
from engine.events import DepthMeasured, Event
from engine.features import extract
from engine.limits import image_memory
from engine.scores import SCORES, FeatureSplit, Measured
from engine.spec import RunSpec

CACHED_DATASETS = 4
CACHED_DEPTHS = 4_096


class Caches:
    """What runs of one worker share: decoded images, and measures of depths that are the same network bit for bit."""

    def __init__(self) -> None:
        self.images: OrderedDict[tuple, Images] = OrderedDict()
        self.depths: OrderedDict[tuple, Measured] = OrderedDict()

    def load(
        self,
        name: str,
        side: int,
        interpolation: str,
        home: Path | None,
        crop_fraction: float = 1.0,
        control: Control | None = None,
    ) -> Images:
        """Download and decode a dataset once (per size); the control is told how far that is, and may stop it."""
        tell = control.tell if control else silent
        datasets.fetch(name, home, tell)
        # The signature changes when files of a folder do: a worker may live longer than they stay the same.
        key = (name, datasets.signature(name, home), side, interpolation, crop_fraction)
        if key not in self.images:
            self.images[key] = datasets.load(name, side, interpolation, home, crop_fraction=crop_fraction, tell=tell)
        self.images.move_to_end(key)
        bound = image_memory(home)
        while len(self.images) > 1 and (len(self.images) > CACHED_DATASETS or self._held() > bound):
            self.images.popitem(last=False)
        return self.images[key]

    def _held(self) -> int:
        """Bytes of memory; what is mapped takes none of its own."""
        return sum(images.pixels.nbytes for images in self.images.values() if not images.mapped)

    def keep(self, key: tuple, measured: Measured) -> None:
        """Remember a measure of one depth."""
        self.depths[key] = measured
        while len(self.depths) > CACHED_DEPTHS:
            self.depths.popitem(last=False)


@dataclass
class Prepared:
    """A run set up: its network on its device, its images, its split."""

    run: RunSpec
    card: backbones.Card
    network: Network
    weights: str
    """Where the backbone's weights came from, with their checksum."""
    images: Images
    pixels: Pixels
    split: Split
    control: Control
    shared: Caches
    precision: str
    features: list[np.ndarray | None] | None = None
    """Of every depth for all images of the split, once they were read; see `read_features`."""

    @functools.cached_property
    def fingerprint(self) -> str:
        """Names the decoded images; hashing tens of thousands of keys at every depth would take seconds."""
        return self.images.fingerprint


def read_features(ready: Prepared) -> list[np.ndarray | None]:
    """The features of every depth for the images of the split (train, validation, test in a row), read in one pass.

    The pass is made once, when the backbone has its final weights: the measures and the test share it.
    """
    if ready.features is None:
        split = ready.split
        everything = np.concatenate([split.train, split.validation, split.test])
        ready.features = extract(ready.network, ready.pixels, everything, train.EVALUATION_BATCH, ready.control)
    return ready.features


def test_accuracy(ready: Prepared) -> float:
    """Accuracy on the sealed test images with the network as it is now."""
    network, split = ready.network, ready.split
    if not ready.run.measures or not isinstance(network, Composition):
        return train.evaluate(network, ready.pixels, split.test, ready.control)[1]
    # The last unit's features have been read anyway, or will be: the head is all that is missing.
    features = read_features(ready)
    read = np.concatenate([one for one in features if one is not None], axis=1) if network.reads_all else features[-1]
    last = read[-len(split.test) :]
    head = network.head
    logits = last @ head.weight.detach().double().cpu().numpy().T + head.bias.detach().double().cpu().numpy()
    return float(np.mean(logits.argmax(1) == ready.images.labels[split.test]))


def measure_depths(
    ready: Prepared, begin: float, end: float, always: tuple[str, ...] = ()
) -> Generator[Event, None, dict[str, Measured]]:
    """One frozen pass, then every measure at every depth; returns the last depth's measures by score name."""
    scores = [SCORES[name] for name in dict.fromkeys((*ready.run.measures, *always))]
    if not scores:
        return {}
    network, split, control = ready.network, ready.split, ready.control
    control.enter("reading features", begin)
    features = read_features(ready)
    cuts = [len(split.train), len(split.train) + len(split.validation)]
    labels = np.split(ready.images.labels[np.concatenate([split.train, split.validation, split.test])], cuts)
    measured: dict[str, Measured] = {}
    for unit, all_rows in enumerate(features):
        control.enter("measuring depths", begin + (end - begin) * (0.2 + 0.8 * unit / len(features)))
        if all_rows is None:
            continue
        train_rows, validation_rows, test_rows = np.split(all_rows, cuts)
        parts = FeatureSplit(train_rows, labels[0], validation_rows, labels[1], test_rows, labels[2])
        for score in scores:
            control.step()
            measured[score.name] = value = _measure(ready, unit, score.name, parts)
            if score.name in ready.run.measures:
                yield DepthMeasured(
                    unit=unit + 1,
                    unit_name=network.unit_names[unit],
                    metric=score.metric,
                    value=value.value,
                    n_images=value.n_images,
                    n_features=all_rows.shape[1],
                    detail=value.detail,
                )
    return measured


def _measure(ready: Prepared, unit: int, score: str, parts: FeatureSplit) -> Measured:
    # Frozen units are the same network in every run of this seed: their features and measures are computed once.
    run = ready.run
    key = (run.backbone, ready.weights, run.dataset, ready.fingerprint, run.seed, run.label_budget, unit, score)
    fixed = unit < run.frozen_depth
    if fixed and key in ready.shared.depths:
        return ready.shared.depths[key]
    measured = SCORES[score].measure(parts, ready.control.step)
    if fixed:
        # Only the last unit's solution is used again (as a head); thousands of others would fill the memory.
        last = unit == ready.network.n_units - 1
        ready.shared.keep(key, measured if last else dataclasses.replace(measured, solution=None))
    return measured
