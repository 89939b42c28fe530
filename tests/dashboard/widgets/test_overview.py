"""How an experiment stands, in words."""

from __future__ import annotations

import pandas as pd
import pytest

from dashboard.widgets.overview import duration, ordinal, overview
from engine.frames import Frames, tidy


def frame(by_hand) -> pd.DataFrame:
    return Frames(by_hand.store).frame("runs")


def test_no_runs() -> None:
    now = overview(tidy("runs", []))
    assert (now.headline, now.active, now.done, now.eta_seconds, now.word) == ("No runs", False, 0.0, None, "finished")


def test_one_after_another(by_hand, small) -> None:
    by_hand.submit(small)
    now = overview(frame(by_hand))
    assert now.headline == "0 of 8 runs finished, 8 queued"
    assert now.detail == "Waiting: next in the queue, the worker is starting"
    assert (now.active, now.done, now.eta_seconds, now.word) == (True, 0.0, None, "queued")
    lease = by_hand.claim()
    by_hand.leases.beat(by_hand.token, lease, {"phase": "training", "done": 0.5, "eta_seconds": 2.0})
    now = overview(frame(by_hand))
    assert now.detail == "Linear probe, seed 0, 100 labels: training"
    assert now.eta_seconds == pytest.approx(30.0)  # 4 s a run, seven and a half to go
    by_hand.finish(lease, seconds=6.0)
    assert overview(frame(by_hand)).eta_seconds == pytest.approx(42.0)
    by_hand.finish_all()
    now = overview(frame(by_hand))
    assert (now.headline, now.detail, now.active, now.done) == ("All 8 runs finished", "", False, 1.0)
    assert now.eta_seconds is None
    assert now.proof == "Frozen units unchanged: 4 of 4 runs"


def test_runs_with_one_reason_are_said_once(by_hand, small) -> None:
    by_hand.submit(small)
    for reason in ("a", "b", "a", "a", "a"):
        by_hand.fail(by_hand.claim(), reason)
    by_hand.finish_all()
    problems = overview(frame(by_hand)).problems
    assert len(problems) == 2
    assert problems[0].startswith("4 runs (Linear probe, seed 0, 100 labels; ")
    assert problems[0].endswith("and 1 more) failed: a")
    assert "failed: b" in problems[1]


def test_a_stop_is_called_stopped_and_is_no_problem(by_hand, small) -> None:
    submission = by_hand.submit(small)
    by_hand.store.cancel(submission.queued)
    now = overview(frame(by_hand))
    assert (now.headline, now.problems, now.word) == ("0 of 8 runs finished, 8 stopped", (), "stopped")


def test_what_happened_to_a_run_that_goes_on_is_a_note(by_hand, small) -> None:
    by_hand.submit(small)
    by_hand.claim()
    by_hand.leases.unregister(by_hand.token)
    by_hand.leases.reap()
    now = overview(frame(by_hand))
    assert now.problems == ()
    assert now.notes[0].startswith("Linear probe, seed 0, 100 labels: its worker died")


@pytest.mark.parametrize(
    ("n", "word"), [(1, "1st"), (2, "2nd"), (3, "3rd"), (4, "4th"), (11, "11th"), (112, "112th"), (21, "21st")]
)
def test_ordinals(n: int, word: str) -> None:
    assert ordinal(n) == word


@pytest.mark.parametrize(
    ("seconds", "words"), [(0.2, "0 s"), (59.6, "1 min"), (60, "1 min"), (200, "3 min 20 s"), (7500, "2 h 5 min")]
)
def test_durations(seconds: float, words: str) -> None:
    assert duration(seconds) == words
