import itertools
import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine import crossings


def curve(*rows: list[float], labels: tuple[int, ...] = (10, 100, 1000)) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=list(labels), dtype=float)


SCRATCH, PROBE = ("from_scratch", 0), ("linear_probe", 4)


def test_a_crossing_by_hand() -> None:
    """Gaps -.2, -.1, +.1 over the logarithm of labels: zero half way between 100 and 1000, at 316."""
    found = crossings.crossings(
        {SCRATCH: curve([0.3, 0.5, 0.8], [0.3, 0.5, 0.8], [0.3, 0.5, 0.8]),
         PROBE: curve([0.5, 0.6, 0.7], [0.5, 0.6, 0.7], [0.5, 0.6, 0.7])}
    )  # fmt: skip
    assert len(found) == 1
    assert found[0].cells == (SCRATCH, PROBE)
    assert found[0].labels == pytest.approx(math.sqrt(100 * 1000))
    assert found[0].accuracy == pytest.approx(0.65)
    assert (found[0].low, found[0].high) == pytest.approx((found[0].labels,) * 2)  # no seed differs
    assert found[0].share == 1.0


def test_one_and_two_seeds_have_a_place_and_no_interval() -> None:
    (found,) = crossings.crossings({SCRATCH: curve([0.3, 0.5, 0.8]), PROBE: curve([0.5, 0.6, 0.7])})
    assert found.n == 1
    assert math.isnan(found.low)


def test_curves_that_do_not_cross_and_those_without_shared_seeds_have_none() -> None:
    above = curve([0.6, 0.7, 0.9])
    assert crossings.crossings({SCRATCH: curve([0.3, 0.5, 0.8]), PROBE: above}) == []
    elsewhere = curve([0.5, 0.6, 0.7]).set_axis([7], axis=0)
    assert crossings.crossings({SCRATCH: curve([0.3, 0.5, 0.8]), PROBE: elsewhere}) == []
    assert crossings.crossings({SCRATCH: curve([0.3], labels=(10,)), PROBE: curve([0.2], labels=(10,))}) == []


def test_of_several_the_last_counts_and_touching_is_no_crossing() -> None:
    x = np.array([0.0, 1.0, 2.0, 3.0])
    assert crossings.last_crossing(x, np.array([1.0, -1.0, -1.0, 1.0])) == 2.5
    assert crossings.last_crossing(x, np.array([1.0, 0.0, 1.0, 1.0])) is None
    assert crossings.last_crossing(x, np.array([1.0, 0.0, -1.0, -1.0])) == 1.0
    assert crossings.last_crossing(x, np.zeros(4)) is None


@given(st.lists(st.floats(-1, 1, allow_subnormal=False), min_size=2, max_size=6))
def test_a_crossing_is_a_zero_between_its_ends(gap: list[float]) -> None:
    x = np.arange(len(gap), dtype=float)
    place = crossings.last_crossing(x, np.array(gap))
    signs = [np.sign(one) for one in gap if one]
    assert (place is not None) == any(a != b for a, b in itertools.pairwise(signs))


def test_the_interval_covers_the_place_about_as_often_as_it_says(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two lines that cross at 100 labels, 12 noisy seeds: a percentile interval is a little too narrow."""
    monkeypatch.setattr(crossings, "RESAMPLES", 200)
    draws = np.random.default_rng(4)
    held = []
    for _ in range(120):
        noise = draws.normal(0, 0.03, size=(2, 12, 3))
        first, second = (
            pd.DataFrame(mean + one, columns=[10, 100, 1000])
            for mean, one in zip(([0.4, 0.6, 0.8], [0.5, 0.6, 0.7]), noise, strict=True)
        )
        (found,) = crossings.crossings({SCRATCH: first, PROBE: second}) or [None]
        held.append(found is not None and found.low <= 100 <= found.high)
    assert 0.85 < np.mean(held) <= 1
