"""Live: an experiment while it runs. Curves fill in as depths finish."""

from __future__ import annotations

import streamlit as st

from dashboard import state
from dashboard.figures import accuracy_by_depth, learning_curves, measures_by_depth
from dashboard.widgets.chart import chart
from dashboard.widgets.experiments import choose
from dashboard.widgets.frames_of import calm
from dashboard.widgets.go import link
from dashboard.widgets.status import status


def page() -> None:
    """Draw the page."""
    st.title("Live")
    experiment = choose("live")
    if experiment is not None:
        _follow(experiment["experiment_id"])


@st.fragment(run_every=state.TICK_SECONDS)
def _follow(experiment_id: str) -> None:
    runs = state.frame("runs", experiment_id)
    now = status(experiment_id, runs, key="live")
    transfer, learning = (state.frame(name, experiment_id) for name in ("transfer_curve", "learning_curve"))
    steady = calm(runs)
    left, right = st.columns(2)
    with left:
        drawn = state.chart("live", accuracy_by_depth, transfer, runs=steady, uirevision=experiment_id)
        chart(drawn, key="live-accuracy")
    with right:
        drawn = state.chart("live", measures_by_depth, transfer, uirevision=experiment_id)
        chart(drawn, key="live-depths")
    drawn = state.chart("live", learning_curves, learning, runs=steady, uirevision=experiment_id)
    chart(drawn, key="live-learning")
    if not now.active:
        with st.container(horizontal=True):
            link("compare", "Compare the strategies", ":material/compare_arrows:", experiment=experiment_id)
            link("layers", "Look into the layers", ":material/layers:", experiment=experiment_id)
