"""Layers: what each depth carries over, by accuracy after training and by measures of its features."""

from __future__ import annotations

import streamlit as st

from dashboard import state
from dashboard.figures import accuracy_by_depth, measures_by_depth
from dashboard.figures._style import cell_label
from dashboard.widgets.chart import side_by_side
from dashboard.widgets.experiments import choose
from dashboard.widgets.frames_of import calm, networks_of
from dashboard.widgets.status import brief
from dashboard.widgets.terms import explained, heading

METRICS = {"probe_accuracy": "Linear probe", "knn_accuracy": "Nearest neighbours"}


def page() -> None:
    """Draw the page."""
    heading("Layers", "Unit", "Frozen depth", "Linear probe", "Nearest neighbours", "Seed", "95 % interval")
    experiment = choose("layers")
    if experiment is not None:
        _curves(experiment["experiment_id"])


@st.fragment(run_every=state.TICK_SECONDS)
def _curves(experiment_id: str) -> None:
    transfer, runs = state.frame("transfer_curve", experiment_id), state.frame("runs", experiment_id)
    if not brief(experiment_id, runs, transfer):
        return
    with st.container(horizontal=True, vertical_alignment="bottom", key="layers-choices"):
        metric = st.segmented_control(
            "Measure of the features", METRICS, format_func=METRICS.get, default="probe_accuracy", required=True,
            help=explained("Linear probe", "Nearest neighbours"), key="layers-metric", bind="query-params",
        )  # fmt: skip
        chosen = st.multiselect(
            "Networks", state.derived(networks_of, runs), format_func=lambda network: cell_label(*network),
            key=f"layers-networks-{experiment_id}", placeholder="up to six, spread over the depths",
            help="Features are measured on the network of every run, after its training.",
        )  # fmt: skip
    steady, revision = state.derived(calm, runs), f"{experiment_id}-{metric}"
    side_by_side(
        {
            "layers-measure": state.chart(
                "layers", measures_by_depth, transfer, metric=metric, networks=chosen or None, uirevision=revision
            ),
            "layers-accuracy": state.chart(
                "layers", accuracy_by_depth, transfer, runs=steady, uirevision=experiment_id
            ),
        }
    )
