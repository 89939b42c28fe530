"""The choices of tasks that look at a backbone as it is: which network, which data, how many labels, how pooled."""

from __future__ import annotations

import streamlit as st

from dashboard import choices, state
from dashboard.widgets import dataset_words
from dashboard.widgets.pickers import LABELS, budget_words
from dashboard.widgets.training import WORDS
from engine import budgets
from engine.backbones import BACKBONES
from engine.budgets import Budget
from engine.spec import POOLINGS

ALL = "all"


def backbone(label: str, *, key: str, start: str = "") -> str:
    """Choose a network by name: those of ours are listed, any other name can be typed. Returns what was chosen or typed."""
    names = [name for family in BACKBONES for name in family.names()]
    return st.selectbox(
        label, names, names.index(start) if start in names else 0, key=key, accept_new_options=True,
        help="Listed are networks that came with Transferscope and families' own names; any name that the Lab's search knows"
        " can be typed. Weights that are not on this machine are downloaded when the work begins.",
    )  # fmt: skip


def named(typed: str | None) -> str:
    """The full name of what `backbone` returned. Raises SpecError where it is none."""
    return choices.backbone_name({"backbone": typed})


def dataset(*, key: str) -> str:
    """Choose a dataset; those that are not here are downloaded when the work begins."""
    labels = dataset_words.grouped(state.dataset_names(), state.info)
    start = list(labels).index("digits") if "digits" in labels else 0
    return st.selectbox("Data", list(labels), start, key=key, format_func=labels.get)


def labels(*, key: str) -> str:
    """Choose how many labelled images are used; `budget` reads it."""
    return st.selectbox(
        "Labels", [ALL, *LABELS], key=key, accept_new_options=True, format_func=lambda one: _labels(one),
        help="Training and validation images together, as in the Lab: a number, 5/class, 10% or vtab.",
    )  # fmt: skip


def budget(typed: str | None) -> Budget | None:
    """The label budget that was chosen. Raises SpecError."""
    return None if typed in (None, ALL) else budgets.parse("labels", typed)


def pooling(*, key: str) -> str:
    """Choose how a unit's output becomes features."""
    return st.selectbox("Features of a unit", POOLINGS, key=key, format_func=lambda one: WORDS.get(one, one))


def _labels(text: str) -> str:
    return "All labels" if text == ALL else budget_words(text)
