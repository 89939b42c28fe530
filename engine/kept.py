"""What a network still knows of other tasks: accuracy on the source task, or of probes on held tasks, before and after a run."""

from __future__ import annotations

import functools
from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch

from engine import datasets, probe_set, source_task, train
from engine.backbones import Card
from engine.backbones._network import Network
from engine.backbones._source_head import SourceHead, source_head
from engine.batches import Pixels
from engine.control import Control
from engine.datasets import Images
from engine.errors import ScoreNotDefined, TransferscopeError
from engine.events import ForgettingMeasured
from engine.forgetting import IMAGES, LABELS, PROBE, SOURCE, SOURCE_IMAGES, held_tasks
from engine.scores import SCORES, FeatureSplit
from engine.spec import RunSpec
from engine.stats import wilson
from engine.strategies import STRATEGIES

SEED = 0
"""The images of other tasks are the same for every run, whatever its seed, so that values before training are shared."""
REMEMBERED = 256
"""Values before training that a worker keeps, one for each backbone, weights and task."""

NOTHING_LEARNED = "training from random weights: there is nothing to forget"
STARTS_ANEW = "units that start anew know nothing of the source task"
UNCHANGED = "the backbone did not change, so that nothing is forgotten by definition"


@dataclass(frozen=True)
class Task:
    """One other task: its images, and the classifier of the source where it has one."""

    name: str
    pixels: Pixels
    images: Images
    test: np.ndarray
    """Indices of the images that are tested on."""
    split: datasets.Split | None = None
    """What a probe learns from; None where the source's own classifier is asked."""
    head: SourceHead | None = None

    @property
    def measure(self) -> str:
        """Which of the frame's measures it gives."""
        return SOURCE if self.head is not None else PROBE

    @property
    def n_labels(self) -> int:
        """Labelled images that a probe is solved on."""
        return len(self.split.train) + len(self.split.validation) if self.split else 0

    def accuracy(self, network: Network, step: Callable[[], None]) -> float:
        """Accuracy (0..1) with what this network makes of the images. Raises ScoreNotDefined where no probe can be solved."""
        read = functools.partial(embedded, network, self.pixels, step=step)
        labels = self.images.labels
        if self.head is not None:
            return float(np.mean(self.head.probabilities(read(self.test)).argmax(1) == labels[self.test]))
        split = self.split
        assert split is not None
        parts = FeatureSplit(
            read(split.train), labels[split.train], read(split.validation), labels[split.validation],
            read(self.test), labels[self.test],
        )  # fmt: skip
        return SCORES["linear_probe"].on_split(parts, step).value


