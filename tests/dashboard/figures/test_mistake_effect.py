"""What a mistake does: hand-made pairs whose differences are easy to see."""

from __future__ import annotations

import pytest

from dashboard.figures import mistake_effect

PAIRS = {"moving_statistics": "partial_fine_tuning"}
SPREAD = (0.0, 0.002, -0.002, 0.001, -0.001, 0.0)


def values(seeds: int, *gaps: float) -> dict:
    """Proper cells at depths 1, 2, ...; the mistake is `gap` above each, with a spread of its own over the seeds."""
    found = {}
    for depth, gap in enumerate(gaps, start=1):
        proper = {seed: 0.6 + 0.01 * seed for seed in range(seeds)}
        found["partial_fine_tuning", depth] = proper
        found["moving_statistics", depth] = {seed: one + gap + SPREAD[seed] for seed, one in proper.items()}
    return found


def test_each_depth_is_compared_with_the_same_depth_done_properly(transfer_curve) -> None:
    drawn = mistake_effect(transfer_curve(values(6, -0.05, 0.04) | {("linear_probe", 4): {0: 0.1}}), pairs=PAIRS)
    table = drawn.table
    assert list(table["frozen_depth"]) == [1, 2]
    assert set(table["strategy"]) == {"moving_statistics"}
    assert list(table["mean_points"]) == pytest.approx([-5.0, 4.0])
    assert list(table["pairs"]) == [6, 6]
    assert "accuracy falls at frozen depth 1 (-5.0 points" in drawn.reading
    assert "accuracy rises at frozen depth 2 (+4.0 points" in drawn.reading
    assert "claims by Holm over 2 comparisons" in drawn.reading
    assert "no longer the accuracy of freezing" in drawn.reading
    assert "running statistics left on at frozen depth 1 of 4 -5.0 (6 pairs)" in drawn.alt
    assert drawn.figure.layout.xaxis.title.text == "Difference in test accuracy (points)"
    assert "Statistics left on, depth 1" in drawn.figure.layout.yaxis.ticktext[0]


def test_few_seeds_explore_and_a_small_difference_is_not_claimed(transfer_curve) -> None:
    few = mistake_effect(transfer_curve(values(3, -0.05)), pairs=PAIRS)
    assert few.reading.startswith(
        "Exploring: no claim from fewer than 6 pairs. With the mistake, in points: -5.0 at frozen depth 1."
    )
    same = mistake_effect(transfer_curve(values(6, 0.0)), pairs=PAIRS)
    assert "no difference is claimed at frozen depth 1 (+0.0 points" in same.reading


def test_a_mistake_whose_pair_is_missing_waits_and_several_series_are_named(transfer_curve) -> None:
    import pandas as pd

    alone = {key: one for key, one in values(6, -0.05).items() if key[0] == "moving_statistics"}
    empty = mistake_effect(transfer_curve(alone), pairs=PAIRS)
    assert empty.table.empty
    assert "Nothing to compare yet" in empty.reading
    two = pd.concat([transfer_curve(values(6, -0.05)), transfer_curve(values(6, 0.05), dataset="colours")])
    drawn = mistake_effect(two, pairs=PAIRS)
    assert list(drawn.table["dataset"]) == ["colours", "digits"]
    assert "at frozen depth 1 (digits)" in drawn.reading.replace("resnet on ", "")


@pytest.mark.parametrize("dark", [False, True])
def test_names_are_drawn_as_they_stand(transfer_curve, texts, nasty, dark) -> None:
    drawn = mistake_effect(transfer_curve(values(6, -0.05), dataset=nasty), pairs=PAIRS, dark=dark)
    assert "<b>my</b>" not in texts(drawn.figure)
