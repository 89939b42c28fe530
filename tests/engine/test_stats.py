import math

import numpy as np
import pandas as pd
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

from engine import stats

ACCURACIES = st.floats(0, 1, allow_subnormal=False)


def by_seed(*values: float) -> pd.Series:
    return pd.Series(values, index=range(len(values)), dtype=float)


# Wilson score interval


@pytest.mark.parametrize(
    ("accuracy", "n", "low", "high"),
    [
        # By hand with z = 1.959964: (a + z2/2n -+ z sqrt(a(1-a)/n + z2/4n2)) / (1 + z2/n)
        (0.5, 10, 0.236593, 0.763407),
        (0.9, 500, 0.870578, 0.923322),
        (0.0, 20, 0.0, 0.161125),
        (1.0, 20, 0.838875, 1.0),
    ],
)
def test_wilson_equals_hand_computed(accuracy: float, n: int, low: float, high: float) -> None:
    found = stats.wilson(accuracy, n)
    assert (found.low, found.high) == pytest.approx((low, high), abs=1e-6)
    assert found.kind == "Wilson over images"


@given(st.integers(1, 5000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_wilson_equals_scipy_and_contains_the_accuracy(counts: tuple[int, int]) -> None:
    right, n = counts
    found = stats.wilson(right / n, n)
    reference = scipy.stats.binomtest(right, n).proportion_ci(method="wilson")
    assert (found.low, found.high) == pytest.approx((reference.low, reference.high), abs=1e-9)
    assert 0 <= found.low <= right / n <= found.high <= 1


@pytest.mark.parametrize(("accuracy", "n"), [(1.1, 10), (-0.1, 10), (math.nan, 10), (0.5, 0)])
def test_wilson_refuses_what_is_no_accuracy(accuracy: float, n: int) -> None:
    with pytest.raises(ValueError):
        stats.wilson(accuracy, n)


# One cell over its seeds


def test_three_seeds_have_a_t_interval() -> None:
    found = stats.over_seeds([0.60, 0.62, 0.67], n_images=100)
    # mean .63, sd sqrt((.0009+.0001+.0016)/2) = .0360555, half width 4.302653 * .0360555 / sqrt(3) = .0895672
    assert found.mean == pytest.approx(0.63)
    assert found.sd == pytest.approx(0.0360555, abs=1e-7)
    assert (found.interval.low, found.interval.high) == pytest.approx((0.5404328, 0.7195672), abs=1e-6)
    assert (found.n, found.interval.kind) == (3, "Student t over seeds")


def test_one_seed_has_the_interval_of_its_images_or_none() -> None:
    assert stats.over_seeds([0.5], n_images=10).interval == stats.wilson(0.5, 10)
    alone = stats.over_seeds([0.5])
    assert alone.interval.kind == "none"
    assert math.isnan(alone.interval.low)
    assert math.isnan(alone.sd)


@pytest.mark.parametrize("values", [[], [0.5, math.nan]])
def test_no_values_are_refused(values: list[float]) -> None:
    with pytest.raises(ValueError, match="one finite number per seed"):
        stats.over_seeds(values)


def cells_frame() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "strategy": ["a", "a", "a", "b", "b"],
            "label_budget": pd.array([100, 100, 100, None, None], dtype="Int64"),
            "seed": [0, 1, 1, 0, 1],
            "value": [0.5, 0.6, 0.8, 0.9, math.nan],
            "n_images": pd.array([200, 200, 200, 200, 200], dtype="Int64"),
        }
    )


def test_summary_counts_seeds_not_rows() -> None:
    table = stats.summarise(cells_frame(), ["strategy", "label_budget"]).set_index("strategy")
    assert table.loc["a", ["mean", "n", "interval"]].tolist() == [pytest.approx(0.6), 2, "Student t over seeds"]
    assert table.loc["b", ["mean", "n", "interval"]].tolist() == [0.9, 1, "Wilson over images"]
    assert table.loc["b", "low"] == stats.wilson(0.9, 200).low
    assert table["label_budget"].isna().tolist() == [False, True]


def test_summary_of_nothing_has_its_columns() -> None:
    table = stats.summarise(cells_frame().iloc[:0], ["strategy"])
    assert table.columns.tolist() == ["strategy", "mean", "sd", "n", "low", "high", "interval"]


@given(st.permutations(range(12)))
def test_summary_does_not_depend_on_row_order(order: list[int]) -> None:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"cell": ["a", "b", "c"] * 4, "seed": np.repeat(range(4), 3), "value": rng.random(12)})
    expected = stats.summarise(frame, ["cell"], images=None)
    found = stats.summarise(frame.iloc[order], ["cell"], images=None)
    pd.testing.assert_frame_equal(
        found.sort_values("cell", ignore_index=True), expected.sort_values("cell", ignore_index=True)
    )


