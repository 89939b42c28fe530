"""Live: an experiment while it runs. Curves fill in as depths finish."""

from __future__ import annotations

from functools import partial

import streamlit as st

from dashboard import state
from dashboard.figures import accuracy_by_depth, layer_transfer, learning_curves, mean_curves, measures_by_depth
from dashboard.figures._style import cell_label
from dashboard.figures.mean_curves import DRAWN, MOST
from dashboard.widgets import part, score_words
from dashboard.widgets.chart import chart, side_by_side
from dashboard.widgets.experiments import choose, reused
from dashboard.widgets.frames_of import OfNetworks, calm, comparable, is_study, networks_of
from dashboard.widgets.go import link
from dashboard.widgets.part import Part
from dashboard.widgets.status import status
from dashboard.widgets.terms import heading
from engine import mistakes

PROBE = "probe_accuracy"
"""Measured after every unit, and drawn where it was asked for; else the first measure that was."""
MOST_RUNS = 24
"""Learning curves that are drawn one by one; of more runs the means over seeds are."""
Networks = tuple[tuple[str, int], ...]


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
    transfer, learning = (state.frame(name, experiment_id) for name in ("transfer_curve", "learning_curve"))
    if not now.active and transfer.empty and learning.empty:
        st.markdown("**Nothing was measured here:** no run got as far as its first epoch.")
        return
    study = is_study(runs)
    accuracy = _curves if study else _accuracy
    place = f"{experiment_id}/{shown}"
    charts = {"live-accuracy": state.fed(f"live-accuracy/{place}", partial(accuracy, experiment_id, shown))}
    if metric:
        charts["live-depths"] = state.fed(f"live-depths/{place}", partial(_depths, experiment_id, metric, shown))
    side_by_side(charts)
    networks = _networks(experiment_id, shown)
    learning_chart = partial(_learning, experiment_id, shown, networks)
    chart(state.fed(f"live-learning/{place}/{networks}", learning_chart), key="live-learning")
    if not now.active:
        with st.container(horizontal=True):
            if study:
                link(
                    "transfer", "What the copied units cost, and why", ":material/call_split:", experiment=experiment_id
                )
            link("compare", "Compare the strategies", ":material/compare_arrows:", experiment=experiment_id)
            link("layers", "Look into the layers", ":material/layers:", experiment=experiment_id)


def _networks(experiment_id: str, shown: Part) -> Networks:
    """The networks whose learning curves are drawn; a choice where there are more runs than can be told apart."""
    runs = shown.frame("runs", experiment_id)
    if len(runs) <= MOST_RUNS:
        return ()
    chosen = st.multiselect(
        "Strategies", state.derived(networks_of, runs), format_func=lambda network: cell_label(*network),
        key=f"live-networks-{experiment_id}", max_selections=MOST, placeholder=f"the first {DRAWN}: choose up to {MOST}",
        help=f"Whose learning curves are drawn. Up to {MOST_RUNS} runs are drawn one by one; of more, the mean over the seeds of"
        " each strategy. Strategies whose head is solved, such as the linear probe, have no epochs.",
    )  # fmt: skip
    return tuple((str(strategy), int(depth)) for strategy, depth in chosen)


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


def _learning(experiment_id: str, shown: Part, networks: Networks) -> state.Chart:
    steady = state.derived(calm, shown.frame("runs", experiment_id))
    learning = shown.frame("learning_curve", experiment_id)
    if networks:
        steady, learning = (state.derived(OfNetworks(networks), frame) for frame in (steady, learning))
    if len(steady) > MOST_RUNS:
        revision = f"{experiment_id}-{networks}"
        return shown.chart("live", mean_curves, learning, cells=networks, runs=steady, uirevision=revision)
    return shown.chart("live", learning_curves, learning, runs=steady, uirevision=f"{experiment_id}-{networks}")
