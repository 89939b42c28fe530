"""The card of every score: filled from the registry, complete, and with what it was measured on here."""

from __future__ import annotations

import pandas as pd
import pytest

from dashboard.widgets import score_words
from dashboard.widgets.score_card import UNCHANGED_BY, extent, here, lines
from engine.scores import SCORES
from engine.spec import ALL_MEASURES


@pytest.mark.parametrize("score", SCORES, ids=lambda score: score.name)
def test_every_score_has_a_card_with_formula_range_and_source(score) -> None:
    said = lines(score)
    text = "\n".join(said).replace("\\", "").replace("\u2060", "")
    assert score.formula.split()[0] in text
    assert score.source[:20] in text
    assert ("is more alike" if score.kind == "two_sets" else "is better") in text
    assert set(score.invariances) <= set(UNCHANGED_BY)
    assert ".It" not in text
    assert ";an image" not in text
    assert ".." not in text.replace("...", "")


def test_every_measure_of_a_spec_has_words_and_only_shares_are_percent() -> None:
    for metric in score_words.metrics_of(ALL_MEASURES):
        scale = score_words.scale(metric)
        assert scale.label
        assert scale.percent == (scale.limits == (0, 1))
    assert score_words.scale("of_another_version").axis == "Of another version"


def test_ranges_in_words() -> None:
    inf = float("inf")
    found = [extent(limits) for limits in ((-inf, inf), (0, inf), (-inf, 0), (-1, 1))]
    assert found == ["All numbers", "0 and above", "0 and below", "-1 to 1"]


def test_here_names_n_d_rank_and_refusals() -> None:
    table = pd.DataFrame(
        {
            "n_images": [40, 40],
            "n_features": [16, 128],
            "rank": [15.0, None],
            "seeds": [1, 0],
            "reason": ["", "one class"],
        }
    )
    assert here(table) == (
        "N (images) 40, D (features) 16 to 128, rank 15, with fewer images than features at some units. "
        "No value at 1 of 2 points: one class."
    )
