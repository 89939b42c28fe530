"""Layers page, part While training: the panel's curves with a slider over epochs, and what watching cost."""

from __future__ import annotations

import dataclasses
import math
from functools import partial
from typing import Any

import pandas as pd
import streamlit as st

from dashboard import recipe, state
from dashboard.figures import panel_by_depth
from dashboard.figures.panel_by_depth import epoch_words
from dashboard.widgets import score_words
from dashboard.widgets.cells import Cell, cells, of_cell, words
from dashboard.widgets.chart import chart
from dashboard.widgets.go import link
from dashboard.widgets.literal import literal
from dashboard.widgets.score_card import score_card
from dashboard.widgets.status import brief
from engine import panel_plan
from engine.panel_plan import AIM, AUTO
from engine.spec import ExperimentSpec

METRICS = ("probe_accuracy", "knn_accuracy", "logme", "drift", "weight_change")
SUGGESTED = "auto"


@st.fragment(run_every=state.FED_TICK_SECONDS)
def panel(experiment: dict[str, Any]) -> None:
    """Draw the panel of one network of an experiment."""
    experiment_id, spec = experiment["experiment_id"], experiment["spec"]
    if spec.panel_epochs is None:
        _offer(spec)
        return
    frame, runs = state.frame("panel", experiment_id), state.frame("runs", experiment_id)
    if not brief(experiment_id, runs, frame):
        return
    every = state.derived(cells, runs)
    with st.container(horizontal=True, vertical_alignment="bottom", key="layers-panel-choices"):
        metric = st.segmented_control(
            "Measure", METRICS, format_func=score_words.label, default=METRICS[0], required=True, key="panel-metric",
            bind="query-params", help="Taken on a fixed set of training images, the same at every epoch.",
        )  # fmt: skip
        cell = st.selectbox(
            "Trained network", every, format_func=partial(words, every), key=f"panel-cell-{experiment_id}"
        )
    epochs = planned_epochs(spec, frame)
    epoch = epochs[0]
    if len(epochs) > 1:
        epoch = st.select_slider(
            "Epoch", epochs, epochs[-1], format_func=epoch_words, key=f"panel-epoch-{experiment_id}",
            help="One that is not measured yet shows the latest before it.",
        )  # fmt: skip
    place = f"layers-panel/{experiment_id}/{cell}/{metric}/{epoch}"
    built = state.fed(place, partial(_drawn, experiment_id, cell, metric, epoch, words(every, cell)))
    score_card(metric, built.light.table, key="panel-card")
    chart(built, key="layers-panel")
    if said := cost(frame):
        st.caption(f":material/timer: {literal(said)}")


def planned_epochs(spec: ExperimentSpec, frame: pd.DataFrame) -> list[int]:
    """The epochs at which an experiment's panel looks; where every run plans them for itself (`auto`), those seen so far."""
    asked = spec.panel_epochs or ()
    if asked == AUTO or spec.train.epochs == AUTO:
        return sorted({0, *map(int, frame["epoch"].unique())})
    return sorted(panel_plan.epochs(asked, spec.train.epochs)) or [0]


def cost(frame: pd.DataFrame) -> str:
    """What the panel cost, in a sentence; empty while nothing is known."""
    looks = frame[(frame["unit"] == 0)].drop_duplicates(["run_id", "epoch", "metric"])
    seconds = looks.loc[looks["metric"] == "cost_seconds", "value"].dropna()
    share = looks.loc[looks["metric"] == "cost_share", "value"].dropna()
    if seconds.empty:
        return ""
    said = f"{seconds.sum():,.1f} s in {len(seconds)} looks, {seconds.median():.2g} s each (median)"
    if share.empty:
        return f"Watching took {said}."
    whole = share_of_training(looks)
    took = f"{said}, {share.median() * 100:.3g} % of one epoch"
    took = f"{took}." if math.isnan(whole) else f"about {whole * 100:.2g} % of the training: {took}."
    if share.median() > AIM:
        took += " Few training images make short epochs, and a look needs some of every class."
    return f"Watching took {took}"


def share_of_training(looks: pd.DataFrame) -> float:
    """Seconds of all looks over those of all epochs, both as measured; NaN where no epoch's time is known.

    Args:
        looks: rows of the frame `panel` that say what looks cost, each once.
    """
    found = looks.pivot_table(index=["run_id", "epoch"], columns="metric", values="value")
    if not {"cost_seconds", "cost_share"} <= set(found):
        return math.nan
    epoch_seconds = (found["cost_seconds"] / found["cost_share"]).groupby("run_id").median()
    last = found.reset_index().groupby("run_id")["epoch"].max()
    trained = (epoch_seconds * last).sum()
    return float(found["cost_seconds"].sum() / trained) if trained else math.nan


def _drawn(experiment_id: str, cell: Cell, metric: str, epoch: int, name: str) -> state.Chart:
    frame = of_cell(state.frame("panel", experiment_id), cell)
    return state.chart(
        "layers", panel_by_depth, frame, scale=score_words.scale(metric), epoch=epoch, note=name,
        uirevision=f"{experiment_id}-{metric}",
    )  # fmt: skip


def _offer(spec: ExperimentSpec) -> None:
    """This experiment was not watched: say what watching shows, and how to switch it on."""
    with st.container(border=True, key="panel-offer"):
        st.markdown("**This experiment was not watched while it trained.**")
        st.markdown(
            "With the panel on, every unit is measured on a fixed set of training images at the epochs you choose: probe, kNN,"
            " LogME, how far its features drifted and how much its weights changed. It changes nothing in the training."
        )
        st.caption(
            'In the Lab it is "Measure while training" under Training settings. The link fills the Lab with these choices and'
            " a panel that costs at most 5 % of the training."
        )
        watched = dataclasses.replace(spec, panel_epochs=SUGGESTED)
        link("lab", "The same in the Lab, watched", ":material/science:", **recipe.to_query(watched))
