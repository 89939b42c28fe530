"""GBC: how little the classes overlap as Gaussians, by the Bhattacharyya coefficient of every pair.

    GBC = - sum over i != j of exp(-B_ij)
    B = 1/8 sum_d (m_i - m_j)^2 / v + 1/2 sum_d ln(v / sqrt(v_i v_j)),   v = (v_i + v_j) / 2

Means and population variances of the features (n_samples, n_features) of each class; diagonal by default, or spherical (one
variance per class, its mean over the columns, whose logarithm counts D times). Variances are at least 1e-4, so the value
depends on the scale of the features. Range -C (C - 1)..0.
Ignores: correlation between columns; how many images a class has.

Source: Pandy et al. 2022 ("Transferability estimation using Bhattacharyya class separability"), section 3.2; the authors
reduce features to 64 principal components first, which is left to the caller. Public implementations: the spherical
logarithm is often counted once instead of D times.
"""

from __future__ import annotations

import numpy as np

from engine.errors import ScoreNotDefined
from engine.scores import _checks, _linalg
from engine.scores._base import SCORES, Score

FLOOR = 1e-4
COVARIANCES = ("diagonal", "spherical")
CHUNK = 4_000_000
"""Numbers per block of pairs."""


def compute(features: np.ndarray, classes: np.ndarray, *, covariance: str = "diagonal") -> float:
    """GBC of features (n, d) and class numbers (n,); covariance is diagonal or spherical."""
    if covariance not in COVARIANCES:
        raise ScoreNotDefined("gbc", f"covariance is {covariance!r}; known are {', '.join(COVARIANCES)}")
    moved = _checks.centred(features)
    sums, counts = _linalg.class_sums(moved, classes)
    means = sums / counts[:, None]
    variances = _linalg.class_sums((moved - means[classes]) ** 2, classes)[0] / counts[:, None]
    if covariance == "spherical":
        variances = np.broadcast_to(variances.mean(axis=1, keepdims=True), variances.shape)
    variances = np.maximum(variances, FLOOR)
    logs = np.log(variances).sum(axis=1)  # (C,)
    n_classes, d = means.shape
    block = max(1, CHUNK // d)
    total = 0.0
    for one in range(n_classes - 1):
        for start in range(one + 1, n_classes, block):
            others = slice(start, start + block)
            middle = (variances[one] + variances[others]) / 2
            distance = ((means[one] - means[others]) ** 2 / middle).sum(axis=1) / 8
            distance += (np.log(middle).sum(axis=1) - (logs[one] + logs[others]) / 2) / 2
            total += np.exp(-distance).sum()
    return -2.0 * float(total)


SCORES.register(
    Score(
        name="gbc",
        label="GBC",
        formula="- sum over i != j of exp(-Bhattacharyya distance of classes i and j), diagonal Gaussians",
        range=(-np.inf, 0.0),
        source="Pandy et al. 2022, section 3.2",
        compute=compute,
        even=(lambda value: np.log(-value), lambda logarithm: -np.exp(logarithm)),
        invariances=frozenset(
            "column_order translation row_order class_ids duplicate_rows zero_column constant_column".split()
        ),
        ignores="correlation between features, and how many images a class has",
        refuses="a class with one image: it has no variance",
        differs="the spherical form must count the logarithm of the variance D times",
        least_per_class=2,
    )
)
