"""Compare: accuracy with intervals, paired differences from a control, accuracy against cost, and the runs in one table."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from dashboard import state
from dashboard.figures import accuracy_comparison, paired_differences, search_progress
from dashboard.figures._looks import LABELS
from dashboard.figures.paired_differences import choices
from dashboard.widgets import adviser, controls, part
from dashboard.widgets.against import against_cost, against_forgetting
from dashboard.widgets.also import also
from dashboard.widgets.chart import chart
from dashboard.widgets.experiments import choose
from dashboard.widgets.frames_of import calm, comparable, is_study
from dashboard.widgets.go import link
from dashboard.widgets.interpolation import interpolation
from dashboard.widgets.label_curves import label_curves
from dashboard.widgets.literal import literal
from dashboard.widgets.mistake import mistake
from dashboard.widgets.part import Part
from dashboard.widgets.runs_table import collapsed
from dashboard.widgets.status import brief
from dashboard.widgets.table import table
from dashboard.widgets.terms import heading
from engine import peeking
from engine.alarm import negative_transfer
from engine.mixes import unfair
from engine.spec import ExperimentSpec


def page() -> None:
    """Draw the page."""
    heading(
        "Compare", "Frozen depth", "Linear probe", "From scratch", "Label budget", "Seed", "Test accuracy", "95 % interval",
        "Paired differences", "Claim", "Tie letters", "Pareto front", "Frozen units unchanged",
    )  # fmt: skip
    experiment = choose("compare")
    if experiment is not None:
        experiment_id = experiment["experiment_id"]
        shown = part.choose(state.derived(comparable, state.frame("runs", experiment_id)), key="compare")
        _charts(experiment_id, experiment["spec"], shown)
        adviser.graded(experiment_id, shown)
        runs = state.frame("runs", experiment_id)
        if not is_study(runs):
            also(experiment["spec"], runs)


@st.fragment(run_every=state.TICK_SECONDS)
def _charts(experiment_id: str, spec: ExperimentSpec, shown: Part) -> None:
    if not brief(experiment_id, state.frame("runs", experiment_id), state.frame("transfer_curve", experiment_id)):
        return
    others = shown.others(state.derived(comparable, state.frame("runs", experiment_id)))
    every = runs, transfer = shown.frame("runs", experiment_id), shown.frame("transfer_curve", experiment_id)
    transfer, runs = state.derived(comparable, transfer), state.derived(comparable, runs)
    if runs.empty:
        st.markdown(
            "**This is a study of copied units:** its curves are compared by how many units were copied, pair by pair."
        )
        link("transfer", "Transfer study", ":material/call_split:", experiment=experiment_id)
        return
    controls.warn(spec, runs)
    for said in state.derived(unfair, runs):
        st.caption(literal(said))
    if spec.weights != "random":
        found = state.derived(negative_transfer, transfer)
        controls.alarms(found, runs, pretrained=spec.weights == "pretrained")
        controls.alarms_elsewhere([other.words for other in others if _hurt(other, experiment_id)])
    mistake(experiment_id, *every, shown)
    steady = state.derived(calm, runs)
    drawn = shown.chart("compare", accuracy_comparison, transfer, runs=steady, uirevision=experiment_id)
    chart(drawn, key="compare-accuracy")
    if said := peeking.sentence(shown.frame("learning_curve", experiment_id), LABELS):
        with st.expander("Best epoch or last?", icon=":material/visibility:", type="compact"):
            st.text(said)
    control = controls.choose(state.derived(choices, runs))
    if controls.several(runs):
        drawn = shown.chart(
            "compare", paired_differences, transfer, control=control, uirevision=f"{experiment_id}-{control}"
        )
        chart(drawn, key="compare-pairs")
    label_curves(experiment_id, shown)
    if spec.search:
        found = shown.frame("search", experiment_id)
        chart(shown.chart("compare", search_progress, found, uirevision=experiment_id), key="compare-search")
    against_cost(experiment_id, runs, shown)
    against_forgetting(experiment_id, runs, shown)
    interpolation(experiment_id, shown)
    _table(runs)


def _table(runs: pd.DataFrame) -> None:
    st.subheader("Runs")
    shared, rows = state.derived(collapsed, runs)
    st.text(shared)
    table(rows, key="compare-runs", name="runs by cell")


def _hurt(part: Part, experiment_id: str) -> bool:
    transfer = state.derived(comparable, part.frame("transfer_curve", experiment_id))
    return bool(state.derived(negative_transfer, transfer))
