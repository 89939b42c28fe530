"""Where one curve of accuracy over labels overtakes another, and how sure that place is."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from engine.stats import LEVEL

RESAMPLES = 1_000
LEAST = 3
"""Seeds of an interval: of two there are but three different resamples."""
Cell = tuple[str, int]


@dataclass(frozen=True)
class Crossing:
    """The number of labels from which the first of `cells` (strategy, frozen depth) is better than the second.

    `low` and `high` are the percentile bootstrap interval over shared seeds, of the resamples that cross at all (`share` of
    them, 0..1); NaN below 3 seeds. `accuracy` (0..1) is that of both at the crossing.
    """

    cells: tuple[Cell, Cell]
    labels: float
    accuracy: float
    low: float
    high: float
    share: float
    n: int


def crossings(curves: Mapping[Cell, pd.DataFrame], *, level: float = LEVEL, seed: int = 0) -> list[Crossing]:
    """Return the crossings of mean curves, by labels.

    Between two budgets a curve is a line over the logarithm of labels. Of two that cross more than once, the last crossing is
    told: from there on nothing changes.

    Args:
        curves: for each cell its accuracies (0..1), a row for each seed, a column for each number of labels. Cells are
            compared over the seeds and the numbers that both have, without those where one is missing.
        level: of the intervals.
        seed: of the resamples.
    """
    found = [
        one
        for first, second in itertools.combinations(curves, 2)
        if (one := _between(first, curves[first], second, curves[second], level, seed)) is not None
    ]
    return sorted(found, key=lambda one: one.labels)


def _between(a: Cell, first: pd.DataFrame, b: Cell, second: pd.DataFrame, level: float, seed: int) -> Crossing | None:
    gap = (first - second).dropna(axis="columns", how="all").dropna(axis="index")
    if gap.empty or gap.shape[1] < 2:
        return None
    labels, rows = np.log(gap.columns.to_numpy(dtype=float)), gap.to_numpy(dtype=float)
    place = last_crossing(labels, rows.mean(axis=0))
    if place is None:
        return None
    level_there = np.interp(place, labels, first.loc[gap.index, gap.columns].mean().to_numpy(dtype=float))
    pair = (a, b) if rows.mean(axis=0)[-1] > 0 else (b, a)
    n = len(rows)
    low, high, share = math.nan, math.nan, math.nan
    if n >= LEAST:
        drawn = np.random.default_rng(seed).integers(0, n, size=(RESAMPLES, n))
        places = [last_crossing(labels, one) for one in rows[drawn].mean(axis=1)]
        there = [one for one in places if one is not None]
        share = len(there) / RESAMPLES
        low, high = np.exp(np.quantile([*there, place], [(1 - level) / 2, (1 + level) / 2]))
    return Crossing(pair, float(np.exp(place)), float(level_there), float(low), float(high), share, n)


def last_crossing(x: np.ndarray, gap: np.ndarray) -> float | None:
    """Return where a piecewise linear curve last changes its sign, None where it does not; zeros have no sign of their own."""
    signed = np.flatnonzero(gap)
    for left, right in zip(signed[-2::-1], signed[:0:-1], strict=True):
        if (gap[left] < 0) != (gap[right] < 0):
            return float(x[left] + (x[right] - x[left]) * gap[left] / (gap[left] - gap[right]))
    return None
