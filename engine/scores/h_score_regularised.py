"""Regularised H-score: the H-score with Ledoit and Wolf's shrunk covariance, for few images of many features.

    H_a(F, y) = tr(((1 - a) S + a m I)^-1 (1 - a) cov(E[F | y])),   m = tr(S) / D

S is the covariance of the features (n_samples, n_features) with divisor N, cov(E[F | y]) has divisor N - 1, as in the
authors' formula; the weight a comes from the data alone. Range 0..min(C - 1, D) N / (N - 1). Computed in the eigenbasis of the
smaller Gram matrix, so that D = 2,048 with few images costs milliseconds after the estimate of a.
Ignores: as the H-score, and directions whose variance is small against the mean variance.

Source: Ibrahim et al. 2021 ("Newer is not always better: rethinking transferability metrics"), section 4; Ledoit & Wolf 2004
for a, from scikit-learn. Public implementations agree where they centre the features first; others project and standardise
them, or put a fixed ridge on the covariance within classes.
"""

from __future__ import annotations

import numpy as np

from engine.errors import ScoreNotDefined
from engine.scores._base import SCORES, Score
from engine.scores._statistics import Statistics


def compute(statistics: Statistics) -> float:
    """Regularised H-score of features (n, d) with their classes."""
    from sklearn.covariance import ledoit_wolf_shrinkage

    moved, shared = statistics.centred, statistics.about_mean
    n, d = moved.shape
    energy = float((moved**2).sum()) / (n * d)  # mean variance: the unit in which m = 1
    weight = float(ledoit_wolf_shrinkage(moved / np.sqrt(energy), assume_centered=True)) if d > 1 else 0.0
    if weight >= 1.0:
        raise ScoreNotDefined("h_score_regularised", f"{n} samples do not tell their covariance from a multiple of I")
    variance = shared.energy / (n * energy)  # of S
    means = (shared.explained / statistics.counts).sum(axis=1) * variance * n / (n - 1)  # diagonal of cov(E[F | y])
    return float(((1 - weight) * means / ((1 - weight) * variance + weight)).sum())


SCORES.register(
    Score(
        name="h_score_regularised",
        label="H-score, regularised",
        formula="tr(cov_a(F)^-1 (1 - a) cov(E[F | y])), cov_a shrunk by Ledoit and Wolf's a",
        range=(0.0, np.inf),
        source="Ibrahim et al. 2021, section 4",
        compute=compute,
        shares=True,
        invariances=frozenset("rotation column_order scale translation row_order class_ids".split()),
        ignores="as the H-score; and directions whose variance is far below the mean variance",
        differs="some code projects and standardises the features first, some has a fixed ridge on the covariance within classes",
        refuses="the shrinkage is complete: the samples do not tell their covariance from a multiple of the identity",
    )
)
