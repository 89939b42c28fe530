"""Linear probe: multinomial logistic regression with an L2 penalty on standardised features.

Alain & Bengio 2016 ("Understanding intermediate layers using linear classifier probes"); protocol of Kornblith et al.
2019, section 3: L-BFGS, the penalty chosen on validation from a log grid and refit on train and validation. We
standardise on train first, so that one grid is fair to depths of different width and scale.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np

from engine.scores._base import SCORES, FeatureSplit, Measured, Score

# Every fourth point, rounded, of the usual logspace(-6, 5, 45): neighbours differ by less than one validation image here.
GRID = tuple(10.0**power for power in range(-6, 6))
MAX_ITERATIONS = 1_000


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


def solve(split: FeatureSplit) -> Probe:
    """Choose C on validation (accuracy, then lower log loss, then the stronger penalty), refit on train and validation."""
    mean, scale = _standard(split.train)
    train, validation = (split.train - mean) / scale, (split.validation - mean) / scale
    best, chosen, accuracy, loss = (-1.0, -np.inf), GRID[0], 0.0, np.inf
    model = _model()
    for c in GRID:
        weight, bias = _fit(model, train, split.train_labels, c)
        logits = validation @ weight.T + bias
        hit = float(np.mean(logits.argmax(1) == split.validation_labels))
        cost = log_loss(logits, split.validation_labels)
        if (hit, -cost) > best:
            best, chosen, accuracy, loss = (hit, -cost), c, hit, cost
    features, labels = split.labelled
    mean, scale = _standard(features)
    weight, bias = _fit(_model(), (features - mean) / scale, labels, chosen)
    return Probe(weight / scale, bias - (weight / scale) @ mean, chosen, accuracy, loss)


def log_loss(logits: np.ndarray, labels: np.ndarray) -> float:
    """Mean negative log likelihood of logits (n, n_classes), in nats."""
    shifted = logits - logits.max(1, keepdims=True)
    return float(np.mean(np.log(np.exp(shifted).sum(1)) - shifted[np.arange(len(labels)), labels]))


def measure(split: FeatureSplit) -> Measured:
    """Test accuracy of the solved probe."""
    probe = solve(split)
    predicted = (split.test @ probe.weight.T + probe.bias).argmax(1)
    detail = {"C": probe.c, "validation_accuracy": probe.validation_accuracy}
    return Measured(float(np.mean(predicted == split.test_labels)), len(split.test_labels), detail, probe)


def _standard(features: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    scale = features.std(0)
    return features.mean(0), np.where(scale > 1e-12, scale, 1.0)


def _model() -> object:
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression(solver="lbfgs", max_iter=MAX_ITERATIONS, warm_start=True)


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
        measure=measure,
    )
)
