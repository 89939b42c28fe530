"""What the data doctor found on a dataset: a button to look, a bar meanwhile, then the findings, the gravest first."""

from __future__ import annotations

import base64
import binascii

import streamlit as st

from dashboard import recipe, state
from dashboard.widgets.literal import literal
from dashboard.widgets.task_status import task_status
from engine import service, task_queue
from engine.backbones import BACKBONES
from engine.doctor import CHECKS, Example, Finding, Report
from engine.errors import TransferscopeError
from engine.task_queue import Task

KIND = "doctor"
LOOKS = {
    "severe": (":material/dangerous:", "red", "Severe"),
    "warning": (":material/warning:", "orange", "Warning"),
    "notice": (":material/info:", "blue", "Notice"),
    "ok": (":material/check_circle:", "green", "In order"),
}
"""Icon, colour and word of each severity: never told by colour alone."""
PICTURE = 64


def doctor(name: str) -> None:
    """Draw the doctor's part of a page about one dataset. Its findings are for the network chosen beside the button."""
    st.subheader("Data doctor")
    if open_on(name) is not None:
        _watch(name)
        return
    report, current = state.doctor_report(name)
    _start(name, report)
    _last_failure(name)
    if report is None:
        return
    if not current:
        st.warning("The files have changed since this was found. Look again.", icon=":material/update:")
    findings(report)


def open_on(name: str) -> Task | None:
    """The task that looks at a dataset now, or waits to."""
    found = task_queue.list(state.store(), KIND, ended=False)
    return next((task for task in found if task.payload.get("dataset") == service.absolute(name)), None)


def summary(name: str) -> None:
    """One line where data are chosen, if the doctor has looked at them."""
    report, current = state.doctor_report(name)
    if report is None:
        return
    icon, _, _ = LOOKS[worst(report)]
    stale = "" if current else " (the files have changed since)"
    st.caption(f"{icon} Data doctor: {literal(report.headline)}{stale}")


def worst(report: Report) -> str:
    """The gravest severity in a report."""
    return next((one for one in LOOKS if report.by_severity.get(one)), "ok")


def _start(name: str, report: Report | None) -> None:
    shipped = {card.name: card.label for family in BACKBONES for one in family.names() if (card := family.card(one))}
    if report is not None and report.backbone:
        shipped.setdefault(report.backbone, report.backbone)
    options = [None, *shipped]
    usual = report.backbone or None if report else next(iter(recipe.START.backbones), None)
    with st.container(horizontal=True, vertical_alignment="bottom", key="doctor-start"):
        backbone = st.selectbox(
            "For the network", options, options.index(usual) if usual in options else 0,
            format_func=lambda one: shipped.get(one, "None"), key=f"doctor-backbone-{name}", width=280,
            help="Its input size and what it has learned from are compared with these data.",
        )  # fmt: skip
        st.button(
            "Look again" if report else "Look the data over", icon=":material/stethoscope:", key=f"doctor-look-{name}",
            on_click=_submit, args=[name, backbone], type="secondary" if report else "primary",
        )  # fmt: skip
    if report is None:
        st.caption(
            "Counts, copies within and across train and test, broken and odd files, sizes, overlap with what the network"
            " has seen. Nothing is changed; a few thousand images take seconds."
        )
    if problem := st.session_state.pop("doctor-problem", None):
        st.error(literal(problem), icon=":material/error:")


def _submit(name: str, backbone: str | None) -> None:
    payload = {"dataset": service.absolute(name)} | ({"backbone": backbone} if backbone else {})
    try:
        state.start_task(KIND, payload)
    except TransferscopeError as error:
        st.session_state["doctor-problem"] = str(error)


@st.fragment(run_every=state.TICK_SECONDS)
def _watch(name: str) -> None:
    task = open_on(name)
    if task is None:
        st.rerun()
    else:
        task_status(task, key="doctor")


def _last_failure(name: str) -> None:
    ended = task_queue.list(state.store(), KIND, ended=True)
    last = next((task for task in ended if task.payload.get("dataset") == service.absolute(name)), None)
    if last is not None and last.state in ("failed", "interrupted"):
        st.error(literal(last.message or last.state), icon=":material/error:")


def findings(report: Report) -> None:
    """Draw a report."""
    icon, colour, _ = LOOKS[worst(report)]
    st.markdown(f":{colour}[{icon}] **In short:** {literal(report.headline)}.")
    against = f" · for {literal(_label(report.backbone))}" if report.backbone else ""
    seen = f"{report.n_looked:,} of {report.n_images:,}" if report.sampled else f"all {report.n_images:,}"
    part = " · evenly spread, so copies among the others are not found" if report.sampled else ""
    st.caption(f"Looked at {seen} images in {report.seconds:,.1f} s{against}{part}")
    odd = [one for one in report.findings if one.severity != "ok"]
    for place, finding in enumerate(odd):
        with st.container(border=True, key=f"doctor-finding-{place}"):
            _finding(finding, place)
    fine = [one for one in report.findings if one.severity == "ok"]
    if fine:
        with st.expander(f"{len(fine)} in order", icon=LOOKS["ok"][0]):
            for finding in fine:
                label = f"{CHECKS[finding.check].label}: " if finding.check in CHECKS else ""
                st.markdown(f"{literal(label + finding.title)}.  \n:small[{literal(finding.means)}]")


def _label(backbone: str) -> str:
    known = next((card for family in BACKBONES if family.accepts(backbone) and (card := family.card(backbone))), None)
    return known.label if known else backbone


def _finding(finding: Finding, place: int) -> None:
    icon, colour, word = LOOKS.get(finding.severity, LOOKS["notice"])
    st.markdown(f":{colour}-badge[{icon} {word}] **{literal(finding.title)}.**")
    st.markdown(literal(finding.means))
    if finding.advice:
        st.markdown(f":material/arrow_forward: {literal(finding.advice)}")
    pictured = [one for one in finding.examples if one.thumbnail]
    if pictured:
        _pictures(pictured, place)
    elif finding.examples:
        st.caption("  \n".join(literal(one.name) for one in finding.examples))


def _pictures(examples: list[Example], place: int) -> None:
    """Images side by side; those that belong together in one frame."""
    groups: dict[int, list[Example]] = {}
    for one in examples:
        groups.setdefault(one.group, []).append(one)
    with st.container(horizontal=True, gap="small", key=f"doctor-pictures-{place}"):
        for number, members in groups.items():
            together = len(groups) > 1
            key = f"doctor-group-{place}-{number}"
            with st.container(border=together, horizontal=True, gap="small", width="content", key=key):
                for one in members:
                    _picture(one)


def _picture(one: Example) -> None:
    try:
        content = base64.b64decode(one.thumbnail, validate=True)
    except (binascii.Error, ValueError):  # a report that was altered
        return
    with st.container(width=PICTURE + 40, gap=None):
        st.image(content, width=PICTURE, alt=f"{one.label}, {one.part}: {one.name}")
        st.caption(f"{literal(one.label)}, {one.part}", help=literal(one.name))
