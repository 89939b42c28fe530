"""Choosing an experiment, starting one, and what a page shows when there is none."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

import streamlit as st

from dashboard import state
from dashboard.figures._style import plain
from dashboard.widgets.literal import literal
from dashboard.widgets.offers import Offer, offers, start
from engine.presets import PRESETS
from engine.spec import ExperimentSpec

PARAMETER = "experiment"


def title(experiment: dict[str, Any]) -> str:
    """An experiment as people see it, as plain text: its name, when it was made, and the beginning of its id."""
    made = datetime.fromtimestamp(experiment["created"], UTC).astimezone()
    name = plain(experiment["name"]) or "Unnamed experiment"
    return f"{name} · {made:%d %b %H:%M} · {experiment['experiment_id'][:6]}"


def choose(
    key: str, *, offered: Sequence[Offer] = (), suits: Callable[[ExperimentSpec], bool] | None = None
) -> dict[str, Any] | None:
    """A box to choose an experiment, kept in the URL; says why and returns None where there is none to show.

    Args:
        key: unique on the page.
        offered: what the page offers where this home has no experiment; by default the first one, "Try it now".
        suits: which experiments have something to show here; the newest of them is shown first, else the newest of all.
    """
    known = {experiment["experiment_id"]: experiment for experiment in state.experiments()}
    asked = st.query_params.get(PARAMETER)
    if asked and asked not in known:
        _missing(asked, key, offered=None if known else offered)
    if not known:
        if not asked:
            empty("There is no experiment yet.", offered)
        return None
    box, last = f"{key}-experiment", f"{key}-asked"
    ids = list(known)
    # A link, the browser's way back, or an experiment that was thrown away or restored meanwhile.
    if st.session_state.get(box) not in known or asked != st.session_state.get(last):
        first = next((one for one in ids if suits and suits(known[one]["spec"])), ids[0])
        st.session_state[box] = asked if asked in known else None if asked else first
    chosen = st.selectbox(
        "Experiment",
        ids,
        index=None if st.session_state[box] is None else 0,  # a box with a choice cannot be emptied
        format_func=lambda one: title(known[one]) if one in known else one,
        key=box,
        placeholder="Choose another experiment",
    )
    if chosen is not None:
        st.query_params[PARAMETER] = chosen
    st.session_state[last] = chosen or asked
    return known.get(chosen)


def _missing(asked: str, key: str, *, offered: Sequence[Offer] | None) -> None:
    """A link to what is in the trash, with the way back, or to what is not on this machine."""
    trashed = {experiment["experiment_id"]: experiment for experiment in state.experiments(trashed=True)}
    with st.container(border=True, key=f"{key}-missing"):
        if asked in trashed:
            st.markdown(f"**This experiment is in the trash:** {literal(title(trashed[asked]))}")
            st.button("Restore it", icon=":material/undo:", key=f"{key}-restore", type="primary",
                      on_click=state.store().restore, args=[asked])  # fmt: skip
            return
        st.markdown(f"**The experiment of this link is not on this machine:** {literal(plain(asked))}")
        st.caption(
            "A link shows an experiment only on the machine that ran it. To run it here, ask for its link to the Lab."
        )
        if offered is not None:
            _offered(offered, f"{key}-missing")


def empty(reason: str, offered: Sequence[Offer] = ()) -> None:
    """Say why there is nothing to see, and offer what changes it: by default the first experiment."""
    with st.container(border=True, key="empty"):
        more = "" if offered else " Compare what freezing layers does, on handwritten digits, in about a minute."
        st.markdown(f"**{reason}**{more}")
        _offered(offered, "empty")


def _offered(offered: Sequence[Offer], key: str) -> None:
    if offered:
        offers(offered, key=key)
    else:
        try_it_now(key)


def try_it_now(key: str) -> None:
    """The button that runs the first experiment; pressing it again shows the same experiment."""
    pressed = st.button(
        "Try it now", type="primary", icon=":material/play_arrow:", key=f"{key}-try", shortcut="Ctrl+Enter"
    )
    runs = len(state.laid_out(PRESETS["quick"].spec))
    st.caption(f"{runs} short runs on this machine, about a minute on two cores; nothing is downloaded.")
    if pressed:
        start(PRESETS["quick"].spec)


def reused(experiment_id: str) -> str:
    """What of the experiment that this reader launched last had been computed before, in words; empty for none."""
    launched = state.launched()
    if launched is None or launched.experiment_id != experiment_id or not launched.reused:
        return ""
    n, every = len(launched.reused), len(launched.reused) + len(launched.queued)
    if n < every:
        return f"{n} of {every} runs were computed before and are reused: identical runs give identical numbers."
    return "These runs were computed before, and identical runs give identical numbers: this is what was measured then."
