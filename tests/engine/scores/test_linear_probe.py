"""The linear probe against scikit-learn called directly."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import softmax
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression

from engine.scores import FeatureSplit, linear_probe
from engine.scores._logistic import Basis, path


@pytest.fixture(scope="module")
def digits() -> FeatureSplit:
    data = load_digits()
    order = np.random.default_rng(0).permutation(len(data.target))
    features, labels = data.data / 16, data.target
    a, b, c = order[:300], order[300:400], order[400:1200]
    return FeatureSplit(features[a], labels[a], features[b], labels[b], features[c], labels[c])


@pytest.fixture(scope="module")
def probe(digits) -> linear_probe.Probe:
    return linear_probe.solve(digits)


def standard(features: np.ndarray, by: np.ndarray) -> np.ndarray:
    scale = by.std(0)
    return (features - by.mean(0)) / np.where(scale > 0, scale, 1)


def test_accuracy_on_digits(digits):
    measured = linear_probe.measure(digits)
    assert measured.value > 0.92
    assert measured.n_images == 800
    assert set(measured.detail) == {"C", "validation_accuracy", "balanced_accuracy", "selectivity"}
    # Shuffled labels of ten classes are found by chance: about a tenth of them.
    assert measured.value - measured.detail["selectivity"] == pytest.approx(0.1, abs=0.05)


def test_balanced_accuracy_counts_every_class_once():
    draws = np.random.default_rng(0)
    labels = np.repeat([0, 1], [180, 20])
    rows = draws.normal(size=(200, 3)) + labels[:, None]
    order = draws.permutation(200)
    a, b, c = order[:100], order[100:130], order[130:]
    split = FeatureSplit(rows[a], labels[a], rows[b], labels[b], rows[c], labels[c])
    measured = linear_probe.measure(split)
    hits = (split.test @ measured.solution.weight.T + measured.solution.bias).argmax(1) == split.test_labels
    wanted = (hits[split.test_labels == 0].mean() + hits[split.test_labels == 1].mean()) / 2
    assert measured.detail["balanced_accuracy"] == pytest.approx(wanted)
    assert measured.detail["balanced_accuracy"] < measured.value


def test_logits_on_raw_features_are_those_of_a_direct_fit_on_standardised_ones(digits, probe):
    features, labels = digits.labelled
    direct = LogisticRegression(C=probe.c, max_iter=5_000, tol=1e-8).fit(standard(features, features), labels)
    ours = digits.test @ probe.weight.T + probe.bias
    wanted = direct.decision_function(standard(digits.test, features))
    agree = np.mean(ours.argmax(1) == wanted.argmax(1))
    assert agree > 0.99
    centred = [logits - logits.mean(1, keepdims=True) for logits in (ours, wanted)]
    np.testing.assert_allclose(centred[0], centred[1], atol=0.05 * np.abs(wanted).max())


def objective(weight, bias, features, labels, c) -> float:
    """What scikit-learn minimises: C times the summed log loss plus half the squared weights."""
    loss = linear_probe.log_loss(features @ weight.T + bias, labels) * len(labels)
    return float(c * loss + 0.5 * (weight**2).sum())


@pytest.mark.parametrize("wide", [False, True])
def test_the_path_reaches_the_objective_of_direct_fits(digits, wide):
    rows, labels = (digits.train[:50], digits.train_labels[:50]) if wide else (digits.train, digits.train_labels)
    features, grid = standard(rows, rows), (1e-4, 1e-2, 1.0, 1e2)
    for c, (weight, bias) in zip(grid, path(Basis.of(features), labels, 10, grid), strict=True):
        direct = LogisticRegression(C=c, max_iter=10_000, tol=1e-10).fit(features, labels)
        wanted = objective(direct.coef_, direct.intercept_, features, labels, c)
        assert objective(weight, bias, features, labels, c) <= wanted * 1.01
    ((weight, bias),) = path(Basis.of(features), labels, 10, (c,), linear_probe.FINAL)
    assert objective(weight, bias, features, labels, c) <= wanted * 1.00001


def test_the_penalty_is_chosen_on_validation(digits, probe):
    train, validation = (standard(part, digits.train) for part in (digits.train, digits.validation))
    best = max(
        np.mean(
            LogisticRegression(C=c, max_iter=2_000).fit(train, digits.train_labels).predict(validation)
            == digits.validation_labels
        )
        for c in (1e-3, 1e-2, 1e-1, 1.0)
    )
    assert probe.c in linear_probe.GRID
    assert probe.validation_accuracy >= best - 0.011
    assert 0 < probe.validation_loss < np.log(10)


def test_the_test_part_does_not_matter_for_the_choice(digits, probe):
    other = FeatureSplit(
        digits.train,
        digits.train_labels,
        digits.validation,
        digits.validation_labels,
        digits.test * 0,
        digits.test_labels,
    )
    again = linear_probe.solve(other)
    np.testing.assert_array_equal(again.weight, probe.weight)
    assert again.c == probe.c


def test_log_loss_by_hand():
    logits = np.array([[0.0, np.log(3.0)], [1000.0, 0.0]])
    assert linear_probe.log_loss(logits, np.array([1, 0])) == pytest.approx((np.log(4 / 3) + 0) / 2)
    assert linear_probe.log_loss(logits, np.array([1, 1])) == pytest.approx((np.log(4 / 3) + 1000) / 2)


def test_two_classes_give_two_rows_with_the_same_probabilities():
    draws = np.random.default_rng(0)
    labels = np.arange(80) % 2
    features = draws.normal(size=(80, 3)) + labels[:, None]
    ((weight, bias),) = path(Basis.of(features), labels, 2, (1.0,), linear_probe.FINAL)
    direct = LogisticRegression(C=1.0, tol=1e-8).fit(features, labels)
    assert weight.shape == (2, 3)
    logits = features @ weight.T + bias
    np.testing.assert_allclose(
        1 / (1 + np.exp(logits[:, 0] - logits[:, 1])), direct.predict_proba(features)[:, 1], atol=1e-4
    )


def test_a_class_without_a_training_image_is_a_mistake_of_ours(digits):
    keep = digits.train_labels != 4
    broken = FeatureSplit(
        digits.train[keep],
        digits.train_labels[keep],
        digits.validation,
        digits.validation_labels,
        digits.test,
        digits.test_labels,
    )
    with pytest.raises(ValueError, match="training image"):
        linear_probe.solve(broken)


def test_a_large_constant_column_is_not_amplified(digits):
    def with_constant(rows: np.ndarray) -> np.ndarray:
        return np.concatenate([rows, np.full((len(rows), 1), 123_456.789)], axis=1)

    wide = FeatureSplit(
        with_constant(digits.train),
        digits.train_labels,
        with_constant(digits.validation),
        digits.validation_labels,
        with_constant(digits.test),
        digits.test_labels,
    )
    assert linear_probe.measure(wide).value == pytest.approx(linear_probe.measure(digits).value, abs=0.005)


def test_more_features_than_images_give_the_probe_of_the_dense_problem():
    draw = np.random.default_rng(3)
    rows, labels = draw.normal(size=(60, 200)), np.arange(60) % 3
    rows[np.arange(60), labels] += 2.0
    split = FeatureSplit(rows[:36], labels[:36], rows[36:48], labels[36:48], rows[48:], labels[48:])
    probe = linear_probe.solve(split)
    features, known = split.labelled
    standard = (features - features.mean(0)) / features.std(0)
    direct = LogisticRegression(C=probe.c, tol=1e-8, max_iter=10_000).fit(standard, known)
    logits = split.test @ probe.weight.T + probe.bias
    wanted = (split.test - features.mean(0)) / features.std(0) @ direct.coef_.T + direct.intercept_
    np.testing.assert_allclose(softmax(logits, axis=1), softmax(wanted, axis=1), atol=2e-4)


def test_a_probe_can_be_stopped_between_two_fits():
    class Enough(Exception):
        pass

    def stop():
        raise Enough

    labels = np.arange(12) % 2
    rows = np.random.default_rng(0).normal(size=(12, 4))
    with pytest.raises(Enough):
        linear_probe.solve(FeatureSplit(rows, labels, rows, labels, rows, labels), stop)


def test_a_large_fit_can_be_stopped_while_it_goes_on():
    from engine.scores._logistic import LONG, Basis, path

    draws = np.random.default_rng(0)
    features, labels = draws.normal(size=(2_000, 40)), np.arange(2_000) % 250
    assert features.shape[0] * (features.shape[1] + 1) * 250 >= LONG
    asked = []

    def stop() -> None:
        asked.append(1)
        if len(asked) == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        list(path(Basis.of(features), labels, 250, (1.0,), step=stop))
    assert len(asked) == 3
    asked.clear()
    list(path(Basis.of(features[:60]), labels[:60] % 3, 3, (1.0,), step=stop))
    assert not asked


def test_with_very_many_classes_one_fold_is_tested_alone():
    from engine.scores.linear_probe import _rounds

    assert _rounds(np.arange(3_000) % 1_000) == 1
    assert _rounds(np.arange(3_000) % 10) == 5
    assert _rounds(np.arange(6_000) % 10) == 1
