"""Label budgets as text: one canonical form, refused with what is allowed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine import budgets
from engine.errors import SpecError

kinds = (
    st.integers(2, 10**9)
    | st.integers(1, 10**6).map("{}/class".format)
    | st.integers(1, 100).map("{}%".format)
    | st.floats(0.001, 100).map(lambda share: f"{share:.3f}%")
    | st.just("vtab")
)


@given(kinds)
def test_the_canonical_form_is_its_own(budget):
    once = budgets.parse("budget", budget)
    assert budgets.parse("budget", once) == once
    assert budgets.words(once)


@pytest.mark.parametrize(
    ("given", "canonical"),
    [
        (100, 100),
        ("100", 100),
        ("1,000", 1000),
        ("12 500", 12500),
        (" 5 / Class ", "5/class"),
        ("05/class", "5/class"),
        ("10.0 %", "10%"),
        ("0.50%", "0.5%"),
        ("100%", "100%"),
        ("VTAB", "vtab"),
    ],
)
def test_spellings_of_one_budget(given, canonical):
    assert budgets.parse("budget", given) == canonical


@pytest.mark.parametrize(
    "given",
    [
        1,
        0,
        -5,
        True,
        2.5,
        None,
        "",
        "5/klass",
        "0/class",
        "-5%",
        "0%",
        "101%",
        "1e2",
        "²",
        "5 %%",
        "many",
        "1,00",
        "٥/class",
    ],
)
def test_what_is_no_budget_is_refused(given):
    with pytest.raises(SpecError, match="label_budgets"):
        budgets.parse("label_budgets", given)


def test_the_error_says_what_is_allowed():
    with pytest.raises(SpecError, match=r'100.*"5/class".*"10%".*"vtab"'):
        budgets.parse("label_budgets", "many")


@pytest.mark.parametrize(
    ("budget", "images", "validation"),
    [
        (None, 1000, 200),
        (50, 50, 10),
        ("1/class", 20, 10),
        ("5/class", 60, 10),
        ("8/class", 100, 20),
        ("10%", 100, 20),
        ("0.5%", 5, 1),
        ("vtab", 1000, 200),
    ],
)
def test_images_of_ten_classes_with_a_hundred_each(budget, images, validation):
    assert budgets.n_images(budget, 10, 1000) == images
    assert budgets.n_validation(budget, 10, images) == validation


@pytest.mark.parametrize(
    ("budget", "smallest", "words"),
    [
        (19, 0, "allows 20 .two images for each of its 10 classes"),
        (1001, 0, "to 1000"),
        ("1%", 0, r"1% was given \(10 images\); data allows 20"),
        ("81/class", 0, "On average a class has 100 outside the test part of data. Choose at most 80/class"),
        ("5/class", 4, "Its smallest class has 4 outside the test part of data. Choose at most 3/class"),
    ],
)
def test_what_a_dataset_cannot_give(budget, smallest, words):
    import re

    assert re.search(words, budgets.refusal(budget, "data", 10, 1000, smallest))


def test_what_it_can_give():
    for budget in (20, 1000, "80/class", "2%", "100%", "vtab"):
        assert budgets.refusal(budget, "data", 10, 1000) == ""
    assert "needs 1,000 images" in budgets.refusal("vtab", "data", 10, 999)
    assert "at most 800 classes" in budgets.refusal("vtab", "data", 801, 5000)


def test_numbers_first_then_shots_then_shares_then_all():
    mixed = [None, "50%", "vtab", "10/class", 2000, "9%", 1000, "2/class"]
    assert sorted(mixed, key=budgets.order) == [1000, "vtab", 2000, "2/class", "10/class", "9%", "50%", None]
