"""The slider between two weights (WiSE-FT) on the Compare page."""

from __future__ import annotations

import streamlit as st

from dashboard.figures import weight_interpolation
from dashboard.figures._style import plain, strategy_label
from dashboard.figures.weight_interpolation import alphas, best_alpha, cells_of
from dashboard.widgets.chart import chart
from dashboard.widgets.part import Part
from engine import budgets


def interpolation(experiment_id: str, shown: Part) -> None:
    """Draw the chart with its slider; nothing where no run of the part shown mixed two weights."""
    frame = shown.frame("interpolation", experiment_id)
    if frame.empty:
        return
    st.subheader("Between two weights")
    known = list(cells_of(frame))
    cell = known[0]
    if len(known) > 1:
        place = st.selectbox(
            "Trained network", range(len(known)), format_func=lambda one: words(known[one]), key="compare-line-cell"
        )
        cell = known[place or 0]
    rows = frame
    for column, value in zip(("backbone", "dataset", "budget", "strategy"), cell, strict=True):
        rows = rows[rows[column] == value]
    there = alphas(rows)
    if len(there) < 2:
        return
    usual = best_alpha(rows)
    alpha = st.select_slider(
        "Alpha", there, value=usual, format_func=_end, key=f"compare-alpha-{'-'.join(cell)}",
        help="0: the weights before the fine-tuning. 1: those after it. Between them every weight is mixed. It begins where the"
        " validation images were classified best.",
    )  # fmt: skip
    drawn = shown.chart(
        "compare", weight_interpolation, rows, alpha=float(alpha), uirevision=f"{experiment_id}-{'-'.join(cell)}"
    )
    chart(drawn, key="compare-line")


def words(cell: tuple[str, ...]) -> str:
    """A cell in words."""
    backbone, dataset, budget, strategy = cell
    return f"{strategy_label(strategy)}: {plain(backbone)} on {plain(dataset)}, {budgets.words(budget)}"


def _end(alpha: float) -> str:
    return {0.0: "0 (before)", 1.0: "1 (fine-tuned)"}.get(float(alpha), f"{alpha:g}")
