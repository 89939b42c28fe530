"""What a mistake does to the accuracy: each mistaken cell minus the same cell done properly, seed by seed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

from dashboard.figures import _cells, _differences, _forest, _style
from dashboard.figures._style import Drawn
from engine import stats
from engine.comparisons import Comparison

TITLE = "What the mistake does: with it minus without it"
_END = "Either way the frozen units did not stay as they were, so this is no longer the accuracy of freezing."


def mistake_effect(
    frame: pd.DataFrame,
    *,
    pairs: Mapping[str, str],
    dark: bool = False,
    uirevision: str = "mistake_effect",
    series: Sequence[str] = _cells.SERIES,
) -> Drawn:
    """Draw one row per frozen depth: differences of single seeds as dots, their mean, and its intervals.

    Args:
        frame: `transfer_curve`; the rows of metric "test_accuracy" are compared.
        pairs: mistake -> the strategy that it is a mistake of, run at the same depths.
        dark: draw for a dark background.
        uirevision: zoom and hidden traces are kept while it stays the same.
        series: columns whose values make cells of their own.
    """
    rows = _cells.measured(frame, "test_accuracy")
    look = {"dark": dark, "uirevision": uirevision}
    if not rows.empty:
        rows, columns = _cells.with_weights(rows, None, series)
        table, found = _differences.of_mistakes(rows, columns, pairs)
    if rows.empty or table.empty:
        said = "Nothing to compare yet: a row appears for each frozen depth that was run both ways with one seed."
        columns = [*series, *_differences.CELL, *_differences.NUMBERS]
        return _style.empty(TITLE, said, columns, xaxis={"title": {"text": _forest.AXIS}}, **look)
    keys = _cells.curve_keys(table, columns)
    notes = [_cells.shared_label(keys, columns), "0: done properly"]
    figure, height = _forest.forest(table, found, columns, title=TITLE, notes=notes, **look)
    alt = f"Forest plot of accuracy with the mistake minus without it, in points. {_forest.listed(table, columns)}"
    return Drawn(figure, TITLE, alt, _reading(table, columns, found), table, height)


def _reading(table: pd.DataFrame, columns: Sequence[str], found: Sequence[Comparison]) -> str:
    differing = _cells.varying(_cells.curve_keys(table, columns), columns)
    labels = [_cells.series_label(key, columns, differing) for key in _cells.series_keys(table, columns)]
    places = [
        f"at frozen depth {depth}{f' ({label})' if label else ''}"
        for depth, label in zip(table["frozen_depth"], labels, strict=True)
    ]
    if (table["pairs"] < stats.CLAIM_PAIRS).all():
        said = ", ".join(f"{one.difference.mean * 100:+z.1f} {where}" for one, where in zip(found, places, strict=True))
        return f"Exploring: no claim from fewer than {stats.CLAIM_PAIRS} pairs. With the mistake, in points: {said}. {_END}"
    said = "; ".join(_effect(one, where) for one, where in zip(found, places, strict=True))
    many = f"{len(table)} comparison{'s' if len(table) > 1 else ''}"
    return f"With the mistake: {said} (95 % intervals, Student t; claims by Holm over {many}). {_END}"


def _effect(one: Comparison, where: str) -> str:
    difference = one.difference
    low, high = difference.interval.low * 100, difference.interval.high * 100
    told = f", {low:.1f} to {high:.1f}" if difference.n >= _cells.INTERVAL_SEEDS and low == low else ""
    pairs = f"{difference.n} pair{'s' if difference.n != 1 else ''}"
    numbers = f"{difference.mean * 100:+z.1f} points{told}, {pairs}"
    if not one.claim:
        return f"no difference is claimed {where} ({numbers})"
    return f"accuracy {'falls' if difference.mean < 0 else 'rises'} {where} ({numbers})"
