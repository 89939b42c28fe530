"""A background task on the page: its bar while it waits and runs, Stop, and how it ended."""

from __future__ import annotations

import streamlit as st

from dashboard import state
from dashboard.widgets.literal import literal
from engine import task_queue
from engine.errors import TransferscopeError
from engine.task_queue import Task

ENDINGS = {
    "failed": ("error", ":material/error:"),
    "cancelled": ("info", ":material/stop_circle:"),
    "interrupted": ("warning", ":material/power_off:"),
}


def find(task_id: object) -> Task | None:
    """The task of this id, as a link may name it; None where there is none."""
    try:
        return task_queue.get(state.store(), int(str(task_id)))
    except (ValueError, OverflowError, TransferscopeError):
        return None


def task_status(task: Task, *, key: str) -> None:
    """Draw one task. While it is open, the caller draws it in a fragment that ticks."""
    if not task.ended:
        _open(task, key)
    elif task.state in ENDINGS:
        kind, icon = ENDINGS[task.state]
        words = task.message or task.state
        getattr(st, kind)(literal(f"{task.title}: {words}"), icon=icon)


def _open(task: Task, key: str) -> None:
    with st.container(border=True, key=f"{key}-task-{task.task_id}"):
        words = "waiting for its turn" if task.state == "queued" else task.phase or "starting"
        st.progress(min(max(task.done, 0.0), 1.0), text=literal(f"{task.title}: {words}"))
        with st.container(horizontal=True, vertical_alignment="center", key=f"{key}-task-row-{task.task_id}"):
            asked = task.cancel_requested > 0
            st.button("Stop", key=f"{key}-stop-{task.task_id}", icon=":material/stop:", disabled=asked,
                      on_click=task_queue.cancel, args=[state.store(), task.task_id])  # fmt: skip
            if asked:
                st.caption("Stopping: nothing half-done is kept.", width="content")
            elif left := eta(task):
                st.caption(f"about {left} to go", width="content")


def eta(task: Task) -> str:
    """How long it will take from here, in words; empty while nobody knows."""
    import time

    from dashboard.widgets.overview import duration

    if task.started is None or task.done < 0.05:
        return ""
    return duration((time.time() - task.started) * (1 - task.done) / task.done)
