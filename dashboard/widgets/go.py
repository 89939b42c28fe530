"""Going from page to page; the pages themselves are declared in `app.py`."""

from __future__ import annotations

import streamlit as st

from dashboard.widgets.literal import literal


def page(path: str) -> object:
    """The page with this path in the URL, as `st.page_link` and `st.switch_page` take it."""
    return st.session_state["app-pages"][path]


def go_live(experiment_id: str) -> None:
    """Open the Live page on an experiment; ends this script run."""
    st.switch_page(page("live"), query_params={"experiment": experiment_id})


def link(path: str, label: str, icon: str, **query: str | list[str]) -> None:
    """A link to a page of the dashboard, with parameters for its URL; the label is shown as it stands."""
    if path in st.session_state.get("app-pages", {}):  # a page drawn alone, in a test, has no other pages
        st.page_link(page(path), label=literal(label), icon=icon, query_params=query or None)
