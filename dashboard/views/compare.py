"""Compare: accuracy with intervals and every seed, accuracy against cost, and the runs in one table."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from dashboard import state
from dashboard.figures import accuracy_comparison, accuracy_cost
from dashboard.widgets.chart import chart
from dashboard.widgets.experiments import choose
from dashboard.widgets.frames_of import calm, ended
from dashboard.widgets.runs_table import collapsed
from dashboard.widgets.status import brief
from dashboard.widgets.table import table
from dashboard.widgets.terms import explained, heading

COSTS = {"seconds": "Time", "trainable_parameters": "Trained parameters"}


def page() -> None:
    """Draw the page."""
    heading(
        "Compare", "Frozen depth", "Linear probe", "From scratch", "Label budget", "Seed", "Test accuracy", "95 % interval",
        "Pareto front", "Frozen units unchanged",
    )  # fmt: skip
    experiment = choose("compare")
    if experiment is not None:
        _charts(experiment["experiment_id"])


@st.fragment(run_every=state.TICK_SECONDS)
def _charts(experiment_id: str) -> None:
    transfer, runs = state.frame("transfer_curve", experiment_id), state.frame("runs", experiment_id)
    if not brief(experiment_id, runs, transfer):
        return
    steady = state.derived(calm, runs)
    drawn = state.chart("compare", accuracy_comparison, transfer, runs=steady, uirevision=experiment_id)
    chart(drawn, key="compare-accuracy")
    cost = st.segmented_control(
        "Cost", COSTS, format_func=COSTS.get, default="seconds", required=True, key="compare-cost", bind="query-params",
        help=explained("Pareto front"),
    )  # fmt: skip
    measured = state.derived(ended, runs)
    drawn = state.chart("compare", accuracy_cost, measured, cost=cost, uirevision=f"{experiment_id}-{cost}")
    chart(drawn, key="compare-cost-chart")
    _table(runs)


def _table(runs: pd.DataFrame) -> None:
    st.subheader("Runs")
    shared, rows = state.derived(collapsed, runs)
    st.text(shared)
    table(rows, key="compare-runs", name="runs by cell")
