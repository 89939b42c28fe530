"""H-score: how much of the features' variance, in units of that variance, lies between the classes.

    H(F, y) = tr(cov(F)^-1 cov(E[F | y])),   F (n_samples, n_features), labels (n_samples,)

Range 0..min(C - 1, D). In the basis of the features' left singular vectors u_i it is the sum over classes of |u_i' 1[y = c]|^2
/ n_c. Columns of very different size are standardised first, which changes nothing in exact arithmetic; directions without
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
from engine.scores import _linalg
from engine.scores._base import SCORES, Score
from engine.scores._statistics import Statistics

SPREAD = 1e4
"""Largest over smallest deviation of a column above which columns are standardised: squares lose the small ones."""


def compute(statistics: Statistics) -> float:
    """H-score of features (n, d) with their classes."""
    n, d = statistics.features.shape
    if n <= d:
        most = min(len(statistics.counts), n) - 1
        raise ScoreNotDefined(
            "h_score", f"{n} samples of {d} features: any labels score {most}; use h_score_regularised"
        )
    size = statistics.centred.std(axis=0)
    size = size[size > 0]
    shared = statistics.about_mean
    if size.max() > SPREAD * size.min():
        moved = statistics.centred[:, statistics.centred.any(axis=0)]
        shared = _linalg.spectrum(moved / moved.std(axis=0), statistics.classes)
    if len(shared.energy) >= n - 1:
        raise ScoreNotDefined("h_score", f"{n} samples span only {n - 1} directions, so any labels score the most")
    return float((shared.explained / statistics.counts).sum())


SCORES.register(
    Score(
        name="h_score",
        label="H-score",
        formula="tr(cov(F)^-1 cov(E[F | y]))",
        range=(0.0, np.inf),
        source="Bao et al. 2019, definition 2",
        compute=compute,
        shares=True,
        invariances=frozenset(
            "rotation column_order scale linear translation row_order class_ids duplicate_rows zero_column".split()
        )
        | {"constant_column"},
        ignores="the shape of classes beyond their means and the pooled covariance",
        refuses="N <= D: every labelling reaches the maximum C - 1",
        differs="an elementwise product in place of the matrix product gives 84 instead of 5.92 on digits",
    )
)
