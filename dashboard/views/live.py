"""Live: an experiment while it runs. Curves fill in as depths finish."""

from __future__ import annotations

from functools import partial

import streamlit as st

from dashboard import state
from dashboard.figures import accuracy_by_depth, layer_transfer, learning_curves, measures_by_depth
from dashboard.widgets import score_words
from dashboard.widgets.chart import chart, side_by_side
from dashboard.widgets.experiments import choose, reused
from dashboard.widgets.frames_of import calm, is_study
from dashboard.widgets.go import link
from dashboard.widgets.status import status
from dashboard.widgets.terms import heading
from engine import mistakes

PROBE = "probe_accuracy"
"""Measured after every unit, and drawn where it was asked for; else the first measure that was."""


def page() -> None:
    """Draw the page."""
    heading("Live", "Frozen depth", "Linear probe", "From scratch", "Seed", "Test accuracy", "95 % interval")
    experiment = choose("live")
    if experiment is None:
        return
    experiment_id = experiment["experiment_id"]
    if said := reused(experiment_id):
        st.info(said, icon=":material/history:")
    measured = score_words.metrics_of(experiment["spec"].measures)
    _follow(experiment_id, PROBE if PROBE in measured else next(iter(measured), ""))


@st.fragment(run_every=state.FED_TICK_SECONDS)
def _follow(experiment_id: str, metric: str) -> None:
    runs = state.frame("runs", experiment_id)
    now = status(experiment_id, runs, key="live")
    transfer, learning = (state.frame(name, experiment_id) for name in ("transfer_curve", "learning_curve"))
    if not now.active and transfer.empty and learning.empty:
        st.markdown("**Nothing was measured here:** no run got as far as its first epoch.")
        return
    study = is_study(runs)
    accuracy = _curves if study else _accuracy
    charts = {"live-accuracy": state.fed(f"live-accuracy/{experiment_id}", partial(accuracy, experiment_id))}
    if metric:
        charts["live-depths"] = state.fed(f"live-depths/{experiment_id}", partial(_depths, experiment_id, metric))
    side_by_side(charts)
    chart(state.fed(f"live-learning/{experiment_id}", partial(_learning, experiment_id)), key="live-learning")
    if not now.active:
        with st.container(horizontal=True):
            if study:
                link(
                    "transfer", "What the copied units cost, and why", ":material/call_split:", experiment=experiment_id
                )
            link("compare", "Compare the strategies", ":material/compare_arrows:", experiment=experiment_id)
            link("layers", "Look into the layers", ":material/layers:", experiment=experiment_id)


def _accuracy(experiment_id: str) -> state.Chart:
    steady = state.derived(calm, state.frame("runs", experiment_id))
    transfer = state.derived(mistakes.without, state.frame("transfer_curve", experiment_id))
    return state.chart("live", accuracy_by_depth, transfer, runs=steady, uirevision=experiment_id)


def _curves(experiment_id: str) -> state.Chart:
    return state.chart("live", layer_transfer, state.frame("layer_transfer", experiment_id), uirevision=experiment_id)


def _depths(experiment_id: str, metric: str) -> state.Chart:
    transfer = state.derived(mistakes.without, state.frame("transfer_curve", experiment_id))
    scale = None if metric == PROBE else score_words.scale(metric)
    return state.chart("live", measures_by_depth, transfer, metric=metric, scale=scale, uirevision=experiment_id)


def _learning(experiment_id: str) -> state.Chart:
    steady = state.derived(calm, state.frame("runs", experiment_id))
    learning = state.frame("learning_curve", experiment_id)
    return state.chart("live", learning_curves, learning, runs=steady, uirevision=experiment_id)
