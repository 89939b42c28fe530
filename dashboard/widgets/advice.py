"""A frozen depth suggested by a cheap score before training, always with its record here."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from dashboard import state
from dashboard.widgets.literal import literal
from dashboard.widgets.score_words import label


def advice(scores: pd.DataFrame, *, key: str, about: str = "") -> None:
    """Draw the advice; nothing where the deciding score was not asked for.

    Args:
        scores: rows of a `transfer_curve` of one frozen backbone on one dataset with one label budget.
        key: unique on the page.
        about: which network and task it is, where the page shows several.
    """
    if said := sentence(scores):
        with st.container(border=True, key=key):
            st.markdown(
                f":material/lightbulb: **{literal(about + ', b' if about else 'B')}efore training:** {literal(said)}"
            )


def sentence(scores: pd.DataFrame) -> str:
    """The advice in words; empty where the deciding score was not asked for."""
    from engine.advice import METRIC, suggest

    if scores.empty or METRIC not in set(scores["metric"]):
        return ""
    found = suggest(scores, state.derived(_once, state.frame("transfer_curve")))
    return found.sentence().replace(f"{METRIC} is", f"{label(METRIC)} is")


def _once(history: pd.DataFrame) -> pd.DataFrame:
    """Every run once: one that several experiments share would count as several."""
    return history.drop_duplicates(["run_id", "unit", "metric"])
