"""The contract of scores measured on a train/validation/test split of features."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from engine.registry import Registry


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
    """One measure of features; higher is better."""

    name: str
    label: str
    metric: str
    """Its name in frames, for example `probe_accuracy`."""
    formula: str
    range: tuple[float, float]
    source: str
    measure: Callable[..., Measured]
    """(split, step=...) -> Measured; `step` is called now and then and may raise to stop."""


SCORES: Registry[Score] = Registry("score", __name__.rpartition(".")[0])
