"""Lab: choose data, network, what is trained and how often; see what it takes; run it or take it away as text."""

from __future__ import annotations

import streamlit as st

from dashboard.widgets import adviser, carried, draft, pickers, strategies
from dashboard.widgets.copy_as import copy_as
from dashboard.widgets.cost_card import cost_card
from dashboard.widgets.literal import literal
from dashboard.widgets.network import network
from dashboard.widgets.training import training
from engine.errors import SpecError


def page() -> None:
    """Draw the page."""
    st.title("Lab")
    st.markdown(
        "Choose, see what it takes, run. The address of this page holds every choice: share it or come back to it."
    )
    for problem in draft.open_draft():
        st.warning(literal(problem), icon=":material/link_off:")
    left, right = st.columns([5, 3], gap="large")
    with left:
        _choices()
    with right, st.container(border=True, key="lab-cost"):
        _result()


def _choices() -> None:
    st.subheader("1 · Data")
    info = pickers.data()
    st.subheader("2 · Backbone")
    card = pickers.backbone()
    st.subheader("3 · What is trained")
    strategies.strategies(card)
    carried.controls()
    network(card, info.n_classes if info else None)
    strategies.schedule(card)
    st.subheader("4 · How often, and with how many labels")
    pickers.repetitions(info)
    if card and info and draft.value("weights") == "pretrained":
        adviser.before_training(card.name, info.name, pickers.budgets_chosen())
    with st.expander("Training settings", icon=":material/tune:"):
        training(info)
    st.button("Start over", key="lab-reset", type="tertiary", icon=":material/restart_alt:", on_click=draft.start_over)


def _result() -> None:
    try:
        spec, problem = draft.close_draft(), ""
    except SpecError as error:
        spec, problem = None, str(error)
    cost_card(spec, problem)
    if spec is not None:
        copy_as(spec)
