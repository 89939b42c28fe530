"""A measure taken at every unit (a probe, kNN, a score): where in the network the features serve the target task."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from dashboard.figures import _cells, _run_intervals, _scale, _style, _words
from dashboard.figures._scale import Scale
from dashboard.figures._style import Drawn

TITLES = {
    "probe_accuracy": ("Linear probe after each unit", "Probe accuracy (%)"),
    "knn_accuracy": ("Nearest neighbours after each unit", "kNN accuracy (%)"),
}
NETWORKS_SHOWN = 6
_POINT = ["strategy", "frozen_depth", "unit", "n_units"]
_DASHES = ("solid", "dash", "dot", "dashdot", "longdash", "longdashdot")


def measures_by_depth(
    frame: pd.DataFrame,
    *,
    metric: str = "probe_accuracy",
    scale: Scale | None = None,
    networks: Sequence[tuple[str, int]] | None = None,
    dark: bool = False,
    uirevision: str = "measures_by_depth",
    series: Sequence[str] = _cells.SERIES,
) -> Drawn:
    """Draw a measure against the unit it was taken after, one line per trained network, in the measure's own unit.

    Intervals that runs bring themselves (`low` and `high` of the frame) are bands of their line's colour.
    Where a measure has no meaning the line has a gap, a cross at the foot of the chart and the reason in hover, words and table.

    Args:
        frame: `transfer_curve`; the rows of `metric` are drawn.
        metric: "probe_accuracy", "knn_accuracy", or any other measure of the frame.
        scale: its unit and words; None takes it for an accuracy (0..1), drawn in percent.
        networks: (strategy, frozen depth) of the networks to draw; None draws up to six, spread over the depths.
        dark: draw for a dark background.
        uirevision: zoom and hidden traces are kept while it stays the same.
        series: columns whose values make lines of their own.
    """
    title, axis_title = TITLES.get(metric, ("", ""))
    scale = scale or _scale.of_accuracy(metric, axis_title)
    title = title or f"{scale.label} after each unit"
    look = {"dark": dark, "uirevision": uirevision}
    rows = _taken(frame, metric, networks)
    if rows.empty:
        return _nothing(title, scale, series, look)
    rows, columns = _cells.with_weights(rows, None, series)
    rows, left_out = _spread(rows) if networks is None else (rows, 0)
    table = _table(rows, columns, scale)
    lines = list(_lines(table, rows, columns, scale, dark))
    refused = table[table["seeds"] == 0]
    figure = _style.finish(
        [trace for line in lines for trace in line] + _refused(refused, dark),
        title=title,
        notes=_notes(table, columns, scale, left_out),
        **_axes(table, rows, scale),
        **look,
    )
    alt = f"Line chart: {scale.axis}, against the unit after which it was measured. {_alt(table, columns, scale)}"
    return Drawn(figure, title, alt, _reading(table, columns, scale), table, _style.height(len(lines)))


def _nothing(title: str, scale: Scale, series: Sequence[str], look: dict[str, Any]) -> Drawn:
    return _style.empty(
        title,
        "Nothing measured yet: a line appears for each network, showing how well its features after every unit "
        "separate the classes of the target task.",
        [*series, *_POINT, "unit_name", *_cells.NUMBERS],
        **look,
        xaxis={"title": {"text": "Measured after unit"}},
        yaxis=_scale.axis(scale, ()),
    )


def _notes(table: pd.DataFrame, columns: Sequence[str], scale: Scale, left_out: int) -> list[str]:
    """What is said below the title."""
    return [
        _cells.shared_label(_cells.curve_keys(table, columns), columns),
        _words.seeds(int(table["seeds"].max())),
        _pooled(table),
        "dots runs, line mean",
        *_run_intervals.notes(table),
        "less is better" if scale.lower else "",
        f"{left_out} more network{'s' if left_out != 1 else ''} not drawn" if left_out else "",
        "cross: no value there" if (table["seeds"] == 0).any() else "",
    ]


def _axes(table: pd.DataFrame, rows: pd.DataFrame, scale: Scale) -> dict[str, dict[str, Any]]:
    units = int(table["unit"].max())
    return {
        "xaxis": _style.depth_axis(f"Measured after unit (of {units})", units, _cells.unit_names(rows), first=1),
        "yaxis": _scale.axis(scale, [*rows["value"] * scale.factor, *_ends(table)]),
        # A foot of its own for the crosses: where a measure has no value there is no height to draw them at.
        "yaxis2": {"overlaying": "y", "range": [0, 1], "visible": False, "fixedrange": True},
    }


def _taken(frame: pd.DataFrame, metric: str, networks: Sequence[tuple[str, int]] | None) -> pd.DataFrame:
    """The rows of a measure and of the networks that are asked for (None = all), each run and unit once: those with a value, and
    those with the reason why there is none."""
    if frame.empty:
        return frame
    there = np.isfinite(frame["value"].astype(float))
    if "reason" in frame:
        there |= frame["reason"].fillna("").astype(str) != ""
    rows = frame[(frame["metric"] == metric) & there]
    rows = rows.drop_duplicates(["run_id", "unit"])  # a run that is reused belongs to several experiments
    if networks is None:
        return rows
    chosen = set(networks)
    return rows[[pair in chosen for pair in zip(rows["strategy"], rows["frozen_depth"], strict=True)]]


def _ends(table: pd.DataFrame) -> list[float]:
    return [end for name in _run_intervals.COLUMNS[:2] if name in table for end in table[name]]


def _pooled(table: pd.DataFrame) -> str:
    names = [name for name in table["pooling"].dropna().unique() if name]
    return f"pooling: {', '.join(name.replace('_', ' ') for name in names)}" if names else ""


def _refused(cells: pd.DataFrame, dark: bool) -> list[dict[str, Any]]:
    if cells.empty:
        return []
    named = [
        [_style.escape(_style.cell_label(cell.strategy, cell.frozen_depth)), _style.wrapped(cell.reason)]
        for cell in cells.itertuples()
    ]
    return [
        {
            **{"type": "scatter", "uid": "refused", "mode": "markers", "showlegend": False, "yaxis": "y2"},
            **{"x": cells["unit"].tolist(), "y": [0.03] * len(cells), "customdata": named},
            "marker": {"symbol": "x-thin", "size": 9, "line": {"width": 2, "color": _style.INK[dark]}},
            "hovertemplate": "<b>%{customdata[0]}</b><br>unit %{x}: no value<br>%{customdata[1]}<extra></extra>",
        }
    ]


def _spread(rows: pd.DataFrame) -> tuple[pd.DataFrame, int]:
    """Return the rows of at most six networks, spread over the frozen depths, and how many were left out."""
    pairs = rows[["strategy", "frozen_depth"]].drop_duplicates().sort_values(["frozen_depth", "strategy"])
    if len(pairs) <= NETWORKS_SHOWN:
        return rows, 0
    control = pairs["strategy"] == "from_scratch"
    sweep, room = pairs[~control], NETWORKS_SHOWN - int(control.any())
    places = sorted({round(i * (len(sweep) - 1) / (room - 1)) for i in range(room)})
    kept = pd.concat([sweep.iloc[places], pairs[control].head(1)])
    return rows.merge(kept, on=["strategy", "frozen_depth"]), len(pairs) - len(kept)


def _table(rows: pd.DataFrame, columns: Sequence[str], scale: Scale) -> pd.DataFrame:
    by = [*columns, *_POINT]
    table = _scale.summary(rows, by, scale)
    names = _cells.unit_names(rows)
    table.insert(len(by), "unit_name", [names.get(int(unit), "") for unit in table["unit"]])
    order = {strategy: place for place, strategy in enumerate(_style.looks(table["strategy"]))}
    keys = {key: place for place, key in enumerate(_cells.curve_keys(table, columns))}
    sorting = table.assign(_series=_cells.series_keys(table, columns).map(keys), _order=table["strategy"].map(order))
    sorting = sorting.sort_values(["_series", "_order", "frozen_depth", "unit"])
    return table.loc[sorting.index].reset_index(drop=True)


def _lines(
    table: pd.DataFrame, rows: pd.DataFrame, columns: Sequence[str], scale: Scale, dark: bool
) -> list[list[dict[str, Any]]]:
    looks = _style.looks(table["strategy"], dark)
    keys = _cells.curve_keys(table, columns)
    differing = _cells.varying(keys, columns)
    lines = []
    alone = len(table[[*columns, "strategy", "frozen_depth"]].drop_duplicates()) == 1
    for place, key in enumerate(keys):
        cells, runs = _cells.of_series(table, columns, key), _cells.of_series(rows, columns, key)
        label = _cells.series_label(key, columns, differing)
        for (strategy, depth), line in cells.groupby(["strategy", "frozen_depth"], sort=False):
            siblings = sorted(table.loc[table["strategy"] == strategy, "frozen_depth"].unique())
            step = siblings.index(depth)
            look = looks[strategy]
            colour = _style.shade(look.colour, step / max(1, len(siblings) - 1), dark)
            # Series differ by dash; one series lets networks of the same strategy differ by dash, too.
            dash = (
                _DASHES[place % len(_DASHES)] if differing else look.dash if step == 0 else _DASHES[step % len(_DASHES)]
            )
            name = ", ".join(filter(None, [_style.cell_label(strategy, depth), label]))
            style = {"colour": colour, "dash": dash, "marker": look.marker, "name": _style.escape(name)}
            uid = _style.uid(*key, strategy, depth)
            mine = runs[(runs["strategy"] == strategy) & (runs["frozen_depth"] == depth)]
            lines.append(_network(line, mine, uid, style, scale, alone))
    return lines


def _network(
    cells: pd.DataFrame, rows: pd.DataFrame, uid: str, style: dict[str, str], scale: Scale, alone: bool
) -> list[dict[str, Any]]:
    rows = rows[rows["value"].notna()].sort_values(["unit", "seed"])
    name = style["name"]
    shared = {"type": "scatter", "legendgroup": uid, "name": name}
    heights = cells[scale.mean].astype(object).where(cells[scale.mean].notna(), None)
    mean = {
        **shared,
        **{"uid": _style.uid(uid, "mean"), "mode": "lines+markers"},
        **{"x": cells["unit"].tolist(), "y": heights.tolist()},
        "line": {"color": style["colour"], "dash": style["dash"], "width": 2},
        "marker": {"symbol": style["marker"], "size": 8},
        "customdata": [
            [
                _style.escape(cell.unit_name),
                _words.seeds(cell.seeds),
                _size(cell) + _run_intervals.hover(cell, scale.text),
            ]
            for cell in cells.itertuples()
        ],
        "hovertemplate": f"<b>{name}</b><br>unit %{{x}} %{{customdata[0]}}<br>"
        f"mean {scale.hover}, %{{customdata[1]}}%{{customdata[2]}}<extra></extra>",
    }
    dots = {
        **shared,
        **{"uid": _style.uid(uid, "runs"), "mode": "markers", "showlegend": False},
        **{"x": rows["unit"].tolist(), "y": (rows["value"] * scale.factor).tolist()},
        "marker": {"symbol": "circle", "size": 4, "color": style["colour"], "opacity": 0.55},
        "customdata": rows["seed"].tolist(),
        "hovertemplate": f"<b>{name}</b>, one run<br>unit %{{x}}, seed %{{customdata}}<br>{scale.hover}<extra></extra>",
    }
    return [*_run_intervals.traces(cells, shared, uid, style["colour"], alone), mean, dots]


def _size(cell: Any) -> str:
    """What a value was measured on, as a further line of its hover text; empty where nothing is known."""
    known = (("N", cell.n_images), ("D", cell.n_features), ("rank", cell.rank))
    parts = [f"{name} {int(value)}" for name, value in known if pd.notna(value)]
    return f"<br>{', '.join(parts)}" if parts else ""


def _alt(table: pd.DataFrame, columns: Sequence[str], scale: Scale) -> str:
    parts = []
    for (*key, strategy, depth), line in table.groupby(
        [*columns, "strategy", "frozen_depth"], sort=False, dropna=False
    ):
        there = line[line["seeds"] > 0]
        label = _cells.series_label([None if pd.isna(value) else value for value in key], columns)
        start = f"{label}, {_style.cell_label(strategy, depth).lower()}: "
        if there.empty:
            parts.append(f"{start}no value; {line['reason'].iloc[0]}.")
            continue
        best, first, last = there.loc[scale.best(there[scale.mean])], there.iloc[0], there.iloc[-1]
        number = "{:.1f}".format if scale.percent else "{:.4g}".format
        parts.append(
            f"{start}{number(first[scale.mean])} after unit {first['unit']}, {scale.extreme} {number(best[scale.mean])} "
            f"after unit {best['unit']}, {number(last[scale.mean])} after unit {last['unit']}."
        )
    return " ".join(parts)


def _reading(table: pd.DataFrame, columns: Sequence[str], scale: Scale) -> str:
    there = table[table["seeds"] > 0]
    if there.empty:
        return f"No value at any unit: {table['reason'].iloc[0]}."
    best = there.loc[scale.best(there[scale.mean])]
    line = there
    for column in [*columns, "strategy", "frozen_depth"]:
        line = line[line[column].isna() if pd.isna(best[column]) else line[column] == best[column]]
    last = line.iloc[-1]
    network = _style.cell_phrase(best["strategy"], best["frozen_depth"], best["n_units"])
    about = [_words.seeds(best["seeds"]), _run_intervals.words(best, scale.text)]
    value = f"{scale.text(best[scale.mean])} ({'; '.join(filter(None, about))})"
    start = f"The {scale.extreme} mean is {value}, after unit {best['unit']} ({network})"
    if last["unit"] == best["unit"]:
        return f"{start}: the last unit measured.{_gaps(table)}"
    drop = scale.distance(abs(best[scale.mean] - last[scale.mean]))
    return f"{start}; the last unit measured, {last['unit']}, is {drop} {'above' if scale.lower else 'below'}.{_gaps(table)}"


def _gaps(table: pd.DataFrame) -> str:
    refused = table[table["seeds"] == 0]
    none = f" {len(refused)} of {len(table)} have no value: {refused['reason'].iloc[0]}." if len(refused) else ""
    return none + _run_intervals.missing(table)
