"""Layers page, part Without training: every score at every depth of a frozen backbone, with one button, in seconds."""

from __future__ import annotations

from functools import partial
from typing import Any

import streamlit as st

from dashboard import recipe, state
from dashboard.figures import measures_by_depth
from dashboard.widgets import implementations, score_words, task_choices
from dashboard.widgets.advice import advice
from dashboard.widgets.chart import ROOM, chart
from dashboard.widgets.kept_tasks import begin, kept
from dashboard.widgets.layers_result import as_frame
from dashboard.widgets.literal import literal
from dashboard.widgets.overview import duration
from dashboard.widgets.score_card import score_card
from engine import cost
from engine.budgets import words
from engine.errors import TransferscopeError
from engine.implementations import TWO_SETS
from engine.layer_intervals import RESAMPLES
from engine.spec import ExperimentSpec
from engine.task_queue import Task
from engine.tasks.layers import SCORED

KIND = "layers"
SLOW = ("nleep",)
"""Not chosen at first: its Gaussian mixtures take as long as all others."""
SHOWN_FIRST = ("probe_accuracy", "logme")


def frozen() -> None:
    """Draw the form, and what was measured."""
    st.markdown(
        "The backbone as it is, nothing trained: one pass over the images, then **every score after every unit**, in seconds."
    )
    with st.container(border=True, key="frozen-form"):
        columns = st.columns(2)
        with columns[0]:
            typed = task_choices.backbone("Network", key="frozen-backbone", start=recipe.START.backbones[0])
            labels = task_choices.labels(key="frozen-labels")
        with columns[1]:
            data = task_choices.dataset(key="frozen-data")
            pooling = task_choices.pooling(key="frozen-pooling")
        scores = st.pills(
            "Scores", SCORED, selection_mode="multi", default=[name for name in SCORED if name not in SLOW], key="frozen-scores",
            format_func=lambda name: score_words.of_name(name).label,
        )  # fmt: skip
        intervals = st.toggle(
            "Intervals (bootstrap)", key="frozen-intervals",
            help="A 95 % interval of every value. Probe and kNN are shares of test images: their interval is Wilson's, over"
            f" these. Any other score is computed again on {RESAMPLES} random subsamples of the training images, three quarters"
            " of every class each; where too many of these have no value, there is no interval, and the page says why.",
        )  # fmt: skip
        payload, problem = _payload(typed, data, labels, pooling, scores)
        payload |= {"intervals": RESAMPLES} if intervals and not problem else {}
        if said := _price(payload):
            st.caption(said)
        st.button(
            "Measure every layer", type="primary", icon=":material/straighten:", key="frozen-run", on_click=begin,
            args=[KIND, payload], disabled=bool(problem),
        )  # fmt: skip
        if problem:
            st.caption(literal(problem))
    _results()


def _payload(typed: str | None, data: str, labels: str, pooling: str, scores: list[str]) -> tuple[dict[str, Any], str]:
    """What the task is given, and what is wrong with the choices, in words."""
    if not scores:
        return {}, "Choose at least one score."
    try:
        asked = {"backbone": task_choices.named(typed), "labels": task_choices.budget(labels)}
    except TransferscopeError as error:
        return {}, str(error)
    return asked | {"dataset": data, "pooling": pooling, "scores": [name for name in SCORED if name in scores]}, ""


def _price(payload: dict[str, Any]) -> str:
    """What the intervals will take, in a sentence; empty where none are asked for or the choices are not possible."""
    if not payload.get("intervals"):
        return ""
    try:
        spec = ExperimentSpec(
            (payload["backbone"],), (payload["dataset"],), ("linear_probe",), seeds=(0,), measures=payload["scores"],
            label_budgets=() if payload["labels"] is None else (payload["labels"],), pooling=payload["pooling"],
            score_intervals=payload["intervals"],
        )  # fmt: skip
        seconds = cost.interval_seconds(state.laid_out(spec))
    except TransferscopeError:
        return ""  # said where the task is queued
    return (
        f"Intervals take about {duration(seconds)} more on one free core: {payload['intervals']} resamples of every score at"
        " every unit (probe and kNN: none)."
    )


@st.fragment(run_every=state.TICK_SECONDS)
def _results() -> None:
    task = kept(
        KIND, key="frozen", nothing="Nothing measured yet: curves and a table of every score appear here, and stay."
    )
    if task is not None:
        _result(task)


def _result(task: Task) -> None:
    found = task.result or {}
    frame = as_frame(found, task.task_id)
    seconds = found["seconds"]
    st.caption(
        literal(
            f"{found['backbone']} on {found['dataset']}, {words(found['labels'])}: {found['n_train']:,} images for scores,"
            f" {found['n_validation']:,} to choose the probe, {found['n_test']:,} to test probe and kNN. One pass"
            f" {seconds['pass']:.1f} s, all scores {seconds['scores']:.1f} s"
            + (f", intervals {seconds['intervals']:.1f} s." if seconds.get("intervals") else ".")
        )
    )
    advice(frame, key=f"frozen-advice-{task.task_id}")
    metrics = [score["metric"] for score in found["scores"]]
    start = [metric for metric in SHOWN_FIRST if metric in metrics] or metrics[:2]
    chosen = st.pills(
        "Show",
        metrics,
        selection_mode="multi",
        default=start,
        format_func=score_words.label,
        key=f"frozen-show-{task.task_id}",
    )
    st.html(ROOM)
    shown = [metric for metric in metrics if metric in chosen]
    for place in range(0, len(shown), 2):
        for column, metric in zip(st.columns(min(2, len(shown))), shown[place : place + 2], strict=False):
            with column:
                built = state.chart(
                    "frozen", measures_by_depth, frame, metric=metric, scale=score_words.scale(metric),
                    uirevision=f"{task.task_id}-{metric}",
                )  # fmt: skip
                more = partial(implementations.show, found, task.payload, metric, key=f"frozen-others-{metric}")
                score_card(
                    metric, built.light.table, key=f"frozen-card-{metric}",
                    more=more if implementations.varied(metric) else None,
                )  # fmt: skip
                chart(built, key=f"frozen-{metric}")
    _between_sets(found, task)


def _between_sets(found: dict[str, Any], task: Task) -> None:
    """The cards of the measures that compare two sets of features: no curve of this page shows them."""
    st.caption("Measures between two sets of features (units, images of two parts):")
    with st.container(horizontal=True, key="frozen-between"):
        for metric in TWO_SETS:
            more = partial(implementations.show, found, task.payload, metric, key=f"frozen-others-{metric}")
            score_card(metric, key=f"frozen-card-{metric}", more=more)
