"""Layers page, part Scoreboard: which cheap score predicted the measured order, in one's own runs."""

from __future__ import annotations

import dataclasses
from functools import partial
from typing import Any

import pandas as pd
import streamlit as st

from dashboard import recipe, state
from dashboard.figures import score_agreement
from dashboard.figures._style import Drawn, plain, strategy_label
from dashboard.widgets import score_words
from dashboard.widgets.chart import chart
from dashboard.widgets.go import link
from engine import budgets
from engine.spec import MEASURES, ExperimentSpec

SCOPES = {"this": "This experiment", "all": "All experiments here"}
KINDS = {"depths": "Frozen depths", "strategies": "Strategies", "backbones": "Backbones"}
GROUP = ["kind", "dataset", "budget", "backbone", "strategy"]
Group = tuple[str, ...]
"""Its values."""


@st.fragment(run_every=state.FED_TICK_SECONDS)
def scoreboard(experiment: dict[str, Any]) -> None:
    """Draw the scoreboard of an experiment, or of all of them; it follows runs that are going on."""
    st.markdown(
        "A cheap score is worth something if it puts things in the order that training then finds. **Tau** is 1 for the same"
        " order, 0 for no relation, -1 for the reverse; **regret** is what taking the score's first choice costs."
    )
    with st.container(horizontal=True, vertical_alignment="bottom", key="scoreboard-choices"):
        scope = st.segmented_control(
            "Runs", SCOPES, format_func=SCOPES.get, default="this", required=True, key="scoreboard-scope", bind="query-params",
            help="All experiments: runs with the same data, labels and network are averaged, whatever their training settings.",
        )  # fmt: skip
        experiment_id = experiment["experiment_id"] if scope == "this" else None
        scored = scope == "all" or bool(score_words.metrics_of(experiment["spec"].measures))
        groups = list(state.derived(_Groups, state.frame("transfer_curve", experiment_id)).tables) if scored else []
        group = groups[0] if groups else None
        if len(groups) > 1:
            group = st.selectbox("What is ranked", groups, format_func=group_words, key=f"scoreboard-group-{scope}")
    if not scored:
        _offer(experiment["spec"])
        return
    # No spinner: at every tick it would push the chart down and let it jump back.
    built = state.fed(f"layers-scoreboard/{experiment_id}/{group}", partial(_drawn, experiment_id, group))
    chart(built, key="layers-scoreboard")
    st.caption(
        "Scores of depths are those of the frozen backbone; scores of trained networks are those of their own last unit. Each is"
        " the mean over seeds. Fewer than five things are not ranked: of four, the best order comes up by chance too often."
    )


def _offer(spec: ExperimentSpec) -> None:
    """This experiment measured no scores: say so, and how to have them."""
    with st.container(border=True, key="scoreboard-offer"):
        st.markdown("**This experiment measured no scores, so there is nothing to compare its order with.**")
        st.caption('In the Lab they are "Measures after every unit" under Training settings; all experiments: above.')
        measured = dataclasses.replace(spec, measures=tuple(dict.fromkeys((*spec.measures, *MEASURES))))
        link("lab", "The same in the Lab, measured", ":material/science:", **recipe.to_query(measured))


def _drawn(experiment_id: str | None, group: Group | None) -> state.Chart:
    transfer = state.frame("transfer_curve", experiment_id)
    return state.chart("layers", _ranked, transfer, group=group, uirevision=str(group))


def _ranked(transfer: pd.DataFrame, *, group: Group | None, dark: bool, uirevision: str) -> Drawn:
    """The figure of one group. Orders are resampled in here, so that while runs go on it is done no oftener than it may."""
    rows = state.derived(_Groups, transfer).board(group)
    labels = {metric: score_words.label(metric) for metric in rows["metric"]}
    note = group_words(group) if group else ""
    return score_agreement(rows, note=note, labels=labels, dark=dark, uirevision=uirevision)


class _Groups:
    """What can be ranked in a frame `transfer_curve`, and the boards of the groups that were looked at."""

    def __init__(self, transfer: pd.DataFrame) -> None:
        from engine.scoreboard import groups

        self.tables: dict[Group, pd.DataFrame] = {
            (kind, *(about.get(name, "") for name in GROUP[1:])): table
            for kind, about, table in groups(transfer.drop_duplicates(["run_id", "unit", "metric"]))
        }
        self._boards: dict[Group, pd.DataFrame] = {}

    def board(self, group: Group | None) -> pd.DataFrame:
        """The rows of one group, empty where it has gone."""
        from engine.scoreboard import COLUMNS, of_group

        if group not in self.tables:
            return pd.DataFrame(columns=list(COLUMNS))
        if group not in self._boards:
            about = {name: value for name, value in zip(GROUP[1:], group[1:], strict=True) if value}
            self._boards[group] = of_group(group[0], about, self.tables[group])
        return self._boards[group]


def group_words(group: Group) -> str:
    """A group of things that were ranked, in words."""
    kind, dataset, budget, backbone, strategy = group
    of = plain(backbone) if backbone else strategy_label(strategy)
    return f"{KINDS.get(kind, kind)}: {of} on {plain(dataset)}, {budgets.words(budget)}"
