"""LogME against the dense formula, also where there are fewer images than features."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.stats import multivariate_normal

from engine.errors import ScoreNotDefined
from engine.scores import SCORES

logme = SCORES["logme"]


def clouds(n: int, d: int, classes: int = 3, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    draws = np.random.default_rng(seed)
    labels = np.arange(n) % classes
    return draws.normal(size=(n, d)) + draws.normal(size=(classes, d))[labels], labels


def dense(features: np.ndarray, labels: np.ndarray) -> float:
    """The log density of N(0, F F' / a + I / b) itself, a and b found by a general search; no algebra of ours."""
    n = len(labels)

    def best(target: np.ndarray) -> float:
        def cost(logs: np.ndarray) -> float:
            covariance = features @ features.T / np.exp(logs[0]) + np.eye(n) / np.exp(logs[1])
            return -multivariate_normal(np.zeros(n), covariance).logpdf(target)

        tried = [minimize(cost, start, method="Nelder-Mead", tol=1e-9) for start in ([0, 0], [4, 2], [-2, 3])]
        return -min(one.fun for one in tried)

    return float(np.mean([best((labels == one).astype(float)) for one in np.unique(labels)])) / n


@pytest.mark.parametrize(("n", "d"), [(30, 5), (30, 29), (30, 30), (20, 50), (24, 200)])
def test_as_the_dense_density(n, d):
    features, labels = clouds(n, d)
    assert logme(features, labels) == pytest.approx(dense(features, labels), abs=1e-6)


def test_the_determinant_has_all_its_terms():
    """By the formula with D terms in ln|a I + b F'F|, at the maximum that is found on a fine grid."""
    features, labels = clouds(20, 60)
    n, d = features.shape
    gram = features.T @ features
    total = 0.0
    for one in range(3):
        target = (labels == one).astype(float)
        best = -np.inf
        for a in np.exp(np.linspace(-2, 10, 49)):
            for b in np.exp(np.linspace(0, 20, 41)):
                precision = a * np.eye(d) + b * gram
                m = b * np.linalg.solve(precision, features.T @ target)
                misfit = b * ((target - features @ m) ** 2).sum() + a * m @ m
                log_det = np.linalg.slogdet(precision)[1]
                best = max(best, (n * np.log(b / (2 * np.pi)) + d * np.log(a) - log_det - misfit) / 2)
        total += best / 3
    assert logme(features, labels) == pytest.approx(total / n, abs=2e-3)


def test_random_wide_features_have_no_evidence():
    draws = np.random.default_rng(0)
    assert logme(draws.normal(size=(200, 2048)), np.arange(200) % 10) == pytest.approx(-0.27, abs=0.05)


def test_true_labels_beat_shuffled_ones_with_few_images_of_many_features():
    features, labels = clouds(50, 2048, classes=5)
    assert logme(features, labels) > logme(features, np.random.default_rng(1).permutation(labels)) + 0.1


@pytest.mark.parametrize("n", [30, 90])
def test_perfect_features_have_unbounded_evidence(n):
    labels = np.arange(n) % 3
    with pytest.raises(ScoreNotDefined, match="no maximum"):
        logme(np.eye(3)[labels], labels)


def test_repeated_rows_with_fewer_images_than_features_are_fitted_exactly():
    features, labels = clouds(20, 50)
    with pytest.raises(ScoreNotDefined, match="no maximum"):
        logme(np.repeat(features, 2, axis=0), np.repeat(labels, 2))


@pytest.mark.parametrize("sizes", [(1, 1e-6, 1e5, 1, 1), (1, 1, 1, 1e7, 1e7)])
def test_columns_of_very_different_size_as_the_dense_density(sizes):
    """A Gram matrix alone loses the small columns beside the large one: squares differ by more than doubles can hold."""
    features, labels = clouds(30, 5)
    features = features * np.array(sizes)
    best, n = [], len(labels)
    left, size, _ = np.linalg.svd(features, full_matrices=False)
    for one in range(3):
        target = (labels == one).astype(float)
        along = (left.T @ target) ** 2
        rest = target @ target - along.sum()
        logs = np.linspace(-20, 60, 16_001)
        ratio = np.exp(logs)[:, None] / size**2
        misfit = (along * ratio / (1 + ratio)).sum(axis=1) + rest
        best.append(-0.5 * (n * np.log(2 * np.pi * misfit / n) + n + np.log1p(1 / ratio).sum(axis=1)).min())
    assert logme(features, labels) == pytest.approx(np.mean(best) / n, abs=1e-5)
