"""Every value that a spec takes has words on the screen."""

from __future__ import annotations

from dashboard.widgets.training import WORDS
from engine import spec


def test_every_choice_has_words() -> None:
    choices = (spec.OPTIMIZERS, spec.SCHEDULES, spec.AUGMENTATIONS, spec.SELECTIONS, spec.PRECISIONS, spec.MEASURES)
    assert {one for options in choices for one in options} == set(WORDS)
