"""Library: every experiment and run; stop, resume, run again, rename, trash and undo."""

from __future__ import annotations

from typing import Any

import streamlit as st

from dashboard import state
from dashboard.figures._style import plain
from dashboard.widgets.experiments import empty, title
from dashboard.widgets.go import link
from dashboard.widgets.overview import overview
from dashboard.widgets.rename import rename
from dashboard.widgets.run_rows import run_rows
from dashboard.widgets.status import status


def page() -> None:
    """Draw the page."""
    st.title("Library")
    _undo()
    experiments = state.experiments()
    if not experiments:
        empty("There is no experiment yet.")
    for experiment in experiments:
        _experiment(experiment)
    _trash()


def _experiment(experiment: dict[str, Any]) -> None:
    experiment_id = experiment["experiment_id"]
    now = overview(state.frame("runs", experiment_id))
    opened = st.expander(
        f"{title(experiment)} · {now.headline}".replace("[", "\\[").replace("*", "\\*").replace("`", "\\`").replace("$", "\\$"),
        key=f"library-{experiment_id}", on_change="rerun",
    )  # fmt: skip
    if opened.open:
        with opened:
            _opened(experiment)


@st.fragment(run_every=2.0)
def _opened(experiment: dict[str, Any]) -> None:
    experiment_id = experiment["experiment_id"]
    runs = state.frame("runs", experiment_id)
    status(experiment_id, runs, key=f"library-{experiment_id}")
    with st.container(horizontal=True, vertical_alignment="center", key=f"library-row-{experiment_id}"):
        link("live", "Live", ":material/monitoring:", experiment=experiment_id)
        link("layers", "Layers", ":material/layers:", experiment=experiment_id)
        link("compare", "Compare", ":material/compare_arrows:", experiment=experiment_id)
        rename(experiment)
        if st.button("Move to trash", icon=":material/delete:", key=f"library-trash-{experiment_id}"):
            state.store().trash(experiment_id)
            st.session_state["library-undo"] = experiment
            st.rerun()
    run_rows(runs, key=f"library-runs-{experiment_id}")


def _undo() -> None:
    gone = st.session_state.get("library-undo")
    if gone is None:
        return
    with st.container(horizontal=True, vertical_alignment="center", border=True, key="library-undo-row"):
        st.text(f"Moved to the trash: {plain(gone['name']) or gone['experiment_id']}")
        if st.button("Undo", icon=":material/undo:", key="library-undo-button"):
            state.store().restore(gone["experiment_id"])
            st.session_state["library-undo"] = None
            st.rerun()


def _trash() -> None:
    trashed = state.experiments(trashed=True)
    if not trashed:
        return
    with st.expander(f"Trash ({len(trashed)})", icon=":material/delete:", key="library-trash"):
        for experiment in trashed:
            with st.container(horizontal=True, vertical_alignment="center"):
                st.text(title(experiment))
                if st.button("Restore", key=f"library-restore-{experiment['experiment_id']}", icon=":material/undo:"):
                    state.store().restore(experiment["experiment_id"])
                    st.session_state["library-undo"] = None
                    st.rerun()
