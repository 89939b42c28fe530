from collections.abc import Callable
from typing import Any

import pandas as pd
import plotly.graph_objects as go
import pytest

from dashboard.figures import _style, learning_curves

Make = Callable[..., pd.DataFrame]
Texts = Callable[[go.Figure], str]


def trace(figure: go.Figure, strategy: str, split: str) -> Any:
    (found,) = [t for t in figure.data if t.uid == _style.uid(strategy, split)]
    return found


def test_one_trace_per_strategy_and_split_with_gaps_between_runs(learning_curve: Make) -> None:
    values = {("partial_fine_tuning", depth): {0: 0.6, 1: 0.9} for depth in (1, 2, 3)}
    figure = learning_curves(learning_curve(values)).figure
    assert len(figure.data) == 2
    curve = trace(figure, "partial_fine_tuning", "validation")
    assert list(curve.x) == [1, 2, 3, None] * 6
    assert list(curve.y[:8]) == pytest.approx([20, 40, 60, None, 30, 60, 90, None])
    assert curve.connectgaps is False
    assert list(curve.customdata[0]) == [1, 0]
    assert list(curve.customdata[4]) == [1, 1]
    assert (curve.line.dash, trace(figure, "partial_fine_tuning", "train").line.dash) == ("solid", "dash")


def test_each_strategy_stands_once_in_the_legend_in_order(learning_curve: Make) -> None:
    figure = learning_curves(learning_curve()).figure
    entries = sorted((t for t in figure.data if t.showlegend), key=lambda t: t.legendrank)
    assert [t.name for t in entries] == ["Full fine-tuning", "Partial fine-tuning", "Linear probe", "From scratch"]


def test_table_twin_equals_the_traces(learning_curve: Make) -> None:
    drawn = learning_curves(learning_curve(), metric="loss")
    table = drawn.table
    curve = trace(drawn.figure, "linear_probe", "train")
    mine = table[(table["strategy"] == "linear_probe") & (table["split"] == "train")]
    assert [y for y in curve.y if y is not None] == mine["loss"].tolist()
    assert len(table) == 12 * 2 * 3


def test_a_diverged_run_keeps_its_curve_and_is_marked(learning_curve: Make, runs: Make) -> None:
    frame, states = learning_curve(), runs()
    states.loc[0, "state"] = "diverged"
    drawn = learning_curves(frame, runs=states)
    (mark,) = [t for t in drawn.figure.data if t.name == "Diverged"]
    assert (list(mark.x), list(mark.y)) == ([3], pytest.approx([60]))
    assert drawn.reading.endswith("; 1 diverged.")
    assert len(drawn.table) == len(frame) / 2


def test_a_value_that_is_no_number_is_a_gap_and_marks_the_run(learning_curve: Make) -> None:
    frame = learning_curve({("linear_probe", 4): {0: 0.6}})
    frame.loc[(frame["metric"] == "loss") & (frame["epoch"] == 3), "value"] = float("inf")
    drawn = learning_curves(frame, metric="loss")
    assert list(trace(drawn.figure, "linear_probe", "validation").y) == pytest.approx([0.8, 0.6, None, None])
    (mark,) = [t for t in drawn.figure.data if t.name == "Diverged"]
    assert list(mark.x) == [2]
    frame["value"] = float("nan")
    assert learning_curves(frame, metric="loss").reading == "No run has a finite value yet."


def test_reading_names_the_best_run(learning_curve: Make) -> None:
    assert learning_curves(learning_curve()).reading == (
        "The highest latest validation value is 72.0 % (Frozen depth 2, seed 2, epoch 3)."
    )
    assert learning_curves(learning_curve(), metric="loss").reading.startswith(
        "The lowest latest validation value is 0.280"
    )


def test_one_run_of_one_epoch_is_visible(learning_curve: Make) -> None:
    frame = learning_curve({("linear_probe", 4): {0: 0.6}})
    drawn = learning_curves(frame[(frame["epoch"] == 1) & (frame["split"] == "train")])
    (curve,) = drawn.figure.data
    assert curve.marker.size[0] > 0
    assert curve.showlegend
    assert "1 run, 1 seed" in drawn.figure.layout.title.subtitle.text
    assert "train" in drawn.reading


def test_nothing_measured_and_unknown_metric() -> None:
    drawn = learning_curves(pd.DataFrame(), dark=True)
    assert drawn.figure.layout.annotations[0].text == "Nothing measured yet"
    assert drawn.table.columns.tolist()[-1] == "percent"
    with pytest.raises(ValueError, match="accuracy, loss"):
        learning_curves(pd.DataFrame(), metric="f1")


def test_strategy_names_are_never_markup(learning_curve: Make, texts: Texts) -> None:
    spec = texts(learning_curves(learning_curve({("<b>%{x}</b>", 0): {0: 0.5}})).figure)
    assert "<b><b>" not in spec
    assert "&lt;b&gt;&#37;&#123;x}" in spec


def test_identity_and_uirevision(learning_curve: Make) -> None:
    frame = learning_curve()
    part = learning_curves(frame[frame["epoch"] == 1], uirevision="k").figure
    whole = learning_curves(frame, uirevision="k", dark=True).figure
    assert {t.uid for t in part.data} == {t.uid for t in whole.data}
    assert whole.layout.uirevision == "k"
