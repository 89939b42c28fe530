"""Controls on the Compare page: what is missing, which one the differences are from, and the negative-transfer alarm."""

from __future__ import annotations

import dataclasses

import pandas as pd
import streamlit as st

from dashboard import recipe, state
from dashboard.figures._differences import CONTROLS, OWN_HEAD, Control
from dashboard.figures._style import cell_label, cell_phrase, strategy_label
from dashboard.widgets import source_distance
from dashboard.widgets.go import page
from dashboard.widgets.literal import literal
from engine.alarm import SERIES, Alarm, with_distance
from engine.errors import TransferscopeError
from engine.spec import ExperimentSpec
from engine.strategies import STRATEGIES

SHOWN = 3
"""Alarms said at once."""


def missing(runs: pd.DataFrame, *, own_head: bool = False) -> list[str]:
    """The controls that no run of the experiment is of.

    Args:
        runs: of the experiment.
        own_head: whether the backbone's own classifier names the classes, so that zero-shot is a control, too.
    """
    wanted = (*CONTROLS, OWN_HEAD) if own_head else CONTROLS
    return [name for name in wanted if name not in set(runs["strategy"])]


def has_own_head(spec: ExperimentSpec) -> bool:
    """Whether zero-shot can be applied to every backbone and dataset of an experiment."""
    strategy = STRATEGIES[OWN_HEAD]
    try:
        cards = [state.card(name) for name in spec.backbones]
        if any(strategy.refuses(card, {}) for card in cards):
            return False
        infos = [state.info(name) for name in spec.datasets]
        return not any(strategy.refuses_task(card, info, spec.weights) for card in cards for info in infos)
    except TransferscopeError:  # data or weights that are gone: then it cannot
        return False


def with_controls(spec: ExperimentSpec, names: list[str]) -> ExperimentSpec:
    """The experiment with these controls: named among its strategies only where its plan does not carry them by itself.

    Raises:
        TransferscopeError: it cannot be planned.
    """
    carrying = dataclasses.replace(spec, controls=None)
    carried = {one.run.strategy for one in state.planned(carrying)}
    named = [name for name in names if name not in carried]
    return dataclasses.replace(carrying, strategies=(*spec.strategies, *named))


def warn(spec: ExperimentSpec, runs: pd.DataFrame) -> None:
    """Say which controls are missing, with one button that opens the Lab with them."""
    lacking = missing(runs, own_head=has_own_head(spec))
    if not lacking or spec.class_splits is not None:  # a layer-transfer study has controls of its own
        return
    names = " and ".join(strategy_label(name).lower() for name in lacking)
    what = (
        "what is a gain"
        if "from_scratch" in lacking
        else "what training the backbone adds"
        if "linear_probe" in lacking
        else "what the labels add to the backbone's own answers"
    )
    st.warning(
        literal(f"No {names} in this comparison: without such a control nobody can say {what}."),
        icon=":material/balance:",
    )
    if "app-pages" in st.session_state and st.button(
        "Add the controls", icon=":material/add:", key="compare-add-controls",
        help="Opens the Lab with the same experiment and the missing controls; what was computed is reused.",
    ):  # fmt: skip
        try:
            asked = with_controls(spec, lacking)
        except TransferscopeError as error:
            st.error(literal(str(error)), icon=":material/error:")
            return
        st.switch_page(page("lab"), query_params=recipe.to_query(asked))


def several(runs: pd.DataFrame) -> bool:
    """Whether the experiment has two cells that could differ; a chart of differences would wait for ever for a second one."""
    return len(runs[["strategy", "frozen_depth"]].drop_duplicates()) > 1


def choose(known: list[Control]) -> Control | None:
    """The control that the differences are from."""
    if len(known) < 2:
        return next(iter(known), None)
    names = {f"{strategy}:{depth}": (strategy, depth) for strategy, depth in known}
    chosen = st.selectbox(
        "Compared with", list(names), format_func=lambda one: cell_label(*names[one]), key="compare-control",
        bind="query-params", help="Differences are taken seed by seed: both runs of a pair share split, batches and head.",
    )  # fmt: skip
    return names.get(chosen, known[0])


def alarms(found: list[Alarm], runs: pd.DataFrame, *, pretrained: bool = True) -> None:
    """Say where pretrained weights did worse than random ones, what is known to cause it, and the distance to the source.

    Args:
        found: the alarms, worst first.
        runs: of the experiment: where they are of several networks or tasks, each alarm says of which.
        pretrained: whether the weights are the backbone's own; of others nobody knows the source.
    """
    if not found:
        return
    many = len(runs[list(SERIES)].drop_duplicates()) > 1
    n_units = runs.groupby("backbone")["n_units"].max()
    lines = []
    for one in found[:SHOWN]:
        where = f" ({one.backbone} on {one.dataset}, labels: {one.budget})" if many else ""
        lines.append(
            f"{_upper(cell_phrase(one.strategy, one.frozen_depth, int(n_units[one.backbone])))}{where} {one.sentence_end}."
        )
    if len(found) > SHOWN:
        lines.append(f"And {len(found) - SHOWN} more.")
    st.error("**Negative transfer.** " + literal(" ".join(lines)), icon=":material/trending_down:")
    worst = found[0]
    distance = source_distance.measured(worst.backbone, worst.dataset) if pretrained else ""
    if distance:
        worst = with_distance(worst, distance)
    with st.expander("What is known to cause this", icon=":material/menu_book:", type="compact"):
        for cause in worst.causes:
            measured = f" **Measured here:** {literal(cause.measured)}." if cause.measured else ""
            st.markdown(f"- {literal(cause.text)}{measured}  \n  {literal(cause.source)}.")
        if distance:
            source_distance.cards(key="compare-distance")
        elif pretrained:
            source_distance.ask(worst.backbone, worst.dataset, key="compare-distance")


def alarms_elsewhere(hurt: list[str]) -> None:
    """Say on which parts of the experiment that are not shown the alarm rings; `hurt` are their words."""
    if hurt:
        st.caption(
            f":material/trending_down: Negative transfer also on {literal('; '.join(hurt))}. Choose it above to see it."
        )


def _upper(text: str) -> str:
    return text[:1].upper() + text[1:]
