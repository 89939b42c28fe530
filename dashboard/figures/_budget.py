"""The best cell within a budget of cost, in a sentence: what the slider on the Compare page says."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pandas as pd

from dashboard.figures import _cells, _style, _words
from dashboard.figures._costs import COSTS, amount


def steps(table: pd.DataFrame, cost: str) -> list[float]:
    """The costs at which something new can be had, rising; with three digits, and never less than the cost itself."""
    return sorted({_up(value) for value in table[cost].astype(float)})


def _up(value: float) -> float:
    """The number rounded up to three digits."""
    if not value:
        return 0.0
    size = 10.0 ** (math.floor(math.log10(abs(value))) - 2)
    return float(f"{math.ceil(round(value / size, 6)) * size:.6g}")


STEPS = 40
"""Stops of the slider between the cheapest cell and the dearest."""


def options(costs: Sequence[float], *more: float) -> list[float]:
    """The stops of a slider, rising: every cost that is met, evenly spaced ones between, and what else must be among them.

    Spaced by their logarithms where all costs are above zero and far apart, as the chart draws them.
    """
    low, high = float(costs[0]), float(costs[-1])
    apart = low > 0 and high / low >= 20
    between = np.geomspace(low, high, STEPS) if apart else np.linspace(low, high, STEPS)
    rounded = {float(f"{value:.2g}") for value in between}
    return sorted({value for value in rounded if low < value < high} | {*map(float, costs), *map(float, more)})


def within(table: pd.DataFrame, cost: str, budget: float) -> str:
    """Say which cell has the highest mean among those that cost no more.

    Args:
        table: of `accuracy_cost`.
        cost: its column.
        budget: in the unit of the cost.
    """
    unit = COSTS[cost].unit
    there = table[table[cost] <= budget]
    limit = f"{amount(budget)} {unit}"
    if there.empty:
        return f"Nothing measured here costs as little as {limit}."
    best = there.loc[there["mean_percent"].idxmax()]
    phrase = _named(best, table)
    said = (
        f"Best within {limit}: {phrase}, {best['mean_percent']:.1f} % ({_words.seeds(best['seeds'])}) "
        f"for {amount(best[cost])} {unit}"
    )
    top = table.loc[table["mean_percent"].idxmax()]
    more = top["mean_percent"] - best["mean_percent"]
    if more <= 0:
        return f"{said}; nothing that {COSTS[cost].more} has a higher mean."
    other = _named(top, table)
    return (
        f"{said}; {other} has {more:.1f} points more for {amount(top[cost])} {unit}. By means: see the intervals above."
    )


def _named(cell: pd.Series, table: pd.DataFrame) -> str:
    """Return the phrase of a cell, with its series where the table has several."""
    columns = [name for name in (*_cells.SERIES, "weights") if name in table and table[name].nunique(dropna=False) > 1]
    phrase = _style.cell_phrase(cell["strategy"], cell["frozen_depth"], cell["n_units"])
    return f"{phrase} ({_cells.series_label([cell[name] for name in columns], columns)})" if columns else phrase
