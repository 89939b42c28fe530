"""Importing one's own images: a zip that is dropped, or a path on the machine, with options."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import streamlit as st

from dashboard import state
from dashboard.widgets import drop
from dashboard.widgets.literal import literal
from engine import task_queue
from engine.errors import TransferscopeError

WAYS = {"zip": "Drop a zip", "path": "A path on this machine"}
ON_BAD = {"skip": "Leave it out and name it", "stop": "Stop the import"}
LAYOUTS = (
    "One folder per class (`cat/1.jpg`, `dog/1.jpg`), or `train`, `val` and `test` folders that hold the class folders, or a"
    " CSV with the columns `file,label` and, where you like, `split` and `group`. Images are copied into Transferscope's own"
    " folder and split once; nothing leaves this machine."
)


def import_form() -> None:
    """Draw the form; pressing Import queues the task, whose id goes into the URL."""
    st.caption(LAYOUTS)
    way = st.segmented_control(
        "Where from", WAYS, default="zip", format_func=WAYS.get, key="data-way", required=True,
        label_visibility="collapsed",
    )  # fmt: skip
    dropped: Path | None = None
    if way == "zip":
        dropped = drop.drop("data-drop")
        if dropped is not None:
            st.success(f"{literal(dropped.name)} has come. Press Import.", icon=":material/check:")
    else:
        st.text_input(
            "Folder, zip or CSV", key="data-path", placeholder="~/pictures/flowers",
            help="A folder of class folders, a zip, or a CSV with the columns file and label whose files lie beside it, on the"
            " machine that runs Transferscope.",
        )  # fmt: skip
    with st.expander("Options", icon=":material/tune:", key="data-options"):
        _options()
    payload = _payload(way, dropped)
    under_way = any(
        task.payload["path"] == payload["path"] for task in task_queue.list(state.store(), "import", ended=False)
    )
    st.button("Import", type="primary", icon=":material/input:", key="data-import", on_click=_start, args=[payload],
              disabled=not payload["path"] or under_way)  # fmt: skip


def _options() -> None:
    st.text_input("Name", key="data-name", max_chars=80, placeholder="as the file or folder is called")
    st.text_input(
        "Table (CSV) inside", key="data-csv", placeholder="the only one at the top that has the columns file and label"
    )
    st.text_input(
        "Group pattern", key="data-pattern", placeholder=r"patient(\d+)_",
        help="A regular expression with one group, looked for in each file's name. Images with the same text there always lie"
        " in the same part: all of one patient's are trained on, or validated on, or tested on. A column `group` of a table"
        " does the same.",
    )  # fmt: skip
    st.segmented_control(
        "A file that cannot be used", ON_BAD, default="skip", format_func=ON_BAD.get, key="data-on-bad", required=True
    )


def _payload(way: str, dropped: Path | None) -> dict[str, Any]:
    value = st.session_state.get
    path = str(dropped or "") if way == "zip" else value("data-path", "").strip()
    return {
        "path": path,
        "uploaded": way == "zip",
        "name": value("data-name", ""),
        "csv": value("data-csv", ""),
        "group_pattern": value("data-pattern", ""),
        "on_bad": value("data-on-bad") or "skip",
    }


def _start(payload: dict[str, Any]) -> None:
    try:
        st.query_params["task"] = str(state.start_task("import", payload))
    except TransferscopeError as error:
        st.session_state["data-problem"] = str(error)
        return
    # A dropped zip stays until its import has succeeded: after a failure it can be tried with other options.
    for key in ("data-path", "data-name", "data-csv", "data-pattern"):
        st.session_state[key] = ""
