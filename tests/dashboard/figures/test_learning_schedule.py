"""The picture of a schedule shows what learns, when and how fast, and its words say the same."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from dashboard.figures.learning_schedule import learning_schedule

SHARES = (0.0, 0.5, 1.0)


def frame(*rates: tuple[float, float, float]) -> pd.DataFrame:
    names = [*(f"<b>unit {unit}" for unit in range(1, len(rates))), "head"]
    return pd.DataFrame(
        [
            {"share": share, "unit": unit, "name": name, "trainable": rate > 0, "rate": rate}
            for unit, (name, row) in enumerate(zip(names, rates, strict=True), start=1)
            for share, rate in zip(SHARES, row, strict=True)
        ]
    )


@pytest.mark.parametrize("dark", [False, True])
def test_what_is_fixed_is_one_trace_and_what_learns_another(dark: bool) -> None:
    drawn = learning_schedule(frame((0, 0, 0), (0, 0.001, 0.001), (0.1, 0.1, 0.1)), label="Gradual", dark=dark)
    fixed, learns = drawn.figure.data
    assert np.isnan(np.array(fixed.z, dtype=float)).tolist() == [[False] * 3, [False, True, True], [True] * 3]
    shown = np.array(learns.z, dtype=float)
    assert shown[2] == pytest.approx([-1.0] * 3)
    assert shown[1][1:] == pytest.approx([-3.0] * 2)
    assert np.isnan(shown[0]).all()
    assert "&lt;b&gt;unit 1" in drawn.figure.layout.yaxis.ticktext[0]
    assert drawn.table["learns_from_percent"].tolist()[1:] == [50.0, 0.0]
    assert "never" in drawn.alt
    assert drawn.reading == (
        "1 of 3 parts stay fixed, the last to begin does so after 50 % of the training, the slowest learns at 0.01 of the"
        " fastest rate."
    )


def test_a_rate_that_ends_at_nothing_leaves_the_scale_to_the_rest() -> None:
    drawn = learning_schedule(frame((1.0, 0.5, 1e-9)), label="Cosine")
    assert drawn.figure.data[1].zmin == pytest.approx(-2.5)
    assert drawn.reading == "Everything learns."


def test_a_solved_head_is_said_to_be() -> None:
    drawn = learning_schedule(frame((0, 0, 0), (0, 0, 0)), label="Linear probe")
    assert len(drawn.figure.data) == 1
    assert "solved" in drawn.reading