# Paired differences


def test_paired_uses_only_shared_seeds() -> None:
    first = pd.Series([0.70, 0.72, 0.74, 0.99], index=[0, 1, 2, 7])
    second = pd.Series([0.40, 0.41, 0.39, 0.01], index=[2, 1, 0, 8])
    found = stats.paired(first, second)
    # differences .31 .31 .34: mean .32, sd .0173205, half width 4.302653 * .0173205 / sqrt(3) = .0430265
    assert (found.mean, found.sd, found.n) == (pytest.approx(0.32), pytest.approx(0.0173205, abs=1e-7), 3)
    assert (found.interval.low, found.interval.high) == pytest.approx((0.2769735, 0.3630265), abs=1e-6)
    assert found.sign_flip_p == 0.25  # 2 of 8 patterns: three pairs can show no less
    assert not found.claim


@given(st.lists(st.tuples(ACCURACIES, ACCURACIES), min_size=2, max_size=12))
def test_paired_is_antisymmetric_and_its_interval_holds_the_mean(pairs: list[tuple[float, float]]) -> None:
    first, second = (by_seed(*side) for side in zip(*pairs, strict=True))
    there, back = stats.paired(first, second), stats.paired(second, first)
    assert there.mean == pytest.approx(-back.mean, abs=1e-12)
    assert there.interval.low == pytest.approx(-back.interval.high, abs=1e-12)
    assert there.interval.low <= there.mean <= there.interval.high
    assert there.sign_flip_p == back.sign_flip_p
    assert there.claim == back.claim


def test_paired_equals_scipy() -> None:
    rng = np.random.default_rng(3)
    first, second = by_seed(*rng.normal(0.6, 0.02, 8)), by_seed(*rng.normal(0.58, 0.02, 8))
    found, reference = stats.paired(first, second), scipy.stats.ttest_rel(first, second)
    bounds = reference.confidence_interval(0.95)
    assert found.p_value == pytest.approx(reference.pvalue)
    assert (found.interval.low, found.interval.high) == pytest.approx((bounds.low, bounds.high))
    wide, bounds = stats.paired(first, second, comparisons=9), reference.confidence_interval(1 - 0.05 / 9)
    assert (wide.interval.low, wide.interval.high) == pytest.approx((bounds.low, bounds.high))
    assert wide.interval.kind == "Student t, corrected for 9 comparisons"
    assert wide.interval.level == 0.95


def test_paired_without_or_with_one_shared_seed_has_no_interval() -> None:
    nothing = stats.paired(pd.Series([0.5], index=[0]), pd.Series([0.6], index=[1]))
    assert nothing.n == 0
    assert math.isnan(nothing.mean)
    one = stats.paired(by_seed(0.5), by_seed(0.3))
    assert (one.n, one.mean, one.interval.kind, one.sign_flip_p) == (1, pytest.approx(0.2), "none", 1.0)
    assert not one.claim


def test_paired_refuses_a_seed_twice() -> None:
    with pytest.raises(ValueError, match=r"\[4\]"):
        stats.paired(pd.Series([0.1, 0.2], index=[4, 4]), by_seed(0.1))


def test_identical_values_differ_by_nothing() -> None:
    found = stats.paired(by_seed(*[0.5] * 6), by_seed(*[0.5] * 6))
    assert (found.mean, found.p_value, found.sign_flip_p) == (0, 1, 1)
    assert not found.claim


# Sign-flip test and Holm


@pytest.mark.parametrize(
    ("differences", "p"),
    [([0.1] * 3, 2 / 8), ([0.1] * 6, 2 / 64), ([1, 2, -3], 1.0), ([3, 2, -1], 0.5), ([0.1, 0.2, 0.3], 0.25)],
)
def test_sign_flip_equals_counting_by_hand(differences: list[float], p: float) -> None:
    assert stats.sign_flip_p(differences) == p


def test_sign_flip_equals_scipy() -> None:
    differences = np.random.default_rng(1).normal(0.5, 1, 9)
    reference = scipy.stats.permutation_test(
        (differences, np.zeros(9)), lambda x, y: np.mean(x - y), permutation_type="samples", n_resamples=np.inf
    )
    assert stats.sign_flip_p(differences) == pytest.approx(reference.pvalue)


def test_sign_flip_of_many_pairs_is_drawn_and_repeatable() -> None:
    differences = np.random.default_rng(1).normal(0.3, 1, 30)
    found = stats.sign_flip_p(differences)
    assert found == stats.sign_flip_p(differences)
    assert found == pytest.approx(scipy.stats.ttest_1samp(differences, 0).pvalue, abs=0.02)
    assert math.isnan(stats.sign_flip_p([]))


