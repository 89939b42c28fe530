"""Test accuracy against frozen depth: what freezing changes, with every seed as a dot."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from dashboard.figures import _cells, _style, _words
from dashboard.figures._style import Drawn, Look
from engine import stats

TITLE = "Test accuracy by frozen depth"
SWEEP = ("full_fine_tuning", "partial_fine_tuning", "linear_probe")
"""One curve: nothing frozen, some units frozen, all units frozen."""
MOST_NAMED = 12
"""Lines with a name in the legend; where there are more, those that frozen depth does not order are in the table alone."""
_CELL = ["strategy", "frozen_depth", "n_units"]


@dataclass(frozen=True)
class _Curve:
    """One series: its cells and runs, its words, and how it is told from the others (`colour` where there are any)."""

    cells: pd.DataFrame
    rows: pd.DataFrame
    uid: str
    label: str
    colour: str | None
    looks: Mapping[str, Look]
    as_fraction: bool
    paper: str

    def colour_of(self, strategy: str) -> str:
        return self.colour or self.looks[strategy].colour

    def group(self, strategy: str) -> str:
        return self.uid if self.colour else strategy

    def x(self, frame: pd.DataFrame) -> list[float]:
        return (frame["frozen_depth"] / (frame["n_units"] if self.as_fraction else 1)).tolist()


def accuracy_by_depth(
    frame: pd.DataFrame,
    *,
    runs: pd.DataFrame | None = None,
    dark: bool = False,
    uirevision: str = "accuracy_by_depth",
    series: Sequence[str] = _cells.SERIES,
) -> Drawn:
    """Draw test accuracy (percent) against frozen depth, one curve per series, from scratch as a level line.

    Args:
        frame: `transfer_curve`; the rows of metric "test_accuracy" are drawn.
        runs: the same experiments' `runs`; with it the chart says how many are finished.
        dark: draw for a dark background.
        uirevision: zoom and hidden traces are kept while it stays the same.
        series: columns whose values make a curve of their own.
    """
    rows = _cells.measured(frame, "test_accuracy")
    progress = _cells.progress(runs)
    title = f"{TITLE}: {progress}" if progress else TITLE
    look = {"dark": dark, "uirevision": uirevision}
    if rows.empty:
        axes = {"xaxis": {"title": {"text": "Frozen depth (units)"}}, "yaxis": _style.accuracy_axis()}
        return _style.empty(
            TITLE,
            "Nothing measured yet: a point appears for each frozen depth as soon as its first run finishes; "
            "on the left everything is trained, on the right everything is frozen.",
            [*series, *_CELL, "unit_name", *_cells.NUMBERS],
            notes=[progress],
            **look,
            **axes,
        )
    rows, columns = _cells.with_weights(rows, runs, series)
    table = _table(rows, columns)
    keys = _cells.curve_keys(table, columns)
    shown, left_out = _legible(table, columns)
    drawn = shown[_cells.interval_drawn(shown)]
    on_chart = rows[rows["strategy"].isin(shown["strategy"])]
    extent = [*on_chart["value"] * 100, *drawn["low_percent"], *drawn["high_percent"]]
    as_fraction = table["n_units"].nunique() > 1
    traces = [trace for curve in _curves(shown, on_chart, columns, keys, as_fraction, dark) for trace in _traces(curve)]
    shared = _cells.shared_label(keys, columns)
    figure = _style.finish(
        traces,
        title=TITLE,
        notes=[
            progress,
            shared,
            _cells.seeds_note(table["seeds"]),
            _marks(drawn, several=len(keys) > 1),
            f"{left_out} more strategies in the table" if left_out else "",
        ],
        xaxis=_depth_axis(rows, as_fraction),
        yaxis=_style.accuracy_axis(values=extent),
        **look,
    )
    alt = _alt(table, columns, keys, progress)
    return Drawn(figure, title, alt, _reading(table, rows, columns, keys), table, _style.height(len(keys) + 1))


def _legible(table: pd.DataFrame, columns: Sequence[str]) -> tuple[pd.DataFrame, int]:
    """Return the cells that are drawn, and how many strategies are not: dozens at depth 0 would leave no room for the curve."""
    on_axis = table["strategy"].isin([*SWEEP, "from_scratch"])
    others = table[~on_axis]
    if len(others[[*columns, "strategy"]].drop_duplicates()) <= MOST_NAMED or not on_axis.any():
        return table, 0
    return table[on_axis], others["strategy"].nunique()


def _table(rows: pd.DataFrame, columns: Sequence[str]) -> pd.DataFrame:
    """Return the cells drawn, one row each: series after series, by depth, the control last."""
    table = _cells.percent_summary(rows, [*columns, *_CELL])
    names = _cells.unit_names(rows)
    table.insert(len(columns) + len(_CELL), "unit_name", [names.get(int(d), "") for d in table["frozen_depth"]])
    keys = _cells.series_keys(table, columns)
    places = {key: place for place, key in enumerate(sorted(set(keys), key=_cells.sort_key))}
    order = table.assign(_series=keys.map(places), _control=table["strategy"] == "from_scratch")
    order = order.sort_values(["_series", "_control", "frozen_depth", "strategy"])
    return table.loc[order.index].reset_index(drop=True)


def _curves(
    table: pd.DataFrame,
    rows: pd.DataFrame,
    columns: Sequence[str],
    keys: Sequence[tuple[Hashable, ...]],
    as_fraction: bool,
    dark: bool,
) -> list[_Curve]:
    looks = _style.looks({*table["strategy"], *SWEEP}, dark)
    palette = _style.SERIES_COLOURS[dark]
    differing = _cells.varying(keys, columns)
    curves = []
    for place, key in enumerate(keys):
        several = len(keys) > 1
        curves.append(
            _Curve(
                cells=_cells.of_series(table, columns, key),
                rows=_cells.of_series(rows, columns, key),
                uid=_style.uid(*key),
                label=_cells.series_label(key, columns, differing),
                colour=palette[place % len(palette)] if several else None,
                looks=looks,
                as_fraction=as_fraction,
                paper=_style.PAPER[dark],
            )
        )
    return curves


def _traces(curve: _Curve) -> list[dict[str, Any]]:
    cells = curve.cells
    lines = [("partial_fine_tuning", cells[cells["strategy"].isin(SWEEP)])]
    others = [name for name in curve.looks if name not in SWEEP and name in set(cells["strategy"])]
    lines += [(name, cells[cells["strategy"] == name]) for name in others if name != "from_scratch"]
    traces: list[dict[str, Any]] = []
    for leader, line in lines:
        if len(line):
            traces += [_band(curve, leader, line), _line(curve, leader, line)]
            present = [name for name in curve.looks if name in set(line["strategy"])]
            traces += [_means(curve, name, line[line["strategy"] == name]) for name in present]
            traces += [_dots(curve, name) for name in present]
    control = cells[cells["strategy"] == "from_scratch"]
    if len(control):
        # A level line as long as the axis: from scratch nothing is frozen, and every depth is compared with it.
        ends = control.iloc[[0, 0]].reset_index(drop=True)
        ends["frozen_depth"] = [0, int(control["n_units"].iloc[0])]
        level = [_band(curve, "from_scratch", ends), _line(curve, "from_scratch", ends)]
        traces = [*level, *traces, _dots(curve, "from_scratch")]
    return traces


def _band(curve: _Curve, leader: str, cells: pd.DataFrame) -> dict[str, Any]:
    """Return the interval over seeds as one filled shape, broken where a cell has none."""
    has = _cells.interval_drawn(cells) & ((cells["seeds"] > 1) | (leader == "from_scratch"))
    along = pd.Series(curve.x(cells), cells.index)
    x, y = _cells.outline(along, cells["low_percent"], cells["high_percent"], has)
    colour = curve.colour_of(leader)
    # The control is a broad level band: paler, and without an outline, it stays behind the curve.
    area, outline = (0.07, 0.0) if leader == "from_scratch" else (0.16, 0.3)
    return {
        **_base(curve, leader, "band"),
        **{"x": x, "y": y, "mode": "lines", "fill": "toself", "fillcolor": _style.fade(colour, area)},
        "line": {"width": 1, "color": _style.fade(colour, outline)},  # a lone depth has no area, but an outline
        "hoverinfo": "skip",
    }


def _line(curve: _Curve, leader: str, cells: pd.DataFrame) -> dict[str, Any]:
    control = leader == "from_scratch"
    several = curve.colour is not None
    extra = "" if several and leader in SWEEP else _style.strategy_label(leader)
    name = ", ".join(filter(None, [curve.label if several else "", extra]))
    # Of several series the curve stands in the legend, and its control goes with it.
    in_legend = not control or len(curve.cells) == 1 if several else control
    dash = curve.looks[leader].dash
    return {
        **_base(curve, leader, "line"),
        **{"x": curve.x(cells), "y": cells["mean_percent"].tolist(), "mode": "lines"},
        "line": {"color": curve.colour_of(leader), "dash": dash, "width": 2},
        "name": _style.escape(name),
        "showlegend": in_legend,
        "hovertext": _words.cell_hover(cells),
        "hoverinfo": "text" if control else "skip",  # elsewhere the means answer
    }


def _means(curve: _Curve, strategy: str, cells: pd.DataFrame) -> dict[str, Any]:
    """Return the means of one strategy; hollow with a bar over the images where there is one seed."""
    look, single = curve.looks[strategy], cells["seeds"] == 1
    bars = _cells.interval_drawn(cells) & single
    up = (cells["high_percent"] - cells["mean_percent"]).where(bars, 0.0)
    down = (cells["mean_percent"] - cells["low_percent"]).where(bars, 0.0)
    edge = curve.colour_of(strategy)
    return {
        **_base(curve, strategy, "mean"),
        **{"x": curve.x(cells), "y": cells["mean_percent"].tolist(), "mode": "markers"},
        "marker": {
            "symbol": look.marker,
            "size": 12,
            "color": [curve.paper if alone else look.colour for alone in single],
            "line": {"color": edge, "width": 2},
        },
        "error_y": {
            **{"type": "data", "symmetric": False, "array": up.tolist(), "arrayminus": down.tolist()},
            **{"color": edge, "thickness": 1, "width": 4, "visible": bool(bars.any())},
        },
        "name": _style.escape(_style.strategy_label(strategy)),
        "showlegend": curve.colour is None,
        "hovertext": _words.cell_hover(cells),
        "hoverinfo": "text",
    }


def _dots(curve: _Curve, strategy: str) -> dict[str, Any]:
    rows = curve.rows[curve.rows["strategy"] == strategy].sort_values(["frozen_depth", "seed"])
    colour = curve.colour_of(strategy)
    return {
        **_base(curve, strategy, "runs"),
        **{"x": curve.x(rows), "y": (rows["value"] * 100).tolist(), "mode": "markers"},
        "marker": {"symbol": "circle", "size": 6, "color": colour, "line": {"color": curve.paper, "width": 1}},
        "customdata": rows[["frozen_depth", "seed"]].to_numpy().tolist(),
        "hovertemplate": _words.run_hover(strategy),
    }


def _base(curve: _Curve, strategy: str, part: str) -> dict[str, Any]:
    # The uid lets the browser recognise a trace after others came before it, so that hidden ones stay hidden.
    uid = _style.uid(curve.uid, strategy, part)
    return {"type": "scatter", "uid": uid, "legendgroup": curve.group(strategy), "showlegend": False}


def _depth_axis(rows: pd.DataFrame, as_fraction: bool) -> dict[str, Any]:
    if as_fraction:  # backbones of different length share one axis
        return {"title": {"text": "Frozen share of the units (0 none, 1 all)"}, "range": [-0.04, 1.04]}
    units = int(rows["n_units"].max())
    return _style.depth_axis(f"Frozen depth (units; 0 none, {units} all)", units, _cells.unit_names(rows))


def _marks(drawn: pd.DataFrame, *, several: bool) -> str:
    """Say what the marks mean, with the kind of every interval drawn."""
    kinds = {stats.OVER_SEEDS: "band 95 % interval (Student t)", stats.OVER_IMAGES: "bar 95 % interval (Wilson)"}
    dashed = ["dashed from scratch"] if several else []
    return ", ".join(
        ["dots runs", "line mean", *dashed, *(kinds[kind] for kind in kinds if kind in set(drawn["interval"]))]
    )


def _alt(table: pd.DataFrame, columns: Sequence[str], keys: Sequence[tuple[Hashable, ...]], progress: str) -> str:
    parts = [f"Line chart of test accuracy in percent against frozen depth{f', {progress}' if progress else ''}."]
    for key in keys:
        cells = _cells.of_series(table, columns, key)
        parts.append(f"{_cells.series_label(key, columns)}: {_words.cells_list(cells)}.")
    return " ".join(parts)


def _reading(
    table: pd.DataFrame, rows: pd.DataFrame, columns: Sequence[str], keys: Sequence[tuple[Hashable, ...]]
) -> str:
    if len(keys) == 1:
        return _words.best_compared(table, rows)
    best = [_words.best_named(_cells.of_series(table, columns, key), _cells.series_label(key, columns)) for key in keys]
    return f"Highest means: {'; '.join(best)}."
