"""Accuracy against labels for the strategies that are chosen, on the Compare page."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from dashboard import state
from dashboard.figures import label_budgets
from dashboard.figures._differences import choices
from dashboard.figures._style import cell_label
from dashboard.figures.label_budgets import several
from dashboard.widgets.chart import chart

DRAWN = 6
"""Curves that are drawn at first: more would cross each other beyond reading."""


def label_curves(experiment_id: str, runs: pd.DataFrame, transfer: pd.DataFrame) -> None:
    """Draw the curves; nothing where there are no two label budgets.

    Args:
        experiment_id: which experiment.
        runs: its `runs` that can be compared.
        transfer: its `transfer_curve`, of the same runs.
    """
    if not several(runs):
        return
    cells = {f"{strategy}:{depth}": (strategy, depth) for strategy, depth in state.derived(choices, runs)}
    chosen = list(cells)
    if len(cells) > 2:
        chosen = st.multiselect(
            "Curves over labels", list(cells), list(cells)[:DRAWN], format_func=lambda one: cell_label(*cells[one]),
            key="compare-label-cells", placeholder="Choose at least one",
            help="Which strategies are drawn against the number of labels. Crossings are looked for among these alone.",
        )  # fmt: skip
    rows = of_cells(transfer, [cells[one] for one in chosen])
    # Named by what is chosen: another choice is another chart, and is not held back as a growing one is.
    drawn = state.chart("compare", label_budgets, rows, uirevision=f"{experiment_id}-{' '.join(chosen)}")
    chart(drawn, key="compare-labels")


def of_cells(frame: pd.DataFrame, cells: list[tuple[str, int]]) -> pd.DataFrame:
    """The rows of some cells, (strategy, frozen depth) each."""
    wanted = set(cells)
    pairs = zip(frame["strategy"], frame["frozen_depth"], strict=True)
    return frame[[(str(strategy), int(depth)) in wanted for strategy, depth in pairs]]
