"""A measure taken at every unit (linear probe, kNN): where in the network the features serve the target task."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

from dashboard.figures import _cells, _style, _words
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
    networks: Sequence[tuple[str, int]] | None = None,
    dark: bool = False,
    uirevision: str = "measures_by_depth",
    series: Sequence[str] = _cells.SERIES,
) -> Drawn:
    """Draw a per-unit accuracy (percent) against the unit it was measured after, one line per trained network.

    Args:
        frame: `transfer_curve`; the rows of `metric` are drawn.
        metric: "probe_accuracy", "knn_accuracy", or any other accuracy (0..1) of the frame.
        networks: (strategy, frozen depth) of the networks to draw; None draws up to six, spread over the depths.
        dark: draw for a dark background.
        uirevision: zoom and hidden traces are kept while it stays the same.
        series: columns whose values make lines of their own.
    """
    name = metric.replace("_", " ").capitalize()
    title, axis_title = TITLES.get(metric, (f"{name} after each unit", f"{name} (%)"))
    look = {"dark": dark, "uirevision": uirevision}
    rows = _cells.measured(frame, metric)
    if networks is not None and len(rows):
        chosen = set(networks)
        rows = rows[[pair in chosen for pair in zip(rows["strategy"], rows["frozen_depth"], strict=True)]]
    if rows.empty:
        return _style.empty(
            title,
            "Nothing measured yet: a line appears for each network, showing how well its features after every unit "
            "separate the classes of the target task.",
            [*series, *_POINT, "unit_name", *_cells.NUMBERS],
            **look,
            xaxis={"title": {"text": "Measured after unit"}},
            yaxis=_style.accuracy_axis(axis_title),
        )
    rows, columns = _cells.with_weights(rows, None, series)
    rows, left_out = _spread(rows) if networks is None else (rows, 0)
    table = _table(rows, columns)
    lines = list(_lines(table, rows, columns, dark))
    keys = _cells.curve_keys(table, columns)
    units = int(table["unit"].max())
    figure = _style.finish(
        [trace for line in lines for trace in line],
        title=title,
        notes=[
            _cells.shared_label(keys, columns),
            _words.seeds(int(table["seeds"].max())),
            "dots runs, line mean",
            f"{left_out} more networks not drawn" if left_out else "",
        ],
        xaxis=_style.depth_axis(f"Measured after unit (of {units})", units, _cells.unit_names(rows), first=1),
        yaxis=_style.accuracy_axis(axis_title, rows["value"] * 100),
        **look,
    )
    alt = f"Line chart: {axis_title}, against the unit after which it was measured. "
    return Drawn(figure, title, alt + _alt(table, columns), _reading(table, columns), table, _style.height(len(lines)))


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


def _table(rows: pd.DataFrame, columns: Sequence[str]) -> pd.DataFrame:
    by = [*columns, *_POINT]
    table = _cells.percent_summary(rows, by)
    names = _cells.unit_names(rows)
    table.insert(len(by), "unit_name", [names.get(int(unit), "") for unit in table["unit"]])
    order = {strategy: place for place, strategy in enumerate(_style.looks(table["strategy"]))}
    keys = {key: place for place, key in enumerate(_cells.curve_keys(table, columns))}
    sorting = table.assign(_series=_cells.series_keys(table, columns).map(keys), _order=table["strategy"].map(order))
    sorting = sorting.sort_values(["_series", "_order", "frozen_depth", "unit"])
    return table.loc[sorting.index].reset_index(drop=True)


def _lines(table: pd.DataFrame, rows: pd.DataFrame, columns: Sequence[str], dark: bool) -> list[list[dict[str, Any]]]:
    looks = _style.looks(table["strategy"], dark)
    keys = _cells.curve_keys(table, columns)
    differing = _cells.varying(keys, columns)
    lines = []
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
            lines.append(_network(line, mine, uid, style))
    return lines


def _network(cells: pd.DataFrame, rows: pd.DataFrame, uid: str, style: dict[str, str]) -> list[dict[str, Any]]:
    rows = rows.sort_values(["unit", "seed"])
    name = style["name"]
    shared = {"type": "scatter", "legendgroup": uid, "name": name}
    mean = {
        **shared,
        **{"uid": _style.uid(uid, "mean"), "mode": "lines+markers"},
        **{"x": cells["unit"].tolist(), "y": cells["mean_percent"].tolist()},
        "line": {"color": style["colour"], "dash": style["dash"], "width": 2},
        "marker": {"symbol": style["marker"], "size": 8},
        "customdata": [
            [_style.escape(unit), _words.seeds(n)] for unit, n in zip(cells["unit_name"], cells["seeds"], strict=True)
        ],
        "hovertemplate": f"<b>{name}</b><br>unit %{{x}} %{{customdata[0]}}<br>"
        "mean %{y:.1f} %, %{customdata[1]}<extra></extra>",
    }
    dots = {
        **shared,
        **{"uid": _style.uid(uid, "runs"), "mode": "markers", "showlegend": False},
        **{"x": rows["unit"].tolist(), "y": (rows["value"] * 100).tolist()},
        "marker": {"symbol": "circle", "size": 4, "color": style["colour"], "opacity": 0.55},
        "customdata": rows["seed"].tolist(),
        "hovertemplate": f"<b>{name}</b>, one run<br>unit %{{x}}, seed %{{customdata}}<br>%{{y:.1f}} %<extra></extra>",
    }
    return [mean, dots]


def _alt(table: pd.DataFrame, columns: Sequence[str]) -> str:
    parts = []
    for (*key, strategy, depth), line in table.groupby(
        [*columns, "strategy", "frozen_depth"], sort=False, dropna=False
    ):
        best = line.loc[line["mean_percent"].idxmax()]
        first, last = line.iloc[0], line.iloc[-1]
        label = _cells.series_label([None if pd.isna(value) else value for value in key], columns)
        parts.append(
            f"{label}, {_style.cell_label(strategy, depth).lower()}: {first['mean_percent']:.1f} after unit {first['unit']}, "
            f"highest {best['mean_percent']:.1f} after unit {best['unit']}, {last['mean_percent']:.1f} after unit {last['unit']}."
        )
    return " ".join(parts)


def _reading(table: pd.DataFrame, columns: Sequence[str]) -> str:
    best = table.loc[table["mean_percent"].idxmax()]
    line = table
    for column in [*columns, "strategy", "frozen_depth"]:
        line = line[line[column].isna() if pd.isna(best[column]) else line[column] == best[column]]
    last = line.iloc[-1]
    network = _style.cell_phrase(best["strategy"], best["frozen_depth"], best["n_units"])
    value = f"{best['mean_percent']:.1f} % ({_words.seeds(best['seeds'])})"
    start = f"The highest mean is {value}, after unit {best['unit']} ({network})"
    if last["unit"] == best["unit"]:
        return f"{start}: the last unit measured."
    drop = best["mean_percent"] - last["mean_percent"]
    return f"{start}; the last unit measured, {last['unit']}, is {drop:.1f} points below."
