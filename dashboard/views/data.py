"""Data: import one's own images, and look at every dataset: card, counts, gallery, what the doctor found."""

from __future__ import annotations

import streamlit as st

from dashboard import state
from dashboard.widgets import dataset_list, download
from dashboard.widgets.dataset_card import dataset_card, trash
from dashboard.widgets.doctor import doctor
from dashboard.widgets.gallery import gallery
from dashboard.widgets.import_form import import_form
from dashboard.widgets.import_report import import_report
from dashboard.widgets.literal import literal
from dashboard.widgets.task_status import find, task_status
from engine import task_queue
from engine.datasets import _library as imported
from engine.errors import TransferscopeError

KINDS = ("import", "download")
"""Tasks whose bars are on top of this page, whatever dataset is chosen."""


def page() -> None:
    """Draw the page."""
    st.title("Data")
    none_yet = not imported.listed(state.store().home)
    with st.expander(
        "Import your own images", expanded=none_yet, icon=":material/add_photo_alternate:", key="data-add"
    ):
        import_form()
    if problem := st.session_state.pop("data-problem", ""):
        st.error(literal(problem), icon=":material/error:")
    if _under_way():
        _watch()
    _ended()
    trash()
    chosen = dataset_list.choose()
    dataset_list.every()
    if chosen is not None:
        _dataset(chosen)


def _under_way() -> list[task_queue.Task]:
    return [task for task in task_queue.list(state.store(), ended=False) if task.kind in KINDS]


@st.fragment(run_every=state.TICK_SECONDS)
def _watch() -> None:
    """Bars of the tasks that wait or run; when one ends, the whole page is drawn anew."""
    now = _under_way()
    before = st.session_state.get("data-watched", ())
    st.session_state["data-watched"] = tuple(task.task_id for task in now)
    for task in now:
        task_status(task, key="data")
    ended = set(before) - {task.task_id for task in now}
    if ended:
        state.forget_datasets()
        for task in filter(None, map(find, sorted(ended))):
            if task.kind == "import" and task.result is not None:
                st.session_state["data-chosen"] = task.result["dataset"]
        st.rerun()


def _ended() -> None:
    """How the import of this page's link ended."""
    task = find(st.query_params.get("task")) if "task" in st.query_params else None
    if task is None or task.kind != "import" or not task.ended:
        return
    task_status(task, key="data")
    if task.result is not None:
        import_report(task.result, key="data")
    st.button("Close", key="data-close", type="tertiary", icon=":material/close:", on_click=_close)


def _close() -> None:
    st.query_params.pop("task", None)


def _dataset(name: str) -> None:
    try:
        info = state.info(name)
    except TransferscopeError as error:
        st.error(literal(error), icon=":material/error:")
        return
    with st.container(border=True, key="data-card"):
        dataset_card(info)
        if info.download_bytes:
            download.dataset(info.name, info.download_bytes)
    if info.download_bytes:
        st.caption("Its images are shown once it is on this machine.")
        return
    doctor(info.name)
    gallery(info)