@dataclass
class Kept:
    """Asks a run's network about other tasks; loads them when it is asked first."""

    run: RunSpec
    card: Card
    network: Network
    weights: str
    """Where the weights came from, with their checksum: names the network before training."""
    fresh: Callable[[], Network]
    """Builds the network before training anew."""
    load: Callable[[str], Images]
    """Decodes a dataset for this network."""
    device: torch.device
    control: Control
    shared: OrderedDict[tuple, float]
    """Values before training that runs of one worker share."""
    home: Path | None = None
    missing: list[ForgettingMeasured] = field(default_factory=list)
    """What could not be asked, with the reason."""
    _before: Network | None = None

    @functools.cached_property
    def tasks(self) -> list[Task]:
        """The tasks that are asked about: the source where its classifier and images are here, else held ones."""
        if (STRATEGIES[self.run.strategy].weights or self.run.weights) == "random":
            self.missing.append(ForgettingMeasured("", "", None, None, 0, 0, NOTHING_LEARNED))
            return []
        if self.run.copied_depth is not None and self.run.copied_depth < self.network.n_units:
            self.missing.append(ForgettingMeasured("", "", None, None, 0, 0, STARTS_ANEW))
            return []
        name = self.run.source_data or source_task.here(self.card, self.run.weights, self.home)
        if name and name != self.run.dataset:
            try:
                return [self._source(name)]
            except TransferscopeError as error:
                reason = error.reason if isinstance(error, ScoreNotDefined) else str(error).rstrip(".")
                self.missing.append(ForgettingMeasured(name, SOURCE, None, None, 0, 0, reason))
        return [self._held(task) for task in held_tasks(self.run.dataset)]

    def _source(self, name: str) -> Task:
        """The source task. Raises TransferscopeError where its classifier or its images are not what they should be."""
        head = source_head(self.before_network(), self.run.backbone, self.run.weights, self.home)
        images = self.load(name)
        n_classes = len(head.bias)
        if images.info.n_classes != n_classes:
            raise ScoreNotDefined(
                SOURCE, f"{name} has {images.info.n_classes} classes and the source's classifier {n_classes}"
            )
        task = self._task(name, images, SOURCE_IMAGES, None, head)
        before = self.before(task)
        if wilson(before, len(task.test)).low <= 1 / n_classes:
            raise ScoreNotDefined(
                SOURCE,
                f"before any training the source's classifier is right on {before:.1%} of {name}, which is no better than"
                f" guessing among {n_classes} classes: these are not the source's classes in its order",
            )
        return task

    def _held(self, name: str) -> Task:
        images = self.load(name)
        return self._task(name, images, IMAGES, datasets.make_split(images, SEED, LABELS), None)

    def _task(
        self, name: str, images: Images, most: int, split: datasets.Split | None, head: SourceHead | None
    ) -> Task:
        test = split.test if split else datasets.make_split(images, SEED, None).test
        test = probe_set.choose(images, test, most, SEED)
        rows = np.concatenate([split.train, split.validation, test]) if split else test
        pixels = Pixels.on(
            self.device, images.pixels, images.labels, self.card.mean, self.card.std, rows=rows, row_of=images.rows
        )
        return Task(name, pixels, images, test, split, head)

    def before_network(self) -> Network:
        """The network before training, built anew once; what training has done to this run's one does not matter."""
        if self._before is None:
            self._before = self.fresh().to(self.device, memory_format=torch.channels_last)
        return self._before

    def before(self, task: Task) -> float:
        """Accuracy before training; runs of one worker that start from the same weights measure it once."""
        key = (self.run.backbone, self.weights, task.name, task.images.fingerprint, task.measure)
        if key not in self.shared:
            self.shared[key] = task.accuracy(self.before_network(), self.control.step)
            while len(self.shared) > REMEMBERED:
                self.shared.popitem(last=False)
        return self.shared[key]

    def now(self) -> dict[str, dict[str, float]]:
        """Accuracy with the network as it is now: measure -> task -> 0..1; what has none is left out."""
        found: dict[str, dict[str, float]] = {}
        for task in self.tasks:
            try:
                found.setdefault(task.measure, {})[task.name] = task.accuracy(self.network, self.control.step)
            except ScoreNotDefined:
                continue  # said with its reason by `measured`
        return found

    def measured(self, *, unchanged: bool) -> Iterator[ForgettingMeasured]:
        """What was forgotten, one event for each task.

        Args:
            unchanged: whether the backbone is the one that the run started from, bit for bit: then nothing is passed again.
        """
        tasks = self.tasks
        yield from self.missing
        for task in tasks:
            about = (len(task.test), task.n_labels)
            try:
                before = self.before(task)
                after = before if unchanged else task.accuracy(self.network, self.control.step)
            except ScoreNotDefined as error:
                yield ForgettingMeasured(task.name, task.measure, None, None, *about, error.reason)
                continue
            yield ForgettingMeasured(task.name, task.measure, before, after, *about, UNCHANGED if unchanged else "")


def embedded(
    network: Network, pixels: Pixels, indices: np.ndarray, *, step: Callable[[], None] = lambda: None
) -> np.ndarray:
    """Pooled features of the last unit, whatever the head reads: float64 (n, n_features); the network is then in eval mode."""
    network.eval()
    found = []
    with torch.inference_mode():
        for images, _ in pixels.in_order(indices, train.EVALUATION_BATCH):
            step()
            found.append(network.embed(images).double().cpu().numpy())
    return np.concatenate(found)
