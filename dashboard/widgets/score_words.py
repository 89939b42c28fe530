"""Measures of features in words: their scale for the figures, taken from the registry of scores."""

from __future__ import annotations

import math
from functools import cache

from dashboard.figures._scale import Scale
from engine.scores import SCORES, Score

PERCENT = (0.0, 1.0)
PANEL_ONLY = {
    "drift": Scale("drift", "Drift", "Drift (1 - CKA with before)", limits=(0.0, 2.0)),
    "weight_change": Scale(
        "weight_change", "Weight change", "Weight change (of the norm before)", limits=(0.0, math.inf)
    ),
}
"""What only the panel measures."""


@cache
def by_metric() -> dict[str, Score]:
    """The scores by the name that frames use."""
    return {score.metric: score for score in SCORES}


def scale(metric: str) -> Scale:
    """How a measure is drawn; one that nobody knows (of another version) in its own unit under its own name."""
    if metric in PANEL_ONLY:
        return PANEL_ONLY[metric]
    score = by_metric().get(metric)
    if score is None:
        name = metric.replace("_", " ").capitalize()
        return Scale(metric, name, name)
    percent = score.range == PERCENT
    return Scale(
        metric, score.label, f"{score.label} (%)" if percent else score.label, percent,
        score.direction == "lower", score.range,
    )  # fmt: skip


def label(metric: str) -> str:
    """What people call a measure."""
    return scale(metric).label


def metrics_of(measures: tuple[str, ...]) -> list[str]:
    """The metrics that an experiment's measures give, in the registry's names."""
    return [SCORES[name].metric for name in measures if name in SCORES]


def of_name(name: str) -> Scale:
    """How a score is drawn, by its name in the registry."""
    return scale(SCORES[name].metric)
