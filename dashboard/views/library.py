"""Library: every experiment and run; stop, resume, run again, rename, trash and undo."""

from __future__ import annotations

from typing import Any

import streamlit as st

from dashboard import state
from dashboard.widgets.experiments import empty, title
from dashboard.widgets.go import link
from dashboard.widgets.literal import literal
from dashboard.widgets.overview import Overview, overview
from dashboard.widgets.rename import rename
from dashboard.widgets.run_rows import run_rows
from dashboard.widgets.status import status
from dashboard.widgets.terms import heading

SHOWN = 20
"""Experiments on one page of the list."""
ICONS = {
    "queued": ":material/schedule:",
    "running": ":material/play_circle:",
    "finished": ":material/check_circle:",
    "failed": ":material/error:",
    "diverged": ":material/trending_up:",
    "cancelled": ":material/stop_circle:",
    "stopped": ":material/stop_circle:",
    "interrupted": ":material/power_off:",
}


def page() -> None:
    """Draw the page."""
    heading("Library", "Seed", "Test accuracy", "Frozen units unchanged")
    _list()


@st.fragment(run_every=2.0)
def _list() -> None:
    experiments, trashed = state.experiments(), state.experiments(trashed=True)
    gone = st.session_state.get("library-undo")
    # What was just thrown away keeps its place in the list, with the way back.
    listed = sorted(
        [*experiments, *(one for one in trashed if one["experiment_id"] == gone)],
        key=lambda one: one["created"], reverse=True,
    )  # fmt: skip
    if not listed:
        empty("There is no experiment yet." if not trashed else "Every experiment is in the trash.")
    for experiment in _found(listed):
        if experiment["trashed"] is None:
            _experiment(experiment)
        else:
            _undo(experiment)
    _trash([one for one in trashed if one["experiment_id"] != gone])


def _found(experiments: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Those of the list that are shown: what is searched for, page by page."""
    if len(experiments) <= SHOWN:
        return experiments
    with st.container(horizontal=True, vertical_alignment="bottom", key="library-find"):
        wanted = st.text_input("Find", key="library-wanted", placeholder="name or id", icon=":material/search:")
        found = [one for one in experiments if wanted.casefold() in f"{one['name']} {one['experiment_id']}".casefold()]
        pages = -(-len(found) // SHOWN)
        chosen = 1
        if pages > 1:
            chosen = st.selectbox("Page", range(1, pages + 1), key="library-page", width=110)
    st.caption(f"{len(found)} of {len(experiments)} experiments" if wanted else f"{len(experiments)} experiments")
    return found[(chosen - 1) * SHOWN : chosen * SHOWN]


def _experiment(experiment: dict[str, Any]) -> None:
    experiment_id = experiment["experiment_id"]
    now: Overview = state.derived(overview, state.frame("runs", experiment_id))
    with st.container(border=True, gap="xsmall", key=f"library-card-{experiment_id}"):
        # The label must stay the same while runs finish: an expander with another label is another, closed one.
        opened = st.expander(
            f"**{literal(title(experiment))}**", key=f"library-{experiment_id}", type="compact", on_change="rerun"
        )
        st.caption(f"{ICONS[now.word]} {literal(now.headline)}")
        if opened.open:
            with opened:
                _opened(experiment)


def _opened(experiment: dict[str, Any]) -> None:
    experiment_id = experiment["experiment_id"]
    runs = state.frame("runs", experiment_id)
    status(experiment_id, runs, key=f"library-{experiment_id}")
    with st.container(horizontal=True, vertical_alignment="center", key=f"library-row-{experiment_id}"):
        link("live", "Live", ":material/monitoring:", experiment=experiment_id)
        link("layers", "Layers", ":material/layers:", experiment=experiment_id)
        link("compare", "Compare", ":material/compare_arrows:", experiment=experiment_id)
        rename(experiment)
        st.button("Move to trash", icon=":material/delete:", key=f"library-trash-{experiment_id}",
                  on_click=_throw_away, args=[experiment_id],
                  help="Stops what still runs. You can take it back at any time.")  # fmt: skip
    run_rows(runs, key=f"library-runs-{experiment_id}")


def _throw_away(experiment_id: str) -> None:
    state.store().trash(experiment_id)
    st.session_state["library-undo"] = experiment_id


def _take_back(experiment_id: str) -> None:
    state.store().restore(experiment_id)
    st.session_state["library-undo"] = None


def _undo(experiment: dict[str, Any]) -> None:
    with st.container(border=True, horizontal=True, vertical_alignment="center", key="library-undo-row"):
        st.text(f"Moved to the trash: {title(experiment)}", width="content")
        st.button("Undo", icon=":material/undo:", key="library-undo-button", on_click=_take_back,
                  args=[experiment["experiment_id"]])  # fmt: skip


def _trash(trashed: list[dict[str, Any]]) -> None:
    if not trashed:
        return
    opened = st.expander("Trash", icon=":material/delete:", key="library-trash", on_change="rerun")
    if not opened.open:
        return
    with opened:
        st.caption("Nothing here is lost: what was measured stays until the folder of the experiments is deleted.")
        for experiment in trashed:
            with st.container(horizontal=True, vertical_alignment="center"):
                st.text(title(experiment), width="content")
                st.button("Restore", key=f"library-restore-{experiment['experiment_id']}", icon=":material/undo:",
                          on_click=_take_back, args=[experiment["experiment_id"]])  # fmt: skip
