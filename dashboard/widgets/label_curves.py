"""Accuracy against labels for the strategies that are chosen, on the Compare page."""

from __future__ import annotations

import dataclasses

import streamlit as st

from dashboard import state
from dashboard.figures import label_budgets
from dashboard.figures._differences import choices
from dashboard.figures._style import cell_label
from dashboard.figures.label_budgets import several
from dashboard.widgets.chart import chart
from dashboard.widgets.frames_of import OfNetworks, comparable
from dashboard.widgets.part import Part

DRAWN = 6
"""Curves that are drawn at first: more would cross each other beyond reading."""


def label_curves(experiment_id: str, part: Part) -> None:
    """Draw the curves over every label budget; nothing where there are no two.

    Args:
        experiment_id: which experiment.
        part: the network and dataset that are shown; its label budget leaves nothing out of a curve over budgets.
    """
    shown = dataclasses.replace(part, budget=None)
    runs, transfer = (
        state.derived(comparable, shown.frame(name, experiment_id)) for name in ("runs", "transfer_curve")
    )
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
    rows = OfNetworks(tuple(cells[one] for one in chosen))(transfer)
    # Named by what is chosen: another choice is another chart, and is not held back as a growing one is.
    drawn = shown.chart("compare", label_budgets, rows, uirevision=f"{experiment_id}-{' '.join(chosen)}")
    chart(drawn, key="compare-labels")
