"""Choosing an experiment, and what a page shows when there is none."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import streamlit as st

from dashboard import state
from dashboard.figures._style import plain
from dashboard.widgets.go import go_live
from engine.errors import TransferscopeError
from engine.presets import PRESETS

PARAMETER = "experiment"


def title(experiment: dict[str, Any]) -> str:
    """An experiment as people see it: its name, when it was made, and the beginning of its id."""
    made = datetime.fromtimestamp(experiment["created"], UTC).astimezone()
    name = plain(experiment["name"]) or "Unnamed experiment"
    return f"{name} · {made:%d %b %H:%M} · {experiment['experiment_id'][:6]}"


def choose(key: str) -> dict[str, Any] | None:
    """A box to choose an experiment, kept in the URL; draws the empty state and returns None where there is none."""
    known = {experiment["experiment_id"]: experiment for experiment in state.experiments()}
    asked = st.query_params.get(PARAMETER)
    if not known:
        empty("There is no experiment yet.")
        return None
    if asked and asked not in known:
        st.warning("The experiment of this link is not here (any more): it may be in the trash, see the Library.")
    ids = list(known)
    chosen = st.selectbox(
        "Experiment",
        ids,
        index=ids.index(asked) if asked in known else 0,
        format_func=lambda one: title(known[one]),
        key=f"{key}-experiment",
    )
    st.query_params[PARAMETER] = chosen
    return known[chosen]


def empty(reason: str) -> None:
    """Say why there is nothing to see, and offer the one button that changes it."""
    with st.container(border=True):
        st.markdown(f"**{reason}** Compare what freezing layers does, on handwritten digits, in under a minute.")
        try_it_now("empty")


def try_it_now(key: str) -> None:
    """The button that runs the first experiment; pressing it again shows the same experiment."""
    pressed = st.button("Try it now", type="primary", icon=":material/play_arrow:", key=f"{key}-try")
    runs = len(state.planned(PRESETS["quick"].spec))
    st.caption(f"{runs} short runs on this machine, under a minute on two cores; nothing is downloaded.")
    if pressed:
        start("quick")


def start(preset: str) -> None:
    """Queue a preset and open it on the Live page; an error is shown in its own words."""
    try:
        submission = state.launch(PRESETS[preset].spec)
    except TransferscopeError as error:
        st.error(str(error), icon=":material/error:")
        return
    go_live(submission.experiment_id)
