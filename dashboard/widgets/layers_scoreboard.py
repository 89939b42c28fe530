"""Layers page, part Scoreboard: which cheap score predicted the measured order, in one's own runs."""

from __future__ import annotations

from typing import Any

import pandas as pd
import streamlit as st

from dashboard import state
from dashboard.figures import score_agreement
from dashboard.figures._style import plain, strategy_label
from dashboard.widgets import score_words
from dashboard.widgets.chart import chart
from engine import budgets

SCOPES = {"this": "This experiment", "all": "All experiments here"}
KINDS = {"depths": "Frozen depths", "strategies": "Strategies", "backbones": "Backbones"}
GROUP = ["kind", "dataset", "budget", "backbone", "strategy"]


def scoreboard(experiment: dict[str, Any]) -> None:
    """Draw the scoreboard of an experiment, or of all of them."""
    st.markdown(
        "A cheap score is worth something if it puts things in the order that training then finds. **Tau** is 1 for the same"
        " order, 0 for no relation, -1 for the reverse; **regret** is what taking the score's first choice costs."
    )
    with st.container(horizontal=True, vertical_alignment="bottom", key="scoreboard-choices"):
        scope = st.segmented_control(
            "Runs", SCOPES, format_func=SCOPES.get, default="this", required=True, key="scoreboard-scope", bind="query-params",
            help="All experiments: runs with the same data, labels and network are averaged, whatever their training settings.",
        )  # fmt: skip
        frame = state.frame("transfer_curve", experiment["experiment_id"] if scope == "this" else None)
        with st.spinner("Resampling orders"):
            board = state.derived(_board, frame)
        groups = [tuple(row) for row in board[GROUP].drop_duplicates().itertuples(index=False)]
        group = groups[0] if groups else None
        if len(groups) > 1:
            group = st.selectbox("What is ranked", groups, format_func=group_words, key=f"scoreboard-group-{scope}")
    rows = board.iloc[:0] if group is None else board[(board[GROUP] == list(group)).all(axis=1)]
    built = state.chart(
        "layers", score_agreement, rows.reset_index(drop=True), note=group_words(group) if group else "",
        labels={metric: score_words.label(metric) for metric in rows["metric"]}, uirevision=str(group),
    )  # fmt: skip
    chart(built, key="layers-scoreboard")
    st.caption(
        "Scores of depths are those of the frozen backbone; scores of trained networks are those of their own last unit. Each is"
        " the mean over seeds. Fewer than five things are not ranked: of four, the best order comes up by chance too often."
    )


def group_words(group: tuple[str, ...]) -> str:
    """A group of things that were ranked, in words."""
    kind, dataset, budget, backbone, strategy = group
    of = plain(backbone) if backbone else strategy_label(strategy)
    return f"{KINDS.get(kind, kind)}: {of} on {plain(dataset)}, {budgets.words(budget)}"


def _board(transfer: pd.DataFrame) -> pd.DataFrame:
    from engine.scoreboard import scoreboard as compute

    return compute(transfer.drop_duplicates(["run_id", "unit", "metric"]))
