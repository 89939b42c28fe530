"""Every value that a spec takes has words on the screen."""

from __future__ import annotations

from dashboard.widgets.training import WORDS
from engine import spec


def test_every_choice_has_words() -> None:
    trained = (spec.OPTIMIZERS, spec.SCHEDULES, spec.AUGMENTATIONS, spec.SELECTIONS, spec.PRECISIONS)
    choices = (*trained, spec.ALL_MEASURES, spec.POOLINGS)
    assert {one for options in choices for one in options} == set(WORDS)
