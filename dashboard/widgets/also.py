"""What else the Compare page can show of an experiment: what it did not measure, with links that fill the Lab with it."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Set

import pandas as pd
import streamlit as st

from dashboard import recipe
from dashboard.widgets.go import link
from dashboard.widgets.literal import literal
from engine.adviser import METRIC
from engine.errors import SpecError
from engine.forgetting import MEASURE
from engine.spec import ExperimentSpec

SHARES = ("10%", "25%", "50%")
"""Label budgets that are suggested where the one of the experiment is no number to multiply."""
TIMES = (1, 2, 4)


def also(spec: ExperimentSpec, runs: pd.DataFrame) -> None:
    """Draw one folded line with a link for each section that is missing; nothing where none is.

    Args:
        spec: of the experiment.
        runs: its `runs`: the plan adds controls that the spec does not name.
    """
    found = list(missing(spec, set(runs["strategy"])))
    if not found:
        return
    with st.expander("What else can be compared", icon=":material/add_chart:", key="compare-also", type="compact"):
        for label, what, asked in found:
            st.caption(literal(what))
            link("lab", label, ":material/science:", **recipe.to_query(asked))


def missing(spec: ExperimentSpec, planned: Set[str]) -> Iterator[tuple[str, str, ExperimentSpec]]:
    """Yield (label of the link, what it would show, the experiment with it) of each section that this one has no data for."""
    for label, what, changes in _additions(spec, planned):
        try:
            # Without its name: two experiments of one name are hard to tell apart.
            yield label, what, dataclasses.replace(spec, name="", **changes)
        except SpecError:  # the two do not go together: then there is nothing to offer
            continue


def _additions(spec: ExperimentSpec, planned: Set[str]) -> Iterator[tuple[str, str, dict[str, object]]]:
    if len(spec.label_budgets) < 2:
        yield (
            "The same with several label budgets",
            "Curves of accuracy over labels, and where they cross: from how many labels on is something else better?",
            {"label_budgets": budgets_around(spec.label_budgets)},
        )
    if MEASURE not in spec.measures and spec.panel_epochs is None:
        yield (
            "The same, measuring what is forgotten",
            "Accuracy against what is lost on the source task, or on other tasks where its images are not here.",
            {"measures": (*spec.measures, MEASURE)},
        )
    if METRIC not in spec.measures or "linear_probe" not in planned:
        yield (
            "The same, graded by the adviser",
            "What would have been advised before training (by LogME of the untouched backbone), and how well that fared.",
            {
                "measures": tuple(dict.fromkeys((*spec.measures, METRIC))),
                "strategies": tuple(dict.fromkeys((*spec.strategies, "linear_probe"))),
            },
        )


def budgets_around(given: tuple[int | str, ...]) -> tuple[int | str, ...]:
    """The label budget of an experiment with its double and fourfold; shares of all labels where it is no number."""
    if given and isinstance(given[0], int):
        return tuple(given[0] * times for times in TIMES)
    return tuple(dict.fromkeys((*given, *SHARES)))
