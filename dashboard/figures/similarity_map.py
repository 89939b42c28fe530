"""How alike every unit of one network is to every unit of another: a map of CKA, read like a chessboard."""

from __future__ import annotations

import textwrap
from typing import Any

import numpy as np
import pandas as pd

from dashboard.figures import _style
from dashboard.figures._style import Drawn

# Cividis (Nunez et al. 2018): even steps of lightness for every eye, also with weak colour vision and in grey.
SCALE = ["#00224e", "#123570", "#3b496c", "#575d6d", "#707173", "#8a8678", "#a59c74", "#c3b369", "#e1cc55", "#fee838"]
WRITTEN = 12
"""Up to so many units the numbers stand in the cells."""
DARK_BELOW = 0.47
"""Where white and black are equally readable on the scale (both about 4.6 to 1)."""
COLUMNS = ["unit_a", "unit_a_name", "unit_b", "unit_b_name", "cka", "seeds", "n_images", "pooling", "reason"]
_PAIR = ["unit_a", "unit_a_name", "unit_b", "unit_b_name"]


def similarity_map(
    frame: pd.DataFrame,
    *,
    title: str = "Units before and after training",
    rows_are: str = "before training",
    columns_are: str = "after training",
    note: str = "",
    dark: bool = False,
    uirevision: str = "similarity",
) -> Drawn:
    """Draw unbiased linear CKA of every pair of units, the mean over seeds.

    Args:
        frame: `similarity` of one network: unit_a, unit_a_name (rows), unit_b, unit_b_name (columns), value, n_images, reason,
            pooling, run_id and seed.
        title: short.
        rows_are: what the rows are units of, plain text.
        columns_are: what the columns are units of.
        note: of what is compared, plain text.
        dark: draw for a dark background.
        uirevision: zoom is kept while it stays the same.
    """
    look = {"dark": dark, "uirevision": uirevision}
    if frame.empty:
        said = (
            "Nothing compared yet: a map appears when the first run has ended, with a square for every pair of units."
        )
        return _style.empty(title, said, COLUMNS, notes=[note], **look)
    table = _table(frame)
    grid = table.pivot(index="unit_a", columns="unit_b", values="cka")
    cells = table.set_index(["unit_a", "unit_b"])
    short = [note, f"{int(table['seeds'].max())} seed{'s' if table['seeds'].max() != 1 else ''}"]
    images = table["n_images"].dropna()
    pooled = [one for one in table["pooling"].unique() if one]
    figure = _style.finish(
        [_heat(grid, cells, rows_are, columns_are), *([_numbers(grid)] if max(grid.shape) <= WRITTEN else [])],
        title=title,
        notes=[
            *short,
            f"{int(images.max()):,} training images" if len(images) else "",
            f"pooling: {', '.join(one.replace('_', ' ') for one in pooled)}" if pooled else "",
            "below 0 drawn as 0" if (grid.to_numpy() < 0).any() else "",
        ],
        xaxis=_axis(f"Unit, {columns_are}", grid.columns),
        yaxis=_axis(f"Unit, {rows_are}", grid.index) | {"autorange": "reversed"},
        **look,
    )
    reading = _reading(grid, table, rows_are, columns_are)
    alt = f"Heat map of CKA, {note}: rows are units ({rows_are}), columns too ({columns_are}). {_alt(grid)} {reading}"
    return Drawn(figure, title, alt, reading, table, 560)


def _table(frame: pd.DataFrame) -> pd.DataFrame:
    rows = frame.drop_duplicates(["run_id", "unit_a", "unit_b"])
    table = rows.groupby(_PAIR, sort=True).agg(
        cka=("value", "mean"), seeds=("value", "count"), n_images=("n_images", "max"), pooling=("pooling", "first"),
        reason=("reason", lambda texts: "; ".join(dict.fromkeys(text for text in texts if text))),
    )  # fmt: skip
    return table.reset_index()[COLUMNS]


