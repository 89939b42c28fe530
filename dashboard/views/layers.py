"""Layers: what each depth carries over, by many measures, while training, against before, and which measure to trust."""

from __future__ import annotations

import streamlit as st

from dashboard.widgets.experiments import choose
from dashboard.widgets.layers_measures import measures
from dashboard.widgets.terms import heading

VIEWS = {"measures": "Measures"}


def page() -> None:
    """Draw the page."""
    heading("Layers", "Unit", "Frozen depth", "Linear probe", "Nearest neighbours", "Seed", "95 % interval")
    view = st.segmented_control(
        "What to look at", VIEWS, format_func=VIEWS.get, default="measures", required=True, key="layers-view",
        bind="query-params", label_visibility="collapsed",
    )  # fmt: skip
    experiment = choose("layers")
    if experiment is None:
        return
    if view == "measures":
        measures(experiment)
