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


@dataclass(frozen=True)
class Score:
    """One measure of features, with its card; `SCORES["logme"](features, labels)` computes it."""

    name: str
    label: str
    formula: str
    range: tuple[float, float]
    source: str
    compute: Callable[..., float]
    """(checked float64 input, class numbers 0..C-1 or the second set, **options) -> value; may raise ScoreNotDefined."""
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
    """When it raises ScoreNotDefined, beyond what no score accepts: NaN, infinity, one class, rows that are all the same."""
    differs: str = ""
    """Where known public implementations compute something else."""
    least_per_class: int = 1
    """Images every class needs."""
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
        first = _checks.matrix(self.name, first)
        if self.kind == "two_sets":
            second = _checks.matrix(self.name, second)
            _checks.fit_together(self.name, first, second, self.paired)
        else:
            second = _checks.classes(self.name, second, len(first), self.least_per_class)
            if self.kind == "labelled":
                _checks.varies(self.name, first)
            else:
                first = _checks.probabilities(self.name, first)
        value = float(self.compute(first, second, **options))
        if not np.isfinite(value):
            raise ScoreNotDefined(self.name, "the computation left the range of numbers")
        return value


def _on_train(score: Score, split: FeatureSplit, step: Callable[[], None] = lambda: None) -> Measured:
    step()
    detail = {"part": "train", "n": len(split.train), "d": split.train.shape[1]}
    return Measured(score(split.train, split.train_labels), len(split.train), detail)


SCORES: Registry[Score] = Registry("score", __name__.rpartition(".")[0])
