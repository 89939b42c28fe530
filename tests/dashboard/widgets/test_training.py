"""Every value that a spec takes has words on the screen."""

from __future__ import annotations

from dashboard.widgets.training import WORDS, epochs_words
from engine import datasets, spec


def test_every_choice_has_words() -> None:
    trained = (spec.OPTIMIZERS, spec.SCHEDULES, spec.AUGMENTATIONS, spec.SELECTIONS, spec.PRECISIONS)
    choices = (*trained, spec.ALL_MEASURES, spec.POOLINGS)
    assert {one for options in choices for one in options} == set(WORDS)


def test_epochs_that_are_left_open_are_said_for_every_budget_that_can_be_used() -> None:
    digits = datasets.describe("digits")
    assert epochs_words(digits, (50, 500), 32) == "With 50 labels 100, with 500 labels 30."
    assert epochs_words(digits, (None,), 32) == "With all labels 30."
    assert epochs_words(digits, (50, 10**8), 8) == "With 50 labels 40."
    assert epochs_words(digits, (10**8,), 32) == epochs_words(digits, (50,), None) == ""