def _axis(title: str, units: pd.Index) -> dict[str, Any]:
    step = max(1, -(-len(units) // 13))
    ticks = [int(unit) for unit in units[::step]]
    return {
        **{"title": {"text": _style.escape(title)}, "tickmode": "array", "tickvals": ticks, "showgrid": False},
        "ticktext": list(map(str, ticks)),
    }


def _numbers(grid: pd.DataFrame) -> dict[str, Any]:
    """The values in the squares, black or white by the lightness beneath: Plotly's own choice is grey on grey."""
    places = [(a, b, grid.loc[a, b]) for a in grid.index for b in grid.columns if pd.notna(grid.loc[a, b])]
    return {
        **{"type": "scatter", "mode": "text", "uid": "numbers", "showlegend": False, "hoverinfo": "skip"},
        **{"x": [int(b) for _, b, _ in places], "y": [int(a) for a, _, _ in places]},
        "text": [f"{value:.2f}" for *_, value in places],
        "textfont": {"size": 11, "color": ["#ffffff" if value < DARK_BELOW else "#000000" for *_, value in places]},
    }


def _heat(grid: pd.DataFrame, cells: pd.DataFrame, rows_are: str, columns_are: str) -> dict[str, Any]:
    values = grid.astype(object).where(grid.notna(), None)
    hover = [[_hover(cells.loc[(a, b)], a, b, rows_are, columns_are) for b in grid.columns] for a in grid.index]
    return {
        "type": "heatmap",
        "uid": "map",
        **{"x": [int(unit) for unit in grid.columns], "y": [int(unit) for unit in grid.index]},
        **{"z": values.to_numpy().tolist(), "zmin": 0.0, "zmax": 1.0, "xgap": 1, "ygap": 1},
        "colorscale": [[place / (len(SCALE) - 1), colour] for place, colour in enumerate(SCALE)],
        "colorbar": {"title": {"text": "CKA"}, "thickness": 12, "len": 0.9, "outlinewidth": 0},
        "customdata": hover,
        "hovertemplate": "%{customdata}<extra></extra>",
        "hoverongaps": True,
    }


def _hover(cell: pd.Series, a: int, b: int, rows_are: str, columns_are: str) -> str:
    lines = [
        f"<b>unit {a}</b> {_style.escape(cell['unit_a_name'])}, {_style.escape(rows_are)}",
        f"<b>unit {b}</b> {_style.escape(cell['unit_b_name'])}, {_style.escape(columns_are)}",
    ]
    if pd.notna(cell["cka"]):
        return "<br>".join([*lines, f"CKA {cell['cka']:.3f}"])
    return "<br>".join([*lines, "no value:", *map(_style.escape, textwrap.wrap(cell["reason"], 44))])


def _alt(grid: pd.DataFrame) -> str:
    diagonal = [unit for unit in grid.index if unit in grid.columns]
    said = ", ".join(f"{unit}: {_number(grid.loc[unit, unit])}" for unit in diagonal[:40])
    return f"Units of the same place: {said}."


def _number(value: float) -> str:
    return f"{value:.2f}" if pd.notna(value) else "no value"


def _reading(grid: pd.DataFrame, table: pd.DataFrame, rows_are: str, columns_are: str) -> str:
    values = grid.to_numpy(dtype=float)
    if np.isnan(values).all():
        return f"No pair has a value: {table['reason'].iloc[0]}."
    refused = int(np.isnan(values).sum())
    gaps = f" {refused} pairs have no value: {next(filter(None, table['reason']))}." if refused else ""
    if list(grid.index) == list(grid.columns) and rows_are == "before training":
        diagonal = pd.Series(np.diag(values), grid.index).dropna()
        if diagonal.empty:
            return f"No unit can be compared with itself.{gaps}"
        if (diagonal > 1 - 1e-6).all():
            return f"Every unit is as it was before training: nothing in it was trained.{gaps}"
        least = diagonal.idxmin()
        moved = f"Unit {least} changed most: its features have a CKA of {diagonal[least]:.2f} with what they were"
        same = int((diagonal > 1 - 1e-6).sum())
        kept = f"{same} of {len(diagonal)} units are the same as before" if same else "no unit is the same as before"
        return f"{moved}; {kept}.{gaps}"
    filled = np.where(np.isnan(values), -np.inf, values)
    a, b = np.unravel_index(filled.argmax(), filled.shape)
    pair = f"unit {grid.index[a]} of {rows_are} and unit {grid.columns[b]} of {columns_are}"
    ends = _number(values[-1, -1])
    return f"Most alike are {pair} (CKA {values[a, b]:.2f}); their last units have {ends}.{gaps}"
