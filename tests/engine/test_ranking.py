"""Agreement of rankings: scipy's numbers, exact null bands, refusals."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import kendalltau, pearsonr, weightedtau

from engine.ranking import agreement, null_band


@pytest.mark.parametrize("n", [5, 9, 14])
def test_the_correlations_are_scipys_also_with_ties(n):
    draws = np.random.default_rng(n)
    score, truth = draws.integers(0, 6, n).astype(float), draws.normal(size=n)
    found = agreement(score, truth)
    assert found.tau == pytest.approx(kendalltau(score, truth).statistic)
    assert found.weighted_tau == pytest.approx(weightedtau(score, truth).statistic)
    assert found.pearson == pytest.approx(pearsonr(score, truth).statistic)
    assert found.tau_low <= found.tau <= found.tau_high
    assert found == agreement(score, truth)


def test_the_perfect_order_is_beyond_chance_and_costs_nothing():
    truth = np.array([0.1, 0.5, 0.3, 0.9, 0.7, 0.2])
    found = agreement(10 * truth, truth)
    assert (found.tau, found.regret) == (1.0, 0.0)
    assert found.beyond_chance
    turned = agreement(-truth, truth, lower_is_better=True)
    assert turned.tau == 1.0
    assert agreement(-truth, truth).regret == pytest.approx(0.8)


def test_the_null_band_of_ten_is_the_known_one():
    """With ten things tau is noise below about .49 (Kendall's tables: .467 and .511 at two-sided .05)."""
    assert 0.42 <= null_band(np.arange(10.0), np.arange(10.0)) <= 0.52


def test_the_null_band_of_five_is_counted_exactly():
    # Of 120 orders 2 have |tau| = 1 and 8 have .8: 10 are above 5 % (6), so the band is .8.
    assert null_band(np.arange(5.0), np.arange(5.0)) == pytest.approx(0.8)


def test_random_orders_are_rarely_beyond_chance():
    draws = np.random.default_rng(0)
    beyond = [agreement(draws.normal(size=8), draws.normal(size=8)).beyond_chance for _ in range(25)]
    assert np.mean(beyond) < 0.2


@pytest.mark.parametrize(
    ("scores", "measured", "reason"),
    [
        ([1, 2, 3, 4], [1, 2, 3, 4], "4 to rank are too few: 5 are needed"),
        ([1, 2, 3, 4, np.nan], [1, 2, 3, 4, 5], "4 to rank"),
        ([1] * 6, [1, 2, 3, 4, 5, 6], "no order"),
    ],
)
def test_what_supports_no_ranking_is_refused_with_the_reason(scores, measured, reason):
    found = agreement(np.array(scores, dtype=float), np.array(measured, dtype=float))
    assert reason in found.reason
    assert np.isnan(found.tau)
    assert not found.beyond_chance
