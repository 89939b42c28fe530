"""Layers page, part Measures: every measure of an experiment after every unit, a chart for each chosen one."""

from __future__ import annotations

from functools import partial
from typing import Any

import streamlit as st

from dashboard import state
from dashboard.figures import accuracy_by_depth, layer_transfer, measures_by_depth
from dashboard.figures._style import cell_label
from dashboard.widgets import implementations, score_words
from dashboard.widgets.chart import ROOM, chart
from dashboard.widgets.frames_of import calm, is_study, networks_of
from dashboard.widgets.part import Part
from dashboard.widgets.score_card import score_card
from dashboard.widgets.status import brief

TESTED = "test_accuracy"
START = ("probe_accuracy", TESTED)
"""What is shown first, where it is measured."""
Networks = tuple[tuple[str, int], ...]


@st.fragment(run_every=state.FED_TICK_SECONDS)
def measures(experiment: dict[str, Any], shown: Part) -> None:
    """Draw the chosen measures of the part of an experiment that is shown."""
    experiment_id = experiment["experiment_id"]
    if not brief(experiment_id, state.frame("runs", experiment_id), state.frame("transfer_curve", experiment_id)):
        return
    runs = shown.frame("runs", experiment_id)
    with st.container(horizontal=True, vertical_alignment="bottom", key="layers-choices"):
        chosen, networks = _choices(experiment, runs)
    st.html(ROOM)
    built = {metric: _built(experiment_id, metric, networks, shown) for metric in chosen}
    height = max((one.light.height for one in built.values()), default=None)
    for place in range(0, len(chosen), 2):
        for column, metric in zip(st.columns(min(2, len(chosen))), chosen[place : place + 2], strict=False):
            with column:
                _one(experiment, metric, built[metric], height, alone=len(chosen) == 1)


def _choices(experiment: dict[str, Any], runs: Any) -> tuple[list[str], Networks]:
    offered = [*score_words.metrics_of(experiment["spec"].measures), TESTED]
    start = [metric for metric in START if metric in offered]
    chosen = st.pills(
        "Measures", offered, selection_mode="multi", default=start, key=f"layers-metrics-{experiment['experiment_id']}",
        format_func=_label, help="A chart for each. The test accuracy is of the trained network; all others are of the"
        " features after each of its units, with the network as the run left it.",
    )  # fmt: skip
    networks = st.multiselect(
        "Strategies", state.derived(networks_of, runs), format_func=lambda network: cell_label(*network),
        key=f"layers-networks-{experiment['experiment_id']}", placeholder="up to six, spread over the depths",
        help="Features are measured on the network of every run, after its training.",
    )  # fmt: skip
    return [metric for metric in offered if metric in chosen], tuple(networks)


def _label(metric: str) -> str:
    return "Test accuracy" if metric == TESTED else score_words.label(metric)


def _built(experiment_id: str, metric: str, networks: Networks, shown: Part) -> state.Chart:
    place = f"layers-{metric}/{experiment_id}/{networks}/{shown}"
    return state.fed(place, partial(_drawn, experiment_id, metric, networks, shown))


def _drawn(experiment_id: str, metric: str, networks: Networks, shown: Part) -> state.Chart:
    transfer = shown.frame("transfer_curve", experiment_id)
    if metric == TESTED and is_study(state.frame("runs", experiment_id)):
        curves = state.frame("layer_transfer", experiment_id)
        return state.chart("layers", layer_transfer, curves, uirevision=experiment_id)
    if metric == TESTED:
        steady = state.derived(calm, shown.frame("runs", experiment_id))
        return shown.chart("layers", accuracy_by_depth, transfer, runs=steady, uirevision=experiment_id)
    return shown.chart(
        "layers", measures_by_depth, transfer, metric=metric, scale=score_words.scale(metric),
        networks=networks or None, uirevision=f"{experiment_id}-{metric}",
    )  # fmt: skip


def _one(experiment: dict[str, Any], metric: str, built: state.Chart, height: int | None, *, alone: bool) -> None:
    more = partial(
        implementations.of_cell, implementations.untouched(experiment["spec"]), metric, key=f"layers-others-{metric}"
    )
    if metric == TESTED and alone:  # it has no card, and no neighbour whose chart it should stand level with
        chart(built, key=f"layers-{metric}", height=height)
        return
    with st.container(height=44, border=False, key=f"layers-card-room-{metric}"):
        score_card(
            metric,
            built.light.table,
            key=f"layers-card-{metric}",
            more=more if implementations.varied(metric) else None,
        )
    chart(built, key=f"layers-{metric}", height=height)
