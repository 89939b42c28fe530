"""Frechet distance of two sets of features as Gaussians (the FID, on these features).

    |m_1 - m_2|^2 + tr(C_1 + C_2 - 2 (C_1 C_2)^(1/2)),   C with divisor N - 1

Features (n_first, n_features) and (n_second, n_features). The estimate falls as samples are added, so both sets enter with the
same number (of the larger one a seeded draw); with no more samples than features both are shrunk after Ledoit and Wolf.
Range from 0, lower is more alike; it grows with the square of the features' scale. The root's trace is the sum of singular
values of A_1 A_2' where A'A = C, which needs no root of a matrix that is not symmetric.
Ignores: everything beyond second moments.

Source: Heusel et al. 2017 ("GANs trained by a two time-scale update rule"), section 4; Dowson & Landau 1982. Public
implementations: the root of the product may turn out complex and is cut to its real part; unequal N is rarely noticed.
"""

from __future__ import annotations

import numpy as np

from engine.scores import _checks
from engine.scores._base import SCORES, Score


def compute(first: np.ndarray, second: np.ndarray, *, seed: int = 0) -> float:
    """Frechet distance of first (n, d) and second (m, d)."""
    n, d = min(len(first), len(second)), first.shape[1]
    draws = np.random.default_rng(seed)
    first, second = (
        rows if len(rows) == n else rows[np.sort(draws.choice(len(rows), n, replace=False))] for rows in (first, second)
    )
    between = float(((first.mean(axis=0) - second.mean(axis=0)) ** 2).sum())
    one, other = (_factor(_checks.centred(rows), shrink=n <= d) for rows in (first, second))
    shared = np.linalg.svd(one @ other.T, compute_uv=False).sum()
    return max(0.0, between + float((one**2).sum() + (other**2).sum() - 2 * shared))


def _factor(moved: np.ndarray, shrink: bool) -> np.ndarray:
    """A with A'A = C, (k, d)."""
    n, d = moved.shape
    if not shrink:
        return np.linalg.qr(moved, mode="r") / np.sqrt(n - 1)
    from sklearn.covariance import ledoit_wolf_shrinkage

    energy = float((moved**2).sum()) / (n - 1)
    if energy == 0:
        return np.zeros((1, d))
    weight = float(ledoit_wolf_shrinkage(moved / np.sqrt(energy), assume_centered=True)) if d > 1 else 0.0
    weight = min(max(weight, 0.0), 1.0)  # of two samples it is 1 up to rounding
    rows = np.concatenate([moved * np.sqrt((1 - weight) / (n - 1)), np.eye(d) * np.sqrt(weight * energy / d)])
    return np.linalg.qr(rows, mode="r")


SCORES.register(
    Score(
        name="frechet",
        label="Frechet distance",
        formula="|m_1 - m_2|^2 + tr(C_1 + C_2 - 2 (C_1 C_2)^(1/2))",
        range=(0.0, np.inf),
        source="Heusel et al. 2017, section 4",
        compute=compute,
        kind="two_sets",
        direction="lower",
        invariances=frozenset("rotation column_order translation row_order".split()),
        ignores="everything beyond second moments",
        differs="unequal numbers of samples bias it, and the root of the product may turn out complex",
    )
)
