"""The map of tasks: where each is drawn, how its advice fared, what the words say."""

import math

import pandas as pd
import pytest

from dashboard.figures import advice_map
from dashboard.figures.advice_map import COLUMNS, HERE, TAKEN, height
from engine.adviser import CAPACITY, VERY_STRONG

BOUNDS = {"little": CAPACITY, "far": VERY_STRONG}


def row(task: str, per_feature: float, evidence: float, verdict: str, regret: float | None = None) -> dict:
    return {
        "task": task, "n_train": 40, "n_classes": 5, "n_features": 64, "labels_per_feature": per_feature, "evidence": evidence,
        "best_unit": 4, "n_units": 10, "quadrant": "little data, far", "advice": "freeze 4", "verdict": verdict,
        "regret": regret,
    }  # fmt: skip


POINTS = pd.DataFrame(
    [
        row("net on <b>digits</b>", 0.6, 36.0, HERE),
        row("a", 0.6, 0.0, "right", 0.0),
        row("b", 4.0, 200.0, "wrong", 0.12),
        row("c", 4.0, 9.0, "undecided", 0.01),
        row("d", 4.0, 9.0, "not run"),
    ],
    columns=list(TAKEN),
)


@pytest.mark.parametrize("dark", [False, True])
def test_marks_lie_where_they_were_measured_and_differ_by_shape_and_colour(dark):
    drawn = advice_map(POINTS, **BOUNDS, dark=dark)
    traces = {trace.name: trace for trace in drawn.figure.data}
    assert list(traces) == ["advice not run", "undecided", "advice wrong", "advice right", "this task"]
    assert traces["this task"].x == (0.6,)
    assert traces["this task"].y == (math.log10(37),)
    assert len({trace.marker.symbol for trace in drawn.figure.data}) == 5
    assert "<b>digits" not in traces["this task"].hovertext[0]
    assert drawn.figure.layout.xaxis.title.text.startswith("Training labels per feature")
    assert "2 ln B" in drawn.figure.layout.yaxis.title.text
    low, high = drawn.figure.layout.yaxis.range
    assert low > height(200) > high, "near is up, and every mark is inside"


def test_boundaries_are_those_of_the_adviser():
    across, down = advice_map(POINTS, **BOUNDS).figure.layout.shapes
    assert (across.x0, across.x1) == (2, 2)
    assert (down.y0, down.y1) == (height(10), height(10))


def test_the_words_and_the_table_hold_the_numbers():
    drawn = advice_map(POINTS, **BOUNDS, note="all")
    assert drawn.reading == (
        "net on <b>digits</b>: little data, far. Of 2 tasks that tell strategies apart, the advice was among the best in 1."
    )
    assert "advice wrong, 12.0 points below the best" in drawn.alt
    assert list(drawn.table.columns) == COLUMNS
    assert drawn.table["regret_points"].tolist()[1:3] == [0.0, pytest.approx(12.0)]


def test_nothing_measured_is_an_empty_chart_that_says_what_comes():
    drawn = advice_map(POINTS.iloc[:0], **BOUNDS)
    assert "graded once it was run" in drawn.reading
    assert list(drawn.table.columns) == COLUMNS
