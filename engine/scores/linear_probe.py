"""Linear probe: multinomial logistic regression with an L2 penalty on standardised features.

Alain & Bengio 2016 ("Understanding intermediate layers using linear classifier probes"); protocol of Kornblith et al.
2019, section 3: L-BFGS (here in whitened coordinates, warm-started along the grid; see `_logistic`), the penalty chosen on
validation from a log grid and refit on train and validation. We standardise on train first, so that one grid is fair to
depths of different width and scale.

On features (n_samples, n_features) and labels alone: five stratified, seeded folds; each is the test part once, the next one
chooses the penalty, the rest trains, so every image is tested once by a probe that never saw it; from 5,000 images on, or many
classes, one such round. Range 0..1. Ignores: what is not linear. Public implementations often fix C, which is unfair to depths
of other width.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from engine.scores import _folds
from engine.scores._base import SCORES, FeatureSplit, Measured, Score
from engine.scores._logistic import Basis, path
from engine.scores._threads import threads_for

# Every fourth point, rounded, of the usual logspace(-6, 5, 45): neighbours differ by less than one validation image here.
GRID = tuple(10.0**power for power in range(-6, 6))
FINAL, ROUGH = 1e-6, 1e-3
"""Tolerances (see `_logistic`) of the fit that is used, and of fits of which only an accuracy is wanted."""
FOLDS = 5
LARGE = 5_000
"""Images from which on one fold alone tests well enough (a thousand images: +-3 points)."""
LONG = 500_000
"""Images times classes from which on one fold alone is tested for the time it takes (3,000 images of 1,000 classes: a minute)."""


@dataclass(frozen=True)
class Probe:
    """A solved probe: logits are `features @ weight.T + bias` on raw, not standardised, features."""

    weight: np.ndarray
    """(n_classes, n_features)"""
    bias: np.ndarray
    """(n_classes,)"""
    c: float
    validation_accuracy: float
    validation_loss: float


def solve(split: FeatureSplit, step: Callable[[], None] = lambda: None) -> Probe:
    """Choose C on validation (accuracy, then lower log loss, then the stronger penalty), refit on train and validation.

    Args:
        split: the features of one depth.
        step: called between two fits, and during one that takes long; may raise to stop.

    Raises:
        ValueError: a class has no training image (a split of ours always gives it one).
    """
    if set(split.train_labels) < {*split.validation_labels, *split.test_labels, *range(split.train_labels.max() + 1)}:
        raise ValueError("every class needs a training image")
    with threads_for(split.train):
        return _solve(split, step)


def _solve(split: FeatureSplit, step: Callable[[], None]) -> Probe:
    mean, scale = standard(split.train)
    basis = Basis.of((split.train - mean) / scale)
    validation = (split.validation - mean) / scale
    n_classes = int(split.train_labels.max()) + 1
    best, chosen, accuracy, loss = (-1.0, -np.inf), GRID[0], 0.0, np.inf
    for c, (weight, bias) in zip(GRID, path(basis, split.train_labels, n_classes, GRID, ROUGH, step), strict=True):
        step()
        logits = validation @ weight.T + bias
        hit = float(np.mean(logits.argmax(1) == split.validation_labels))
        cost = log_loss(logits, split.validation_labels)
        if (hit, -cost) > best:
            best, chosen, accuracy, loss = (hit, -cost), c, hit, cost
    weight, bias = fit(*split.labelled, n_classes, chosen, step=step)
    return Probe(weight, bias, chosen, accuracy, loss)


def fit(
    features: np.ndarray,
    labels: np.ndarray,
    n_classes: int,
    c: float,
    tolerance: float = FINAL,
    step: Callable[[], None] = lambda: None,
) -> tuple[np.ndarray, np.ndarray]:
    """One fit at a known C: weights (n_classes, n_features) and intercepts (n_classes,) on raw features."""
    mean, scale = standard(features)
    ((weight, bias),) = path(Basis.of((features - mean) / scale), labels, n_classes, (c,), tolerance, step)
    return weight / scale, bias - (weight / scale) @ mean


def log_loss(logits: np.ndarray, labels: np.ndarray) -> float:
    """Mean negative log likelihood of logits (n, n_classes), in nats."""
    shifted = logits - logits.max(1, keepdims=True)
    return float(np.mean(np.log(np.exp(shifted).sum(1)) - shifted[np.arange(len(labels)), labels]))


def measure(split: FeatureSplit, step: Callable[[], None] = lambda: None) -> Measured:
    """Test accuracy of the solved probe; `step` as in `solve`.

    In detail also balanced accuracy (the mean over classes of the share found), and selectivity: accuracy minus that of a
    control, the same fit to labels that were shuffled once over all images (Hewitt & Liang 2019, "Designing and interpreting
    probes with control tasks", section 3), which says how much of it the probe could have learned by heart.
    """
    probe = solve(split, step)
    hits = (split.test @ probe.weight.T + probe.bias).argmax(1) == split.test_labels
    per_class = np.bincount(split.test_labels, hits) / np.maximum(np.bincount(split.test_labels), 1)
    there = np.unique(split.test_labels)
    step()
    accuracy = float(np.mean(hits))
    detail = {
        "C": probe.c,
        "validation_accuracy": probe.validation_accuracy,
        "balanced_accuracy": float(per_class[there].mean()),
        "selectivity": accuracy - _control(split, probe.c, step),
    }
    return Measured(accuracy, len(hits), detail, probe)


def _control(split: FeatureSplit, c: float, step: Callable[[], None]) -> float:
    """Test accuracy of a probe with this C where labels are shuffled over all images of the split."""
    features, labels = split.labelled
    shuffled = np.random.default_rng(0).permutation(np.concatenate([labels, split.test_labels]))
    known, hidden = shuffled[: len(labels)], shuffled[len(labels) :]
    with threads_for(features):
        weight, bias = fit(features, known, int(shuffled.max()) + 1, c, ROUGH, step)
    return float(np.mean((split.test @ weight.T + bias).argmax(1) == hidden))


def compute(features: np.ndarray, classes: np.ndarray, *, rounds: int | None = None, seed: int = 0) -> float:
    """Accuracy on held-out folds of features (n, d) and class numbers (n,); `rounds` of the five folds are tested."""
    tested, predicted = held_out(features, classes, rounds or _rounds(classes), seed)
    return float(np.mean(predicted == classes[tested]))


def _rounds(classes: np.ndarray) -> int:
    n = len(classes)
    return FOLDS if n < LARGE and n * (int(classes.max()) + 1) < LONG else 1


def held_out(
    features: np.ndarray, classes: np.ndarray, rounds: int = FOLDS, seed: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """Places (m,) of the tested images and their classes (m,) as predicted by probes that never saw them."""
    fold = _folds.folds(classes, FOLDS, seed)
    places, predicted = [], []
    for test in range(rounds):
        test_part, validation_part = fold == test, fold == (test + 1) % FOLDS
        train_part = ~(test_part | validation_part)
        cut = [part for where in (train_part, validation_part, test_part) for part in (features[where], classes[where])]
        probe = solve(FeatureSplit(*cut))
        places.append(np.flatnonzero(test_part))
        predicted.append((features[test_part] @ probe.weight.T + probe.bias).argmax(1))
    return np.concatenate(places), np.concatenate(predicted)


def standard(features: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and scale (n_features,) of features (n, n_features); the scale of a constant column is 1."""
    scale = features.std(0)
    mean = features.mean(0)
    # Relative to the column's size: the rounding of a large constant is not a signal, a small signal is not a constant.
    return mean, np.where(scale > 1e-10 * (np.abs(mean) + scale), scale, 1.0)


SCORES.register(
    Score(
        name="linear_probe",
        label="Linear probe accuracy",
        metric="probe_accuracy",
        formula="accuracy of argmax(W f + b), W and b from L2-penalised logistic regression",
        range=(0.0, 1.0),
        source="Alain & Bengio 2016; Kornblith et al. 2019, section 3",
        compute=compute,
        measure=measure,
        invariances=frozenset("scale translation class_ids zero_column constant_column".split()),
        ignores="what is not linear",
        refuses="alone: a class with fewer than three images (one each to train, to validate, to test)",
        differs="a fixed C is unfair to depths of other width",
        least_per_class=3,
    )
)
