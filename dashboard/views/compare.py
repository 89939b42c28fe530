"""Compare: accuracy with intervals, paired differences from a control, accuracy against cost, and the runs in one table."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from dashboard import state
from dashboard.figures import accuracy_comparison, accuracy_cost, label_budgets, paired_differences, search_progress
from dashboard.figures._budget import steps, within
from dashboard.figures._looks import LABELS
from dashboard.figures.accuracy_cost import COSTS as COSTED
from dashboard.figures.accuracy_cost import amount
from dashboard.figures.label_budgets import several
from dashboard.figures.paired_differences import choices
from dashboard.widgets import adviser, controls
from dashboard.widgets.chart import chart
from dashboard.widgets.experiments import choose
from dashboard.widgets.frames_of import calm, comparable, ended
from dashboard.widgets.go import link
from dashboard.widgets.mistake import mistake
from dashboard.widgets.runs_table import collapsed
from dashboard.widgets.status import brief
from dashboard.widgets.table import table
from dashboard.widgets.terms import explained, heading
from engine import peeking
from engine.alarm import negative_transfer
from engine.forgetting import with_forgetting
from engine.spec import ExperimentSpec

COSTS = {
    "seconds": "Time",
    "trainable_parameters": "Trained parameters",
    "total_parameters": "All parameters",
    "flops": "Operations",
    "peak_memory_bytes": "Peak memory",
    "energy_joules": "Energy",
}


def page() -> None:
    """Draw the page."""
    heading(
        "Compare", "Frozen depth", "Linear probe", "From scratch", "Label budget", "Seed", "Test accuracy", "95 % interval",
        "Paired differences", "Claim", "Tie letters", "Pareto front", "Frozen units unchanged",
    )  # fmt: skip
    experiment = choose("compare")
    if experiment is not None:
        _charts(experiment["experiment_id"], experiment["spec"])
        adviser.graded(experiment["experiment_id"])


@st.fragment(run_every=state.TICK_SECONDS)
def _charts(experiment_id: str, spec: ExperimentSpec) -> None:
    transfer, runs = state.frame("transfer_curve", experiment_id), state.frame("runs", experiment_id)
    if not brief(experiment_id, runs, transfer):
        return
    every = runs, transfer
    transfer, runs = state.derived(comparable, transfer), state.derived(comparable, runs)
    if runs.empty:
        st.markdown(
            "**This is a study of copied units:** its curves are compared by how many units were copied, pair by pair."
        )
        link("transfer", "Transfer study", ":material/call_split:", experiment=experiment_id)
        return
    controls.warn(spec, runs)
    if spec.weights != "random":
        found = state.derived(negative_transfer, transfer)
        controls.alarms(found, int(runs["n_units"].max()), pretrained=spec.weights == "pretrained")
    mistake(experiment_id, *every)
    steady = state.derived(calm, runs)
    drawn = state.chart("compare", accuracy_comparison, transfer, runs=steady, uirevision=experiment_id)
    chart(drawn, key="compare-accuracy")
    if said := peeking.sentence(state.frame("learning_curve", experiment_id), LABELS):
        with st.expander("Best epoch or last?", icon=":material/visibility:", type="compact"):
            st.text(said)
    control = controls.choose(state.derived(choices, runs))
    drawn = state.chart(
        "compare", paired_differences, transfer, control=control, uirevision=f"{experiment_id}-{control}"
    )
    chart(drawn, key="compare-pairs")
    if several(runs):
        chart(state.chart("compare", label_budgets, transfer, uirevision=experiment_id), key="compare-labels")
    if spec.search:
        found = state.frame("search", experiment_id)
        chart(state.chart("compare", search_progress, found, uirevision=experiment_id), key="compare-search")
    panel = state.frame("panel", experiment_id)
    offered = COSTS if panel.empty else COSTS | {"drift": "Forgetting"}
    cost = st.segmented_control(
        "Cost", offered, format_func=offered.get, default="seconds", required=True, key="compare-cost", bind="query-params",
        help=explained("Pareto front", "Forgetting"),
    )  # fmt: skip
    measured = state.derived(ended, runs)
    if cost == "drift":
        measured = with_forgetting(measured, panel, state.frame("forgetting", experiment_id))
    drawn = state.chart("compare", accuracy_cost, measured, cost=cost, uirevision=f"{experiment_id}-{cost}")
    chart(drawn, key="compare-cost-chart")
    _budget(drawn.light.table, cost)
    _table(runs)


def _budget(cells: pd.DataFrame, cost: str) -> None:
    """A slider over what the cells cost, and the best one within it."""
    costs = steps(cells, cost)
    if len(costs) < 2:
        return
    budget = st.select_slider(
        "Budget", costs, value=costs[-1], format_func=lambda one: f"{amount(one)} {COSTED[cost][2]}",
        key=f"compare-budget-{cost}", help="The steps are what the strategies of this experiment cost on average.",
    )  # fmt: skip
    st.text(within(cells, cost, budget))


def _table(runs: pd.DataFrame) -> None:
    st.subheader("Runs")
    shared, rows = state.derived(collapsed, runs)
    st.text(shared)
    table(rows, key="compare-runs", name="runs by cell")
