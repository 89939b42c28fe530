"""Paired differences of every cell from a control, as a table: what the forest plot draws and says."""

from __future__ import annotations

import math
from collections.abc import Sequence

import pandas as pd

from dashboard.figures import _cells
from engine import comparisons
from engine.comparisons import Comparison

CELL = ["strategy", "frozen_depth", "n_units"]
Control = tuple[str, int]
"""Strategy and frozen depth."""
CONTROLS = ("from_scratch", "linear_probe")
"""What a gain is a gain over: from scratch, and the linear probe."""
NUMBERS = (
    "pairs mean_points sd_points low_points high_points interval low_together_points high_together_points together"
    " low_bca_points high_bca_points bca p_value holm_p sign_flip_p holm_sign_flip_p claim differences_points"
).split()


def choices(cells: pd.DataFrame) -> list[Control]:
    """Return the cells that can be a control: from scratch and the linear probe first, then full fine-tuning, then by depth.

    Args:
        cells: columns strategy and frozen_depth: `runs` (what is planned, too) or rows of `transfer_curve`.
    """
    order = (*CONTROLS, "full_fine_tuning")
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
    by = [*columns, *CELL]
    values = {
        key: _cells.by_seed(part) for key, part in rows.groupby(_cells.series_keys(rows, by), sort=False)
    }  # None in place of missing values, so that keys can be compared
    width = len(columns)
    controls = {key[:width]: one for key, one in values.items() if (key[width], int(key[width + 1])) == control}
    cells = {
        key: (one, controls[key[:width]])
        for key, one in values.items()
        if key[:width] in controls and (key[width], int(key[width + 1])) != control
    }
    found = [one for one in comparisons.against(cells) if one.difference.n]
    found.sort(key=lambda one: -one.difference.mean)
    records = [_record(one) for one in found]
    return pd.DataFrame.from_records(records, columns=[*by, *NUMBERS]), found


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
