"""Bootstrap intervals: of a mean of paired differences (BCa), and what resampling seeds says about any statistic of them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import NormalDist

import numpy as np

from engine.stats import CLAIM_PAIRS, LEVEL, NO_INTERVAL, Interval

BCA = "BCa bootstrap"
RESAMPLES = 10_000
_NORMAL = NormalDist()


def bca(values: Sequence[float], level: float = LEVEL, *, seed: int = 0) -> Interval:
    """Return the bias-corrected and accelerated bootstrap interval of a mean.

    The ends are the quantiles Phi(z0 + (z0 + z) / (1 - a (z0 + z))) of the means of 10,000 resamples, where z0 is the normal
    quantile of the share of resampled means below the mean (ties count half), and a = sum d^3 / (6 (sum d^2)^1.5) with d the
    mean of the jackknifed means minus each of them. The same values always give the same interval.

    Args:
        values: finite; fewer than `CLAIM_PAIRS` have no interval, because their resamples are too few to have tails.
        level: of the interval.
        seed: of the resamples.

    Source: Efron 1987, Better bootstrap confidence intervals. With few values it is narrower than Student's t: of 6 normal
    values it covers the mean in about 88 of 100 samples at level .95 (simulated in the tests), so no claim rests on it.
    """
    given = np.asarray(values, dtype=float)
    if given.size and not np.isfinite(given).all():
        raise ValueError(f"values are {given.tolist()}; give finite numbers.")
    if given.size < CLAIM_PAIRS:
        return Interval(math.nan, math.nan, NO_INTERVAL, level)
    mean = float(given.mean())
    spread = given - mean
    rounding = 1e-9 * float(np.abs(spread).max())
    if rounding <= 1e-21 * max(1.0, abs(mean)):
        return Interval(mean, mean, BCA, level)
    rows = np.random.default_rng(seed).integers(0, given.size, size=(RESAMPLES, given.size))
    around = spread[rows].mean(axis=1)
    below = (np.count_nonzero(around < -rounding) + 0.5 * np.count_nonzero(np.abs(around) <= rounding)) / RESAMPLES
    bias = _NORMAL.inv_cdf(min(max(below, 0.5 / RESAMPLES), 1 - 0.5 / RESAMPLES))
    acceleration = float((spread**3).sum() / (6 * (spread**2).sum() ** 1.5))
    tail = _NORMAL.inv_cdf(0.5 + level / 2)
    ends = [_NORMAL.cdf(bias + (bias + z) / (1 - acceleration * (bias + z))) for z in (-tail, tail)]
    low, high = np.quantile(around, ends)
    return Interval(mean + float(low), mean + float(high), BCA, level)
