"""A download in the background: the button with its size, the bar while it runs, and how it ended."""

from __future__ import annotations

from typing import Any

import streamlit as st

from dashboard import state
from dashboard.widgets.literal import literal
from dashboard.widgets.size import size
from dashboard.widgets.task_status import task_status
from engine import task_queue
from engine.errors import TransferscopeError
from engine.task_queue import Task


def dataset(name: str, n_bytes: int) -> None:
    """Draw the download of a dataset which is not on this machine; its page shows the bar among those of others."""
    _button(
        "download", {"dataset": name}, f"Download {size(n_bytes)}", key=f"data-download-{name}",
        help="It is fetched from where it is published, proved by its checksum, and kept on this machine.",
    )  # fmt: skip


def weights(backbone: str, n_bytes: int) -> None:
    """Draw the download of a backbone's weights, which the Lab can do without: a run fetches what is missing."""
    _weights({"backbone": backbone}, n_bytes, "lab-download-weights")


def text_tower(backbone: str, n_bytes: int) -> None:
    """Draw the download of a backbone's text tower, which the Lab can do without as well; its weights come along."""
    _weights({"backbone": backbone, "text": True}, n_bytes, "lab-download-text")


def _weights(payload: dict[str, Any], n_bytes: int, key: str) -> None:
    if open_of("weights", payload):
        _watch_weights(payload, key)
        return
    _button(
        "weights", payload, f"Download now ({size(n_bytes)})" if n_bytes else "Download now", key=key, type="secondary",
        help="Else the first run fetches them. They are proved by the hub's checksum and kept for all runs.",
    )  # fmt: skip


@st.fragment(run_every=state.TICK_SECONDS)
def _watch_weights(payload: dict[str, Any], key: str) -> None:
    task = open_of("weights", payload)
    if task is None:
        st.rerun()
    else:
        task_status(task, key=f"{key}-status")


def open_of(kind: str, payload: dict[str, Any]) -> Task | None:
    """The task of this kind and payload that waits or runs now."""
    return next((one for one in task_queue.list(state.store(), kind, ended=False) if one.payload == payload), None)


def _button(kind: str, payload: dict[str, Any], label: str, *, key: str, help: str, type: str = "primary") -> None:
    ended = task_queue.list(state.store(), kind, ended=True, limit=200)
    last = next((one for one in ended if one.payload == payload), None)
    under_way = open_of(kind, payload) is not None
    if last is not None and not under_way:
        task_status(last, key=key)
    if problem := st.session_state.pop(f"{key}-problem", ""):
        st.error(literal(problem), icon=":material/error:")
    st.button(label, type=type, icon=":material/download:", key=key, help=help, disabled=under_way,
              on_click=_start, args=[kind, payload, key])  # fmt: skip


def _start(kind: str, payload: dict[str, Any], key: str) -> None:
    try:
        state.start_task(kind, payload)
    except TransferscopeError as error:
        st.session_state[f"{key}-problem"] = str(error)
