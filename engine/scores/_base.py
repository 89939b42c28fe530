"""The contract of scores: what each says about itself, how it is called alone, and how on a split of features."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from engine.errors import ScoreNotDefined
from engine.registry import Registry
from engine.scores import _checks
from engine.scores._intervals import ScoreInterval, interval
from engine.scores._statistics import Statistics
from engine.scores._threads import threads_for

Kind = Literal["labelled", "source_head", "two_sets"]
Invariance = Literal[
    "rotation",
    "scale",
    "linear",
    "translation",
    "row_order",
    "column_order",
    "class_ids",
    "duplicate_rows",
    "zero_column",
    "constant_column",
]
"""What may be done to the input (to both sets alike, where there are two) without changing the value."""


@dataclass(frozen=True)
class FeatureSplit:
    """Features after one unit for the three parts of a split, each (n, n_features), with labels (n,)."""

    train: np.ndarray
    train_labels: np.ndarray
    validation: np.ndarray
    validation_labels: np.ndarray
    test: np.ndarray
    test_labels: np.ndarray

    @functools.cached_property
    def statistics(self) -> Statistics:
        """What scores share of the train part. Raises ScoreNotDefined where no score has a meaning on it."""
        return Statistics.checked("features", self.train, self.train_labels)

    @property
    def labelled(self) -> tuple[np.ndarray, np.ndarray]:
        """Train and validation together: (n, n_features) and (n,)."""
        return (
            np.concatenate([self.train, self.validation]),
            np.concatenate([self.train_labels, self.validation_labels]),
        )


@dataclass(frozen=True)
class Measured:
    """A value with how it was chosen."""

    value: float
    n_images: int
    detail: dict[str, Any] = field(default_factory=dict)
    solution: Any = None
    """What was fitted, where it can be used further (the probe's weights)."""
    low: float | None = None
    """End of a 95 % interval, where one was asked for and there is one."""
    high: float | None = None
    interval: str = ""
    """Its kind, or why there is none."""


@dataclass(frozen=True)
class Score:
    """One measure of features, with its card; `SCORES["logme"](features, labels)` computes it."""

    name: str
    label: str
    formula: str
    range: tuple[float, float]
    source: str
    compute: Callable[..., float]
    """(checked float64 input, class numbers 0..C-1 or the second set, **options) -> value; may raise ScoreNotDefined.
    Where `shares`, (Statistics, **options) -> value."""
    shares: bool = False
    """Whether it reads what scores of one depth share; see `_statistics`."""
    metric: str = ""
    """Its name in frames, for example `probe_accuracy`; the score's own name by default."""
    kind: Kind = "labelled"
    """labelled: (features, labels); source_head: (source probabilities, labels); two_sets: (features, features)."""
    direction: Literal["higher", "lower"] = "higher"
    """Which way is better (labelled, source head) or more alike (two sets)."""
    invariances: frozenset[Invariance] = frozenset()
    ignores: str = ""
    """What it cannot see."""
    refuses: str = ""
    """When it raises ScoreNotDefined, beyond what no score accepts: NaN, infinity, one class, a class for every row, rows that
    are all the same."""
    differs: str = ""
    """Where known public implementations compute something else."""
    least_per_class: int = 1
    """Images every class needs."""
    even: tuple[Callable[[Any], Any], Callable[[Any], Any]] | None = None
    """(to, from) the form in which its deviations do not grow with its size, for intervals; None = as it is."""
    paired: bool = False
    """Two sets only: rows are the same images, widths may differ; otherwise widths are the same, rows are not."""
    measure: Callable[..., Measured] | None = None
    """(split, step=...) -> Measured; by default `compute` on the train part. None unless the kind is labelled."""

    def __post_init__(self) -> None:
        if not self.metric:
            object.__setattr__(self, "metric", self.name)
        if self.measure is None and self.kind == "labelled":
            object.__setattr__(self, "measure", functools.partial(_on_train, self))

    def __call__(self, first: np.ndarray, second: np.ndarray, **options: Any) -> float:
        """The score of features (n_samples, n_features) and labels (n_samples,), or of two feature sets.

        Args:
            first: features; for a source head the source model's probabilities (n_samples, n_source_classes).
            second: labels, any integers or strings; for two sets the other features.
            options: of this score, named in its own file.

        Raises:
            ScoreNotDefined: the input is malformed, not finite, or the score has no meaning on it; with the reason.
        """
        if self.kind == "labelled":
            return self.on(Statistics.checked(self.name, first, second), **options)
        first = _checks.matrix(self.name, first)
        if self.kind == "two_sets":
            second = _checks.matrix(self.name, second)
            _checks.fit_together(self.name, first, second, self.paired)
        else:
            names, second = _checks.classes(self.name, second, len(first))
            _checks.enough(self.name, names, np.bincount(second), self.least_per_class)
            first = _checks.probabilities(self.name, first)
        with threads_for(first):
            return self._finite(self.compute(first, second, **options))

    def interval(
        self,
        first: np.ndarray,
        second: np.ndarray,
        *,
        confidence: float = 0.95,
        resamples: int = 200,
        seed: int = 0,
        method: str = "subsamples",
        step: Callable[[], None] = lambda: None,
        **options: Any,
    ) -> ScoreInterval:
        """The score with an interval from resampled images, drawn within each class (or set); see `_intervals`.

        Args:
            first: as for the score itself.
            second: as for the score itself.
            confidence: share of such intervals that hold the value of the whole population.
            resamples: 20 or more; each computes the score once.
            seed: of the draws.
            method: `subsamples`, or `bca` or `percentile` where the score is the same of every image twice.
            step: called before every resample; may raise to stop.
            options: of this score.

        Raises:
            ScoreNotDefined: the score, or too many of its resamples, have no value.
        """
        value = self(first, second, **options)
        if method in ("bca", "percentile") and "duplicate_rows" not in self.invariances:
            raise ScoreNotDefined(self.name, f"{method} draws images twice, and this score sees copies; use subsamples")
        first = np.asarray(first, dtype=np.float64)
        if self.kind == "two_sets":
            second = np.asarray(second, dtype=np.float64)
            strata = [np.arange(len(first))] if self.paired else [np.arange(len(first)), np.arange(len(second))]
        else:
            second = _checks.classes(self.name, second, len(first))[1]
            strata = [np.flatnonzero(second == one) for one in range(second.max() + 1)]

        def on(places: list[np.ndarray]) -> float:
            step()
            if self.kind == "two_sets":
                return self(first[places[0]], second[places[-1]], **options)
            chosen = np.concatenate(places)
            return self(first[chosen], second[chosen], **options)

        return interval(
            self.name, value, on, strata, method=method, limits=self.range, even=self.even,
            confidence=confidence, resamples=resamples, seed=seed,
        )  # fmt: skip

    def on(self, statistics: Statistics, **options: Any) -> float:
        """A labelled score of checked features, which other scores may have used before. Raises ScoreNotDefined."""
        _checks.enough(self.name, statistics.names, statistics.counts, self.least_per_class)
        with threads_for(statistics.features):
            if self.shares:
                return self._finite(self.compute(statistics, **options))
            return self._finite(self.compute(statistics.features, statistics.classes, **options))

    def on_split(self, split: FeatureSplit, step: Callable[[], None] = lambda: None) -> Measured:
        """As runs measure a labelled score; `step` is called between parts of the work and may raise to stop.

        Raises:
            ScoreNotDefined: it has no meaning on the train part.
        """
        try:
            split.statistics  # noqa: B018  (what no score accepts is refused for those that measure otherwise, too)
        except ScoreNotDefined as error:
            raise ScoreNotDefined(self.name, error.reason) from error
        return self.measure(split, step)

    def _finite(self, value: float) -> float:
        value = float(value)
        if not np.isfinite(value):
            raise ScoreNotDefined(self.name, "the computation left the range of numbers")
        return value


def _on_train(score: Score, split: FeatureSplit, step: Callable[[], None] = lambda: None) -> Measured:
    step()
    shared = split.statistics
    value = score.on(shared)
    return Measured(value, len(split.train), {"part": "train", "d": split.train.shape[1], "rank": shared.rank})


SCORES: Registry[Score] = Registry("score", __name__.rpartition(".")[0])
