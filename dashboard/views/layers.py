"""Layers: what each depth carries over, by many measures, while training, against before, and which measure to trust."""

from __future__ import annotations

import streamlit as st

from dashboard import state
from dashboard.widgets import part
from dashboard.widgets.advice import advice
from dashboard.widgets.experiments import choose
from dashboard.widgets.frames_of import comparable
from dashboard.widgets.layers_frozen import frozen
from dashboard.widgets.layers_measures import measures
from dashboard.widgets.layers_panel import panel
from dashboard.widgets.layers_scoreboard import scoreboard
from dashboard.widgets.layers_similarity import backbones, before_after
from dashboard.widgets.offers import COMPARED, WATCHED, Offer
from dashboard.widgets.part import Part
from dashboard.widgets.terms import heading

VIEWS = {
    "measures": "Measures",
    "training": "While training",
    "similarity": "Similarity",
    "scoreboard": "Scoreboard",
    "frozen": "Without training",
}
OFFERED: dict[str, tuple[Offer, ...]] = {"training": (WATCHED,), "similarity": (COMPARED,)}
"""What a view needs that the first experiment does not measure."""

ADVISED = 3
"""Networks and tasks that are advised on: the first ones of many."""


def page() -> None:
    """Draw the page."""
    heading("Layers", "Unit", "Frozen depth", "Linear probe", "Nearest neighbours", "Seed", "95 % interval")
    view = st.segmented_control(
        "What to look at", VIEWS, format_func=VIEWS.get, default="measures", required=True, key="layers-view",
        bind="query-params", label_visibility="collapsed",
    )  # fmt: skip
    if view == "frozen":
        frozen()
        return
    experiment = choose("layers", offered=OFFERED.get(view, ()))
    if experiment is not None:
        _of(view, experiment)
    if view == "similarity":
        backbones()


def _of(view: str, experiment: dict) -> None:
    if view == "training":
        panel(experiment)
    elif view == "similarity":
        before_after(experiment)
    elif view == "scoreboard":
        scoreboard(experiment)
    else:
        experiment_id = experiment["experiment_id"]
        shown = part.choose(state.derived(comparable, state.frame("runs", experiment_id)), key="layers")
        measures(experiment, shown)
        _advice(experiment_id, shown)


def _advice(experiment_id: str, shown: Part) -> None:
    """What the scores of the untouched backbone would have advised, for each backbone, dataset and label budget."""
    transfer = shown.frame("transfer_curve", experiment_id)
    tasks = list(transfer[transfer["strategy"] == "linear_probe"].groupby(["backbone", "dataset", "budget"], sort=True))
    for place, (task, rows) in enumerate(tasks[:ADVISED]):
        about = Part(*map(str, task)).words if len(tasks) > 1 else ""
        advice(rows, key=f"layers-advice-{place}", about=about)
