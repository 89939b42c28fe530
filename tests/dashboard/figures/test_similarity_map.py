"""The map of CKA: every square is the mean of its runs, refusals are holes with a reason."""

from __future__ import annotations

import pandas as pd
import pytest

from dashboard.figures import similarity_map

BEFORE_AFTER = {(1, 1): 1.0, (1, 2): 0.5, (2, 1): 0.4, (2, 2): 0.8}


def similarity(values: dict[tuple[int, int], float | None] = BEFORE_AFTER, seeds: int = 2) -> pd.DataFrame:
    """Seeds differ by .1 in (2, 2) only."""
    return pd.DataFrame(
        [
            {
                "run_id": f"r{seed}", "seed": seed, "unit_a": a, "unit_a_name": f"u{a}", "unit_b": b, "unit_b_name": f"u{b}",
                "value": value if value is None or (a, b) != (2, 2) else value + 0.1 * seed, "n_images": 256,
                "reason": "" if value is not None else "a unit's features do not vary", "pooling": "global_average",
            }
            for seed in range(seeds)
            for (a, b), value in values.items()
        ]
    ).astype({"value": float})  # fmt: skip


def test_a_square_is_the_mean_over_seeds_rows_before_columns_after() -> None:
    drawn = similarity_map(similarity(), note="Full fine-tuning")
    heat = drawn.figure.data[0]
    assert [list(row) for row in heat.z] == [[1.0, 0.5], [0.4, pytest.approx(0.85)]]
    assert drawn.figure.layout.yaxis.title.text == "Unit, before training"
    assert (heat.zmin, heat.zmax) == (0, 1)
    assert drawn.reading == (
        "Unit 2 changed most: its features have a CKA of 0.85 with what they were; 1 of 2 units are the same as before."
    )
    assert "2 seeds · 256 training images" in drawn.figure.layout.title.subtitle.text
    assert len(drawn.table) == 4


def test_of_a_frozen_network_it_says_that_nothing_changed() -> None:
    drawn = similarity_map(similarity({(1, 1): 1.0, (1, 2): 0.5, (2, 1): 0.5, (2, 2): 1.0}, seeds=1))
    assert drawn.reading == "Every unit is as it was before training: nothing in it was trained."


def test_two_backbones_of_different_depth_are_compared_by_their_best_pair() -> None:
    values = {(a, b): 0.1 * a + 0.2 * b for a in (1, 2) for b in (1, 2, 3)}
    drawn = similarity_map(similarity(values, 1), rows_are="left", columns_are="right")
    assert drawn.reading.startswith("Most alike are unit 2 of left and unit 3 of right (CKA 0.80)")
    assert len(drawn.figure.data[0].z[0]) == 3


def test_refusals_are_holes_with_their_reason_and_all_of_them_say_why() -> None:
    drawn = similarity_map(similarity({(1, 1): None, (1, 2): None, (2, 1): 0.4, (2, 2): 0.7}, 1))
    assert list(drawn.figure.data[0].z[0]) == [None, None]
    assert "a unit's features do" in drawn.figure.data[0].customdata[0][0]
    assert "2 pairs have no value: a unit's features do not vary." in drawn.reading
    none = similarity_map(similarity(dict.fromkeys(BEFORE_AFTER), 1))
    assert none.reading == "No pair has a value: a unit's features do not vary."


def test_empty_and_nasty_names(nasty: str, texts) -> None:
    assert "a map appears" in similarity_map(similarity().iloc[:0]).reading
    frame = similarity().assign(unit_a_note=nasty)
    drawn = similarity_map(frame, rows_are=nasty, columns_are=nasty, note=nasty, dark=True)
    assert "<b>my" not in texts(drawn.figure)


def test_numbers_are_written_black_or_white_whichever_is_readable() -> None:
    _, numbers = similarity_map(similarity({(1, 1): 0.1, (1, 2): 0.9}, 1)).figure.data
    assert list(numbers.text) == ["0.10", "0.90"]
    assert list(numbers.textfont.color) == ["#ffffff", "#000000"]
    wide = {(a, b): 0.5 for a in range(1, 14) for b in range(1, 14)}
    assert len(similarity_map(similarity(wide, 1)).figure.data) == 1
