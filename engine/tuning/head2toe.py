"""Head2Toe: a group lasso ranks the features of all depths, the best share of them by validation is solved for.

Ranking: minimise mean cross-entropy + penalty * sum over features of |row of weights|_2 on standardised features, by
accelerated proximal gradient (Beck & Teboulle 2009); a feature's score is the length of its row.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from engine.scores import FeatureSplit
from engine.scores.linear_probe import Probe, solve
from engine.tuning import _base

SHARES = (0.01, 0.05, 0.1, 0.3, 1.0)
"""Of all features, that may be kept."""
STEPS = 200


class Tuning(_base.Tuning):
    """Chooses the share by validation accuracy, then by lower validation loss, then the smaller."""

    def solve(self, depths: Sequence[FeatureSplit]) -> _base.Solved:
        train, validation, test = (
            np.concatenate([getattr(split, part) for split in depths], axis=1)
            for part in ("train", "validation", "test")
        )
        first = depths[0]
        scores = relevance(train, first.train_labels, self.setup.n_classes, self.settings["lasso"], self.setup.step)
        order = np.argsort(-scores, kind="stable")
        best: tuple[tuple[float, float], np.ndarray, Probe] | None = None
        for kept in sorted({max(1, round(share * len(order))) for share in SHARES}):
            chosen = np.sort(order[:kept])
            probe = solve(
                FeatureSplit(
                    train[:, chosen], first.train_labels, validation[:, chosen], first.validation_labels,
                    test[:, chosen], first.test_labels,
                ),
                self.setup.step,
            )  # fmt: skip
            rank = (probe.validation_accuracy, -probe.validation_loss)
            if best is None or rank > best[0]:
                best = (rank, chosen, probe)
        _, chosen, probe = best
        weight = np.zeros((len(probe.bias), train.shape[1]))
        weight[:, chosen] = probe.weight
        notice = f"{len(chosen):,} of the {train.shape[1]:,} features of all depths are kept"
        return _base.Solved(weight, probe.bias, probe.validation_accuracy, probe.validation_loss, notice)


def relevance(
    features: np.ndarray, labels: np.ndarray, n_classes: int, lasso: float, step: Callable[[], None] = lambda: None
) -> np.ndarray:
    """Length of every feature's row of weights under the group lasso: features (n, d) -> (d,), 0 = not needed.

    Args:
        features: of the training images.
        labels: class numbers (n,).
        n_classes: how many there are.
        lasso: penalty as a share of the smallest one at which all rows are zero, 0..1.
        step: called now and then; may raise to stop.
    """
    scale = features.std(0)
    rows = (features - features.mean(0)) / np.where(scale > 1e-10, scale, 1.0)
    rows[:, scale <= 1e-10] = 0.0
    target = np.eye(n_classes)[labels]
    n = len(rows)
    # The gradient at zero weights with the intercepts solved: class frequencies.
    penalty = lasso * np.linalg.norm(rows.T @ (target.mean(0) - target) / n, axis=1).max()
    rate = 1 / (0.5 * np.linalg.norm(rows, 2) ** 2 / n + 1e-12)
    weight = ahead = np.zeros((rows.shape[1], n_classes))
    bias, momentum = np.log(np.maximum(target.mean(0), 1e-12)), 1.0
    for place in range(STEPS):
        if place % 20 == 0:
            step()
        logits = rows @ ahead + bias
        odds = np.exp(logits - logits.max(1, keepdims=True))
        gradient = odds / odds.sum(1, keepdims=True) - target
        bias = bias - gradient.mean(0)
        moved = ahead - rate * (rows.T @ gradient) / n
        length = np.linalg.norm(moved, axis=1, keepdims=True)
        new = moved * np.maximum(0.0, 1 - rate * penalty / np.maximum(length, 1e-30))
        momentum, before = (1 + np.sqrt(1 + 4 * momentum**2)) / 2, momentum
        weight, ahead = new, new + (before - 1) / momentum * (new - weight)
    return np.linalg.norm(weight, axis=1)
