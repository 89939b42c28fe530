"""Schedules, by hand."""

from __future__ import annotations

import pytest

from engine.schedules import schedule


@pytest.mark.parametrize(
    ("name", "done", "share"),
    [
        ("constant", 0.0, 1.0),
        ("constant", 1.0, 1.0),
        ("cosine", 0.0, 1.0),
        ("cosine", 1 / 3, 0.75),
        ("cosine", 0.5, 0.5),
        ("cosine", 1.0, 0.0),
        ("one_cycle", 0.0, 0.04),
        ("one_cycle", 0.1, 0.52),
        ("one_cycle", 0.2, 1.0),
        ("one_cycle", 0.6, 0.5),
        ("one_cycle", 1.0, 0.0),
        ("warmup_cosine", 0.0, 0.01),
        ("warmup_cosine", 0.05, 1.0),
        ("warmup_cosine", 0.525, 0.5),
        ("warmup_cosine", 1.0, 0.0),
        # Howard & Ruder 2018, equation 3, with cut 0.1 and ratio 32.
        ("slanted_triangular", 0.0, 1 / 32),
        ("slanted_triangular", 0.05, (1 + 0.5 * 31) / 32),
        ("slanted_triangular", 0.1, 1.0),
        ("slanted_triangular", 0.55, (1 + 0.5 * 31) / 32),
        ("slanted_triangular", 1.0, 1 / 32),
    ],
)
def test_schedules_by_hand(name, done, share):
    assert schedule(name, done) == pytest.approx(share, abs=1e-12)


def test_cycles_run_the_schedule_from_its_start_again():
    for done in (0.0, 0.1, 0.25, 0.49):
        assert schedule("one_cycle", done, 2) == pytest.approx(schedule("one_cycle", 2 * done))
        assert schedule("one_cycle", done + 0.5, 2) == pytest.approx(schedule("one_cycle", 2 * done))
    assert schedule("one_cycle", 1.0, 2) == pytest.approx(0.0, abs=1e-12)
