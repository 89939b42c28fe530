"""The switch for the controls that an experiment carries without naming them: which these are, and what they take."""

from __future__ import annotations

import streamlit as st

from dashboard import choices, state
from dashboard.widgets import draft
from dashboard.widgets.literal import literal
from dashboard.widgets.overview import duration
from engine import added_controls
from engine.errors import TransferscopeError
from engine.plan import PlannedRun
from engine.spec import ExperimentSpec
from engine.store import RESUMABLE

HELP = (
    "What starts from learned weights is run beside the same network from random weights and beside a linear probe of it, with"
    " the same seeds, images and labels (and beside zero-shot, where that can answer without a download). A gain is a difference"
    " from one of these, and the negative-transfer alarm needs training from scratch."
)


def controls() -> None:
    """Draw the switch, and say what it adds or what cannot be said without it."""
    st.toggle("Controls: from scratch and linear probe", draft.start("controls"), key=draft.key("controls"), help=HELP)
    try:
        spec = ExperimentSpec(**choices.fields(draft.values()))
        runs = state.laid_out(spec)
    except TransferscopeError:  # said beside the cost
        return
    for said in words(spec, runs):
        st.caption(literal(said))


def words(spec: ExperimentSpec, runs: tuple[PlannedRun, ...]) -> list[str]:
    """What is added and what it takes, or why nothing is; then what could not be added.

    Args:
        spec: the experiment.
        runs: its plan.
    """
    added = tuple(one for one in runs if one.added)
    more = added_controls.refusals(spec, runs)
    if added:
        return [f"Added: {added_controls.listed(added)} ({_much(added)}).", *more]
    if lacking := added_controls.missing(runs):
        return [added_controls.without(lacking), *more]
    if any(map(added_controls.contests, runs)):
        return ["Nothing to add: from scratch and linear probe are among what is chosen.", *more]
    return ["Nothing to add: nothing that is chosen learns from weights that were learned before."]


def _much(added: tuple[PlannedRun, ...]) -> str:
    states = state.run_states()
    new = tuple(one for one in added if states.get(one.run.run_id) in ("failed", *RESUMABLE, None))
    many = f"{len(added)} run{'s' if len(added) > 1 else ''}"
    return f"{many}, about {duration(state.price(new).seconds)}" if new else f"{many}, computed before and reused"
