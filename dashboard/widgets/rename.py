"""Renaming an experiment."""

from __future__ import annotations

from typing import Any

import streamlit as st

from dashboard import state
from engine.errors import TransferscopeError


def rename(experiment: dict[str, Any]) -> None:
    """A button that opens a small form with the name."""
    experiment_id = experiment["experiment_id"]
    field = f"rename-name-{experiment_id}"

    def save() -> None:
        try:
            state.store().rename(experiment_id, st.session_state[field])
        except TransferscopeError as error:
            st.session_state["told"] = (str(error), ":material/error:", "infinite")

    with (
        st.popover("Rename", icon=":material/edit:", key=f"rename-{experiment_id}"),
        st.form(f"rename-form-{experiment_id}"),
    ):
        st.text_input("Name", value=experiment["name"], max_chars=200, key=field)
        st.form_submit_button("Save", type="primary", on_click=save)
