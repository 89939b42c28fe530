import pandas as pd
import pytest

from dashboard.figures._budget import options, steps, within
from dashboard.figures._costs import amount

CELLS = pd.DataFrame(
    {
        "strategy": ["linear_probe", "partial_fine_tuning", "full_fine_tuning"],
        "frozen_depth": [4, 2, 0],
        "n_units": 4,
        "mean_percent": [60.0, 72.0, 70.0],
        "seeds": [3, 3, 1],
        "seconds": [1.0, 5.0, 9.0],
    }
)


@pytest.mark.parametrize(
    ("budget", "said"),
    [
        (0.5, "Nothing measured here costs as little as 0.5 s."),
        (
            1.0,
            "Best within 1 s: the linear probe, 60.0 % (3 seeds) for 1 s; freezing 2 of 4 units has 12.0 points more for 5 s.",
        ),
        (
            9.0,
            "Best within 9 s: freezing 2 of 4 units, 72.0 % (3 seeds) for 5 s; nothing that costs more has a higher mean.",
        ),
    ],
)
def test_the_best_within_a_budget(budget: float, said: str) -> None:
    assert within(CELLS, "seconds", budget).startswith(said)


def test_steps_are_the_costs_there_are_with_three_digits_and_never_less() -> None:
    assert steps(CELLS, "seconds") == [1.0, 5.0, 9.0]
    odd = CELLS.assign(seconds=[28.0766, -0.34999, 1234567.0])
    assert steps(odd, "seconds") == [-0.349, 28.1, 1240000.0]
    assert steps(CELLS.assign(seconds=[0.0, 0.1 + 0.2, 67.7]), "seconds") == [0.0, 0.3, 67.7]


def test_the_slider_has_stops_between_and_what_was_typed() -> None:
    stops = options([1.0, 5.0, 9.0], 4.321)
    assert stops == sorted(stops)
    assert {1.0, 4.321, 5.0, 9.0} <= set(stops)
    assert len(stops) > 30
    assert (stops[0], stops[-1]) == (1.0, 9.0)
    # far apart: as many stops in each tenfold
    far = [stop for stop in options([1e3, 1e6]) if stop < 1e4]
    assert 10 <= len(far) <= 16
    assert options([-0.35, 2.0])[0] == -0.35


@pytest.mark.parametrize(
    ("value", "text"), [(0.1234, "0.123"), (999, "999"), (1234, "1,234"), (272_474, "272 k"), (4.1e9, "4.1 G")]
)
def test_amounts(value: float, text: str) -> None:
    assert amount(value) == text


def test_several_series_are_named() -> None:
    two = pd.concat(
        [CELLS.assign(dataset="digits"), CELLS.assign(dataset="noise", mean_percent=CELLS["mean_percent"] - 1)]
    )
    assert "freezing 2 of 4 units (digits), 72.0 %" in within(two.reset_index(drop=True), "seconds", 9.0)
