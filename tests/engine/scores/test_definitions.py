"""Scores of features and labels against their definitions written out plainly."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.covariance import LedoitWolf

from engine.errors import ScoreNotDefined
from engine.scores import SCORES, Score, _folds


def clouds(n: int = 60, d: int = 5, classes: int = 3, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    draws = np.random.default_rng(seed)
    labels = np.sort(draws.integers(0, classes, n))  # classes of different size
    return draws.normal(size=(n, d)) + draws.normal(size=(classes, d))[labels] + 1, labels


def expected(features: np.ndarray, labels: np.ndarray) -> np.ndarray:
    return np.stack([features[labels == one].mean(axis=0) for one in labels])


def test_h_score():
    features, labels = clouds()
    between = np.cov(expected(features, labels).T)
    wanted = np.trace(np.linalg.inv(np.cov(features.T)) @ between)
    assert SCORES["h_score"](features, labels) == pytest.approx(wanted, rel=1e-9)


def test_h_score_of_perfect_features_is_the_number_of_classes_less_one():
    labels = np.arange(80) % 4
    assert SCORES["h_score"](np.eye(4)[labels], labels) == pytest.approx(3)


@pytest.mark.parametrize("d", [59, 60, 300])
def test_h_score_is_refused_where_any_labels_score_the_most(d):
    features, labels = clouds(60, d)
    with pytest.raises(ScoreNotDefined, match="labels score"):
        SCORES["h_score"](features, labels)
    SCORES["h_score_regularised"](features, labels)


@pytest.mark.parametrize(("n", "d"), [(60, 5), (40, 40), (30, 100)])
def test_regularised_h_score_as_the_dense_form(n, d):
    features, labels = clouds(n, d)
    moved = features - features.mean(axis=0)
    fit = LedoitWolf().fit(moved)
    between = (1 - fit.shrinkage_) * np.cov(expected(moved, labels).T)
    wanted = np.trace(np.linalg.inv(fit.covariance_) @ between)
    assert SCORES["h_score_regularised"](features, labels) == pytest.approx(wanted, rel=1e-8)


@pytest.mark.parametrize(("n", "d"), [(60, 5), (30, 50)])
def test_transrate(n, d):
    features, labels = clouds(n, d)
    moved = features - features.mean(axis=0)

    def rate(rows: np.ndarray) -> float:
        return np.linalg.slogdet(np.eye(d) + rows.T @ rows / (len(rows) * 1e-4))[1] / 2

    def whole(rows: np.ndarray) -> float:
        return rate(rows) - sum(np.mean(labels == one) * rate(rows[labels == one]) for one in range(3))

    assert SCORES["transrate"](features, labels, normalise_trace=False) == pytest.approx(whole(moved), rel=1e-9)
    scaled = moved / np.sqrt((moved**2).sum(axis=1).mean())
    assert SCORES["transrate"](features, labels) == pytest.approx(whole(scaled), rel=1e-9)


@pytest.mark.parametrize("covariance", ["diagonal", "spherical"])
def test_gbc(covariance):
    features, labels = clouds()
    total = 0.0
    for i in range(3):
        for j in range(3):
            if i == j:
                continue
            one, other = features[labels == i], features[labels == j]
            v, w = one.var(axis=0), other.var(axis=0)
            if covariance == "spherical":
                v, w = np.full(5, v.mean()), np.full(5, w.mean())
            a, b, middle = np.diag(v), np.diag(w), np.diag((v + w) / 2)
            step = one.mean(axis=0) - other.mean(axis=0)
            distance = step @ np.linalg.inv(middle) @ step / 8
            distance += np.log(np.linalg.det(middle) / np.sqrt(np.linalg.det(a) * np.linalg.det(b))) / 2
            total -= np.exp(-distance)
    assert SCORES["gbc"](features, labels, covariance=covariance) == pytest.approx(total, rel=1e-9)


def test_nearest_class_mean_without_the_image_itself():
    features, labels = clouds()
    hits = []
    for place in range(len(labels)):
        others = np.arange(len(labels)) != place
        means = [features[others & (labels == one)].mean(axis=0) for one in range(3)]
        hits.append(np.argmin([np.linalg.norm(features[place] - mean) for mean in means]) == labels[place])
    assert SCORES["ncc"](features, labels) == pytest.approx(np.mean(hits))


def test_knn_alone_has_no_vote_of_the_image_itself():
    draws = np.random.default_rng(0)
    features, labels = draws.normal(size=(200, 8)), np.arange(200) % 4
    assert SCORES["knn"](features, labels, k=1) < 0.4  # with itself it would be 1


def test_leep_and_nce_by_hand():
    draws = np.random.default_rng(0)
    theta, labels = draws.dirichlet(np.ones(4), size=50), np.arange(50) % 3
    joint = np.array([[theta[labels == one, z].sum() / 50 for z in range(4)] for one in range(3)])
    given = joint / joint.sum(axis=0)
    wanted = np.mean([np.log(sum(given[labels[i], z] * theta[i, z] for z in range(4))) for i in range(50)])
    assert SCORES["leep"](theta, labels) == pytest.approx(wanted, rel=1e-9)
    certain = np.eye(4)[theta.argmax(axis=1)]
    assert SCORES["nce"](theta, labels) == pytest.approx(SCORES["leep"](certain, labels), rel=1e-9)
    assert SCORES["leep"](np.eye(3)[labels], labels) == SCORES["nce"](np.eye(3)[labels], labels) == 0


def test_logits_are_not_probabilities():
    with pytest.raises(ScoreNotDefined, match="softmax"):
        SCORES["leep"](np.random.default_rng(0).normal(size=(10, 3)), np.arange(10) % 2)


def test_folds_keep_classes_apart_and_do_not_depend_on_their_numbers():
    classes = np.repeat([0, 1, 2], [3, 7, 20])
    fold = _folds.folds(classes, 5)
    assert len(set(fold[:3])) == 3
    assert [np.bincount(fold[classes == 2], minlength=5).tolist(), np.bincount(fold).tolist()] == [[4] * 5, [6] * 5]
    np.testing.assert_array_equal(fold, _folds.folds(np.array([2, 0, 1])[classes], 5))
    chosen = _folds.subset(classes, 15)
    assert len(set(chosen)) == 15
    assert abs(np.bincount(classes[chosen]) - [1.5, 3.5, 10]).max() <= 1


@pytest.mark.parametrize("score", [one for one in SCORES if one.kind != "two_sets"], ids=lambda score: score.name)
def test_a_class_for_every_image_says_nothing_and_is_refused(score):
    """The H-score of 1,000 random images of 1,000 classes was its maximum: any labels give it."""
    draws = np.random.default_rng(0)
    given = draws.dirichlet(np.ones(4), 12) if score.kind == "source_head" else draws.normal(size=(12, 4))
    with pytest.raises(
        ScoreNotDefined, match="each of the 12 samples is a class of its own, so the labels say nothing"
    ):
        score(given, np.arange(12))


def test_nce_of_predictions_that_never_repeat_is_refused():
    with pytest.raises(ScoreNotDefined, match="all 5 images are predicted as different classes: any labels score 0"):
        SCORES["nce"](np.eye(5), np.array([0, 0, 1, 1, 1]))
    assert SCORES["nce"](np.eye(4)[[0, 1, 2, 3, 3]], np.array([0, 0, 1, 1, 0])) == pytest.approx(-2 * np.log(2) / 5)


def test_frechet_distance_of_two_images_each_is_a_number_without_a_warning():
    for seed in range(20):
        one, other = np.random.default_rng(seed).normal(size=(2, 2, 8))
        assert SCORES["frechet"](one, other) > 0


def test_linear_algebra_of_two_small_sets_keeps_to_one_thread():
    """With all threads of a busy machine, the Frechet distance of two sets of 2,500 took 30 s instead of 0.4."""
    from threadpoolctl import threadpool_info

    seen = []

    def compute(first: np.ndarray, second: np.ndarray) -> float:
        seen.extend(pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas")
        return 0.0

    Score("probe_of_threads", "", "", (0, 1), "", compute, kind="two_sets")(np.eye(4), np.eye(4))
    assert set(seen) == {1}
