"""What is done for a dataset in the background: its download, and the doctor's look with what it found."""

from __future__ import annotations

import base64
import binascii

import streamlit as st

from dashboard import state
from dashboard.thumbnails import SIDE
from dashboard.widgets.literal import literal
from dashboard.widgets.size import size
from dashboard.widgets.task_status import task_status
from engine import datasets, doctor, task_queue
from engine.datasets import DatasetInfo
from engine.doctor import Finding, Report
from engine.errors import TransferscopeError

ICONS = {
    "severe": ":red[:material/error:]",
    "warning": ":orange[:material/warning:]",
    "notice": ":blue[:material/info:]",
    "ok": ":green[:material/check_circle:]",
}


def download(info: DatasetInfo) -> None:
    """Draw the button that downloads a dataset which is not here, and how its last download failed."""
    _failed("download", info.name)
    st.button(
        f"Download {size(info.download_bytes)}", type="primary", icon=":material/download:", key=f"data-download-{info.name}",
        on_click=_start, args=["download", info.name], disabled=_under_way("download", info.name),
        help="It is fetched from where it is published, proved by its checksum, and kept on this machine.",
    )  # fmt: skip


def findings(info: DatasetInfo) -> None:
    """Draw what the data doctor found, or the button that lets it look."""
    report = doctor.kept(info.name, state.store().home)
    words = f"Data doctor: {report.headline}" if report else "Data doctor: has not looked yet"
    with st.expander(literal(words), icon=":material/stethoscope:", key=f"data-doctor-{info.name}"):
        _failed("doctor", info.name)
        if report is None:
            st.caption(
                "Looks at every image once: counts, copies within and across parts, broken and odd files, imbalance, overlap"
                " with what a backbone was trained on. Each finding says what it means and what to do."
            )
        else:
            _report(report)
        st.button(
            "Look again" if report else "Look the data over", icon=":material/search:", key=f"data-look-{info.name}",
            on_click=_start, args=["doctor", info.name], disabled=_under_way("doctor", info.name),
        )  # fmt: skip


def _report(report: Report) -> None:
    spread = " (evenly spread)" if report.sampled else ""
    st.caption(f"Looked at {report.n_looked:,} of {report.n_images:,} images{spread} in {report.seconds:.1f} s.")
    if report.signature and report.signature != datasets.signature(report.dataset, state.store().home):
        st.warning("The files have changed since. Look again.", icon=":material/update:")
    for place, finding in enumerate(report.findings):
        _finding(finding, f"data-finding-{place}")


def _finding(finding: Finding, key: str) -> None:
    if finding.severity == "ok":
        st.caption(f"{ICONS['ok']} {literal(finding.title)}")
        return
    st.markdown(f"{ICONS.get(finding.severity, '')} **{literal(finding.title)}**")
    for text in filter(None, (finding.means, finding.advice)):
        st.caption(literal(text))
    if finding.examples:
        with st.container(horizontal=True, gap="small", key=key):
            for one in finding.examples:
                if picture := _decoded(one.thumbnail):
                    st.image(picture, width=SIDE // 2, alt=f"{one.label}, {one.part}: {one.name}")
                else:
                    st.text(one.name)


def _decoded(thumbnail: str) -> bytes:
    try:
        return base64.b64decode(thumbnail, validate=True)
    except binascii.Error:
        return b""


def _start(kind: str, name: str) -> None:
    try:
        state.start_task(kind, {"dataset": name})
    except TransferscopeError as error:
        st.session_state["data-problem"] = str(error)


def _under_way(kind: str, name: str) -> bool:
    return any(task.payload.get("dataset") == name for task in task_queue.list(state.store(), kind, ended=False))


def _failed(kind: str, name: str) -> None:
    """How the last task of this kind for this dataset ended, where it did not finish."""
    ended = task_queue.list(state.store(), kind, ended=True, limit=200)
    last = next((task for task in ended if task.payload.get("dataset") == name), None)
    if last is not None and not _under_way(kind, name):
        task_status(last, key=f"data-{kind}")
