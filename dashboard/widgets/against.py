"""Accuracy against what it costs and against what is forgotten, on the Compare page, and the best within a budget."""

from __future__ import annotations

import math

import pandas as pd
import streamlit as st

from dashboard import state
from dashboard.figures import accuracy_cost
from dashboard.figures._budget import options, steps, within
from dashboard.figures._costs import COSTS as COSTED
from dashboard.figures._costs import FORGETTING, SEARCHED, amount
from dashboard.widgets.chart import chart
from dashboard.widgets.frames_of import ended
from dashboard.widgets.literal import literal
from dashboard.widgets.part import Part
from dashboard.widgets.terms import explained
from engine.forgetting import AXES, PROBE, offered, with_forgetting
from engine.mixes import with_members

COSTS = {
    "seconds": "Time",
    "trainable_parameters": "Trained parameters",
    "total_parameters": "All parameters",
    "flops": "Operations",
    "peak_memory_bytes": "Peak memory",
    "energy_joules": "Energy",
}
SEARCH = {"whole": "Search included", "alone": "Chosen setting alone"}
LOST = {"source_lost": "Source accuracy lost", "held_lost": "Lost on held tasks", "drift": "Drift"}


def against_cost(experiment_id: str, runs: pd.DataFrame, shown: Part) -> None:
    """Draw the chart against a cost that is chosen, and the best within a budget of it; `runs` are of the part shown."""
    cost = st.segmented_control(
        "Cost", COSTS, format_func=COSTS.get, default="seconds", required=True, key="compare-cost", bind="query-params",
        help=explained("Pareto front"),
    )  # fmt: skip
    measured = state.derived(with_members, state.derived(ended, runs))
    alone = str(cost) in SEARCHED and bool((measured[SEARCHED[str(cost)]] > 0).any()) and _alone()
    drawn = shown.chart(
        "compare", accuracy_cost, measured, cost=cost, alone=alone, uirevision=f"{experiment_id}-{cost}-{alone}"
    )
    chart(drawn, key="compare-cost-chart")
    budget(drawn.light.table, str(cost))


def _alone() -> bool:
    """Whether the cost of a searched run is drawn without what finding its setting took."""
    chosen = st.segmented_control(
        "Of searched runs", SEARCH, format_func=SEARCH.get, default="whole", required=True, key="compare-search-cost",
        bind="query-params",
        help="A search trains many settings and tests one. The whole run is what it took to get this accuracy; the chosen"
        " setting alone is what it would take whoever knows it already.",
    )  # fmt: skip
    return chosen == "alone"


def against_forgetting(experiment_id: str, runs: pd.DataFrame, shown: Part) -> None:
    """Draw accuracy against what is left of other tasks; nothing where no run of the part shown has measured that."""
    panel, found = shown.frame("panel", experiment_id), shown.frame("forgetting", experiment_id)
    there = offered(panel, found)
    if not there:
        return
    axis = st.segmented_control(
        "Forgetting", there, format_func=LOST.get, default=there[0], required=True, key="compare-forgetting",
        bind="query-params", help=explained("Forgetting"),
    )  # fmt: skip
    axis = str(axis) if axis in there else there[0]
    measured = with_forgetting(state.derived(ended, runs), panel, found)
    drawn = shown.chart("compare", accuracy_cost, measured, cost=axis, uirevision=f"{experiment_id}-{axis}")
    chart(drawn, key="compare-forgetting-chart")
    for line in about(measured, found, axis):
        st.caption(literal(line))
    budget(drawn.light.table, axis)


def about(runs: pd.DataFrame, found: pd.DataFrame, axis: str) -> list[str]:
    """What was asked, on how many images, with what before training; and what is not drawn, with the reason.

    Args:
        runs: with the columns of `with_forgetting`.
        found: the `forgetting` frame.
        axis: one of `FORGETTING`.
    """
    said = []
    if axis in AXES:
        asked = found[(found["measure"] == AXES[axis]) & found["drop"].notna()]
        for (backbone, task), rows in asked.groupby(["backbone", "task"], sort=True):
            how = "the source's classifier"
            if AXES[axis] == PROBE:
                how = f"a linear probe on {int(rows['n_labels'].iloc[0])} labels"
            before = sorted({round(value * 100, 1) for value in rows["before"]})
            numbers = f"{before[0]:.1f} %" if len(before) == 1 else f"{before[0]:.1f} to {before[-1]:.1f} %"
            images = f"{int(rows['n_images'].iloc[0]):,} test images"
            said.append(f"{task}: {how}, {images}, {numbers} before training ({backbone}).")
    missing = runs[runs[axis].isna() & runs["test_accuracy"].notna()]
    if len(missing):
        why = (
            found[found["run_id"].isin(missing["run_id"]) & (found["reason"] != "")]["reason"]
            .drop_duplicates()
            .tolist()
        )
        many = f"{len(missing)} run{'s' if len(missing) > 1 else ''}"
        reason = f": {'; '.join(why[:3])}" if why and axis in AXES else ", where it was not measured"
        said.append(f"Not drawn: {many}{reason}.")
    return said


def budget(cells: pd.DataFrame, cost: str) -> None:
    """A slider over a cost with a box for any number, and the best cell within it.

    Args:
        cells: the table of `accuracy_cost`.
        cost: its column.
    """
    costs = steps(cells, cost)
    if len(costs) < 2:
        return
    unit = COSTED[cost].unit
    slid, typed = (_key(kind, cost) for kind in ("slid", "typed"))
    start = float(st.session_state.get(f"{slid}-start", costs[-1]))
    left, right = st.columns([3, 1], vertical_alignment="bottom")
    with left:
        chosen = st.select_slider(
            "Budget", options(costs, start), value=start, key=slid, format_func=lambda one: f"{amount(one)} {unit}",
            on_change=_follow, args=(cost, "slid", "typed"),
            help="How much may be spent; the best within it is named below. Type any number beside it.",
        )  # fmt: skip
    with right:
        st.number_input(
            f"Any budget ({unit})", min_value=0.0 if cost not in FORGETTING else None,
            value=float(st.session_state.get(f"{typed}-start", costs[-1])),
            step=_step(costs), format="%g", key=typed, on_change=_follow, args=(cost, "typed", "slid"),
        )  # fmt: skip
    st.text(within(cells, cost, float(chosen)))


def _key(kind: str, cost: str) -> str:
    """The key of one of the two widgets; it is another one after the other widget has changed.

    A new widget begins with its value. Set through the session, a value would reach the browser once only.
    """
    return f"compare-budget-{cost}-{kind}-{st.session_state.get(f'compare-budget-{cost}-{kind}', 0)}"


def _follow(cost: str, changed: str, other: str) -> None:
    """One widget was changed: the other one begins anew with the same number."""
    value = float(st.session_state[_key(changed, cost)])
    place = f"compare-budget-{cost}-{other}"
    st.session_state[place] = st.session_state.get(place, 0) + 1
    st.session_state[f"{_key(other, cost)}-start"] = value


def _step(costs: list[float]) -> float:
    """A round step of about a hundredth of the range."""
    span = max(costs[-1] - costs[0], 1e-9)
    return float(10.0 ** math.floor(math.log10(span / 10)))
