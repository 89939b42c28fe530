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
    few = (table["pairs"] < stats.CLAIM_PAIRS).all()
    said = "; ".join(
        _effect(
            cell, one, _cells.series_label(key, columns, _cells.varying(_cells.curve_keys(table, columns), columns))
        )
        for cell, one, key in zip(table.itertuples(), found, _cells.series_keys(table, columns), strict=True)
    )
    if few:
        return f"Exploring: no claim from fewer than {stats.CLAIM_PAIRS} pairs. With the mistake: {said}. {_END}"
    many = f"{len(table)} comparison{'s' if len(table) > 1 else ''}"
    return f"With the mistake: {said} (95 % intervals, Student t; claims by Holm over {many}). {_END}"


def _effect(cell: object, one: Comparison, label: str) -> str:
    where = f"at frozen depth {cell.frozen_depth}{f' ({label})' if label else ''}"  # type: ignore[attr-defined]
    mean = one.difference.mean * 100
    interval = one.difference.interval
    told = (
        f", {interval.low * 100:.1f} to {interval.high * 100:.1f}"
        if one.difference.n >= _cells.INTERVAL_SEEDS and interval.low == interval.low
        else ""
    )
    numbers = f"{mean:+z.1f} points{told}, {one.difference.n} pair{'s' if one.difference.n != 1 else ''}"
    if not one.claim:
        return f"no difference is claimed {where} ({numbers})"
    return f"accuracy {'falls' if mean < 0 else 'rises'} {where} ({numbers})"
