"""Prompts: class names as a person writes them, settings that are refused with what to type instead."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine import prompts

ONE = "a photo of a {class}."


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("golden_retriever", "golden retriever"),
        ("001.Black_footed_Albatross", "Black footed Albatross"),
        ("  sea   horse ", "sea horse"),
        ("3", "number 3"),
        ("10", "number 10"),
        ("4x4", "4x4"),
        ("747-200", "747-200"),
        ("T-shirt/top", "T-shirt/top"),
    ],
)
def test_names_are_written_as_a_person_would(name, said):
    assert prompts.spoken(name) == said


def test_every_class_gets_every_prompt_in_order():
    assert prompts.texts(["cat", "3"], f"{ONE} | the {{class}}") == [
        ["a photo of a cat.", "the cat"],
        ["a photo of a number 3.", "the number 3"],
    ]
    assert prompts.given(f"{ONE}|{ONE}") == [ONE], "the same sentence twice says nothing more"


def test_ours_are_usable():
    assert prompts.wrong(prompts.DEFAULT) is None
    assert prompts.given(prompts.DEFAULT) == list(prompts.PROMPTS)


@pytest.mark.parametrize(
    ("setting", "why"),
    [
        ("", "the prompt '' is empty"),
        ("a photo", r"'a photo' names \{class\} 0 times: each must hold it once.*a photo of a"),
        ("{class} and {class}", "2 times"),
        (f"{ONE} | ", "is empty"),
        (f"{ONE}{'x' * 200}", "has 221 characters, and at most 200"),
        (
            " | ".join(f"{n} {{class}}" for n in range(33)),
            "33 prompts are given, and at most 32 are taken; leave out 1",
        ),
    ],
)
def test_what_cannot_be_used_says_why(setting, why):
    import re

    assert re.search(why, prompts.wrong(setting))


@given(st.text(max_size=30))
def test_names_are_data(name):
    (texts,) = prompts.texts([name], "a {class} {0} %s")
    assert texts == [f"a {prompts.spoken(name)} {{0}} %s"]


def test_classes_that_are_only_counted_have_no_names():
    assert prompts.nameless(["class 1", "Class_2"])
    assert not prompts.nameless(["class 1", "tulip"])
    assert not prompts.nameless(["0", "1"]), "digits are what their names say"
    assert not prompts.nameless([])


def test_classes_that_read_the_same_are_found():
    assert prompts.alike(["black_cat", "dog", "Black cat"]) == ("black_cat", "Black cat")
    assert prompts.alike(["cat", "dog"]) is None
