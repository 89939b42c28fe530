"""Test accuracy against what it cost, or what was forgotten: which cells give the most accuracy for how much of it."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from dashboard.figures import _cells, _style, _words
from dashboard.figures._costs import COSTS, SEARCHED, Cost, amount
from dashboard.figures._style import Drawn

_CELL = ["strategy", "frozen_depth", "n_units"]
SEARCH_PART = "search_part"
"""Column of the table, where runs were searched: how much finding the setting took, in the unit of the cost (NA: not known)."""
_LOG_FROM = 20.0  # largest cost over smallest, from which a linear axis would crowd the cheap cells


def accuracy_cost(
    runs: pd.DataFrame,
    *,
    cost: str = "seconds",
    alone: bool = False,
    dark: bool = False,
    uirevision: str = "accuracy_cost",
    series: Sequence[str] = _cells.SERIES,
) -> Drawn:
    """Draw test accuracy (percent) against cost, one mark per cell, its runs as small dots, the Pareto front marked.

    A cell is on the front when no other cell of its series costs as little or less and is as accurate or more.

    Args:
        runs: `runs`; those with a test accuracy and a cost are drawn.
        cost: a key of `COSTS`, a column of `runs`.
        alone: of searched runs, draw what the chosen setting itself took, without what finding it took.
        dark: draw for a dark background.
        uirevision: zoom and hidden traces are kept while it stays the same.
        series: columns whose values make cells of their own.

    Raises:
        ValueError: an unknown cost.
    """
    if cost not in COSTS:
        raise ValueError(f"cost is {cost!r}; it must be one of: {', '.join(COSTS)}.")
    about = _about(cost, runs, alone)
    title, axis_title, unit = about.title, about.axis, about.unit
    look = {"dark": dark, "uirevision": uirevision}
    rows = runs if runs.empty else _measured(runs, cost, alone)
    if rows.empty:
        return _style.empty(
            title,
            "Nothing measured yet: a mark appears for each strategy and frozen depth; up is more accurate, left is "
            f"{about.less}.",
            [*series, *_CELL, *_cells.NUMBERS, cost, "on_front"],
            notes=[_cells.progress(runs)],
            **look,
            xaxis={"title": {"text": axis_title}},
            yaxis=_style.accuracy_axis(),
        )
    rows, columns = _cells.with_weights(rows, None, series)
    table = _table(rows, columns, cost)
    keys = _cells.curve_keys(table, columns)
    log = bool(about.log and rows[cost].min() > 0 and rows[cost].max() / rows[cost].min() >= _LOG_FROM)
    progress = _cells.progress(runs)
    figure = _style.finish(
        _traces(table, rows, columns, cost, unit, dark),
        title=title,
        notes=[
            progress,
            _cells.shared_label(keys, columns),
            _cells.seeds_note(table["seeds"]),
            "dots runs, marks means, ringed: Pareto front",
            _source_note(runs, cost),
            _search_note(table, cost, alone),
            "mixes: with the runs that they are made of"
            if "mixed_runs" in rows and (rows["mixed_runs"] > 0).any()
            else "",
        ],
        xaxis=_cost_axis(axis_title, rows[cost].min(), rows[cost].max(), log),
        yaxis=_style.accuracy_axis(values=rows["value"] * 100),
        **look,
    )
    full = f"{title}: {progress}" if progress else title
    alt = f"Scatter chart of test accuracy in percent against {_lower(axis_title)}. {_listed(table, columns, about, cost)}"
    entries = len(keys) + max(4, table["strategy"].nunique())
    return Drawn(figure, full, alt, _reading(table, keys, cost, about), table, _style.height(entries))


def _source_note(runs: pd.DataFrame, cost: str) -> str:
    """Say where joules are from: an estimate must never look measured."""
    if cost != "energy_joules" or "energy_source" not in runs:
        return ""
    sources = sorted(set(runs.loc[runs[cost].notna(), "energy_source"]) - {""})
    words = {"estimated": "estimated: time x a stated wattage", "RAPL": "measured (RAPL, all that ran)",
             "NVML": "measured (NVML, the whole card)"}  # fmt: skip
    return "; ".join(words.get(one, one) for one in sources)


def _about(cost: str, runs: pd.DataFrame, alone: bool) -> Cost:
    """The words of a cost; the axis says whether the trials of a search are in it."""
    about = COSTS[cost]
    if not _searched(runs, cost):
        return about
    said = "chosen setting alone" if alone else "search included"
    before, _, unit = about.axis.partition(" (")
    return replace(about, axis=f"{before}, {said}" + (f" ({unit}" if unit else ""))


def _searched(runs: pd.DataFrame, cost: str) -> bool:
    """Whether trials of a search are a part of this cost in any of these runs."""
    return cost in SEARCHED and SEARCHED[cost] in runs and bool((pd.to_numeric(runs[SEARCHED[cost]]) > 0).any())


def _search_note(table: pd.DataFrame, cost: str, alone: bool) -> str:
    """Say how much of the cost the search is, where there was one."""
    if SEARCH_PART not in table or alone:
        return ""
    shares = (table[SEARCH_PART] / table[cost])[table[SEARCH_PART] > 0] * 100
    low, high = f"{shares.min():.0f}", f"{shares.max():.0f}"
    return f"finding the setting: {low if low == high else f'{low} to {high}'} % of a searched run"


def _measured(runs: pd.DataFrame, cost: str, alone: bool) -> pd.DataFrame:
    rows = runs.assign(value=runs["test_accuracy"].astype(float), n_images=runs["test_n"])
    rows[cost] = pd.to_numeric(rows[cost]).astype(float)
    if _searched(runs, cost):
        part = pd.to_numeric(rows[SEARCHED[cost]]).astype(float)
        rows[SEARCH_PART] = part
        if alone:  # runs whose part is not known are not drawn
            rows[cost] = rows[cost] - part
    return rows[np.isfinite(rows["value"]) & np.isfinite(rows[cost])].drop_duplicates("run_id")


def _table(rows: pd.DataFrame, columns: Sequence[str], cost: str) -> pd.DataFrame:
    by = [*columns, *_CELL]
    table = _cells.percent_summary(rows, by)
    amounts = [cost, SEARCH_PART] if SEARCH_PART in rows else [cost]
    costs = rows.groupby(by, dropna=False, sort=False)[amounts].mean().reset_index()
    table = table.merge(costs, on=by).sort_values([cost, "mean_percent"], ascending=[True, False], ignore_index=True)
    return table.assign(on_front=_front(table[cost], table["mean_percent"], _cells.series_keys(table, columns)))


def _front(cost: pd.Series, accuracy: pd.Series, keys: pd.Series) -> list[bool]:
    """Return which rows no other row of the same series beats; equal rows do not beat each other."""
    found = []
    for place in cost.index:
        same = keys == keys[place]
        as_good = same & (cost <= cost[place]) & (accuracy >= accuracy[place])
        better = as_good & ((cost < cost[place]) | (accuracy > accuracy[place]))
        found.append(not better.any())
    return found


def _cost_axis(title: str, least: float, most: float, log: bool) -> dict[str, Any]:
    """Return the axis of cost from the smallest to the largest value, logarithmic where `log` says so."""
    # Prefixes shorten what is large (2k, 3M); of what is small they would make a riddle (100m for 0.1).
    ticks = "~s" if (least >= 1 if log else most >= 1_000) else "~g"
    if log:
        text = f"{title[:-1]}, log scale)" if title.endswith(")") else f"{title} (log scale)"
        return {"title": {"text": text}, "type": "log", "tickformat": ticks, "dtick": "D2" if most / least < 200 else 1}
    return {"title": {"text": title}, "tickformat": ticks, "rangemode": "tozero"}


def _traces(
    table: pd.DataFrame, rows: pd.DataFrame, columns: Sequence[str], cost: str, unit: str, dark: bool
) -> list[dict[str, Any]]:
    keys = _cells.curve_keys(table, columns)
    palette = _style.SERIES_COLOURS[dark] if len(keys) > 1 else (_style.INK[dark],)
    edges = {key: palette[place % len(palette)] for place, key in enumerate(keys)}
    traces = [_front_line(table, columns, key, cost, edges[key], keys) for key in keys]
    owners = _cells.series_keys(table, columns)
    for strategy, look in _style.looks(table["strategy"], dark).items():
        cells, runs = table[table["strategy"] == strategy], rows[rows["strategy"] == strategy]
        label = _style.escape(_style.strategy_label(strategy))
        shared = {"type": "scatter", "mode": "markers", "legendgroup": strategy, "name": label}
        traces.append(
            {
                **shared,
                **{"uid": _style.uid(strategy, "runs"), "showlegend": False},
                **{"x": runs[cost].tolist(), "y": (runs["value"] * 100).tolist()},
                "marker": {"symbol": "circle", "size": 5, "color": look.colour, "opacity": 0.55},
                "customdata": runs[["frozen_depth", "seed"]].to_numpy().tolist(),
                "hovertemplate": _words.run_hover(strategy).replace("<extra>", f", %{{x:,.4~g}} {unit}<extra>"),
            }
        )
        edge = [edges[owners[row]] if len(keys) > 1 else look.colour for row in cells.index]
        alone = cells["seeds"] == 1
        traces.append(
            {
                **shared,
                **{"uid": _style.uid(strategy, "mean"), "x": cells[cost].tolist(), "y": cells["mean_percent"].tolist()},
                "marker": {
                    **{"symbol": look.marker, "size": 11, "line": {"color": edge, "width": 2}},
                    "color": [_style.PAPER[dark] if one else look.colour for one in alone],
                },
                "hovertext": [
                    f"{text}<br>mean {amount(value)} {unit}{_part_words(part, unit)}"
                    for text, value, part in zip(_words.cell_hover(cells), cells[cost], _parts(cells), strict=True)
                ],
                "hoverinfo": "text",
            }
        )
    return traces


def _parts(cells: pd.DataFrame) -> pd.Series:
    """What finding the setting took in every cell; 0 where nothing was searched."""
    return cells[SEARCH_PART] if SEARCH_PART in cells else pd.Series(0.0, cells.index)


def _part_words(part: float, unit: str) -> str:
    return f"<br>finding the setting: {amount(part)} {unit}" if part > 0 else ""


def _front_line(
    table: pd.DataFrame,
    columns: Sequence[str],
    key: tuple[Hashable, ...],
    cost: str,
    colour: str,
    keys: Sequence[tuple[Hashable, ...]],
) -> dict[str, Any]:
    front = _cells.of_series(table, columns, key)
    front = front[front["on_front"]].sort_values([cost, "mean_percent"])
    label = _cells.series_label(key, columns, _cells.varying(keys, columns))
    return {
        **{"type": "scatter", "uid": _style.uid(*key, "front"), "mode": "lines+markers"},
        **{"x": front[cost].tolist(), "y": front["mean_percent"].tolist()},
        "line": {"color": _style.fade(colour, 0.6), "width": 1.5, "dash": "dot", "shape": "hv"},
        "marker": {"symbol": "circle-open", "size": 20, "color": _style.fade(colour, 0.75), "line": {"width": 1.5}},
        "name": _style.escape(label or "Pareto front"),
        "hoverinfo": "skip",
    }


def _lower(text: str) -> str:
    return text[:1].lower() + text[1:]


def _listed(table: pd.DataFrame, columns: Sequence[str], about: Cost, cost: str) -> str:
    said = []
    keys = _cells.series_keys(table, columns)
    several = len(set(keys)) > 1
    for cell, key in zip(table.head(_words.LISTED).itertuples(), keys, strict=False):
        phrase = _style.cell_phrase(cell.strategy, cell.frozen_depth, cell.n_units)
        front = ", on the front" if cell.on_front else ""
        label = f"{_cells.series_label(key, columns)}, " if several else ""
        said.append(f"{label}{phrase} {cell.mean_percent:.1f} % for {amount(getattr(cell, cost))} {about.unit}{front}")
    return f"{about.least.capitalize()} first: {'; '.join(said)}."


def _reading(table: pd.DataFrame, keys: Sequence[tuple[Hashable, ...]], cost: str, about: Cost) -> str:
    if len(keys) > 1:
        return (
            f"By means, {int(table['on_front'].sum())} of {len(table)} cells are on the Pareto front of their series."
        )
    front = table[table["on_front"]].sort_values(cost)
    phrases = [_style.cell_phrase(cell.strategy, cell.frozen_depth, cell.n_units) for cell in front.itertuples()]
    first, last = (f"{cell.mean_percent:.1f} % for {amount(getattr(cell, cost))} {about.unit}" for cell in _ends(front))
    if len(front) == 1:
        return f"By means, {phrases[0]} is both the {about.least} and the most accurate: {first}."
    if len(front) > 4:
        return (
            f"By means, {len(front)} of {len(table)} cells are on the Pareto front, from {phrases[0]} ({first}) "
            f"to {phrases[-1]} ({last})."
        )
    listed = f"{', '.join(phrases[:-1])} and {phrases[-1]}"
    return f"By means, nothing measured is both {about.less} and better than {listed}: from {first} to {last}."


def _ends(front: pd.DataFrame) -> list[Any]:
    return list(front.iloc[[0, -1]].itertuples())
