"""Generators with a result: what passes, what is dropped, what comes back."""

from __future__ import annotations

from collections.abc import Generator

from engine.generators import changed, drained


def work() -> Generator[int, None, str]:
    yield from (1, 2, 3)
    return "done"


def test_draining_shows_every_item_and_returns_the_result():
    seen: list[int] = []
    assert drained(work(), seen.append) == drained(work()) == "done"
    assert seen == [1, 2, 3]


def test_changing_drops_what_becomes_none_and_returns_the_result():
    results: list[str] = []

    def outer() -> Generator[int, None, None]:
        results.append((yield from changed(work(), lambda item: None if item == 2 else 10 * item)))

    assert list(outer()) == [10, 30]
    assert results == ["done"]
