"""CORAL distance: how much the covariances of two sets of features differ.

    |C_1 - C_2|_F^2 / (4 D^2),   C with divisor N - 1, of features (n_first, n_features) and (n_second, n_features)

Range from 0, lower is more alike; it grows with the fourth power of the features' scale. With few samples it is biased upwards.
Ignores: the means, and everything beyond second moments.

Source: Sun & Saenko 2016 ("Deep CORAL"), section 3.1, equation 1. Public implementations: some leave out 1 / (4 D^2), some take
the root, some do not centre.
"""

from __future__ import annotations

import numpy as np

from engine.scores import _checks
from engine.scores._base import SCORES, Score


def compute(first: np.ndarray, second: np.ndarray) -> float:
    """CORAL distance of first (n, d) and second (m, d)."""
    difference = _covariance(first) - _covariance(second)
    return float((difference**2).sum()) / (4 * first.shape[1] ** 2)


def _covariance(features: np.ndarray) -> np.ndarray:
    moved = _checks.centred(features)
    return moved.T @ moved / (len(moved) - 1)


SCORES.register(
    Score(
        name="coral",
        label="CORAL distance",
        formula="|C_1 - C_2|_F^2 / (4 D^2)",
        range=(0.0, np.inf),
        source="Sun & Saenko 2016, equation 1",
        compute=compute,
        kind="two_sets",
        direction="lower",
        invariances=frozenset("rotation column_order translation row_order".split()),
        ignores="the means, and everything beyond second moments",
        differs="some leave out 1 / (4 D^2) or take the root",
    )
)
