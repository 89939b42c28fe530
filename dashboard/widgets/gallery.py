"""Pictures of a dataset, class by class."""

from __future__ import annotations

import streamlit as st

from dashboard import state
from dashboard.thumbnails import SIDE, Sheet
from dashboard.widgets.literal import literal
from engine.datasets import DatasetInfo
from engine.errors import TransferscopeError

SHOWN = 24


def gallery(info: DatasetInfo) -> None:
    """Draw a box to choose a class, and its images page by page."""
    names = info.class_names
    with st.container(horizontal=True, vertical_alignment="bottom", key="data-gallery-row"):
        label = st.selectbox(
            "Class", range(len(names)), format_func=lambda place: names[place], key=f"data-class-{info.name}"
        )
        page = _page(info.name, label)
    try:
        with st.spinner("Reading images"):
            found = state.sheet(info.name, label, page * SHOWN, SHOWN)
    except (TransferscopeError, OSError) as error:
        st.error(literal(f"The images cannot be shown: {error}"), icon=":material/error:")
        return
    _pictures(found, names[label])
    shown = page * SHOWN + len(found.pictures)
    with st.container(horizontal=True, vertical_alignment="center", key="data-gallery-pages"):
        st.button("Earlier", icon=":material/chevron_left:", key="data-gallery-back", disabled=page == 0,
                  on_click=_turn, args=[info.name, label, page - 1])  # fmt: skip
        st.button("Later", icon=":material/chevron_right:", key="data-gallery-on", disabled=shown >= found.total,
                  on_click=_turn, args=[info.name, label, page + 1])  # fmt: skip
        st.caption(f"{page * SHOWN + 1:,} to {shown:,} of {found.total:,} images of this class", width="content")


def _page(name: str, label: int) -> int:
    at = st.session_state.get("data-gallery-at")
    return at[2] if at and at[:2] == (name, label) else 0


def _turn(name: str, label: int, page: int) -> None:
    st.session_state["data-gallery-at"] = (name, label, page)


def _pictures(found: Sheet, label: str) -> None:
    with st.container(horizontal=True, gap="small", key="data-pictures"):
        for one in found.pictures:
            if one.png is None:
                st.text(f"{one.name}: {one.problem}", width=SIDE)
            else:
                st.image(one.png, width=SIDE, alt=f"{label}, {one.part}: {one.name}")
