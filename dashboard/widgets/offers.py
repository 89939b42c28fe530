"""What a page offers where it has nothing to show: an experiment that fills this very page, with what it takes."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

import streamlit as st

from dashboard import state
from dashboard.widgets.cost_card import foresee, in_short
from dashboard.widgets.go import go_live
from dashboard.widgets.literal import literal
from engine.errors import TransferscopeError
from engine.panel_plan import AUTO
from engine.presets import PRESETS
from engine.spec import ExperimentSpec


@dataclass(frozen=True)
class Offer:
    """An experiment behind a button; its datasets are built in, so that nothing is downloaded."""

    name: str
    label: str
    """Of the button."""
    gives: str
    """What the page shows from it, in a sentence."""
    spec: ExperimentSpec


_QUICK, _STUDY = PRESETS["quick"].spec, PRESETS["layer_transfer"].spec

STUDY = Offer("study", "Run the study", PRESETS["layer_transfer"].question, _STUDY)
SMALL_STUDY = Offer(
    "small-study",
    "Run a small one: two splits, three depths",
    "The same study with the first two of its three splits of the classes, and units copied up to depths 1, 4 and 7 only."
    " These runs are part of the whole study: it reuses them.",
    dataclasses.replace(_STUDY, name="Which layers transfer? In small", class_splits=(0, 1), frozen_depths=(1, 4, 7)),
)
WATCHED = Offer(
    "watched",
    "Train and watch",
    "Trains strategies and frozen depths on 50 handwritten digits, and measures every unit while they learn.",
    dataclasses.replace(_QUICK, name="What does freezing change? Watched", panel_epochs=AUTO),
)
COMPARED = Offer(
    "compared",
    "Train and compare the units",
    "Trains strategies and frozen depths on 50 handwritten digits, and compares every unit after training with every unit"
    " before.",
    dataclasses.replace(
        _QUICK, name="What does freezing change? Units compared", measures=(*_QUICK.measures, "cka_matrix")
    ),
)


def offers(given: Sequence[Offer], *, key: str) -> None:
    """Draw a button for each offer with what it gives and takes; the first is the one to take. Stays on the page.

    Args:
        given: at least one.
        key: unique on the page.
    """
    for place, offer in enumerate(given):
        st.markdown(literal(offer.gives))
        kind = {"type": "secondary"} if place else {"type": "primary", "shortcut": "Ctrl+Enter"}
        if st.button(offer.label, icon=":material/play_arrow:", key=f"{key}-{offer.name}", **kind):
            start(offer.spec, stay=True)
        st.caption(literal(takes(offer.spec)))


def start(spec: ExperimentSpec, *, stay: bool = False) -> None:
    """Queue an experiment and open it, on this page or on Live; an error is shown in its own words."""
    try:
        submission = state.launch(spec)
    except TransferscopeError as error:
        st.error(literal(str(error)), icon=":material/error:")
        return
    if not stay:
        go_live(submission.experiment_id)
    st.query_params["experiment"] = submission.experiment_id
    st.rerun()


def takes(spec: ExperimentSpec) -> str:
    """What an experiment takes on this machine, in a sentence, or why it cannot be run."""
    try:
        return in_short(foresee(spec))
    except TransferscopeError as error:  # shipped weights that are gone, say
        return str(error)
