"""Every cell minus a chosen control, seed by seed: a forest plot whose zero line is the control."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from dashboard.figures import _cells, _differences, _forest, _style
from dashboard.figures._differences import CONTROLS, OWN_HEAD, Control
from dashboard.figures._style import Drawn
from engine import comparisons, stats
from engine.comparisons import Comparison

choices = _differences.choices


def paired_differences(
    frame: pd.DataFrame,
    *,
    control: Control | None = None,
    dark: bool = False,
    uirevision: str = "paired_differences",
    series: Sequence[str] = _cells.SERIES,
) -> Drawn:
    """Draw one row per cell: the differences of single seeds as dots, their mean, and its intervals.

    Args:
        frame: `transfer_curve`; the rows of metric "test_accuracy" are compared.
        control: strategy and frozen depth of the control (nothing is drawn before it has a result); None = from scratch, else
            the linear probe, else what there is.
        dark: draw for a dark background.
        uirevision: zoom and hidden traces are kept while it stays the same.
        series: columns whose values make cells of their own; each series is compared with its own control.
    """
    rows = _cells.measured(frame, "test_accuracy")
    known = [] if rows.empty else choices(rows)
    control = next(iter(known), None) if control is None else control
    look = {"dark": dark, "uirevision": uirevision}
    if control in known:
        rows, columns = _cells.with_weights(rows, None, series)
        table, found = _differences.differences(rows, columns, control)
    if control not in known or table.empty:
        said = (
            "Nothing to compare yet: a row appears for each strategy that shares a seed with the control, with its "
            "difference, the interval and every seed."
        )
        title = "Paired differences"
        return _style.empty(title, said, [*series, *_differences.CELL, *_differences.NUMBERS],
                            xaxis={"title": {"text": _forest.AXIS}}, **look)  # fmt: skip
    phrase = _style.cell_phrase(*control, int(rows["n_units"].iloc[0]))
    # A gain is over a control; what is compared with another contestant is only a difference.
    title = f"Gain over {phrase}" if control[0] in (*CONTROLS, OWN_HEAD) else f"Difference from {phrase}"
    keys = _cells.curve_keys(table, columns)
    figure, height = _forest.forest(
        table, found, columns, title=title, notes=[_cells.shared_label(keys, columns)], **look
    )
    alt = f"Forest plot of paired differences from {phrase} in points, largest first. {_forest.listed(table, columns)}"
    return Drawn(figure, title, alt, _reading(table, columns, found, phrase), table, height)


def _reading(table: pd.DataFrame, columns: Sequence[str], found: Sequence[Comparison], phrase: str) -> str:
    named = _forest.named(table, columns)
    many = f"{len(table)} comparison{'s' if len(table) > 1 else ''}"
    more = comparisons.seeds_sentence(found)
    if (table["pairs"] < stats.CLAIM_PAIRS).all():
        least, most = named[-1], named[0]
        ends = most if len(named) == 1 else f"from {least} to {most}"
        said = f"Exploring: no claim from fewer than {stats.CLAIM_PAIRS} pairs. Differences from {phrase} in points: {ends}."
        return f"{said} {more}".strip()
    sides = {
        f"Above {phrase}": [one for one, c in zip(named, found, strict=True) if c.claim and c.difference.mean > 0],
        f"Below {phrase}": [one for one, c in zip(named, found, strict=True) if c.claim and c.difference.mean < 0],
        "Not told apart from it": [one for one, c in zip(named, found, strict=True) if not c.claim],
    }
    said = [f"{side}: {_some(cells)}" for side, cells in sides.items() if cells]
    return f"{'. '.join(said)} (points; Student t, Holm over {many}). {more}".strip()


def _some(cells: Sequence[str]) -> str:
    shown = ", ".join(cells[:5])
    return shown if len(cells) <= 5 else f"{shown} and {len(cells) - 5} more"
