"""CKA: how alike two sets of features of the same images are, up to rotation and scale.

    CKA = HSIC(K, L) / sqrt(HSIC(K, K) HSIC(L, L)),   K = X X',   L = Y Y' with zero diagonals
    HSIC_1 = [tr(K L) + 1'K1 1'L1 / ((n - 1)(n - 2)) - 2 / (n - 2) 1'K L1] / (n (n - 3))

X (n_samples, p) and Y (n_samples, q) are features of the same images in the same order. HSIC_1 is the unbiased estimator; it is
an inner product of matrices, so the value lies in -1..1. The drift of a depth is 1 - CKA(before, after). With `batch` the three
HSIC_1 are averaged over batches in the order of the rows, then divided (a rest below four rows is left out); with
`estimator="biased"` it is the original, plain form.
Ignores: rotations of either set, and directions of little variance.

Source: Kornblith et al. 2019 ("Similarity of neural network representations revisited"), section 3; Nguyen et al. 2021 ("Do
wide and deep networks learn the same things?"), section 3, for HSIC_1 and batches. Public implementations: most use the biased
form, which is about .91 for random features (n = 50, p = 500; unbiased: about 0); some average the ratio over batches instead
of its parts.
"""

from __future__ import annotations

import numpy as np

from engine.errors import ScoreNotDefined
from engine.scores import _checks
from engine.scores._base import SCORES, Score

ESTIMATORS = ("unbiased", "biased")
LEAST = 4
"""Rows that HSIC_1 needs."""


def compute(first: np.ndarray, second: np.ndarray, *, estimator: str = "unbiased", batch: int | None = None) -> float:
    """Linear CKA of first (n, p) and second (n, q); estimator is unbiased or biased."""
    n = len(first)
    if estimator not in ESTIMATORS:
        raise ScoreNotDefined("cka", f"estimator is {estimator!r}; known are {', '.join(ESTIMATORS)}")
    batch = batch or n
    if min(n, batch) < LEAST:
        raise ScoreNotDefined("cka", f"{min(n, batch)} samples are too few: HSIC_1 needs {LEAST}")
    first, second = _unit(first), _unit(second)
    sums = np.zeros(3)
    count = 0
    for start in range(0, n - LEAST + 1, batch):
        rows = slice(start, start + batch)
        sums += _products(first[rows], second[rows], estimator == "unbiased")
        count += 1
    across, one, other = sums / count
    if min(one, other) <= 1e-14:
        raise ScoreNotDefined("cka", "one set does not vary within a batch")
    return float(np.clip(across / np.sqrt(one * other), -1.0, 1.0))


def _unit(features: np.ndarray) -> np.ndarray:
    moved = _checks.centred(features)
    size = np.sqrt((moved**2).sum() / len(moved))
    if size == 0:
        raise ScoreNotDefined("cka", "one set has the same features for all samples")
    return moved / size


def _products(x: np.ndarray, y: np.ndarray, unbiased: bool) -> np.ndarray:
    """HSIC of (x, y), (x, x) and (y, y), up to a common factor where biased."""
    x, y = x - x.mean(axis=0), y - y.mean(axis=0)
    return np.array([_hsic(a, b, unbiased) for a, b in ((x, y), (x, x), (y, y))])


def _hsic(x: np.ndarray, y: np.ndarray, unbiased: bool) -> float:
    """HSIC of centred x (n, p) and y (n, q), through whichever products are smaller."""
    n = len(x)
    together = ((x @ x.T) * (y @ y.T)).sum() if n < min(x.shape[1], y.shape[1]) else ((x.T @ y) ** 2).sum()
    if not unbiased:
        return float(together) / (n - 1) ** 2
    k, m = (x**2).sum(axis=1), (y**2).sum(axis=1)  # diagonals; rows of centred Gram matrices sum to zero
    off = together - k @ m  # tr(K~ L~), with K~ 1 = -k and L~ 1 = -m
    return float(off + k.sum() * m.sum() / ((n - 1) * (n - 2)) - 2 * (k @ m) / (n - 2)) / (n * (n - 3))


SCORES.register(
    Score(
        name="cka",
        label="CKA (linear, unbiased)",
        formula="HSIC_1(XX', YY') / sqrt(HSIC_1(XX', XX') HSIC_1(YY', YY'))",
        range=(-1.0, 1.0),
        source="Kornblith et al. 2019, section 3; Nguyen et al. 2021, section 3",
        compute=compute,
        kind="two_sets",
        invariances=frozenset("rotation column_order scale translation row_order zero_column constant_column".split()),
        ignores="rotations of either set, and directions of little variance",
        refuses="fewer than four images, or a set that does not vary",
        differs="the biased form is about .91 for random features of 50 images and 500 columns, the unbiased one about 0",
        paired=True,
    )
)
