"""Layers: what each depth carries over, by accuracy after training and by measures of its features."""

from __future__ import annotations

import streamlit as st

from dashboard import state
from dashboard.figures import accuracy_by_depth, measures_by_depth
from dashboard.figures._style import cell_label
from dashboard.widgets.chart import chart
from dashboard.widgets.experiments import choose
from dashboard.widgets.frames_of import calm

METRICS = {"probe_accuracy": "Linear probe", "knn_accuracy": "Nearest neighbours"}
HELP = (
    "Linear probe: a linear classifier solved on the features after a unit, its penalty chosen on validation images."
    " Nearest neighbours: the labels of the 20 most similar labelled images, by cosine similarity."
    " Both are read on the test images; neither changes the network."
)


def page() -> None:
    """Draw the page."""
    st.title("Layers")
    experiment = choose("layers")
    if experiment is None:
        return
    metric = st.segmented_control(
        "Measure of the features", METRICS, format_func=METRICS.get, default="probe_accuracy", required=True, help=HELP,
        key="layers-metric", bind="query-params",
    )  # fmt: skip
    _curves(experiment["experiment_id"], metric)


@st.fragment(run_every=state.TICK_SECONDS)
def _curves(experiment_id: str, metric: str) -> None:
    transfer, runs = state.frame("transfer_curve", experiment_id), state.frame("runs", experiment_id)
    there = transfer.loc[transfer["metric"] == metric, ["strategy", "frozen_depth"]].drop_duplicates()
    networks = sorted(map(tuple, there.to_numpy().tolist()), key=lambda network: network[1])
    chosen = st.multiselect(
        "Networks", networks, format_func=lambda network: cell_label(*network), key=f"layers-networks-{experiment_id}",
        placeholder="up to six, spread over the depths",
        help="Features are measured on the network of every run, after its training.",
    )  # fmt: skip
    revision = f"{experiment_id}-{metric}"
    left, right = st.columns(2)
    with left:
        drawn = state.chart(
            "layers", measures_by_depth, transfer, metric=metric, networks=chosen or None, uirevision=revision
        )
        chart(drawn, key="layers-measure")
    with right:
        drawn = state.chart("layers", accuracy_by_depth, transfer, runs=calm(runs), uirevision=experiment_id)
        chart(drawn, key="layers-accuracy")
