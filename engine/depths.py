"""Measures at every depth from one frozen pass."""

from __future__ import annotations

import dataclasses
import functools
import math
import time
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from engine import backbones, train
from engine.backbones._composition import Composition
from engine.backbones._network import Network
from engine.backbones._source_head import source_head
from engine.batches import Pixels
from engine.caches import Caches
from engine.control import Control
from engine.datasets import Images, Split
from engine.errors import BackboneError, FeatureMemoryError, ScoreNotDefined, WeightsError
from engine.events import DepthMeasured, Event, Notice
from engine.features import Features, extract
from engine.kept import Kept
from engine.layer_intervals import interval_of
from engine.scores import SCORES, FeatureSplit, Measured, Score
from engine.spec import POOLINGS, RunSpec
from engine.strategies import STRATEGIES


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
    home: Path | None = None
    at_epoch: Callable[[int], Iterator[Event]] | None = None
    """Who looks at the network after every epoch of training; see `engine.train.Task`."""
    kept: Kept | None = None
    """Asks what the network still knows of other tasks, where the run measures that."""
    interval_seconds: float = 0.0
    """Spent on intervals so far."""
    features: tuple[Features, Features] | None = None
    """Of every depth for the labelled images (train, validation) and the test images, once they were read."""

    @property
    def pooling(self) -> str:
        """How units' outputs become features."""
        return self.run.pooling or POOLINGS[0]

    @functools.cached_property
    def fingerprint(self) -> str:
        """Names the decoded images; hashing tens of thousands of keys at every depth would take seconds."""
        return self.images.fingerprint


def unchanged(network: Network, depth: int) -> bool:
    """Whether the first `depth` units are those that the run started from, with nothing put into them and nothing moved."""
    return depth <= network.frozen_depth and not len(network.added) and not network.drifting()


def read_features(ready: Prepared) -> tuple[Features, Features]:
    """The features of every depth for the labelled images (train and validation in a row) and for the test images.

    The pass is made once, when the backbone has its final weights: the measures and the test share it. The test images are the
    same for all seeds and label budgets, so a wholly frozen backbone passes them once for all of these.
    """
    if ready.features is None:
        run, split = ready.run, ready.split
        read = functools.partial(
            extract,
            ready.network,
            ready.pixels,
            batch_size=train.EVALUATION_BATCH,
            control=ready.control,
            pooling=ready.pooling,
        )
        frozen = unchanged(ready.network, ready.network.n_units)
        labelled = read(np.concatenate([split.train, split.validation]))
        # Heads that read more than the last unit's features (Head2Toe, say) see other inputs on the same backbone.
        head_inputs = labelled.embedded.shape[1]
        key = (run.backbone, ready.weights, run.dataset, ready.fingerprint, ready.pooling, head_inputs)
        tested = ready.shared.tests.get(key) if frozen else None
        if tested is None:
            tested = read(split.test)
            if frozen:
                ready.shared.keep_test(key, tested)
        ready.features = labelled, tested
    return ready.features


def plain_features(ready: Prepared) -> tuple[Features, Features]:
    """As `read_features`, in the network's usual pooling: what heads on units are solved on."""
    if ready.pooling == POOLINGS[0]:
        return read_features(ready)
    split = ready.split
    blocks = np.concatenate([split.train, split.validation]), split.test
    one, two = (extract(ready.network, ready.pixels, rows, train.EVALUATION_BATCH, ready.control) for rows in blocks)
    return one, two


def parts_of(ready: Prepared, labelled: np.ndarray, tested: np.ndarray) -> FeatureSplit:
    """Features (n_labelled, d) and (n_test, d) of one depth as the parts of the run's split."""
    split, labels = ready.split, ready.images.labels
    cut = len(split.train)
    return FeatureSplit(
        labelled[:cut], labels[split.train], labelled[cut:], labels[split.validation], tested, labels[split.test]
    )


def embedded_parts(ready: Prepared) -> FeatureSplit:
    """What the network's own head reads, whatever the pooling of the measures."""
    labelled, tested = read_features(ready)
    return parts_of(ready, labelled.embedded, tested.embedded)


def test_accuracy(ready: Prepared) -> float:
    """Accuracy on the sealed test images with the network as it is now."""
    network, split = ready.network, ready.split
    if not asked_scores(ready.run) or not isinstance(network, Composition):
        return train.evaluate(network, ready.pixels, split.test, ready.control)[1]
    # What the head reads has been read anyway, or will be: the head is all that is missing.
    try:
        last = read_features(ready)[1].embedded
    except FeatureMemoryError:
        return train.evaluate(network, ready.pixels, split.test, ready.control)[1]
    head = network.head
    logits = last @ head.weight.detach().double().cpu().numpy().T + head.bias.detach().double().cpu().numpy()
    return float(np.mean(logits.argmax(1) == ready.images.labels[split.test]))


def asked_scores(run: RunSpec) -> list[Score]:
    """The scores of features among the measures of a run."""
    return [SCORES[name] for name in run.measures if name in SCORES]


