"""What background tasks of one kind are doing and what they found: the results are kept and can be looked at again."""

from __future__ import annotations

import time
from typing import Any

import streamlit as st

from dashboard import state
from dashboard.widgets.literal import literal
from dashboard.widgets.task_status import task_status
from engine import task_queue
from engine.errors import TransferscopeError
from engine.task_queue import Task


def begin(kind: str, payload: dict[str, Any]) -> None:
    """Queue a task, before the page is drawn again; a refusal is kept for `kept` to say."""
    st.session_state.pop(f"{kind}-refused", None)
    try:
        st.session_state[f"{kind}-started"] = state.start_task(kind, payload)
    except TransferscopeError as error:
        st.session_state[f"{kind}-refused"] = str(error)


def kept(kind: str, *, key: str, nothing: str) -> Task | None:
    """Draw the tasks that wait or run, how the newest ended where it failed, and a choice among those that finished.

    To be called in a fragment that ticks. Returns the chosen finished task, the newest by default; None where there is none,
    after saying `nothing`.
    """
    if refused := st.session_state.get(f"{kind}-refused"):
        st.error(literal(refused), icon=":material/error:")
    tasks = task_queue.list(state.store(), kind, limit=100)
    for task in reversed([task for task in tasks if not task.ended]):
        task_status(task, key=key)
    newest = next((task for task in tasks if task.ended), None)
    if newest is not None and newest.state != "finished":
        task_status(newest, key=key)
    finished = {task.task_id: task for task in tasks if task.state == "finished" and task.result}
    if not finished:
        if not any(not task.ended for task in tasks):
            st.caption(nothing)
        return None
    if len(finished) == 1:
        return next(iter(finished.values()))
    # A new result is shown when it comes: the box then has other options and starts at the first of them.
    chosen = st.selectbox(
        "Result",
        list(finished),
        format_func=lambda one: _words(finished[one]),
        key=f"{key}-result-{next(iter(finished))}",
    )
    return finished[chosen]


def _words(task: Task) -> str:
    # With seconds: a box of choices takes two of the same words for the same choice.
    made = time.strftime("%d %b %H:%M:%S", time.localtime(task.finished or task.created))
    labels = task.payload.get("labels")
    return f"{task.title}{f', {labels} labels' if labels else ''} · {made}"
