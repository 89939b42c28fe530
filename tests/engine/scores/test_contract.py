"""The contract of scores that runs measure on a split; the properties are those of the project's list of traps."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from engine.scores import SCORES, FeatureSplit

# The others are tested by enumeration in `test_alone`; these are fitted on one part and read on another.
ACCURACIES = ("linear_probe", "knn")
every_score = pytest.mark.parametrize("score", [SCORES[name] for name in ACCURACIES], ids=lambda score: score.name)


def split(features: np.ndarray, labels: np.ndarray, seed: int = 0) -> FeatureSplit:
    """Half to train, a fifth to validate, the rest to test."""
    order = np.random.default_rng(seed).permutation(len(labels))
    cuts = [len(labels) // 2, len(labels) * 7 // 10]
    parts = [(features[place], labels[place]) for place in np.split(order, cuts)]
    return FeatureSplit(*parts[0], *parts[1], *parts[2])


def blobs(n: int = 300, d: int = 12, classes: int = 4, spread: float = 1.0, seed: int = 0):
    """Clouds around one centre per class, away from the origin, with columns of different size."""
    draws = np.random.default_rng(seed)
    labels = np.arange(n) % classes
    centres = draws.normal(size=(classes, d)) * 1.2
    return centres[labels] + spread * draws.normal(size=(n, d)) + 0.5, labels


def changed(parts: FeatureSplit, change) -> FeatureSplit:
    return dataclasses.replace(
        parts, train=change(parts.train), validation=change(parts.validation), test=change(parts.test)
    )


@pytest.fixture(scope="module")
def ordinary() -> FeatureSplit:
    return split(*blobs())


@every_score
def test_it_says_what_it_is(score):
    assert score.label
    assert score.formula
    assert score.source
    assert score.metric.isidentifier()
    assert score.range[0] < score.range[1]
    assert score.kind == "labelled"


@every_score
def test_perfect_features_give_the_best_value(score):
    labels = np.arange(120) % 4
    measured = score.measure(split(np.eye(4)[labels], labels))
    assert measured.value == score.range[1] == 1.0
    assert measured.n_images == 36


@every_score
def test_shuffled_labels_are_near_chance(score):
    values = []
    for seed in range(3):
        features, labels = blobs(seed=seed)
        values.append(score.measure(split(features, np.random.default_rng(seed).permutation(labels))).value)
    assert abs(np.mean(values) - 0.25) < 0.1


@every_score
def test_it_is_between_its_bounds_and_better_than_chance_on_ordinary_features(score, ordinary):
    value = score.measure(ordinary).value
    assert 0.5 < value < 1.0


@every_score
def test_measuring_twice_gives_the_same_bits_and_changes_nothing(score, ordinary):
    before = ordinary.train.copy()
    assert score.measure(ordinary).value == score.measure(ordinary).value
    np.testing.assert_array_equal(ordinary.train, before)


@every_score
@pytest.mark.parametrize("scale", [1e-9, 1e-3, 1e6])
def test_one_scale_for_everything_changes_nothing(score, ordinary, scale):
    assert score.measure(changed(ordinary, lambda rows: rows * scale)).value == score.measure(ordinary).value


@every_score
def test_a_rotation_changes_nothing_where_the_score_has_no_axes(score, ordinary):
    turn, _ = np.linalg.qr(np.random.default_rng(1).normal(size=(12, 12)))
    value, turned = score.measure(ordinary).value, score.measure(changed(ordinary, lambda rows: rows @ turn)).value
    # The probe standardises each column, which depends on the axes; two images of ninety may change.
    assert abs(value - turned) <= (0.0 if score.name == "knn" else 2 / 90 + 1e-12)


@every_score
def test_other_numbers_for_the_classes_change_nothing(score, ordinary):
    other = np.array([2, 0, 3, 1])
    renamed = dataclasses.replace(
        ordinary,
        train_labels=other[ordinary.train_labels],
        validation_labels=other[ordinary.validation_labels],
        test_labels=other[ordinary.test_labels],
    )
    assert score.measure(renamed).value == pytest.approx(score.measure(ordinary).value, abs=1 / 90 + 1e-12)


@every_score
def test_the_order_of_test_images_changes_nothing(score, ordinary):
    order = np.random.default_rng(3).permutation(len(ordinary.test))
    turned = dataclasses.replace(ordinary, test=ordinary.test[order], test_labels=ordinary.test_labels[order])
    assert score.measure(turned).value == score.measure(ordinary).value


@every_score
def test_single_and_double_precision_agree(score, ordinary):
    single = changed(ordinary, lambda rows: rows.astype(np.float32))
    assert score.measure(single).value == pytest.approx(score.measure(ordinary).value, abs=1 / 90 + 1e-12)


@every_score
def test_columns_without_information_do_no_harm(score, ordinary):
    constant = changed(ordinary, lambda rows: np.concatenate([rows, np.zeros((len(rows), 3))], axis=1))
    assert score.measure(constant).value == pytest.approx(score.measure(ordinary).value, abs=1 / 90 + 1e-12)


@every_score
def test_features_that_are_all_the_same_give_chance_and_no_warning(score):
    labels = np.arange(60) % 3
    for value in (0.0, 0.1, 1e6):
        assert 0 <= score.measure(split(np.full((60, 5), value), labels)).value <= 0.6


@every_score
def test_two_classes(score):
    value = score.measure(split(*blobs(classes=2))).value
    assert 0.7 < value <= 1.0


@every_score
def test_more_features_than_images(score):
    features, labels = blobs(n=40, d=200, classes=4)
    assert score.measure(split(features, labels)).value > 0.5


@every_score
def test_very_few_images(score):
    labels = np.array([0, 1, 0, 1, 0, 1])
    tiny = FeatureSplit(
        np.eye(2)[labels[:2]], labels[:2], np.eye(2)[labels[2:4]], labels[2:4], np.eye(2)[labels[4:]], labels[4:]
    )
    assert score.measure(tiny).value == 1.0


@every_score
def test_repeated_rows(score, ordinary):
    twice = dataclasses.replace(
        ordinary, train=np.repeat(ordinary.train, 2, axis=0), train_labels=np.repeat(ordinary.train_labels, 2)
    )
    assert score.measure(twice).value > 0.5
