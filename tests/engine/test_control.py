"""Control: stops between steps; progress has a rate and an ETA as soon as there is something to say."""

from __future__ import annotations

import pytest

from engine import control
from engine.control import Cancelled, Control, Progress


def test_a_stop_acts_at_the_next_step_and_the_next_phase():
    running = Control()
    running.step()
    running.enter("training", 0.3)
    assert (running.progress.phase, running.progress.done) == ("training", 0.3)
    running.stop = True
    with pytest.raises(Cancelled):
        running.step()
    with pytest.raises(Cancelled):
        running.enter("testing", 0.8)
    assert running.progress.phase == "training"


def test_progress_in_numbers(monkeypatch):
    monkeypatch.setattr(control.time, "monotonic", lambda: 110.0)
    progress = Progress("training", done=0.25, epoch=3, images=400, began=100.0, training_began=102.0)
    assert progress.to_dict() == {
        "phase": "training",
        "done": 0.25,
        "epoch": 3,
        "images_per_second": 50.0,
        "eta_seconds": 30.0,
    }


def test_nothing_is_promised_before_something_is_known():
    early = Progress().to_dict()
    assert early["eta_seconds"] is None
    assert early["images_per_second"] is None


def test_the_rate_survives_a_clock_that_has_not_moved(monkeypatch):
    monkeypatch.setattr(control.time, "monotonic", lambda: 100.0)
    assert Progress(images=5, began=100.0, training_began=100.0).to_dict()["images_per_second"] is None


def test_preparations_are_told_with_their_share_and_do_not_count_as_the_run():
    control = Control()
    control.progress.began -= 100
    control.tell("decoding", 0.25)
    shown = control.progress.to_dict()
    assert (shown["phase"], shown["done"], shown["eta_seconds"]) == ("decoding, 25%", 0.0, None)
    control.enter("training", 0.5)
    assert control.progress.to_dict()["eta_seconds"] < 1
    control.stop = True
    with pytest.raises(Cancelled):
        control.tell("decoding", 0.5)