def measure_depths(ready: Prepared, begin: float, end: float) -> Generator[Event, None, None]:
    """One frozen pass, then every measure at every depth; where a score has no meaning, an event with the reason.

    Scores of the source head are taken at the last unit alone: hidden ones have none.
    """
    scores = asked_scores(ready.run)
    if not scores:
        return
    control, n_units = ready.control, ready.network.n_units
    control.enter("reading features", begin)
    try:
        labelled, tested = read_features(ready)
    except FeatureMemoryError as error:  # what was trained and tested stays
        yield Notice(f"No depth was measured. {error}")
        return
    for unit, (known, hidden) in enumerate(zip(labelled.units, tested.units, strict=True)):
        control.enter("measuring depths", begin + (end - begin) * (0.2 + 0.8 * unit / n_units))
        if known is None or hidden is None:
            continue
        parts = parts_of(ready, known, hidden)
        for score in scores:
            control.step()
            if score.kind == "labelled":
                yield _event(ready, unit, score, measure(ready, unit, score, parts), known.shape[1])
            elif unit == n_units - 1:
                yield _event(ready, unit, score, _of_source_head(ready, score), labelled.embedded.shape[1])


def _event(
    ready: Prepared, unit: int, score: Score, found: Measured | ScoreNotDefined, n_features: int
) -> DepthMeasured:
    if isinstance(found, ScoreNotDefined):
        found = Measured(math.nan, 0, {"reason": found.reason})
    value = None if math.isnan(found.value) else found.value
    name = ready.network.unit_names[unit]
    about = found.low, found.high, found.interval
    return DepthMeasured(unit + 1, name, score.metric, value, found.n_images, n_features, found.detail, *about)


def measure(ready: Prepared, unit: int, score: Score, parts: FeatureSplit) -> Measured | ScoreNotDefined:
    """One score after one unit (0-based); what does not train is measured once for all runs of a seed."""
    run = ready.run
    rows = (run.seed, run.label_budget)
    asked = (ready.pooling, unit, score.name, run.score_intervals)
    key = (run.backbone, ready.weights, run.dataset, ready.fingerprint, *rows, *asked)
    fixed = unchanged(ready.network, unit + 1)
    if fixed and key in ready.shared.depths:
        return ready.shared.depths[key]
    found: Measured | ScoreNotDefined
    try:
        found = _with_interval(ready, score, score.on_split(parts, ready.control.step), parts)
    except ScoreNotDefined as error:
        found = error
    if fixed:
        # Only the last unit's solution is used again (as a head); thousands of others would fill the memory.
        last = unit == ready.network.n_units - 1
        kept = found if last or isinstance(found, ScoreNotDefined) else dataclasses.replace(found, solution=None)
        ready.shared.keep(key, kept)
    return found


def _of_source_head(ready: Prepared, score: Score) -> Measured | ScoreNotDefined:
    try:
        theta, labels = source_probabilities(ready, score.name)
        found = Measured(score(theta, labels), len(labels), {"part": "train", "source_classes": theta.shape[1]})
        return _with_interval(ready, score, found, embedded_parts(ready), (theta, labels))
    except ScoreNotDefined as error:
        return error


def _with_interval(
    ready: Prepared,
    score: Score,
    found: Measured,
    parts: FeatureSplit,
    source: tuple[np.ndarray, np.ndarray] | None = None,
) -> Measured:
    """The measure with its interval, where the run asks for intervals; draws follow from its seed."""
    run, began = ready.run, time.perf_counter()
    if not run.score_intervals:
        return found
    given = (found.value, found.n_images, run.score_intervals)
    ends = interval_of(score, parts, *given, source=source, seed=run.seed, step=ready.control.step)
    ready.interval_seconds += time.perf_counter() - began
    return dataclasses.replace(found, **ends)


def source_probabilities(ready: Prepared, score: str) -> tuple[np.ndarray, np.ndarray]:
    """What the source head makes of the training images, (n, n_source_classes), with their labels (n,).

    Raises:
        ScoreNotDefined: in the name of `score`, where the network has no such head or is no longer what it was made for.
    """
    run, network = ready.run, ready.network
    weights = STRATEGIES[run.strategy].weights or run.weights
    if network.frozen_depth < network.n_units:
        raise ScoreNotDefined(score, "training has changed the features that the source head was made for")
    if run.copied_depth is not None and run.copied_depth < network.n_units:
        raise ScoreNotDefined(score, "units with random weights are not those that the source head was made for")
    try:
        head = source_head(network, run.backbone, weights, ready.home)
    except (BackboneError, WeightsError) as error:
        raise ScoreNotDefined(score, f"it needs the source task's classifier: {error}".rstrip(".")) from error
    parts = embedded_parts(ready)
    if parts.train.shape[1] != head.weight.shape[1]:
        raise ScoreNotDefined(score, "the head of this strategy reads other features than the source head")
    return head.probabilities(parts.train), parts.train_labels
