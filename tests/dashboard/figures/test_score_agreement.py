"""The scoreboard's figure: never a number without its interval, the band of chance and n."""

from __future__ import annotations

import numpy as np
import pandas as pd

from dashboard.figures import score_agreement

NAN = float("nan")


def board(**changes: list) -> pd.DataFrame:
    """Of three scores one is beyond chance, one within it, one refused."""
    return pd.DataFrame(
        {
            "kind": ["depths"] * 3, "metric": ["logme", "gbc", "leep"], "n": [7, 7, 1], "tau": [0.81, 0.2, NAN],
            "tau_low": [0.5, -0.4, NAN], "tau_high": [1.0, 0.7, NAN], "weighted_tau": [0.85, 0.1, NAN],
            "weighted_low": [0.4, -0.5, NAN], "weighted_high": [1.0, 0.7, NAN], "regret": [0.0, 0.031, NAN],
            "null_band": [0.62, 0.62, NAN], "beyond_chance": [True, False, False],
            "reason": ["", "", "1 to rank are too few: 5 are needed"],
        }
        | changes
    )  # fmt: skip


def test_tau_with_interval_band_and_regret() -> None:
    drawn = score_agreement(board(), labels={"logme": "LogME"}, note="digits")
    band, points = drawn.figure.data
    assert list(band.base) == [-0.62, -0.62]
    assert list(points.x) == [0.81, 0.2]
    np.testing.assert_allclose(points.error_x.arrayminus, [0.31, 0.6])
    assert list(points.marker.symbol) == ["circle", "circle-open"]
    assert drawn.reading.startswith(
        "LogME: tau 0.81 (95 % interval 0.50 to 1.00, random orders within 0.62, n 7), regret 0.0 points; 1 of 2 scores"
    )
    assert drawn.table["regret_points"].tolist()[:2] == [0.0, 3.1]


def test_a_refusal_is_written_in_its_row() -> None:
    drawn = score_agreement(board())
    (note,) = drawn.figure.layout.annotations
    assert (note.y, note.text) == (2, "1 to rank are too few: 5 are needed")
    assert "Leep: 1 to rank are too few" in drawn.alt


def test_within_chance_no_score_is_praised() -> None:
    drawn = score_agreement(board(beyond_chance=[False] * 3))
    assert drawn.reading.startswith("No score orders these frozen depths better than chance")


def test_the_wrong_way_round_is_said() -> None:
    flipped = score_agreement(board(tau=[-0.81, 0.2, NAN], tau_low=[-1.0, -0.4, NAN], tau_high=[-0.5, 0.7, NAN]))
    assert "the wrong way round" in flipped.reading


def test_refused_or_empty_it_says_why() -> None:
    none = {name: [NAN] * 3 for name in ("tau", "tau_low", "tau_high", "null_band", "regret")}
    said = score_agreement(board(**none, reason=["3 to rank are too few: 5 are needed"] * 3, beyond_chance=[False] * 3))
    assert said.reading == "No score can be judged: 3 to rank are too few: 5 are needed."
    assert "Nothing to rank yet" in score_agreement(board().iloc[:0]).reading


def test_nasty_names(nasty: str, texts) -> None:
    drawn = score_agreement(board(), labels={"logme": nasty}, note=nasty, dark=True)
    assert "<b>my" not in texts(drawn.figure)
