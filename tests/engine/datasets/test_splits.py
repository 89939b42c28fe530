"""Splits: sealed test part, nested stratified budgets, nothing in two parts."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.datasets import DatasetInfo, Images, make_split
from engine.datasets._splits import hold_out, n_held_out
from engine.errors import DatasetError


def images(counts: list[int], n_test: int = 3, pinned: int = 0) -> Images:
    """counts[c] images of class c outside the test part, `pinned` of each in the validation part, and some test images."""
    labels, parts = [], []
    for label, count in enumerate(counts):
        labels += [label] * (count + n_test)
        parts += ["validation"] * pinned + ["train"] * (count - pinned) + ["test"] * n_test
    info = DatasetInfo(
        "made", "made", "", "", "", tuple(map(str, range(len(counts)))), sum(counts), 3 * len(counts), ""
    )
    keys = np.array([f"image {n}" for n in range(len(labels))])
    return Images(info, np.zeros((len(labels), 2, 2, 3), np.uint8), np.array(labels), np.array(parts), keys)


classes = st.lists(st.integers(2, 30), min_size=2, max_size=6)


@given(classes, st.integers(0, 2**31 - 1), st.data())
@settings(max_examples=80, deadline=None)
def test_parts_never_overlap_and_every_class_is_in_train_and_validation(counts, seed, data):
    made = images(counts)
    budget = data.draw(st.none() | st.integers(2 * len(counts), sum(counts)))
    split = make_split(made, seed, budget)
    together = np.concatenate([split.train, split.validation, split.test])
    assert len(set(together.tolist())) == len(together)
    assert len(split.train) + len(split.validation) == (budget or sum(counts))
    assert set(made.parts[split.test].tolist()) == {"test"}
    assert "test" not in made.parts[np.concatenate([split.train, split.validation])]
    for part in (split.train, split.validation):
        assert set(made.labels[part].tolist()) == set(range(len(counts)))


@given(classes, st.integers(0, 2**31 - 1), st.data())
@settings(max_examples=50, deadline=None)
def test_budgets_are_nested(counts, seed, data):
    made = images(counts)
    small = data.draw(st.integers(2 * len(counts), sum(counts)))
    large = data.draw(st.integers(small, sum(counts)))
    few, many = (make_split(made, seed, budget) for budget in (small, large))
    used = [set(split.train.tolist()) | set(split.validation.tolist()) for split in (few, many)]
    assert used[0] <= used[1]


@given(classes, st.data())
@settings(max_examples=50, deadline=None)
def test_budgets_are_as_even_as_they_can_be(counts, data):
    made = images(counts)
    budget = data.draw(st.integers(2 * len(counts), sum(counts)))
    split = make_split(made, 0, budget)
    used = np.bincount(made.labels[np.concatenate([split.train, split.validation])], minlength=len(counts))
    # No class has more than another plus one unless the other is used up.
    for one in range(len(counts)):
        for other in range(len(counts)):
            assert used[one] <= used[other] + 1 or used[other] == counts[other]


def test_seeds_draw_differently_and_the_test_part_stays():
    made = images([20, 20, 20])
    splits = [make_split(made, seed, 30) for seed in range(3)]
    assert len({tuple(sorted(split.train.tolist())) for split in splits}) == 3
    for split in splits:
        np.testing.assert_array_equal(split.test, splits[0].test)
    again = make_split(made, 1, 30)
    np.testing.assert_array_equal(again.train, splits[1].train)


def test_a_pinned_validation_part_is_used_as_it_is_unless_there_is_a_budget():
    made = images([10, 10], pinned=4)
    split = make_split(made, 0)
    assert set(made.parts[split.validation].tolist()) == {"validation"}
    assert (len(split.train), len(split.validation)) == (12, 8)
    budgeted = make_split(made, 0, 10)
    assert (len(budgeted.train), len(budgeted.validation)) == (8, 2)
    assert set(make_split(made, 0, 20).train.tolist()) | set(make_split(made, 0, 20).validation.tolist()) == set(
        np.flatnonzero(made.parts != "test").tolist()
    )


@pytest.mark.parametrize(("budget", "words"), [(3, "fewer than 2 images"), (21, "has 20 images outside its test part")])
def test_a_budget_that_cannot_be_given_is_refused(budget, words):
    with pytest.raises(DatasetError, match=words):
        make_split(images([10, 10]), 0, budget)


@pytest.mark.parametrize(("n", "held"), [(1, 0), (2, 1), (3, 1), (5, 1), (10, 2), (12, 2), (13, 3), (100, 20)])
def test_about_a_fifth_at_least_one_and_never_all(n, held):
    assert n_held_out(n, 0.2) == held
    chosen = hold_out(np.zeros(n, dtype=int), np.array([str(k) for k in range(n)]), 0.2, 0, "test")
    assert chosen.sum() == held
