"""The state of an experiment with its buttons: progress, what is computed now, Stop, Resume."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from dashboard import state
from dashboard.widgets.overview import Overview, duration, overview

SHOWN_PROBLEMS = 5


def status(experiment_id: str, runs: pd.DataFrame, *, key: str) -> Overview:
    """Draw progress, sentences and buttons of one experiment; returns how it stands."""
    now = overview(runs)
    left = f" · about {duration(now.eta_seconds)} to go" if now.eta_seconds is not None else ""
    st.progress(min(now.done, 1.0), text=f"{now.headline}{left}")
    with st.container(horizontal=True, vertical_alignment="center", key=f"{key}-actions"):
        if now.active:
            stop = st.button("Stop", icon=":material/stop_circle:", key=f"{key}-stop", help="Keeps what was learned.")
            if stop:
                waiting = runs.loc[runs["state"].isin(("queued", "running")), "run_id"]
                state.store().cancel(waiting.tolist())
                st.toast("Stopping. What was learned is kept.", icon=":material/stop_circle:")
        _resume(runs, key)
        st.caption(now.detail or _ended(now))
    for problem in now.problems[:SHOWN_PROBLEMS]:
        st.warning(_literal(problem), icon=":material/warning:")
    if len(now.problems) > SHOWN_PROBLEMS:
        st.caption(f"and {len(now.problems) - SHOWN_PROBLEMS} more: see the Library.")
    return now


def _resume(runs: pd.DataFrame, key: str) -> None:
    stopped = runs.loc[runs["state"].isin(("cancelled", "interrupted")), "run_id"].tolist()
    failed = runs.loc[runs["state"] == "failed", "run_id"].tolist()
    if stopped and st.button(f"Resume {len(stopped)} stopped", icon=":material/resume:", key=f"{key}-resume"):
        state.store().resume(stopped)
        st.rerun()
    if failed and st.button(f"Run {len(failed)} failed again", icon=":material/replay:", key=f"{key}-again"):
        state.store().run_again(failed)
        st.rerun()


def _ended(now: Overview) -> str:
    return "Everything has ended." if now.counts else ""


def _literal(text: str) -> str:
    """Text as it stands, where Streamlit would read Markdown: names and paths are data."""
    marks = "\\`*_{}[]()#+-.!|<>$:~"
    return "".join(f"\\{character}" if character in marks else character for character in text)
