"""How far the target's images are from the source's: what was measured, or a field and a button that measure it."""

from __future__ import annotations

import streamlit as st

from dashboard import state
from dashboard.widgets.kept_tasks import begin
from dashboard.widgets.literal import literal
from dashboard.widgets.score_card import score_card
from dashboard.widgets.task_status import task_status
from engine import distance_words, service, source_task, task_queue
from engine.distance_words import KIND
from engine.errors import TransferscopeError


def measured(backbone: str, dataset: str) -> str:
    """What was measured between the source and a target, in a sentence; "" where nothing was."""
    found = distance_words.newest(state.store(), backbone, service.absolute(dataset))
    return distance_words.sentence(found) if found else ""


def cards(*, key: str) -> None:
    """Draw the "?" of every distance that such a sentence holds."""
    with st.container(horizontal=True, key=f"{key}-cards"):
        for metric in distance_words.MEASURES:
            score_card(metric, key=f"{key}-card-{metric}")


def _known(backbone: str) -> str:
    """The source's dataset by the backbone's card, where its images are on this machine."""
    try:
        return source_task.here(state.card(backbone), "pretrained", state.store().home) or ""
    except TransferscopeError:
        return ""


def ask(backbone: str, dataset: str, *, key: str) -> None:
    """Draw what is said where nothing was measured, with a field for the source's data and the button; drawn while it ticks."""
    if refused := st.session_state.get(f"{KIND}-refused"):
        st.error(literal(refused), icon=":material/error:")
    tasks = [
        task
        for task in task_queue.list(state.store(), KIND, limit=20)
        if (task.payload["backbone"], task.payload["dataset"]) == (backbone, service.absolute(dataset))
    ]
    if tasks and not tasks[0].ended:
        task_status(tasks[0], key=key)
        return
    if tasks and tasks[0].state != "finished":
        task_status(tasks[0], key=key)
    st.caption(literal(distance_words.unknown(backbone, dataset)))
    with st.container(horizontal=True, vertical_alignment="bottom", key=f"{key}-row"):
        named = st.text_input(
            "Source data", _known(backbone), key=f"{key}-source", placeholder="cifar10 or folder:/my/images", width=280
        )
        st.button(
            "Measure the distance", icon=":material/straighten:", key=f"{key}-measure", on_click=begin,
            args=[KIND, {"backbone": backbone, "dataset": dataset, "source": named}], disabled=not named.strip(),
            help="Both sets pass the frozen network; a linear classifier that tells them apart gives the proxy A-distance. Data"
            " that are not on this machine are downloaded first.",
        )  # fmt: skip
