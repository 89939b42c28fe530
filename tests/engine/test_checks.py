"""Checks say what was given and what is allowed."""

from __future__ import annotations

import math

import pytest

from engine import checks
from engine.errors import SpecError


def test_unknown_keys_name_the_near_matches_and_the_known_ones():
    with pytest.raises(
        SpecError, match=r"Spec has no key 'epohcs'\. Did you mean 'epochs'\? Its keys are: epochs, seed\."
    ):
        checks.unknown_keys("Spec", ["seed", "epohcs"], ["epochs", "seed"])
    checks.unknown_keys("Spec", ["seed"], ["epochs", "seed"])


@pytest.mark.parametrize("value", [0, -1, 11, True, False, 1.0, "1", None, 10**40])
def test_whole_refuses(value):
    with pytest.raises(SpecError, match=r"n is .*1 to 10"):
        checks.whole("n", value, 1, 10)


@pytest.mark.parametrize("value", [0, -0.5, 1.5, True, math.nan, math.inf, "0.1", None, 10**400, -(10**400)])
def test_number_refuses(value):
    with pytest.raises(SpecError, match=r"rate is .*above 0 and at most 1"):
        checks.number("rate", value, 0, 1, open_below=True)


def test_numbers_at_the_ends():
    checks.whole("n", 1, 1, 10)
    checks.whole("n", 10, 1, 10)
    checks.number("n", 0, 0, 1)
    checks.number("n", 1, 0, 1, open_below=True)


def test_choice_suggests():
    with pytest.raises(SpecError, match="Did you mean 'sgd'"):
        checks.choice("optimizer", "sdg", ("sgd", "adamw"))
    with pytest.raises(SpecError, match="one of: sgd, adamw"):
        checks.choice("optimizer", ["sgd"], ("sgd", "adamw"))


@pytest.mark.parametrize("value", ["", "  ", 3, None, "\ud800"])
def test_text_refuses(value):
    with pytest.raises(SpecError, match="must be a name"):
        checks.text("weights", value)


@pytest.mark.parametrize("values", ["digits", 3, None, [1], [True], [None], [""], []])
def test_lists_of_names_refuse(values):
    with pytest.raises(SpecError, match="datasets"):
        checks.one_of_each("datasets", values)


@pytest.mark.parametrize("values", [["1"], [1.0], [True], 5, "12"])
def test_lists_of_numbers_refuse(values):
    with pytest.raises(SpecError, match="seeds"):
        checks.one_of_each("seeds", values, kind=int)


def test_repeats_go_and_order_stays():
    assert checks.one_of_each("seeds", [3, 1, 3], kind=int) == (3, 1)
    assert checks.one_of_each("seeds", [], kind=int, empty=True) == ()
