"""Multinomial logistic regression along a grid of penalties: preconditioned L-BFGS, each solution the next one's start.

Minimises, as scikit-learn does, C sum_i -ln p(y_i | x_i) + 1/2 |W|^2 over W (n_classes, n_features) and a free intercept (for
two classes 1/2 |w|^2 of the difference w of their rows, which here is |W|^2).

In the basis of the features' own principal axes the Hessian is close to diagonal: h s_j + 1 / (C N), where s_j is the mean
square along axis j and h the mean of p (1 - p). Dividing each coordinate by the root of that makes the problem nearly round, so
that a few dozen steps do what takes hundreds without. The objective, and so its minimum, stay those of the given features.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import fmin_l_bfgs_b

MAX_ITERATIONS = 500
TOLERANCE = 1e-4
"""Largest gradient, in the round coordinates, of the objective divided by C N: what is left to gain is about its square."""
MEMORY = 10
LONG = 20_000_000
"""Products of an evaluation (n, features and classes multiplied) from which on it asks whether to stop: it takes 10 ms."""
SHARPEST = 1e-4
"""Least mean p (1 - p) that is believed: beyond it all is separated and the penalty alone bends the objective."""
FAINTEST = 1e-12
"""Share of the largest mean square below which an axis holds rounding only."""


@dataclass(frozen=True)
class Basis:
    """Features (n, d) in their principal axes."""

    rows: np.ndarray
    """(n, k)"""
    axes: np.ndarray
    """(d, k), orthonormal: rows = features @ axes"""
    squares: np.ndarray
    """Mean square along each axis (k,)"""

    @classmethod
    def of(cls, features: np.ndarray) -> Basis:
        """From the eigendecomposition of the smaller Gram matrix; with n <= d the weights lie in the span of the rows."""
        n, d = features.shape
        if n <= d:
            _, size, axes = np.linalg.svd(features, full_matrices=False)
            keep = size**2 > FAINTEST * size[0] ** 2
            axes = axes[keep].T
            return cls(features @ axes, axes, size[keep] ** 2 / n)
        energy, axes = np.linalg.eigh(features.T @ features)
        keep = energy > FAINTEST * energy[-1]
        axes = np.ascontiguousarray(axes[:, keep])
        return cls(features @ axes, axes, energy[keep] / n)


def path(
    basis: Basis,
    labels: np.ndarray,
    n_classes: int,
    grid: Sequence[float],
    tolerance: float = TOLERANCE,
    step: Callable[[], None] = lambda: None,
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Weights (n_classes, d) and intercepts (n_classes,) on the features themselves, for each C of a rising grid.

    Args:
        basis: of the features.
        labels: int64 (n,), 0..n_classes-1.
        n_classes: two or more.
        grid: values of C.
        tolerance: as `TOLERANCE`.
        step: called between the evaluations of a large problem; may raise to stop.
    """
    n, k = basis.rows.shape
    columns = np.vstack(
        [basis.rows.T, np.ones(n)]
    )  # (k + 1, n): sums over few classes are quick along the first axis only
    targets = np.zeros((n_classes, n))
    targets[labels, np.arange(n)] = 1.0
    squares = np.append(basis.squares, 1.0)
    weight = np.zeros((n_classes, k + 1))
    spread = (1 - 1 / n_classes) / n_classes
    for c in grid:
        penalty = np.append(np.full(k, (2.0 if n_classes == 2 else 1.0) / (c * n)), 0.0)
        weight, spread = _minimise(columns, targets, penalty, weight, spread * squares, tolerance, step)
        yield weight[:, :-1] @ basis.axes.T, weight[:, -1].copy()


def _minimise(
    columns: np.ndarray,
    targets: np.ndarray,
    penalty: np.ndarray,
    start: np.ndarray,
    curvature: np.ndarray,
    tolerance: float,
    step: Callable[[], None],
) -> tuple[np.ndarray, float]:
    """The weights (n_classes, k + 1) of least mean log loss plus 1/2 sum of penalty times squares, and mean p (1 - p)."""
    n = columns.shape[1]
    scale = 1.0 / np.sqrt(curvature + penalty)
    round_columns, round_penalty = columns * scale[:, None], penalty * scale**2
    odds = np.empty_like(targets)

    long = targets.size * len(columns) >= LONG

    def objective(flat: np.ndarray) -> tuple[float, np.ndarray]:
        if long:
            step()
        weight = flat.reshape(start.shape)
        np.matmul(weight, round_columns, out=odds)
        np.subtract(odds, odds.max(axis=0), out=odds)
        aim = float(np.vdot(odds, targets))
        np.exp(odds, out=odds)
        total = odds.sum(axis=0)
        loss = (float(np.log(total).sum()) - aim) / n
        np.divide(odds, total, out=odds)
        pulled = weight * round_penalty
        gradient = (odds - targets) @ round_columns.T / n + pulled
        return loss + 0.5 * float(np.vdot(pulled, weight)), gradient.ravel()

    found, _, _ = fmin_l_bfgs_b(
        objective, (start / scale).ravel(), m=MEMORY, factr=10.0, pgtol=tolerance, maxiter=MAX_ITERATIONS,
        maxfun=2 * MAX_ITERATIONS,
    )  # fmt: skip
    spread = float((odds * (1 - odds)).mean())
    return found.reshape(start.shape) * scale, max(spread, SHARPEST)
