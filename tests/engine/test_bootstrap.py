import math

import numpy as np
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

from engine import bootstrap, stats

SIX = st.lists(st.integers(-1000, 1000).map(lambda thousandths: thousandths / 1000), min_size=6, max_size=12)


def test_it_agrees_with_scipy() -> None:
    """An independent implementation, with its own resamples: the ends agree to the noise of 10,000 draws."""
    values = np.array([0.021, 0.034, -0.008, 0.017, 0.052, 0.003, 0.041, 0.012])
    found = bootstrap.bca(values)
    reference = scipy.stats.bootstrap(
        (values,), np.mean, method="BCa", n_resamples=20_000, rng=np.random.default_rng(5)
    ).confidence_interval
    assert (found.low, found.high) == pytest.approx((reference.low, reference.high), abs=6e-4)
    assert found.kind == "BCa bootstrap"


@given(SIX)
def test_it_is_the_same_each_time_and_within_the_values(values: list[float]) -> None:
    found = bootstrap.bca(values)
    assert found == bootstrap.bca(values)
    assert min(values) - 1e-9 <= found.low <= found.high <= max(values) + 1e-9


@given(SIX, st.floats(-3, 3))
def test_it_moves_with_the_values(values: list[float], shift: float) -> None:
    plain, moved = bootstrap.bca(values), bootstrap.bca([value + shift for value in values])
    assert (moved.low, moved.high) == pytest.approx((plain.low + shift, plain.high + shift), abs=1e-9)


def test_few_values_have_none_and_equal_ones_no_width() -> None:
    few = bootstrap.bca([0.1, 0.2, 0.3, 0.4, 0.5])
    assert few.kind == stats.NO_INTERVAL
    assert math.isnan(few.low)
    assert bootstrap.bca([0.25] * 6) == stats.Interval(0.25, 0.25, "BCa bootstrap")
    with pytest.raises(ValueError, match="finite"):
        bootstrap.bca([0.1, math.nan])


def test_coverage_is_what_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of 6 normal values about 88 in 100 intervals hold the mean: too few for a claim, and that is why none rests on it."""
    monkeypatch.setattr(bootstrap, "RESAMPLES", 1_000)

    def coverage(draws: np.ndarray) -> float:
        found = [bootstrap.bca(row) for row in draws]
        return float(np.mean([one.low <= 0 <= one.high for one in found]))

    covered = coverage(np.random.default_rng(1).normal(size=(600, 6)))
    print(f"BCa of 6: {covered:.3f}")
    assert 0.84 < covered < 0.92
    assert 0.91 < coverage(np.random.default_rng(2).normal(size=(300, 40))) < 0.98
