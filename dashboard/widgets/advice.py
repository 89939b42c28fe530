"""A frozen depth suggested by a cheap score before training, always with its record here."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from dashboard import state
from dashboard.widgets.go import link
from dashboard.widgets.layers_result import as_frame
from dashboard.widgets.literal import literal
from dashboard.widgets.score_words import label
from engine import budgets, task_queue


def advice(scores: pd.DataFrame, *, key: str) -> None:
    """Draw the advice; nothing where the deciding score was not asked for.

    Args:
        scores: rows of a `transfer_curve` of one frozen backbone on one dataset with one label budget.
        key: unique on the page.
    """
    if said := sentence(scores):
        with st.container(border=True, key=key):
            st.markdown(f":material/lightbulb: **Before training:** {literal(said)}")


def sentence(scores: pd.DataFrame) -> str:
    """The advice in words; empty where the deciding score was not asked for."""
    from engine.advice import METRIC, suggest

    if scores.empty or METRIC not in set(scores["metric"]):
        return ""
    found = suggest(scores, state.derived(_once, state.frame("transfer_curve")))
    return found.sentence().replace(f"{METRIC} is", f"{label(METRIC)} is")


def before_training(backbone: str, dataset: str) -> None:
    """Draw one line for the Lab: the advice from the newest measuring of this backbone on these data, or where to measure."""
    found = next(
        (
            task
            for task in task_queue.list(state.store(), "layers", ended=True)
            if task.state == "finished"
            and task.result
            and (task.payload["backbone"], task.payload["dataset"], task.payload["weights"])
            == (backbone, dataset, "pretrained")
        ),
        None,
    )
    if found is None or found.result is None:
        link(
            "layers",
            "Which depth? Measure every layer first",
            ":material/lightbulb:",
            **{"layers-view": "Without training"},
        )
        return
    if said := sentence(as_frame(found.result, found.task_id)):
        about = budgets.words(found.result["labels"])
        st.caption(f":material/lightbulb: {literal(f'Measured with {about}, before training: {said}')}")


def _once(history: pd.DataFrame) -> pd.DataFrame:
    """Every run once: one that several experiments share would count as several."""
    return history.drop_duplicates(["run_id", "unit", "metric"])
