"""Splits: sealed test part, nested stratified budgets, nothing in two parts."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine import budgets
from engine.datasets import DatasetInfo, Images, make_split
from engine.datasets._splits import hold_out, hold_out_exactly, n_held_out
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


def used(made: Images, seed: int, budget: budgets.Budget) -> set[int]:
    split = make_split(made, seed, budget)
    return set(split.train.tolist()) | set(split.validation.tolist())


@given(classes, st.integers(0, 2**31 - 1), st.data())
@settings(max_examples=50, deadline=None)
def test_shots_are_exact_and_nested(counts, seed, data):
    made = images(counts)
    most = max(k for k in range(min(counts)) if k + budgets.shots_validation(k) <= min(counts))
    large = data.draw(st.integers(1, most))
    small = data.draw(st.integers(1, large))
    split = make_split(made, seed, f"{large}/class")
    assert np.bincount(made.labels[split.train]).tolist() == [large] * len(counts)
    assert np.bincount(made.labels[split.validation]).tolist() == [budgets.shots_validation(large)] * len(counts)
    assert used(made, seed, f"{small}/class") <= used(made, seed, f"{large}/class")
    # Across kinds: k per class is what the same number of images is.
    assert used(made, seed, f"{large}/class") == used(made, seed, len(split.train) + len(split.validation))


@given(classes, st.integers(0, 2**31 - 1), st.data())
@settings(max_examples=50, deadline=None)
def test_shares_are_nested_among_each_other_and_with_numbers(counts, seed, data):
    made, pool = images(counts), sum(counts)
    lowest = -(-200 * len(counts) // pool)
    small = data.draw(st.integers(min(lowest, 100), 100))
    large = data.draw(st.integers(small, 100))
    assert used(made, seed, f"{small}%") <= used(made, seed, f"{large}%")
    assert len(used(made, seed, f"{large}%")) == budgets.n_images(f"{large}%", len(counts), pool)
    assert used(made, seed, f"{small}%") <= used(made, seed, pool)


@given(st.lists(st.integers(2, 600), min_size=2, max_size=8), st.integers(0, 2**31 - 1))
@settings(max_examples=20, deadline=None)
def test_vtab_is_800_and_200_stratified_and_nested(counts, seed):
    counts = [*counts, 1000]
    made = images(counts)
    split = make_split(made, seed, "vtab")
    assert (len(split.train), len(split.validation)) == (800, 200)
    assert used(made, seed, "vtab") == used(made, seed, 1000)
    train = np.bincount(made.labels[split.train], minlength=len(counts))
    held = np.bincount(made.labels[split.validation], minlength=len(counts))
    assert train.min() >= 1
    assert np.abs(held - (train + held) / 5).max() <= 1  # as near to a fifth of every class as whole images can be


def test_the_same_seed_gives_the_same_shots_and_another_seed_others():
    made = images([20, 20])
    assert used(made, 0, "5/class") == used(made, 0, "5/class") != used(made, 1, "5/class")


@given(classes, st.integers(0, 100), st.data())
@settings(max_examples=40, deadline=None)
def test_an_exact_part_has_its_size_and_leaves_every_class_an_image(counts, seed, data):
    labels = np.repeat(np.arange(len(counts)), counts)
    keys = np.array([f"image {n}" for n in range(len(labels))])
    n = data.draw(st.integers(0, len(labels) - len(counts)))
    held = hold_out_exactly(labels, keys, n, seed, "test")
    assert held.sum() == n
    assert set(labels[~held].tolist()) == set(range(len(counts)))
    with pytest.raises(ValueError, match="every class keeps one"):
        hold_out_exactly(labels, keys, len(labels) - len(counts) + 1, seed, "test")


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


@pytest.mark.parametrize(
    ("budget", "words"),
    [
        ("9/class", "11 images of each class .9 to train on, 2 to validate"),
        ("10%", "2 images"),
        ("vtab", "needs 1,000 images"),
        (3, "allows 4 .two images for each of its 2 classes"),
        (21, "allows 4 .* to 20 "),
    ],
)
def test_a_budget_that_cannot_be_given_is_refused(budget, words):
    with pytest.raises(DatasetError, match=words):
        make_split(images([10, 10]), 0, budget)


@pytest.mark.parametrize(("n", "held"), [(1, 0), (2, 1), (3, 1), (5, 1), (10, 2), (12, 2), (13, 3), (100, 20)])
def test_about_a_fifth_at_least_one_and_never_all(n, held):
    assert n_held_out(n, 0.2) == held
    chosen = hold_out(np.zeros(n, dtype=int), np.array([str(k) for k in range(n)]), 0.2, 0, "test")
    assert chosen.sum() == held
