"""Scores of two feature sets: reference values, definitions, and what equal distributions give."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.linalg import sqrtm
from sklearn.covariance import LedoitWolf
from sklearn.datasets import load_digits

from engine.errors import ScoreNotDefined
from engine.scores import SCORES, mmd, proxy_a_distance


@pytest.fixture(scope="module")
def halves() -> tuple[np.ndarray, np.ndarray]:
    """The bundled order of the digits carries a shift of writers."""
    features = load_digits().data / 16
    return features[:898], features[898:]


def pair(n: int = 40, m: int = 50, d: int = 4, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    draws = np.random.default_rng(seed)
    return draws.normal(size=(n, d)), draws.normal(size=(m, d)) @ draws.normal(size=(d, d)) + 0.5


def test_mmd_of_digits(halves):
    assert SCORES["mmd"](*halves) == pytest.approx(0.005880, abs=1e-6)
    assert mmd.p_value(*halves, permutations=50) == pytest.approx(1 / 51)


def test_mmd_p_values_of_one_distribution_are_spread():
    draws = np.random.default_rng(0)
    values = [mmd.p_value(*draws.normal(size=(2, 20, 3)), permutations=40) for _ in range(60)]
    assert 0.35 < np.mean(values) < 0.65
    assert np.mean(np.array(values) <= 0.1) < 0.25


def test_mmd_of_samples_that_are_mostly_the_same_has_no_width():
    with pytest.raises(ScoreNotDefined, match="no width"):
        SCORES["mmd"](np.ones((10, 3)), np.concatenate([np.ones((9, 3)), np.zeros((1, 3))]))


def test_proxy_a_distance_of_digits(halves):
    value, low, high = proxy_a_distance.with_interval(*halves)
    assert value == pytest.approx(0.55, abs=0.1)
    assert low < value < high
    assert SCORES["proxy_a_distance"](*halves) == value


def test_proxy_a_distance_from_0_to_2():
    draws = np.random.default_rng(0)
    one, other = draws.normal(size=(2, 60, 5))
    assert SCORES["proxy_a_distance"](one, other) < 0.5
    assert SCORES["proxy_a_distance"](one, other + 20) == 2.0
    with pytest.raises(ScoreNotDefined, match="needs 10 samples"):
        SCORES["proxy_a_distance"](one[:9], other)


def test_coral():
    one, other = pair()
    wanted = np.linalg.norm(np.cov(one.T) - np.cov(other.T), "fro") ** 2 / (4 * 16)
    assert SCORES["coral"](one, other) == pytest.approx(wanted, rel=1e-9)


@pytest.mark.parametrize("d", [4, 40, 60])
def test_frechet(d):
    one, other = pair(40, 40, d)

    def covariance(rows: np.ndarray) -> np.ndarray:
        found = np.cov(rows.T)
        if len(rows) > d:
            return found
        weight = LedoitWolf().fit(rows).shrinkage_
        return (1 - weight) * found + weight * np.trace(found) / d * np.eye(d)

    a, b = covariance(one), covariance(other)
    wanted = ((one.mean(axis=0) - other.mean(axis=0)) ** 2).sum() + np.trace(a + b - 2 * sqrtm(a @ b).real)
    assert SCORES["frechet"](one, other) == pytest.approx(wanted, rel=1e-7)


@pytest.mark.parametrize("name", ["coral", "frechet"])
def test_a_set_has_no_distance_from_itself(name):
    one, _ = pair()
    assert SCORES[name](one, one) == pytest.approx(0, abs=1e-9)


def test_frechet_takes_equal_numbers():
    one, other = pair(40, 4_000)
    value = SCORES["frechet"](one, other)
    assert value == SCORES["frechet"](one, other)
    assert value != pytest.approx(SCORES["frechet"](np.tile(one, (100, 1)), other), rel=1e-6)
