"""Words of the pickers."""

from __future__ import annotations

import pytest

from dashboard.widgets.pickers import seeds_words, size


@pytest.mark.parametrize(
    ("n_bytes", "words"),
    [(0, "1 kB"), (287_000, "287 kB"), (4.3e6, "4.3 MB"), (46e6, "46 MB"), (1.25e9, "1.2 GB"), (25e9, "25 GB")],
)
def test_size_in_words(n_bytes: float, words: str) -> None:
    assert size(n_bytes) == words


@pytest.mark.parametrize(("n", "words"), [(1, "1 seed: a first look"), (3, "explore"), (6, "support a claim, if")])
def test_what_a_number_of_seeds_is_good_for(n: int, words: str) -> None:
    assert words in seeds_words(n, "")
    assert "listed" in seeds_words(n, "0-5, 17")
