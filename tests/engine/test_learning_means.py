"""Means of learning curves over seeds: a table computed by hand, and the same numbers as `stats.summarise`."""

from __future__ import annotations

import math

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.learning_means import CELL, COLUMNS, learning_means
from engine.stats import summarise


def curve(values: list[tuple[int, int, float]], **about: object) -> pd.DataFrame:
    """A learning curve from (seed, epoch, value)."""
    common = {"backbone": "b", "dataset": "d", "budget": "50", "strategy": "bitfit", "frozen_depth": 0,
              "split": "validation", "metric": "accuracy"}  # fmt: skip
    rows = [
        common | {"run_id": f"r{seed}", "seed": seed, "epoch": epoch, "value": value} for seed, epoch, value in values
    ]
    return pd.DataFrame(rows).assign(**about)


def test_the_table_computed_by_hand() -> None:
    # Epoch 1: .2, .4, .6: mean .4, sd .2, t(2) = 4.30265, half = 4.30265 * .2 / sqrt(3) = .49683.
    # Epoch 2: .5, .7: mean .6, sd .1414214, t(1) = 12.7062, half = 12.7062 * .1 = 1.27062. Epoch 3: one seed.
    values = [(0, 1, 0.2), (1, 1, 0.4), (2, 1, 0.6), (0, 2, 0.5), (1, 2, 0.7), (0, 3, 0.9)]
    found = learning_means(curve(values))
    assert list(found.columns) == COLUMNS
    assert found["epoch"].tolist() == [1, 2, 3]
    assert found["seeds"].tolist() == [3, 2, 1]
    assert found["mean"].tolist() == pytest.approx([0.4, 0.6, 0.9])
    assert found["low"].tolist()[:2] == pytest.approx([0.4 - 0.49683, 0.6 - 1.27062], abs=1e-5)
    assert found["high"].tolist()[:2] == pytest.approx([0.4 + 0.49683, 0.6 + 1.27062], abs=1e-5)
    assert math.isnan(found["low"].iloc[2])
    assert math.isnan(found["high"].iloc[2])


def test_a_run_that_two_experiments_share_counts_once_and_what_is_no_number_is_left_out() -> None:
    once = curve([(0, 1, 0.2), (1, 1, 0.4), (2, 1, float("inf")), (3, 1, float("nan"))])
    (row,) = learning_means(pd.concat([once, once])).itertuples()
    assert (row.seeds, row.mean) == (2, pytest.approx(0.3))


def test_cells_splits_and_metrics_are_kept_apart() -> None:
    values = [(0, 1, 0.2), (1, 1, 0.4)]
    frame = pd.concat(
        [
            curve(values),
            curve(values, split="train"),
            curve(values, metric="loss"),
            curve(values, frozen_depth=2),
            curve(values, backbone="other"),
        ]
    )
    found = learning_means(frame)
    assert len(found) == 5
    assert not found.duplicated([*CELL, "split", "metric", "epoch"]).any()
    assert (found["seeds"] == 2).all()


def test_nothing_gives_an_empty_table_with_the_same_columns() -> None:
    empty = learning_means(curve([(0, 1, 0.5)]).iloc[:0])
    assert list(empty.columns) == COLUMNS
    assert empty.empty


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 3), st.floats(0, 1)), min_size=1, max_size=24))
def test_the_same_numbers_as_the_summary_of_every_other_chart(values) -> None:
    frame = curve(values)
    found = learning_means(frame)
    wanted = summarise(frame, ["epoch"], images=None).sort_values("epoch", ignore_index=True)
    assert found["seeds"].tolist() == wanted["n"].tolist()
    assert found["mean"].tolist() == pytest.approx(wanted["mean"].tolist(), abs=1e-12)
    several = found["seeds"] > 1
    for end in ("low", "high"):
        assert found.loc[several, end].tolist() == pytest.approx(wanted.loc[several, end].tolist(), abs=1e-9)
