"""What frozen units of another task cost at every depth, divided into co-adaptation and specificity."""

from __future__ import annotations

from typing import Any

import pandas as pd

from dashboard.figures import _cells, _style
from dashboard.figures._style import Drawn
from engine import stats

TITLE = "What freezing n units costs, and why"
# (light, dark, pattern, words)
LOOKS = {
    "co_adaptation": ("#0a5a94", "#7cc4f2", "", "co-adaptation (base B - BnB)"),
    "specificity": ("#b23a48", "#f28b95", "/", "specificity (BnB - AnB)"),
}
COLUMNS = ["n", "n_units", "part", "points", "low_points", "high_points", "pairs", "interval"]


def transfer_loss(frame: pd.DataFrame, *, dark: bool = False, uirevision: str = "transfer_loss") -> Drawn:
    """Draw the loss at every depth as stacked bars, with the interval of the whole loss as a line.

    Parts may be negative (units that help); they are then drawn below zero.

    Args:
        frame: from `engine.layer_transfer_frame.decomposition`, of one backbone, dataset and label budget.
        dark: draw for a dark background.
        uirevision: zoom and hidden traces are kept while it stays the same.
    """
    rows = frame[frame["part"].isin([*LOOKS, "total"])]
    look = {"dark": dark, "uirevision": uirevision}
    axis = {"title": {"text": "Accuracy lost (points)"}, "zeroline": True, "zerolinecolor": _style.INK[dark]}
    if rows[rows["part"].isin(LOOKS)].empty:
        said = "Nothing to divide yet: this needs base B, BnB and AnB of one split at one depth."
        return _style.empty(TITLE, said, COLUMNS, xaxis={"title": {"text": "Units copied (n)"}}, yaxis=axis, **look)
    n_units = int(rows["n_units"].max())
    table = _table(rows)
    pairs = int(table["pairs"].max())
    traces = [_bars(part, table[table["part"] == part], dark) for part in LOOKS]
    total = table[table["part"] == "total"]
    if len(total):
        traces.append(_total(total, dark))
    figure = _style.finish(
        traces,
        title=TITLE,
        notes=[
            f"{_pairs(pairs)} of split and seed" + (": exploring" if pairs < stats.CLAIM_PAIRS else ""),
            "diamond: whole loss (base B - AnB), bar 95 % interval (Student t over pairs)",
        ],
        barmode="relative",
        xaxis=_style.depth_axis(f"Units copied (n of {n_units})", n_units, first=1),
        yaxis=axis,
        **look,
    )
    return Drawn(figure, TITLE, _alt(table), _reading(table), table, _style.height(3))


def _pairs(n: int) -> str:
    return "1 pair" if n == 1 else f"{n} pairs"


def _table(rows: pd.DataFrame) -> pd.DataFrame:
    table = pd.DataFrame(
        {
            "n": rows["n"],
            "n_units": rows["n_units"],
            "part": rows["part"],
            "points": rows["mean"] * 100,
            "low_points": rows["low"] * 100,
            "high_points": rows["high"] * 100,
            "pairs": rows["pairs"].astype("Int64"),
            "interval": rows["interval"],
        }
    )
    return table.sort_values(["n", "part"]).reset_index(drop=True)


def _bars(part: str, rows: pd.DataFrame, dark: bool) -> dict[str, Any]:
    light, pale, pattern, words = LOOKS[part]
    said = [
        f"<b>{words}</b><br>n = {row.n}: {row.points:+.1f} points, {_pairs(row.pairs)}"
        + (f"<br>95 % interval {row.low_points:+.1f} to {row.high_points:+.1f}" if pd.notna(row.low_points) else "")
        for row in rows.itertuples()
    ]
    return {
        **{
            "type": "bar",
            "uid": _style.uid(part),
            "name": words,
            "x": rows["n"].tolist(),
            "y": rows["points"].tolist(),
        },
        "marker": {
            "color": pale if dark else light,
            "pattern": {"shape": pattern, "fgcolor": _style.PAPER[dark], "size": 6, "fillmode": "overlay"},
        },
        **{"hovertext": said, "hoverinfo": "text", "textposition": "none"},
    }


def _total(rows: pd.DataFrame, dark: bool) -> dict[str, Any]:
    shown = rows["low_points"].notna() & (rows["pairs"] >= _cells.INTERVAL_SEEDS)
    half = ((rows["high_points"] - rows["low_points"]) / 2).where(shown, 0.0)
    return {
        **{"type": "scatter", "uid": _style.uid("total"), "name": "whole loss (base B - AnB)", "mode": "markers"},
        **{"x": rows["n"].tolist(), "y": rows["points"].tolist()},
        "marker": {"symbol": "diamond", "size": 9, "color": _style.INK[dark]},
        "error_y": {"type": "data", "array": half.tolist(), "color": _style.INK[dark], "thickness": 1, "width": 4},
        "hovertemplate": "<b>whole loss</b><br>n = %{x}: %{y:+.1f} points<extra></extra>",
    }


def _alt(table: pd.DataFrame) -> str:
    said = []
    for depth, rows in table.groupby("n"):
        values = rows.set_index("part")["points"]
        parts = [f"{name.replace('_', '-')} {values[name]:+.1f}" for name in (*LOOKS, "total") if name in values]
        said.append(f"n = {depth}: {', '.join(parts)}")
    return f"Stacked bars of accuracy lost, in points. {'; '.join(said)}."


def _reading(table: pd.DataFrame) -> str:
    total = table[table["part"] == "total"]
    if total.empty:
        return "Only one of the two parts is measured so far."
    worst = total.loc[total["points"].idxmax()]
    parts = table[table["n"] == worst["n"]].set_index("part")["points"]
    claim = "" if worst["pairs"] >= stats.CLAIM_PAIRS else f" (exploring: {_pairs(worst['pairs'])})"
    if worst["points"] <= 0:
        least = f"{-worst['points']:.1f} points, at n = {worst['n']}"
        return f"Nothing is lost at any depth measured: the least that is won is {least}{claim}."
    return (
        f"The largest loss is {worst['points']:.1f} points, at n = {worst['n']}: {parts['co_adaptation']:+.1f} from units that"
        f" lost the ones they were trained with, {parts['specificity']:+.1f} from units that serve the other task{claim}."
    )
