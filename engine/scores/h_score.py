"""H-score: how much of the features' variance, in units of that variance, lies between the classes.

    H(F, y) = tr(cov(F)^-1 cov(E[F | y])),   F (n_samples, n_features), labels (n_samples,)

Range 0..min(C - 1, D). Each column is standardised first, which changes nothing in exact arithmetic; directions without
variance (constant or duplicated columns) are left out through the pseudo-inverse. With as many features as images every
labelling is separated and the value is min(C - 1, N - 1) whatever the features: refused. Also above that, random features
give about (C - 1) D / N.
Ignores: the shape of the classes beyond mean and pooled variance; which classes are confused.

Source: Bao et al. 2019 ("An information-theoretic approach to transferability in task transfer learning"), definition 2.
Public implementations: one takes the elementwise instead of the matrix product (84 instead of 5.92 on digits).
"""

from __future__ import annotations

import numpy as np

from engine.errors import ScoreNotDefined
from engine.scores import _checks, _linalg
from engine.scores._base import SCORES, Score


def compute(features: np.ndarray, classes: np.ndarray) -> float:
    """H-score of features (n, d) and class numbers (n,)."""
    n, d = features.shape
    if n <= d:
        raise ScoreNotDefined(
            "h_score",
            f"{n} samples of {d} features: any labels score {min(classes.max(), n - 1)}; use h_score_regularised",
        )
    moved = _checks.centred(features)
    size = moved.std(axis=0)
    moved = moved[:, size > 0] / size[size > 0]
    energy, axes = np.linalg.eigh(moved.T @ moved)
    keep = energy > energy[-1] * n * np.finfo(float).eps
    if keep.sum() >= n - 1:
        raise ScoreNotDefined("h_score", f"{n} samples span only {keep.sum()} directions, so any labels score the most")
    sums, counts = _linalg.class_sums(moved, classes)
    return float(((sums @ axes[:, keep]) ** 2 / counts[:, None] / energy[keep]).sum())


SCORES.register(
    Score(
        name="h_score",
        label="H-score",
        formula="tr(cov(F)^-1 cov(E[F | y]))",
        range=(0.0, np.inf),
        source="Bao et al. 2019, definition 2",
        compute=compute,
        invariances=frozenset(
            "rotation column_order scale linear translation row_order class_ids duplicate_rows zero_column".split()
        )
        | {"constant_column"},
        ignores="the shape of classes beyond their means and the pooled covariance",
        refuses="N <= D: every labelling reaches the maximum C - 1",
        differs="an elementwise product in place of the matrix product gives 84 instead of 5.92 on digits",
    )
)
