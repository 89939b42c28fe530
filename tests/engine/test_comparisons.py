import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine import bootstrap, comparisons, stats


def by_seed(*values: float) -> pd.Series:
    return pd.Series(values, index=range(len(values)), dtype=float)


CONTROL = by_seed(0.50, 0.52, 0.48, 0.51, 0.49, 0.50)


def test_a_table_by_hand() -> None:
    """a - control = .10 .11 .12 .13 .14 .12 (mean .12); b - control = .02 -.02 in turn (mean 0)."""
    a = CONTROL + by_seed(0.10, 0.11, 0.12, 0.13, 0.14, 0.12)
    b = CONTROL + by_seed(0.02, -0.02, 0.02, -0.02, 0.02, -0.02)
    first, second = comparisons.against({"a": (a, CONTROL), "b": (b, CONTROL)})
    assert first.difference.mean == pytest.approx(0.12)
    # sd sqrt((4+1+0+1+4+0)e-4 / 5) = .0141421; half width 2.570582 * .0141421 / sqrt(6) = .0148413
    assert first.difference.interval.low == pytest.approx(0.12 - 0.0148413, abs=1e-6)
    # two together: t of .9875 with 5 degrees of freedom is 3.163381, half width .0182638
    assert first.together.low == pytest.approx(0.12 - 0.0182638, abs=1e-6)
    assert "2 comparisons" in first.together.kind
    # all 2^6 signs, two of which reach the sum: 2/64; Holm doubles the smaller of two
    assert first.difference.sign_flip_p == pytest.approx(2 / 64)
    assert first.holm_flip_p == pytest.approx(4 / 64)
    assert (first.claim, second.claim) == (True, False)
    assert second.difference.mean == pytest.approx(0)
    assert second.holm_p == pytest.approx(1.0)
    assert first.bca.low > 0.1


def test_five_pairs_claim_nothing() -> None:
    five = CONTROL.iloc[:5]
    (found,) = comparisons.against({"a": (five + by_seed(0.30, 0.31, 0.30, 0.31, 0.30), five)})
    assert found.difference.interval.low > 0.25
    assert not found.claim
    assert found.bca.kind == stats.NO_INTERVAL


def test_one_pair_and_none_are_carried_without_numbers_they_do_not_have() -> None:
    one, none = comparisons.against(
        {"one": (by_seed(0.6), by_seed(0.5)), "none": (pd.Series([0.6], index=[9]), by_seed(0.5))}
    )
    assert one.difference.n == 1
    assert math.isnan(one.holm_p)
    assert none.difference.n == 0
    assert comparisons.seeds_sentence([one, none]) == ""


@pytest.mark.parametrize(
    ("sd", "n", "width", "expected"),
    [
        # t(.975, 7) 2.364624 * .01 / sqrt(8) = .00836; with 7: 2.446912 * .01 / sqrt(7) = .00925; 6: .010494
        (0.01, 6, 0.01, 1),
        (0.01, 3, 0.01, 4),
        (0.005, 6, 0.01, 0),
        (0.0, 2, 0.01, 4),  # never fewer than a claim takes
        (0.5, 6, 0.01, None),
        (math.nan, 1, 0.01, None),
    ],
)
def test_more_seeds_by_hand(sd: float, n: int, width: float, expected: int | None) -> None:
    assert comparisons.seeds_to_resolve(sd, n, width) == expected


@given(st.floats(0.0005, 0.05), st.integers(2, 12))
def test_the_seeds_said_are_the_fewest_that_do(sd: float, n: int) -> None:
    from scipy.special import stdtrit

    more = comparisons.seeds_to_resolve(sd, n, 0.01)
    if more is None:
        return
    half = lambda pairs: float(stdtrit(pairs - 1, 0.975)) * sd / math.sqrt(pairs)  # noqa: E731
    assert half(n + more) <= 0.01
    if n + more > max(n, stats.CLAIM_PAIRS):
        assert half(n + more - 1) > 0.01


def test_the_sentence_counts_the_seeds() -> None:
    noisy = CONTROL + by_seed(0.10, 0.11, 0.12, 0.13, 0.14, 0.12)
    found = comparisons.against({"a": (noisy, CONTROL)})
    # 2.306004 * .0141421 / sqrt(9) = .010871; 2.262157 * .0141421 / sqrt(10) = .010117; 11: .009501
    assert comparisons.seeds_sentence(found).startswith("5 more seeds would resolve 1 point")


def test_where_one_point_takes_many_seeds_it_says_what_fewer_do() -> None:
    noisy = CONTROL + by_seed(0.10, 0.15, 0.12, 0.18, 0.14, 0.10)
    found = comparisons.against({"a": (noisy, CONTROL)})
    assert found[0].difference.sd == pytest.approx(0.0312517, abs=1e-6)
    # 1 point: t * 3.125 / sqrt(n) falls below 1 at 41 pairs; 2 points: 12 pairs (2.200985 * 3.12517 / sqrt(12) = 1.986)
    assert comparisons.seeds_sentence(found).startswith(
        "1 point would take more than 20 more seeds; 6 more seeds would resolve 2 points"
    )
    wild = CONTROL + by_seed(0.9, -0.9, 0.9, -0.9, 0.9, -0.9)
    assert comparisons.seeds_sentence(comparisons.against({"a": (wild, CONTROL)})).startswith(
        "The seeds differ too much"
    )


def test_letters_are_shared_by_those_in_one_group() -> None:
    assert comparisons.letters([("x", "y"), ("y", "z")]) == {"x": "a", "y": "ab", "z": "b"}
    many = comparisons.letters([(number,) for number in range(27)])
    assert (many[25], many[26]) == ("z", "aa")


def test_intervals_that_hold_together_cover_together(monkeypatch: pytest.MonkeyPatch) -> None:
    """4 comparisons with one control, nothing differs: all four intervals hold 0 in about 95 of 100 (at least: Bonferroni)."""
    monkeypatch.setattr(bootstrap, "RESAMPLES", 10)  # not what is looked at
    draws = np.random.default_rng(3).normal(0.7, 0.02, size=(200, 5, 6))
    held = []
    for control, *others in draws:
        cells = {place: (by_seed(*one), by_seed(*control)) for place, one in enumerate(others)}
        held.append(all(one.together.low <= 0 <= one.together.high for one in comparisons.against(cells)))
    assert 0.93 < np.mean(held) <= 1
