"""One row per run."""

from __future__ import annotations

from dashboard.widgets.run_rows import SHOWN, rows_of
from engine.frames import Frames, tidy


def test_no_runs() -> None:
    assert list(rows_of(tidy("runs", []))) == list(SHOWN)


def test_every_run_is_a_row_in_words(by_hand, small) -> None:
    submission = by_hand.submit(small)
    by_hand.finish(by_hand.claim())
    by_hand.store.cancel(submission.queued)
    rows = rows_of(Frames(by_hand.store).frame("runs"))
    assert len(rows) == 8
    assert list(rows["state"]) == ["finished"] + ["stopped"] * 7
    assert rows["test (%)"][0] == 40.0
    assert list(rows["freeze_proof"][:3]) == ["unchanged", "none frozen", ""]
