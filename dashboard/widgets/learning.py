"""Learning curves on the Live page: which runs' are drawn, one by one or as means over seeds."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import pandas as pd
import streamlit as st

from dashboard import state
from dashboard.figures import learning_curves, mean_curves
from dashboard.figures._style import cell_label
from dashboard.figures.mean_curves import DRAWN, MOST
from dashboard.widgets.chart import chart
from dashboard.widgets.frames_of import OfNetworks, calm, is_study, networks_of
from dashboard.widgets.part import Part
from engine.layer_transfer import CURVES

MOST_RUNS = 24
"""Learning curves that are drawn one by one; of more runs the means over seeds are."""


@dataclass(frozen=True)
class Copied:
    """Gives the runs of a study's bases, and those with so many copied units: told apart by no other column."""

    depth: int

    def __call__(self, runs: pd.DataFrame) -> pd.DataFrame:
        """Return these rows of the frame `runs`."""
        copied = runs["copied_depth"].fillna(runs["frozen_depth"])  # random units are copied from nowhere
        return runs[~runs["strategy"].isin(list(CURVES)) | (copied == self.depth)]


@dataclass(frozen=True)
class OfRuns:
    """Gives the rows of some runs."""

    run_ids: tuple[str, ...]

    def __call__(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Return these rows of any frame that has the column run_id."""
        return frame[frame["run_id"].isin(self.run_ids)]


def learning(experiment_id: str, shown: Part) -> None:
    """Draw the chart, with a choice above it where there are more runs than can be told apart.

    Args:
        experiment_id: which experiment.
        shown: the part of it that the page shows.
    """
    runs = shown.frame("runs", experiment_id)
    which: OfNetworks | Copied | None = None
    if len(runs) > MOST_RUNS:
        which = _depth(runs, experiment_id) if is_study(runs) else _networks(runs, experiment_id)
    build = partial(_drawn, experiment_id, shown, which)
    chart(state.fed(f"live-learning/{experiment_id}/{shown}/{which}", build), key="live-learning")


def _networks(runs: pd.DataFrame, experiment_id: str) -> OfNetworks | None:
    chosen = st.multiselect(
        "Strategies", state.derived(networks_of, runs), format_func=lambda network: cell_label(*network),
        key=f"live-networks-{experiment_id}", max_selections=MOST, placeholder=f"the first {DRAWN}: choose up to {MOST}",
        help=f"Whose learning curves are drawn. Up to {MOST_RUNS} runs are drawn one by one; of more, the mean over the seeds of"
        " each strategy. Strategies whose head is solved, such as the linear probe, have no epochs.",
    )  # fmt: skip
    return OfNetworks(tuple((str(strategy), int(depth)) for strategy, depth in chosen)) if chosen else None


def _depth(runs: pd.DataFrame, experiment_id: str) -> Copied | None:
    depths = sorted({int(depth) for depth in runs["copied_depth"].dropna()})
    if not depths:
        return None
    depth = st.selectbox(
        "Units copied", depths, len(depths) - 1, key=f"live-copied-{experiment_id}", width=160,
        help="Learning curves of the bases, and of the networks with so many copied units, are drawn.",
    )  # fmt: skip
    return Copied(int(depth))


def _drawn(experiment_id: str, shown: Part, which: OfNetworks | Copied | None) -> state.Chart:
    steady = state.derived(calm, shown.frame("runs", experiment_id))
    rows = shown.frame("learning_curve", experiment_id)
    if which is not None:
        steady = state.derived(which, steady)
        rows = state.derived(OfRuns(tuple(steady["run_id"])), rows)
    revision = f"{experiment_id}-{which}"
    if len(steady) > MOST_RUNS and not is_study(steady):
        cells = which.networks if isinstance(which, OfNetworks) else ()
        return shown.chart("live", mean_curves, rows, cells=cells, runs=steady, uirevision=revision)
    return shown.chart("live", learning_curves, rows, runs=steady, uirevision=revision)
