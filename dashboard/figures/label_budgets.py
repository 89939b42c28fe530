"""Accuracy against labels: a band for every strategy, and where two of them cross, with the uncertainty of the crossing."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Any

import pandas as pd

from dashboard.figures import _cells, _style, _words
from dashboard.figures._style import Drawn
from engine import crossings, stats
from engine.crossings import Crossing

TITLE = "Test accuracy by labels"
_CELL = ["strategy", "frozen_depth", "n_units"]
_SERIES = ("backbone", "dataset")
_COLUMNS = ["label_budget", *_CELL, *_cells.NUMBERS]
_AXIS = {"title": {"text": "Labelled images (log scale)"}, "type": "log", "tickformat": "~s"}
MOST_MARKED = 4
"""Crossings drawn; the others are in the words."""


def several(runs: pd.DataFrame) -> bool:
    """Whether an experiment has label budgets to draw a curve over: at least two, known as numbers of images."""
    return bool(runs["label_budget"].nunique() > 1)


def label_budgets(
    frame: pd.DataFrame, *, dark: bool = False, uirevision: str = "label_budgets", series: Sequence[str] = _SERIES
) -> Drawn:
    """Draw mean test accuracy (percent) over seeds against labelled images, with 95 % bands from three seeds on.

    Args:
        frame: `transfer_curve`; the rows of metric "test_accuracy" with a known number of images are drawn.
        dark: draw for a dark background.
        uirevision: zoom and hidden traces are kept while it stays the same.
        series: columns whose values make cells of their own.
    """
    rows = _cells.measured(frame, "test_accuracy")
    rows = rows if rows.empty else rows[rows["label_budget"].notna()]
    look = {"dark": dark, "uirevision": uirevision}
    if rows.empty:
        said = (
            "Nothing measured yet: a curve appears for each strategy, over the numbers of labels that were asked for."
        )
        return _style.empty(TITLE, said, [*series, *_COLUMNS], xaxis=_AXIS, yaxis=_style.accuracy_axis(), **look)
    columns = list(series)
    rows = rows.astype({"label_budget": "int64"})
    table = _cells.percent_summary(rows, [*columns, "label_budget", *_CELL])
    table = table.sort_values([*columns, *_CELL, "label_budget"], ignore_index=True)
    keys = _cells.curve_keys(table, columns)
    found = {key: _crossings(_cells.of_series(rows, columns, key)) for key in keys}
    figure = _style.finish(
        [*_curves(table, columns, dark), *_marks(found, dark)],
        title=TITLE,
        notes=[
            _cells.shared_label(keys, columns),
            _cells.seeds_note(table["seeds"]),
            "bands 95 % (Student t over seeds)" if (table["seeds"] >= _cells.INTERVAL_SEEDS).any() else "",
            "ringed: crossing, bar 95 % (bootstrap over seeds)" if any(found.values()) else "",
        ],
        xaxis=_AXIS | {"tickmode": "array", "tickvals": sorted({int(one) for one in table["label_budget"]})},
        yaxis=_style.accuracy_axis(values=[*table["mean_percent"], *rows["value"] * 100]),
        **look,
    )
    alt = f"Line chart of test accuracy in percent against labelled images. {_listed(table, columns)}"
    reading = " ".join(_reading(table, columns, key, found[key], len(keys) > 1) for key in keys)
    return Drawn(
        figure, TITLE, alt, reading, table, _style.height(len(table.groupby([*columns, *_CELL], dropna=False)))
    )


def _crossings(rows: pd.DataFrame) -> list[Crossing]:
    cells = {
        (str(strategy), int(depth)): part.pivot_table(index="seed", columns="label_budget", values="value")
        for (strategy, depth), part in rows.groupby(["strategy", "frozen_depth"], sort=True)
    }
    return crossings.crossings(cells)


def _curves(table: pd.DataFrame, columns: Sequence[str], dark: bool) -> list[dict[str, Any]]:
    looks = _style.looks(table["strategy"], dark)
    keys = _cells.curve_keys(table, columns)
    differing = _cells.varying(keys, columns)
    bands, lines = [], []
    owners = _cells.series_keys(table, [*columns, "strategy", "frozen_depth"])
    for owner in dict.fromkeys(owners):
        cells = table[[one == owner for one in owners]]
        strategy, depth = str(cells["strategy"].iloc[0]), int(cells["frozen_depth"].iloc[0])
        look, share = looks[strategy], depth / max(1, int(cells["n_units"].iloc[0]))
        colour = _style.shade(look.colour, share if strategy == "partial_fine_tuning" else 0.0, dark)
        label = _style.cell_label(strategy, depth)
        suffix = _cells.series_label(owner[: len(columns)], columns, differing)
        name = _style.escape(f"{label}, {suffix}" if suffix else label)
        band = cells[cells["seeds"] >= _cells.INTERVAL_SEEDS]
        if len(band) > 1:
            bands.append(
                {
                    **{"type": "scatter", "mode": "lines", "uid": _style.uid(*owner, "band"), "showlegend": False},
                    **{"legendgroup": name, "hoverinfo": "skip", "fill": "toself", "line": {"width": 0}},
                    "x": [*band["label_budget"], *band["label_budget"][::-1]],
                    "y": [*band["high_percent"], *band["low_percent"][::-1]],
                    "fillcolor": _style.fade(colour, 0.14),
                }
            )
        alone = cells["seeds"] == 1
        lines.append(
            {
                **{"type": "scatter", "mode": "lines+markers", "uid": _style.uid(*owner, "mean"), "name": name},
                **{"legendgroup": name, "x": cells["label_budget"].tolist(), "y": cells["mean_percent"].tolist()},
                "line": {"color": colour, "width": 2, "dash": look.dash},
                "marker": {
                    **{"symbol": look.marker, "size": 9, "line": {"color": colour, "width": 2}},
                    "color": [_style.PAPER[dark] if one else colour for one in alone],
                },
                "hovertext": [
                    f"{text}<br>{labels:,} labels"
                    for text, labels in zip(_words.cell_hover(cells), cells["label_budget"], strict=True)
                ],
                "hoverinfo": "text",
            }
        )
    return [*bands, *lines]


def _marks(found: dict[tuple[Hashable, ...], list[Crossing]], dark: bool) -> list[dict[str, Any]]:
    marked = [(key, one) for key, every in found.items() for one in every[:MOST_MARKED]]
    if not marked:
        return []
    points = [one for _, one in marked]
    known = [one.low == one.low for one in points]
    return [
        {
            **{"type": "scatter", "mode": "markers", "uid": _style.uid("crossings"), "showlegend": False},
            **{"x": [one.labels for one in points], "y": [one.accuracy * 100 for one in points]},
            "marker": {"symbol": "circle-open", "size": 16, "color": _style.INK[dark], "line": {"width": 1.6}},
            "error_x": {
                **{"type": "data", "symmetric": False, "color": _style.INK[dark], "thickness": 1.4, "width": 5},
                "array": [one.high - one.labels if ok else 0 for one, ok in zip(points, known, strict=True)],
                "arrayminus": [one.labels - one.low if ok else 0 for one, ok in zip(points, known, strict=True)],
            },
            "hovertext": [_style.escape(_phrase(one)) for one in points],
            "hoverinfo": "text",
        }
    ]


def _phrase(one: Crossing, n_units: int = 0) -> str:
    first, second = (_style.cell_phrase(*cell, n_units) if n_units else _style.cell_label(*cell) for cell in one.cells)
    where = f"from about {one.labels:,.0f} labels on"
    if one.low == one.low:
        where += f" (95 % interval {one.low:,.0f} to {one.high:,.0f}, bootstrap over {one.n} seeds; crossed in {one.share:.0%})"
    else:
        where += f" ({one.n} shared seed{'s' if one.n != 1 else ''}: no interval)"
    return f"{first} overtakes {second} {where}"


def _listed(table: pd.DataFrame, columns: Sequence[str]) -> str:
    said = []
    for cell in table.head(_words.LISTED).itertuples():
        phrase = _style.cell_phrase(cell.strategy, cell.frozen_depth, cell.n_units)
        said.append(
            f"{phrase} with {cell.label_budget:,} labels {cell.mean_percent:.1f} % ({_words.seeds(cell.seeds)})"
        )
    more = f"; and {len(table) - _words.LISTED} more in the table" if len(table) > _words.LISTED else ""
    return "; ".join(said) + more + "."


def _reading(
    table: pd.DataFrame, columns: Sequence[str], key: tuple[Hashable, ...], found: Sequence[Crossing], named: bool
) -> str:
    cells = _cells.of_series(table, columns, key)
    where = f"{_cells.series_label(key, columns)}: " if named else ""
    n_units = int(cells["n_units"].iloc[0])
    if cells["label_budget"].nunique() < 2:
        return f"{where}Only one number of labels is measured so far."
    if found:
        text = "; ".join(_phrase(one, n_units) for one in found[:MOST_MARKED])
        few = min(one.n for one in found) < stats.CLAIM_PAIRS
        return f"{where}{text[:1].upper()}{text[1:]}{'; exploring: no claim' if few else ''}."
    ends = cells[cells["label_budget"] == cells["label_budget"].max()]
    best = ends.loc[ends["mean_percent"].idxmax()]
    phrase = _style.cell_phrase(best["strategy"], best["frozen_depth"], n_units)
    return (
        f"{where}No two curves cross; with the most labels the highest mean is {phrase}, {best['mean_percent']:.1f} %."
    )
