"""How well one list of numbers predicts the order of another: rank correlations with intervals, regret, and what chance gives."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass

import numpy as np

LEAST = 5
"""Things to rank: of four, the best possible order comes up by chance in 2 of 24 permutations, so nothing could be claimed."""
RESAMPLES = 400
PERMUTATIONS = 2_000
EXACT = 6
"""Up to so many things all permutations are counted (720); beyond, PERMUTATIONS are drawn."""
LEVEL = 0.95


@dataclass(frozen=True)
class Agreement:
    """What a score's order has to do with the measured one; NaN where `reason` says why."""

    n: int
    tau: float = math.nan
    """Kendall's tau-b, -1..1."""
    tau_low: float = math.nan
    tau_high: float = math.nan
    weighted_tau: float = math.nan
    """scipy's weightedtau: exchanges at the top count more (Vigna 2015)."""
    weighted_low: float = math.nan
    weighted_high: float = math.nan
    pearson: float = math.nan
    regret: float = math.nan
    """Best measured value minus that of the score's first choice, in the measured unit."""
    null_band: float = math.nan
    """|tau| that 95 % of random orders of so many things stay within: a smaller one is noise."""
    reason: str = ""

    @property
    def beyond_chance(self) -> bool:
        """Whether tau lies outside the band of random orders."""
        return abs(self.tau) > self.null_band


def agreement(scores: np.ndarray, measured: np.ndarray, *, lower_is_better: bool = False, seed: int = 0) -> Agreement:
    """Compare two lists.

    Args:
        scores: (n,) of a cheap score, NaN where it has no value; such things are left out.
        measured: (n,), higher is better.
        lower_is_better: of the score.
        seed: of resamples and permutations.

    Returns:
        tau-b, weighted tau and their percentile intervals over resampled things, Pearson, regret at 1, the null band; or the
        reason why there are none.
    """
    given = np.asarray(scores, dtype=float), np.asarray(measured, dtype=float)
    there = np.isfinite(given[0]) & np.isfinite(given[1])
    score, truth = (-1.0 if lower_is_better else 1.0) * given[0][there], given[1][there]
    n = len(score)
    if n < LEAST:
        return Agreement(n, reason=f"{n} to rank are too few: {LEAST} are needed")
    if len(np.unique(score)) == 1 or len(np.unique(truth)) == 1:
        return Agreement(n, reason="all are the same, so there is no order")
    draws = np.random.default_rng(seed)
    resampled = np.array([_taus(score[rows], truth[rows]) for rows in draws.integers(0, n, size=(RESAMPLES, n))])
    tails = [(1 - LEVEL) / 2, (1 + LEVEL) / 2]
    (tau_low, tau_high), (weighted_low, weighted_high) = (
        np.quantile(column[np.isfinite(column)], tails) for column in resampled.T
    )
    tau, weighted = _taus(score, truth)
    regret = float(truth.max() - truth[score == score.max()].mean())
    pearson = float(np.corrcoef(score, truth)[0, 1])
    band = null_band(score, truth, seed)
    return Agreement(
        n, tau, float(tau_low), float(tau_high), weighted, float(weighted_low), float(weighted_high), pearson, regret, band
    )  # fmt: skip


def null_band(score: np.ndarray, truth: np.ndarray, seed: int = 0) -> float:
    """The 95 % quantile of |tau-b| where the order of `score` (n,) is random; `truth` (n,) keeps its ties."""
    n = len(score)
    if n <= EXACT:
        orders = np.array(list(itertools.permutations(range(n))))
    else:
        orders = np.random.default_rng(seed).permuted(np.tile(np.arange(n), (PERMUTATIONS, 1)), axis=1)
    found = np.sort(np.abs(_tau(score[orders], truth)))
    return float(found[math.ceil(LEVEL * len(found)) - 1])


def tau_b(one: np.ndarray, other: np.ndarray) -> float:
    """Kendall's tau-b of two lists (n,) of numbers; NaN where either has no order."""
    if len(np.unique(one)) < 2 or len(np.unique(other)) < 2:
        return math.nan
    return float(_tau(one, other))


def _tau(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Kendall's tau-b of each row of `one` (..., n) with `other` (n,), both with some order."""
    a, b = (np.sign(values[..., :, None] - values[..., None, :]) for values in (one, other))
    return (a * b).sum((-2, -1)) / np.sqrt((a**2).sum((-2, -1)) * (b**2).sum())


def _taus(one: np.ndarray, other: np.ndarray) -> tuple[float, float]:
    from scipy.stats import weightedtau

    if len(np.unique(one)) == 1 or len(np.unique(other)) == 1:
        return math.nan, math.nan
    return float(_tau(one, other)), float(weightedtau(one, other).statistic)
