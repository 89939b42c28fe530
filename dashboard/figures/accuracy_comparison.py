"""Every cell's test accuracy on a line of its own: seeds as dots, mean, interval, n and the kind of interval."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

from dashboard.figures import _cells, _style, _words
from dashboard.figures._style import Drawn
from engine import comparisons, stats

TITLE = "Test accuracy compared"
_CELL = ["strategy", "frozen_depth", "n_units"]
_ROW = 34  # pixels
_NAMES = {"Wilson": "Wilson: over images, 1 seed", "t": "t: Student t over seeds"}


def accuracy_comparison(
    frame: pd.DataFrame,
    *,
    runs: pd.DataFrame | None = None,
    dark: bool = False,
    uirevision: str = "accuracy_comparison",
    series: Sequence[str] = _cells.SERIES,
) -> Drawn:
    """Draw one row per cell (series, strategy, frozen depth), the highest mean on top.

    Args:
        frame: `transfer_curve`; the rows of metric "test_accuracy" are drawn.
        runs: the same experiments' `runs`; with it the chart says how many are finished.
        dark: draw for a dark background.
        uirevision: zoom and hidden traces are kept while it stays the same.
        series: columns whose values make cells of their own.
    """
    rows = _cells.measured(frame, "test_accuracy")
    progress = _cells.progress(runs)
    look = {"dark": dark, "uirevision": uirevision}
    if rows.empty:
        return _style.empty(
            TITLE,
            "Nothing measured yet: one row appears for each strategy and frozen depth, with a dot for every seed, "
            "their mean and its interval.",
            [*series, *_CELL, *_cells.NUMBERS, "ties"],
            notes=[progress],
            **look,
            xaxis=_style.accuracy_axis(),
        )
    rows, columns = _cells.with_weights(rows, runs, series)
    table = _cells.percent_summary(rows, [*columns, *_CELL])
    table = table.sort_values(["mean_percent", *_CELL], ascending=False, kind="stable", ignore_index=True)
    table = table.assign(ties=_ties(table, rows, columns))
    keys = _cells.curve_keys(table, columns)
    drawn = table[_cells.interval_drawn(table)]
    kinds = [_NAMES[short] for short in _NAMES if short in set(drawn["interval"].map(_cells.SHORT_KIND))]
    shared = _cells.shared_label(keys, columns)
    extent = [*rows["value"] * 100, *drawn["low_percent"], *drawn["high_percent"]]
    figure = _style.finish(
        _traces(table, rows, columns, dark),
        title=TITLE,
        notes=[progress, shared, "dots runs, mark mean, bar 95 % interval", *kinds, _ties_note(table)],
        xaxis=_style.accuracy_axis(values=extent),
        yaxis={
            **{"tickmode": "array", "tickvals": list(range(len(table))), "ticktext": _labels(table, columns)},
            # The first row on top; not a range, which would take a reader's zoom away with every new row.
            **{"autorange": "reversed", "autorangeoptions": _cells.row_range(len(table))},
            **{"showgrid": False, "ticks": ""},
        },
        **look,
    )
    title = f"{TITLE}: {progress}" if progress else TITLE
    alt = f"Dot chart of test accuracy in percent, highest mean first. {_listed(table, columns)}"
    height = int(figure.layout.margin.t) + 60 + max(3, len(table)) * _ROW
    return Drawn(figure, title, alt, _reading(table, rows, columns), table, height)


def _labels(table: pd.DataFrame, columns: Sequence[str]) -> list[str]:
    """Return two lines for each row: the cell; below, smaller, what tells its series apart, n and kind of interval."""
    differing = _cells.varying(_cells.curve_keys(table, columns), columns)
    labels = []
    for cell, key in zip(table.itertuples(), _cells.series_keys(table, columns), strict=True):
        series = _style.clip(_cells.series_label(key, columns, differing), 26)
        # Of two seeds no interval is drawn; the table has it.
        kind = "" if cell.seeds == 2 else f", {_cells.SHORT_KIND[cell.interval]}"
        ties = f"tie {cell.ties}" if cell.ties else ""
        below = " · ".join(filter(None, [series, f"n={cell.seeds}{kind}", ties]))
        name = _style.escape(_style.cell_label(cell.strategy, cell.frozen_depth))
        labels.append(f"{name}<br><span style='font-size:10px'>{_style.escape(below)}</span>")
    return labels


def _ties(table: pd.DataFrame, rows: pd.DataFrame, columns: Sequence[str]) -> list[str]:
    """Return the tie letters of each row, within its series; "" where the seeds are too few to tell any two apart."""
    by = [*columns, *_CELL]
    values = {key: _cells.by_seed(part) for key, part in rows.groupby(_cells.series_keys(rows, by), sort=False)}
    found: dict[tuple[object, ...], str] = {}
    for series in _cells.curve_keys(table, columns):
        cells = {key: one for key, one in values.items() if key[: len(columns)] == series}
        if len(cells) > 1 and min(map(len, cells.values())) >= stats.CLAIM_PAIRS:
            found |= comparisons.letters(stats.tie_groups(cells))
    return [found.get(key, "") for key in _cells.series_keys(table, by)]


def _ties_note(table: pd.DataFrame) -> str:
    if (table["ties"] != "").any():
        return "same letter: not told apart (paired t, Holm)"
    few = len(table) > 1 and (table["seeds"] < stats.CLAIM_PAIRS).all()
    return f"exploring: no claim below {stats.CLAIM_PAIRS} seeds" if few else ""


def _traces(table: pd.DataFrame, rows: pd.DataFrame, columns: Sequence[str], dark: bool) -> list[dict[str, Any]]:
    by = [*columns, *_CELL]
    place = {key: index for index, key in enumerate(_cells.series_keys(table, by))}
    rows = rows.assign(_row=_cells.series_keys(rows, by).map(place)).sort_values(["_row", "seed"])
    traces = []
    for strategy, look in _style.looks(table["strategy"], dark).items():
        cells, runs = table[table["strategy"] == strategy], rows[rows["strategy"] == strategy]
        bars = _cells.interval_drawn(cells)
        alone = cells["seeds"] == 1
        traces.append(
            {
                **{"type": "scatter", "uid": _style.uid(strategy, "mean"), "mode": "markers", "showlegend": False},
                **{"x": cells["mean_percent"].tolist(), "y": cells.index.tolist()},
                "marker": {
                    **{"symbol": look.marker, "size": 11, "line": {"color": look.colour, "width": 2}},
                    "color": [_style.PAPER[dark] if one else look.colour for one in alone],
                },
                "error_x": {
                    **{"type": "data", "symmetric": False, "color": look.colour, "thickness": 1.6, "width": 5},
                    "array": (cells["high_percent"] - cells["mean_percent"]).where(bars, 0.0).tolist(),
                    "arrayminus": (cells["mean_percent"] - cells["low_percent"]).where(bars, 0.0).tolist(),
                },
                "hovertext": _words.cell_hover(cells),
                "hoverinfo": "text",
            }
        )
        traces.append(
            {
                **{"type": "scatter", "uid": _style.uid(strategy, "runs"), "mode": "markers", "showlegend": False},
                **{"x": (runs["value"] * 100).tolist(), "y": runs["_row"].tolist()},
                "marker": {
                    **{"symbol": "circle", "size": 6, "color": look.colour},
                    "line": {"color": _style.PAPER[dark], "width": 1},
                },
                "customdata": runs[["frozen_depth", "seed"]].to_numpy().tolist(),
                "hovertemplate": _words.run_hover(strategy, axis="x"),
            }
        )
    return traces


def _listed(table: pd.DataFrame, columns: Sequence[str]) -> str:
    keys = _cells.curve_keys(table, columns)
    parts = [
        f"{_cells.series_label(k, columns)}: {_words.cells_list(_cells.of_series(table, columns, k))}." for k in keys
    ]
    return " ".join(parts)


def _reading(table: pd.DataFrame, rows: pd.DataFrame, columns: Sequence[str]) -> str:
    keys = _cells.curve_keys(table, columns)
    if len(keys) == 1:
        return _words.best_compared(table, rows)
    best = [_words.best_named(_cells.of_series(table, columns, key), _cells.series_label(key, columns)) for key in keys]
    return f"Highest means: {'; '.join(best)}."