def test_holm_equals_hand_computed() -> None:
    # sorted .01 .03 .04 -> .03 .06 .04 -> stepped up .03 .06 .06
    assert stats.holm([0.04, 0.01, 0.03]) == pytest.approx([0.06, 0.03, 0.06])
    assert stats.holm([0.9, 0.8]).tolist() == [1.0, 1.0]
    assert stats.holm([]).tolist() == []


# Tie groups


def test_tie_groups_separate_what_differs_and_keep_the_middle_in_both() -> None:
    noise = np.array([0.00, 0.01, -0.01, 0.02, -0.02, 0.005])
    other = np.array([0.03, -0.03, 0.02, -0.02, 0.04, -0.04])
    cells = {
        "low": by_seed(*(0.50 + noise)),
        "high": by_seed(*(0.56 + noise[::-1])),
        "between": by_seed(*(0.53 + other)),
    }
    assert stats.tie_groups(cells) == (("high", "between"), ("between", "low"))


def test_tie_groups_of_few_seeds_are_one_group() -> None:
    cells = {"a": by_seed(0.9, 0.91, 0.92), "b": by_seed(0.1, 0.11, 0.12), "c": pd.Series([0.5], index=[9])}
    assert stats.tie_groups(cells) == (("a", "c", "b"),)
    assert stats.tie_groups({}) == ()


def test_equal_strategies_rarely_get_a_winner() -> None:
    # reliability.md: uncorrected t-tests over 5 seeds find a false winner among six equal strategies 38 % of the time.
    rng = np.random.default_rng(20)
    told_apart = sum(
        len(stats.tie_groups({name: by_seed(*rng.normal(0.7, 0.01, 6)) for name in "abcdef"})) > 1 for _ in range(200)
    )
    assert told_apart <= 18  # 5 % of 200 is 10; 18 is its 99th percentile


# Sentences


def say(*differences: float) -> str:
    found = stats.paired(by_seed(*differences), by_seed(*[0.0] * len(differences)))
    return stats.sentence("freezing 4 of 10 units", "the linear probe", found)


def test_sentence_claims_from_six_pairs_on() -> None:
    assert say(0.30, 0.31, 0.32, 0.30, 0.31, 0.32) == (
        "Freezing 4 of 10 units beats the linear probe by 31.0 points (95 % interval 30.1 to 31.9, 6 pairs, Student t)."
    )
    assert say(-0.30, -0.31, -0.32, -0.30, -0.31, -0.32) == (
        "The linear probe beats freezing 4 of 10 units by 31.0 points (95 % interval 30.1 to 31.9, 6 pairs, Student t)."
    )


def test_sentence_with_three_pairs_is_exploring() -> None:
    said = say(0.31, 0.31, 0.34)
    assert said.startswith(
        "Freezing 4 of 10 units is ahead of the linear probe by 32.0 points (95 % interval 27.7 to 36.3"
    )
    assert said.endswith("3 pairs, Student t); exploring: no claim with fewer than 6 pairs.")
    assert "beats" not in said


def test_sentence_with_an_interval_over_zero() -> None:
    said = say(-0.05, 0.04, -0.03, 0.02, 0.01, -0.01)
    # mean -1/3 point, sd .0332666, half width 2.570582 * .0332666 / sqrt(6) = 3.491 points
    assert said == (
        "The linear probe and freezing 4 of 10 units cannot be told apart: 0.3 points between their means "
        "(95 % interval -3.2 to 3.8, 6 pairs, Student t)."
    )


def test_sentence_without_pairs() -> None:
    apart = stats.paired(pd.Series([0.5], index=[0]), pd.Series([0.6], index=[1]))
    assert "share no seed" in stats.sentence("a", "b", apart)
    assert say(-0.2) == (
        "In the one seed they share, the linear probe is 20.0 points above freezing 4 of 10 units; "
        "exploring: no claim from 1 pair."
    )


@given(st.lists(st.tuples(ACCURACIES, ACCURACIES), max_size=9))
def test_sentence_is_the_same_from_both_sides_and_never_overclaims(pairs: list[tuple[float, float]]) -> None:
    first, second = (by_seed(*(pair[side] for pair in pairs)) for side in (0, 1))
    difference = stats.paired(first, second)
    said = stats.sentence("freezing a", "the probe", difference)
    if abs(difference.mean) > 1e-9 and len(pairs) > 1:
        assert said == stats.sentence("the probe", "freezing a", stats.paired(second, first))
    assert ("beats" in said) == difference.claim
    assert "gain" not in said
