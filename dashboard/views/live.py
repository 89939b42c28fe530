"""Live: an experiment while it runs. Curves fill in as depths finish."""

from __future__ import annotations

from functools import partial

import streamlit as st

from dashboard import state
from dashboard.figures import accuracy_by_depth, layer_transfer, measures_by_depth
from dashboard.widgets import part, score_words
from dashboard.widgets.chart import side_by_side
from dashboard.widgets.experiments import choose, reused
from dashboard.widgets.frames_of import calm, comparable, is_study
from dashboard.widgets.go import link
from dashboard.widgets.learning import learning
from dashboard.widgets.part import Part
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
    metric = PROBE if PROBE in measured else next(iter(measured), "")
    shown = part.choose(state.derived(comparable, state.frame("runs", experiment_id)), key="live")
    _follow(experiment_id, metric, shown)


@st.fragment(run_every=state.FED_TICK_SECONDS)
def _follow(experiment_id: str, metric: str, shown: Part) -> None:
    runs = state.frame("runs", experiment_id)
    now = status(experiment_id, runs, key="live")
    transfer, curves = (state.frame(name, experiment_id) for name in ("transfer_curve", "learning_curve"))
    if not now.active and transfer.empty and curves.empty:
        st.markdown("**Nothing was measured here:** no run got as far as its first epoch.")
        return
    study = is_study(runs)
    accuracy = _curves if study else _accuracy
    place = f"{experiment_id}/{shown}"
    charts = {"live-accuracy": state.fed(f"live-accuracy/{place}", partial(accuracy, experiment_id, shown))}
    if metric:
        charts["live-depths"] = state.fed(f"live-depths/{place}", partial(_depths, experiment_id, metric, shown))
    side_by_side(charts)
    learning(experiment_id, shown)
    if not now.active:
        with st.container(horizontal=True):
            if study:
                link(
                    "transfer", "What the copied units cost, and why", ":material/call_split:", experiment=experiment_id
                )
            link("compare", "Compare the strategies", ":material/compare_arrows:", experiment=experiment_id)
            link("layers", "Look into the layers", ":material/layers:", experiment=experiment_id)


def _accuracy(experiment_id: str, shown: Part) -> state.Chart:
    steady = state.derived(calm, shown.frame("runs", experiment_id))
    transfer = state.derived(mistakes.without, shown.frame("transfer_curve", experiment_id))
    return shown.chart("live", accuracy_by_depth, transfer, runs=steady, uirevision=experiment_id)


def _curves(experiment_id: str, _: Part) -> state.Chart:
    return state.chart("live", layer_transfer, state.frame("layer_transfer", experiment_id), uirevision=experiment_id)


def _depths(experiment_id: str, metric: str, shown: Part) -> state.Chart:
    transfer = state.derived(mistakes.without, shown.frame("transfer_curve", experiment_id))
    scale = None if metric == PROBE else score_words.scale(metric)
    return shown.chart("live", measures_by_depth, transfer, metric=metric, scale=scale, uirevision=experiment_id)
