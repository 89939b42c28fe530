"""Which part of an experiment a page shows: one network of several, one dataset, one label budget; kept in the URL."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import pandas as pd
import streamlit as st

from dashboard import state
from dashboard.figures import Drawn
from dashboard.figures._style import plain
from dashboard.figures.named import named
from engine import added_controls, budgets

MOST_ROWS = 40
"""Cells on one chart up to which all datasets and label budgets are shown at first: about two screens of rows."""
ALL = ""
_CELL = ["strategy", "frozen_depth"]
_COLUMNS = {
    "backbone": ("network", "Network", "All networks"),
    "dataset": ("data", "Data", "All datasets"),
    "budget": ("label-budget", "Labels", "All label budgets"),
}
"""Column of a frame -> end of the widget's key, its label, and the choice that leaves nothing out."""


@dataclass(frozen=True)
class Part:
    """A network, a dataset and a label budget, each None where all are shown. `part(frame)` is the frame's rows of it."""

    backbone: str | None = None
    dataset: str | None = None
    budget: str | None = None

    def __call__(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Return the rows of this part; the very frame where nothing is left out."""
        for column in _COLUMNS:
            value = getattr(self, column)
            if value is not None:
                frame = frame[frame[column] == value]
        return frame

    def frame(self, name: str, experiment_id: str) -> pd.DataFrame:
        """Return this part of a frame of an experiment, the same object for as long as it has not changed."""
        whole = state.frame(name, experiment_id)
        return whole if self == Part() else state.derived(self, whole)

    @property
    def words(self) -> str:
        """What was chosen, for a title: "resnet20_cifar10 on digits, 50 labels"; "" where everything is shown."""
        names = " on ".join(plain(one) for one in (self.backbone, self.dataset) if one is not None)
        labels = "" if self.budget is None else budgets.words(self.budget)
        return ", ".join(filter(None, (names, labels)))

    def others(self, runs: pd.DataFrame) -> list[Part]:
        """The parts of an experiment's runs that could be shown in place of this one; none where nothing is left out."""
        chosen = [column for column in _COLUMNS if getattr(self, column) is not None]
        found = runs[chosen].drop_duplicates().to_dict("records") if chosen else []
        return [one for one in (Part(**values) for values in found) if one != self]

    def chart(
        self, page: str, make: Callable[..., Drawn], *frames: pd.DataFrame, uirevision: str, **options: Any
    ) -> state.Chart:
        """Draw a figure of frames of this part, with the part in its title; see `state.chart`."""
        revision = f"{uirevision}-{self.words}"
        return state.chart(page, named, *frames, figure=make, where=self.words, uirevision=revision, **options)


def choose(runs: pd.DataFrame, *, key: str) -> Part:
    """Draw a choice for each of network, dataset and label budget of which there are several.

    The first network is shown at first, where it has more than one cell beside controls; all datasets and label budgets as long
    as their cells are few (`MOST_ROWS`).

    Args:
        runs: those that the page could show, in the order of the plan, the ones that wait included.
        key: begins the names of the choices in the URL.
    """
    chosen: dict[str, str] = {}
    several = [column for column in _COLUMNS if runs[column].nunique() > 1]
    if not several:
        return Part()
    with st.container(horizontal=True, vertical_alignment="bottom", key=f"{key}-part"):
        for column in several:
            values = [str(one) for one in runs[column].drop_duplicates()]
            if len(values) < 2:
                continue
            end, label, _ = _COLUMNS[column]
            one = st.selectbox(
                label, [*values, ALL], 0 if _first_alone(runs, column) else len(values), format_func=partial(_words, column),
                key=f"{key}-{end}", bind="query-params", width=280,
                help="Charts, tables, sentences and corrections for many comparisons are of what is chosen here.",
            )  # fmt: skip
            if one in values:
                chosen[column] = one
                runs = runs[runs[column] == one]
    return Part(**chosen)


def _first_alone(runs: pd.DataFrame, column: str) -> bool:
    if column == "backbone":
        # Controls come with every network: one strategy on several networks is a comparison of the networks.
        runs = runs[~runs["strategy"].isin(added_controls.NAMES)]
        return bool((runs[[column, *_CELL]].drop_duplicates()[column].value_counts() > 1).any())
    return len(runs[[*_COLUMNS, *_CELL]].drop_duplicates()) > MOST_ROWS


def _words(column: str, value: str) -> str:
    if value == ALL:
        return _COLUMNS[column][2]
    return budgets.words(value) if column == "budget" else plain(value)
