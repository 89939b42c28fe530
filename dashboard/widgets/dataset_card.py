"""What is known of a dataset, and for an imported one: rename, trash and undo."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from dashboard import state
from dashboard.widgets import dataset_words
from dashboard.widgets.go import link
from dashboard.widgets.literal import literal
from dashboard.widgets.size import size
from dashboard.widgets.table import table
from engine.datasets import DatasetInfo
from engine.datasets import _library as imported
from engine.errors import TransferscopeError


def dataset_card(info: DatasetInfo) -> None:
    """Draw the card of a dataset that can be used."""
    st.subheader(literal(info.label))
    st.markdown(literal(info.summary))
    for paragraph in dataset_words.card(info):
        st.caption(paragraph)
    mine = imported.of(state.store().home, info.name)
    with st.container(horizontal=True, vertical_alignment="center", key="data-card-row"):
        link("lab", "Use in the Lab", ":material/science:", data=info.name)
        if mine is not None:
            _rename(mine)
            st.button("Move to trash", icon=":material/delete:", key=f"data-trash-{mine.folder.name}",
                      on_click=_throw_away, args=[mine.name],
                      help="Nothing is deleted: you can take it back at any time.")  # fmt: skip
    if info.class_pool:
        with st.expander("Images per class", icon=":material/table_rows:", key=f"data-counts-{info.name}"):
            table(_counts(info, mine), key=f"data-counts-table-{info.name}", name=f"{info.label} classes")


def _counts(info: DatasetInfo, mine: imported.Imported | None) -> pd.DataFrame:
    if mine is not None:
        used = {part: numbers for part, numbers in mine.parts.items() if any(numbers)}
    else:
        used = {"to learn from": info.class_pool, "to test on": info.class_test}
    return pd.DataFrame({"class": info.class_names, **used})


def _rename(mine: imported.Imported) -> None:
    field = f"data-rename-{mine.folder.name}"

    def save() -> None:
        try:
            renamed = imported.rename(state.store().home, mine.name, st.session_state[field])
        except TransferscopeError as error:
            st.session_state["data-problem"] = str(error)
            return
        state.forget_datasets()
        st.session_state["data-chosen"] = renamed.dataset

    with st.popover("Rename", icon=":material/edit:", key=f"{field}-open"), st.form(f"{field}-form"):
        st.text_input("Name", value=mine.name, max_chars=80, key=field)
        st.caption("Experiments made under the old name still find it.")
        st.form_submit_button("Save", type="primary", on_click=save)


def _throw_away(name: str) -> None:
    _act(imported.trash, name)
    st.session_state["data-undo"] = name


def _take_back(name: str) -> None:
    _act(imported.restore, name)
    st.session_state["data-undo"] = None
    st.session_state["data-chosen"] = imported.PREFIX + name


def _act(act: object, name: str) -> None:
    try:
        act(state.store().home, name)
    except TransferscopeError as error:
        st.session_state["data-problem"] = str(error)
    state.forget_datasets()


def trash() -> None:
    """What was just thrown away with its undo, and everything in the trash."""
    there = {one.name: one for one in imported.in_trash(state.store().home)}
    gone = there.pop(st.session_state.get("data-undo"), None)
    if gone is not None:
        with st.container(border=True, horizontal=True, vertical_alignment="center", key="data-undo-row"):
            st.text(f"Moved to the trash: {gone.name}", width="content")
            st.button("Undo", icon=":material/undo:", key="data-undo-button", on_click=_take_back, args=[gone.name])
    if not there:
        return
    opened = st.expander("Trash", icon=":material/delete:", key="data-trash", on_change="rerun")
    if opened.open:
        with opened:
            st.caption(
                "Images here still take room on the disk. Deleted for good, they are gone; their name stays taken."
            )
            for one in there.values():
                with st.container(
                    horizontal=True, vertical_alignment="center", key=f"data-trash-row-{one.folder.name}"
                ):
                    st.text(f"{one.name} · {one.n_images:,} images · {size(one.n_bytes)}", width="content")
                    st.button("Restore", key=f"data-restore-{one.folder.name}", icon=":material/undo:",
                              on_click=_take_back, args=[one.name])  # fmt: skip
                    st.button("Delete for good", key=f"data-purge-{one.folder.name}", icon=":material/delete_forever:",
                              on_click=_act, args=[imported.purge, one.name])  # fmt: skip
