"""Paired differences of every cell from a control, as a table: what the forest plot draws and says."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import pandas as pd

from dashboard.figures import _cells
from engine import comparisons
from engine.comparisons import Comparison

CELL = ["strategy", "frozen_depth", "n_units"]
Control = tuple[str, int]
"""Strategy and frozen depth."""
CONTROLS = ("from_scratch", "linear_probe")
"""What a gain is a gain over: from scratch, and the linear probe. Every comparison has these."""
OWN_HEAD = "zero_shot"
"""A third control, where the backbone's own classifier names the classes: what the labels add is a gain over it."""
NUMBERS = (
    "pairs mean_points sd_points low_points high_points interval low_together_points high_together_points together"
    " low_bca_points high_bca_points bca p_value holm_p sign_flip_p holm_sign_flip_p claim differences_points"
).split()


def choices(cells: pd.DataFrame) -> list[Control]:
    """Return the cells that can be a control: from scratch, linear probe, zero-shot, full fine-tuning, then by depth.

    Args:
        cells: columns strategy and frozen_depth: `runs` (what is planned, too) or rows of `transfer_curve`.
    """
    order = (*CONTROLS, OWN_HEAD, "full_fine_tuning")
    found = cells[["strategy", "frozen_depth"]].drop_duplicates().itertuples(index=False, name=None)
    every = [(str(strategy), int(depth)) for strategy, depth in found]
    return sorted(every, key=lambda one: (order.index(one[0]) if one[0] in order else len(order), one[1], one[0]))


def differences(rows: pd.DataFrame, columns: Sequence[str], control: Control) -> tuple[pd.DataFrame, list[Comparison]]:
    """Compare every cell with the control of its own series; all of them are corrected together.

    Args:
        rows: test accuracies, one per run.
        columns: that make a series.
        control: the cell that the others are compared with.

    Returns:
        One row per cell, largest mean difference first (columns: the cell and `NUMBERS`, in percentage points), and the
        comparisons in that order.
    """
    values, width = _values(rows, columns), len(columns)
    controls = {key[:width]: one for key, one in values.items() if (key[width], int(key[width + 1])) == control}
    cells = {
        key: (one, controls[key[:width]])
        for key, one in values.items()
        if key[:width] in controls and (key[width], int(key[width + 1])) != control
    }
    found = [one for one in comparisons.against(cells) if one.difference.n]
    found.sort(key=lambda one: -one.difference.mean)
    return _table(found, columns), found


def of_mistakes(
    rows: pd.DataFrame, columns: Sequence[str], pairs: Mapping[str, str]
) -> tuple[pd.DataFrame, list[Comparison]]:
    """Compare every mistake with what it gets wrong: the same series and frozen depth, seed by seed.

    Args:
        rows: test accuracies, one per run.
        columns: that make a series.
        pairs: mistake -> the strategy that it is a mistake of.

    Returns:
        As `differences`, by series and frozen depth.
    """
    values, width = _values(rows, columns), len(columns)
    proper = {key: (*key[:width], pairs.get(str(key[width])), *key[width + 1 :]) for key in values}
    cells = {key: (one, values[proper[key]]) for key, one in values.items() if proper[key] in values}
    found = [one for one in comparisons.against(cells) if one.difference.n]
    found.sort(key=lambda one: _cells.sort_key((*one.cell[:width], one.cell[width + 1])))  # type: ignore[index]
    return _table(found, columns), found


def _values(rows: pd.DataFrame, columns: Sequence[str]) -> dict[tuple, pd.Series]:
    """Accuracies by seed of each cell; None in place of missing values, so that keys can be compared."""
    keys = _cells.series_keys(rows, [*columns, *CELL])
    return {key: _cells.by_seed(part) for key, part in rows.groupby(keys, sort=False)}


def _table(found: Sequence[Comparison], columns: Sequence[str]) -> pd.DataFrame:
    return pd.DataFrame.from_records([_record(one) for one in found], columns=[*columns, *CELL, *NUMBERS])


def _record(one: Comparison) -> tuple[object, ...]:
    difference, together, bca = one.difference, one.together, one.bca
    return (
        *one.cell,  # type: ignore[misc]
        difference.n,
        difference.mean * 100,
        difference.sd * 100,
        difference.interval.low * 100,
        difference.interval.high * 100,
        difference.interval.kind,
        together.low * 100,
        together.high * 100,
        together.kind,
        bca.low * 100,
        bca.high * 100,
        bca.kind,
        difference.p_value,
        one.holm_p,
        difference.sign_flip_p,
        one.holm_flip_p,
        one.claim,
        ", ".join(f"{value * 100:z.2f}" for value in one.pairs if not math.isnan(value)),
    )
