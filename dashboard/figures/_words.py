"""What the figures say in words: hover text, lists of numbers for alt text, and the sentence that reads a chart."""

from __future__ import annotations

import pandas as pd

from dashboard.figures._cells import by_seed
from dashboard.figures._style import cell_label, cell_phrase, escape, strategy_label
from engine import stats

LISTED = 24  # cells in alt text; beyond that the table twin is easier to listen to


def seeds(n: int) -> str:
    """Return "1 seed" or "3 seeds"."""
    return f"{n} seed" if n == 1 else f"{n} seeds"


def cell_hover(cells: pd.DataFrame) -> list[str]:
    """Return the hover text of each cell: what it is, its mean, n, and the interval with its kind."""
    texts = []
    for cell in cells.itertuples():
        name = getattr(cell, "unit_name", "")
        after = f" (after {escape(name)})" if name and cell.frozen_depth else ""
        lines = [
            f"<b>{escape(cell_label(cell.strategy, cell.frozen_depth))}</b>",
            f"{cell.frozen_depth} of {cell.n_units} units frozen{after}",
            f"mean {cell.mean_percent:.1f} %, {seeds(cell.seeds)}",
        ]
        if pd.notna(cell.low_percent):
            lines.append(f"95 % interval {cell.low_percent:.1f} to {cell.high_percent:.1f}")
            lines.append(f"({cell.interval})")
        texts.append("<br>".join(lines))
    return texts


def run_hover(strategy: str, axis: str = "y") -> str:
    """Return the hover template of single runs, whose customdata are frozen depth and seed; accuracy is on `axis`."""
    where = "frozen depth %{customdata[0]}, seed %{customdata[1]}"
    label = escape(strategy_label(strategy))
    return f"<b>{label}</b>, one run<br>{where}<br>%{{{axis}:.1f}} %<extra></extra>"


def cells_list(cells: pd.DataFrame) -> str:
    """Return the cells with their means for alt text: "full fine-tuning 66.0 % (3 seeds); ..."."""
    said = [
        f"{cell_phrase(cell.strategy, cell.frozen_depth, cell.n_units)} {cell.mean_percent:.1f} % ({seeds(cell.seeds)})"
        for cell in cells.head(LISTED).itertuples()
    ]
    more = len(cells) - LISTED
    return "; ".join([*said, *([f"and {more} more in the table"] if more > 0 else [])])


def best_named(cells: pd.DataFrame, label: str) -> str:
    """Return "resnet20 on digits: freezing 4 of 10 units, 68.0 % (3 seeds)" for the cell with the highest mean."""
    best = cells.loc[cells["mean_percent"].idxmax()]
    phrase = cell_phrase(best["strategy"], best["frozen_depth"], best["n_units"])
    return f"{label}: {phrase}, {best['mean_percent']:.1f} % ({seeds(best['seeds'])})"


def best_compared(cells: pd.DataFrame, rows: pd.DataFrame) -> str:
    """Compare the highest mean of one series with the linear probe, else full fine-tuning, else from scratch.

    The best was picked among all, so where a claim is possible its interval is widened for that many comparisons.
    """
    best = cells.loc[cells["mean_percent"].idxmax()]
    phrase = cell_phrase(best["strategy"], best["frozen_depth"], best["n_units"])
    order = ("linear_probe", "full_fine_tuning", "from_scratch", "partial_fine_tuning")
    others = cells[cells.index != best.name]
    rivals = [others[others["strategy"] == name] for name in order if name in set(others["strategy"])]
    if not rivals and len(others):
        best_so_far = f"{phrase}, {best['mean_percent']:.1f} % ({seeds(best['seeds'])})"
        return f"The highest of {len(cells)} means so far is {best_so_far}; no control is measured yet."
    if not rivals:
        return f"So far only {phrase} is measured: {best['mean_percent']:.1f} % ({seeds(best['seeds'])}); nothing to compare."
    rival = rivals[0].iloc[0]
    first, second = (by_seed(_rows_of(rows, cell)) for cell in (best, rival))
    found = stats.paired(first, second)
    if found.n >= stats.CLAIM_PAIRS and len(others) > 1:
        found = stats.paired(first, second, comparisons=len(others))
    return stats.sentence(phrase, cell_phrase(rival["strategy"], rival["frozen_depth"], rival["n_units"]), found)


def _rows_of(rows: pd.DataFrame, cell: pd.Series) -> pd.DataFrame:
    same = (rows["strategy"] == cell["strategy"]) & (rows["frozen_depth"] == cell["frozen_depth"])
    return rows[same]
