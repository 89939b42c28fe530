"""What charts against epoch share: the two metrics with their words, the axes, the chart before anything is measured."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

from dashboard.figures import _style
from dashboard.figures._style import Drawn

_METRICS = {"accuracy": ("Accuracy by epoch", "Accuracy (%)"), "loss": ("Loss by epoch", "Loss (cross-entropy, nats)")}


def words(metric: str) -> tuple[str, str]:
    """Title of the chart and of its axis of values. Raises ValueError where the metric is unknown."""
    if metric not in _METRICS:
        raise ValueError(f"metric is {metric!r}; it must be one of: {', '.join(_METRICS)}.")
    return _METRICS[metric]


def measured(frame: pd.DataFrame, metric: str) -> pd.DataFrame:
    """The rows of `learning_curve` that are of this metric."""
    return frame if frame.empty else frame[frame["metric"] == metric]


def nothing(metric: str, awaited: str, columns: Sequence[str], **look: Any) -> Drawn:
    """The chart while nothing is measured; `awaited` says what will appear."""
    title, axis_title = words(metric)
    axes = {"xaxis": {"title": {"text": "Epoch"}}, "yaxis": {"title": {"text": axis_title}}}
    return _style.empty(title, f"Nothing measured yet: {awaited}", [*columns], **look, **axes)


def axes(metric: str, last: int, values: pd.Series) -> dict[str, dict[str, Any]]:
    """Both axes of a chart of these values (accuracy in percent) up to epoch `last`."""
    _, axis_title = words(metric)
    # Of a few epochs each has its tick, where Plotly would put ticks between them.
    epochs = {
        "title": {"text": "Epoch"},
        "rangemode": "tozero",
        "tickformat": "d",
        **({"dtick": 1} if last <= 12 else {}),
    }
    accuracy = metric == "accuracy"
    return {
        "xaxis": epochs,
        "yaxis": _style.accuracy_axis(axis_title, values) if accuracy else {"title": {"text": axis_title}},
    }
