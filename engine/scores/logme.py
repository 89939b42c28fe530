"""LogME: the log of the maximal evidence of the labels under Bayesian linear regression, per image.

For each class the targets t = 1[y = c], shape (n_samples,), are t ~ N(F w, I / b) with w ~ N(0, I / a); a and b are those of
maximal evidence; the mean over classes is divided by N. No centring and no intercept, as in the paper.

    ln p(t) = N/2 ln b + D/2 ln a - 1/2 ln|a I + b F'F| - b/2 |t - F m|^2 - a/2 m'm - N/2 ln 2 pi

The determinant has D factors: with k singular values the D - k others are a each, which leaves k/2 ln a beside a sum of
k terms. Range: all reals. Unbounded, hence refused, where a class is an exact linear function of rank-deficient features.
Ignores: everything that is not linear; whether classes overlap in the same way on new images.

Source: You et al. 2021 ("LogME: practical assessment of pre-trained models for transfer learning"), section 4 and
algorithm 1. Public implementations: the widely copied one keeps D/2 ln a beside a sum of k terms, so that with N < D random
features score 45 instead of -0.3; all stop the fixed point gamma = sum s/(s + a/b), a = gamma/m'm, b = (N - gamma)/res after
some 10 steps. Its fixed points are the stationary points of the evidence; we maximise that over lambda = a/b directly, where
b has a closed form, and so find the largest one.
"""

from __future__ import annotations

import numpy as np

from engine.errors import ScoreNotDefined
from engine.scores._base import SCORES, Score
from engine.scores._statistics import Statistics

STEP = 0.25
"""Of the grid in ln lambda that brackets the maximum."""
REFINEMENTS = 6
"""Newton steps on the slope, halvings of the bracket where one would leave it. The value is flat at its maximum: an error of
1e-5 in ln lambda, of which fewer steps leave less, changes it by about 1e-10."""
EXACT = 1e-10
"""Share of a target left unexplained below which it is an exact function of the features."""


def compute(statistics: Statistics) -> float:
    """LogME of features (n, d) with their classes."""
    n, counts = len(statistics.features), statistics.counts
    s, explained = statistics.plain.energy, statistics.plain.explained  # (k,), (k, C)
    rest = np.maximum(counts - explained.sum(axis=0), 0.0)  # |t - projection of t|^2, (C,)
    if len(s) == n:
        rest[:] = 0.0
    elif (rest < EXACT * counts).any():
        raise ScoreNotDefined(
            "logme", "a class is an exact linear function of the features: the evidence has no maximum"
        )
    return float(_largest(n, s, explained, rest).mean()) / n


def _largest(n: int, s: np.ndarray, explained: np.ndarray, rest: np.ndarray) -> np.ndarray:
    """Maximal log evidence of each class, (C,): a grid in ln lambda, then the root of the slope in its best cell."""
    # Beyond these bounds the features explain nothing (lambda >> s) or the noise nothing (lambda << s): limits are reached.
    grid = np.arange(np.log(s.min()) - 20.0, np.log(s.max()) + np.log(n) + 20.0, STEP)
    ratio = np.exp(grid)[:, None] / s  # (G, k): lambda / s
    values = _evidence(n, (ratio / (1 + ratio)) @ explained + rest, np.log1p(1 / ratio).sum(axis=1)[:, None])  # (G, C)
    best = values.argmax(axis=0)
    low, high = grid[np.maximum(best - 1, 0)], grid[np.minimum(best + 1, len(grid) - 1)]
    at, largest = grid[best], values.max(axis=0)
    for _ in range(REFINEMENTS):
        value, slope, bend = _at(n, at, s, explained, rest)
        largest = np.maximum(largest, value)
        low, high = np.where(slope > 0, at, low), np.where(slope > 0, high, at)
        newton = at - slope / np.where(bend < 0, bend, np.inf)
        inside = (bend < 0) & (newton > low) & (newton < high)
        at = np.where(inside, newton, (low + high) / 2)
    return np.maximum(largest, _at(n, at, s, explained, rest)[0])


def _at(
    n: int, log_lambda: np.ndarray, s: np.ndarray, explained: np.ndarray, rest: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Log evidence of each class at its own lambda, with its first and second derivative in ln lambda: three of (C,)."""
    ratio = np.exp(log_lambda) / s[:, None]  # (k, C)
    kept = 1 / (1 + ratio)
    lost = ratio * kept  # 1 - kept without its cancellation
    misfit = (lost * explained).sum(axis=0) + rest
    first = kept * lost * explained  # of the misfit, and below its second derivative
    rise, turn = first.sum(axis=0) / misfit, ((2 * kept - 1) * first).sum(axis=0) / misfit
    slope = -0.5 * (n * rise - kept.sum(axis=0))
    bend = -0.5 * (n * (turn - rise**2) + (kept * lost).sum(axis=0))
    return _evidence(n, misfit, np.log1p(1 / ratio).sum(axis=0)), slope, bend


def _evidence(n: int, misfit: np.ndarray, log_det: np.ndarray) -> np.ndarray:
    """ln p(t) at b = N / misfit, with misfit = |t - F m|^2 + lambda m'm and log_det = ln |I + F F' / lambda|."""
    return -0.5 * (n * (np.log(2 * np.pi * misfit / n) + 1) + log_det)


SCORES.register(
    Score(
        name="logme",
        label="LogME",
        formula="mean over classes of max over a, b of ln p(1[y = c] | F, a, b) / N",
        range=(-np.inf, np.inf),
        source="You et al. 2021, section 4",
        compute=compute,
        shares=True,
        invariances=frozenset({"rotation", "column_order", "scale", "row_order", "class_ids", "zero_column"}),
        ignores="what is not linear, and the mean of the features (there is no intercept)",
        refuses="a class is an exact linear function of rank-deficient features: the evidence has no maximum",
        differs="with D/2 ln a beside a sum of min(N, D) terms, random features at N < D score 45 instead of about -0.3",
    )
)
