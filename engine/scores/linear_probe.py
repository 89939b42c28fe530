"""Linear probe: multinomial logistic regression with an L2 penalty on standardised features.

Alain & Bengio 2016 ("Understanding intermediate layers using linear classifier probes"); protocol of Kornblith et al.
2019, section 3: L-BFGS, the penalty chosen on validation from a log grid and refit on train and validation. We
standardise on train first, so that one grid is fair to depths of different width and scale.

On features (n_samples, n_features) and labels alone: five stratified, seeded folds; each is the test part once, the next one
chooses the penalty, the rest trains, so every image is tested once by a probe that never saw it; from 5,000 images on, one such
round. Range 0..1. Ignores: what is not linear. Public implementations often fix C, which is unfair to depths of other width.
"""

from __future__ import annotations

import contextlib
import functools
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from engine.scores import _folds
from engine.scores._base import SCORES, FeatureSplit, Measured, Score

if TYPE_CHECKING:
    from threadpoolctl import ThreadpoolController

# Every fourth point, rounded, of the usual logspace(-6, 5, 45): neighbours differ by less than one validation image here.
GRID = tuple(10.0**power for power in range(-6, 6))
MAX_ITERATIONS = 1_000
TOLERANCE = 1e-6
"""Of the mean gradient: at scikit-learn's 1e-4, warm starts at weak penalties stop 3 % above the optimum."""
SMALL = 2_000_000
"""Numbers in the training features below which threads cost more than they give (3 to 16 times on a busy machine)."""
FOLDS = 5
LARGE = 5_000
"""Images from which on one fold alone tests well enough (a thousand images: +-3 points)."""


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
        step: called between two fits; may raise to stop.

    Raises:
        ValueError: a class has no training image (a split of ours always gives it one).
    """
    if set(split.train_labels) < {*split.validation_labels, *split.test_labels, *range(split.train_labels.max() + 1)}:
        raise ValueError("every class needs a training image")
    with _threads_for(split.train):
        return _solve(split, step)


def _solve(split: FeatureSplit, step: Callable[[], None]) -> Probe:
    mean, scale = _standard(split.train)
    train, basis = _narrow((split.train - mean) / scale)
    validation = (split.validation - mean) / scale @ basis
    best, chosen, accuracy, loss = (-1.0, -np.inf), GRID[0], 0.0, np.inf
    model = _model()
    for c in GRID:
        step()
        weight, bias = _fit(model, train, split.train_labels, c)
        logits = validation @ weight.T + bias
        hit = float(np.mean(logits.argmax(1) == split.validation_labels))
        cost = log_loss(logits, split.validation_labels)
        if (hit, -cost) > best:
            best, chosen, accuracy, loss = (hit, -cost), c, hit, cost
    features, labels = split.labelled
    mean, scale = _standard(features)
    narrow, basis = _narrow((features - mean) / scale)
    weight, bias = _fit(_model(), narrow, labels, chosen)
    weight = weight @ basis.T
    return Probe(weight / scale, bias - (weight / scale) @ mean, chosen, accuracy, loss)


def log_loss(logits: np.ndarray, labels: np.ndarray) -> float:
    """Mean negative log likelihood of logits (n, n_classes), in nats."""
    shifted = logits - logits.max(1, keepdims=True)
    return float(np.mean(np.log(np.exp(shifted).sum(1)) - shifted[np.arange(len(labels)), labels]))


def measure(split: FeatureSplit, step: Callable[[], None] = lambda: None) -> Measured:
    """Test accuracy of the solved probe; `step` as in `solve`."""
    probe = solve(split, step)
    predicted = (split.test @ probe.weight.T + probe.bias).argmax(1)
    detail = {"C": probe.c, "validation_accuracy": probe.validation_accuracy}
    return Measured(float(np.mean(predicted == split.test_labels)), len(split.test_labels), detail, probe)


def compute(features: np.ndarray, classes: np.ndarray, *, rounds: int | None = None, seed: int = 0) -> float:
    """Accuracy on held-out folds of features (n, d) and class numbers (n,); `rounds` of the five folds are tested."""
    tested, predicted = held_out(features, classes, rounds or (FOLDS if len(features) < LARGE else 1), seed)
    return float(np.mean(predicted == classes[tested]))


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


def _narrow(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Rows (n, d) in an orthonormal basis of their own span: (n, k) and the basis (d, k), k = min(n, d).

    With more features than images the penalised weights lie in the span of the rows (representer theorem), so nothing is
    lost, and the solver sees n numbers per image instead of d.
    """
    n, d = rows.shape
    if d <= n:
        return rows, np.eye(d)
    left, sizes, basis = np.linalg.svd(rows, full_matrices=False)
    return left * sizes, basis.T


def _standard(features: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    scale = features.std(0)
    mean = features.mean(0)
    # Relative to the column's size: the rounding of a large constant is not a signal, a small signal is not a constant.
    return mean, np.where(scale > 1e-10 * (np.abs(mean) + scale), scale, 1.0)


def _model() -> object:
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression(solver="lbfgs", tol=TOLERANCE, max_iter=MAX_ITERATIONS, warm_start=True)


def _threads_for(features: np.ndarray) -> contextlib.AbstractContextManager:
    if features.size >= SMALL:
        return contextlib.nullcontext()
    return _pools().limit(limits=1, user_api="blas")


@functools.cache
def _pools() -> ThreadpoolController:
    import sklearn.linear_model  # noqa: F401  (first: the look below sees loaded libraries only)
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()  # looks through all of them, so once


def _fit(model: object, features: np.ndarray, labels: np.ndarray, c: float) -> tuple[np.ndarray, np.ndarray]:
    from sklearn.exceptions import ConvergenceWarning

    model.C = c
    with warnings.catch_warnings():
        # Nearly separable data at a weak penalty: stopping at the limit of iterations is what validation judges.
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(features, labels)
    if len(model.classes_) == 2:
        # One row for two classes; half of it each gives the same probabilities.
        return np.concatenate([-model.coef_, model.coef_]) / 2, np.concatenate(
            [-model.intercept_, model.intercept_]
        ) / 2
    return model.coef_, model.intercept_


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
