"""Intervals that a run's scores bring themselves (over its images, not over seeds): their columns, their bands, their words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

from dashboard.figures import _cells, _style
from engine import stats

COLUMNS = ["run_low", "run_high", "run_interval"]


def added(table: pd.DataFrame, rows: pd.DataFrame, by: Sequence[str], factor: float) -> pd.DataFrame:
    """The table with the ends of the runs' own intervals (their means over the runs of a cell, times `factor`) and their kind.

    A cell has ends only where every run with a value has them. As it is where no run was asked for intervals.
    """
    if "interval" not in rows or not (rows["interval"].fillna("") != "").any():
        return table
    measured = rows[rows["value"].notna()]
    cells = measured.groupby(list(by), dropna=False, sort=False)
    ends = cells[["low", "high"]].agg(lambda values: values.mean() * factor if values.notna().all() else float("nan"))
    ends["run_interval"] = cells["interval"].agg(lambda texts: "; ".join(dict.fromkeys(filter(None, texts))))
    ends = ends.rename(columns={"low": COLUMNS[0], "high": COLUMNS[1]}).reset_index()
    return table.merge(ends, on=list(by), how="left").assign(run_interval=lambda one: one["run_interval"].fillna(""))


def traces(
    cells: pd.DataFrame, shared: dict[str, Any], uid: str, colour: str, alone: bool = True
) -> list[dict[str, Any]]:
    """A band along the units that follow each other, a bar at one that stands alone; nothing without intervals.

    Args:
        cells: of one line, in the order of their units.
        shared: what its traces have in common.
        uid: of the line.
        colour: of the line.
        alone: whether no other line has bands on the chart: several are paler, so that lines stay in front.
    """
    if COLUMNS[0] not in cells:
        return []
    x, low, high = cells["unit"].astype(float), cells[COLUMNS[0]], cells[COLUMNS[1]]
    has = low.notna() & high.notna()
    single = has & ~has.shift(1, fill_value=False) & ~has.shift(-1, fill_value=False)
    along, edge = _cells.outline(x, low, high, has & ~single)
    about = {**shared, "showlegend": False, "hoverinfo": "skip"}
    drawn = []
    if along:
        drawn.append(
            about
            | {"uid": _style.uid(uid, "interval"), "mode": "lines", "x": along, "y": edge, "fill": "toself"}
            | {
                "fillcolor": _style.fade(colour, 0.16 if alone else 0.08),
                "line": {"width": 1, "color": _style.fade(colour, 0.3)},
            }
        )
    if single.any():
        middle = (low + high)[single] / 2
        bar = {"type": "data", "array": (high[single] - middle).tolist(), "color": colour, "thickness": 1.5, "width": 6}
        drawn.append(
            about
            | {"uid": _style.uid(uid, "interval alone"), "mode": "markers", "marker": {"size": 1, "color": colour}}
            | {"x": x[single].tolist(), "y": middle.tolist(), "error_y": bar}
        )
    return drawn


def notes(table: pd.DataFrame) -> list[str]:
    """What the band is, and that it is missing somewhere; nothing without intervals."""
    if COLUMNS[0] not in table:
        return []
    known, missing = stats.kinds(table["run_interval"].tolist())
    several = table.loc[table[COLUMNS[0]].notna(), "seeds"].max() > 1
    said = [f"band: 95 % interval of one run{' (mean of the runs)' if several else ''}: {kind}" for kind in known]
    return said + (["no interval where the table says why"] if missing else [])


def words(cell: Any, text: Any) -> str:
    """The interval of a cell with its kind, for sentences; empty where there is none. `text` writes a drawn value."""
    low, high, kind = (getattr(cell, name, None) for name in COLUMNS)
    return "" if low is None or pd.isna(low) else f"95 % interval of one run {text(low)} to {text(high)}, {kind}"


def hover(cell: Any, text: Any) -> str:
    """The same as lines of hover text, or why there is none."""
    kind = getattr(cell, COLUMNS[2], "")
    if not kind:
        return ""
    found = (
        f"95 % interval of one run {text(cell.run_low)} to {text(cell.run_high)}: " if pd.notna(cell.run_low) else ""
    )
    return f"<br>{_style.wrapped(found + kind)}"


def missing(table: pd.DataFrame) -> str:
    """Why some values have no interval, as a sentence that follows another; empty where all have one, or none was asked for."""
    if COLUMNS[0] not in table:
        return ""
    without = table[(table["seeds"] > 0) & table[COLUMNS[0]].isna()]
    _, reasons = stats.kinds(without["run_interval"].tolist())
    units = ", ".join(dict.fromkeys(str(unit) for unit in without["unit"]))
    return f" No interval at unit {units}: {'; '.join(reasons)}." if reasons else ""
