"""Variants of the proxy A-distance: what other classifiers of the two sets, and other errors of theirs, make of it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from engine.scores import linear_probe, proxy_a_distance
from engine.scores._logistic import Basis, path
from engine.scores._variants import VARIANTS, Variant, always

PENALTIES = tuple(10.0**power for power in range(-5, 5))
"""Of the most copied script, which takes the best of them."""
RATE, PASSES, BATCH, LEARNS = 0.01, 10, 2, 0.8
"""Of the library's one-layer network: its learning rate, passes, batch, and share of all images that it learns from."""


def _both(first: np.ndarray, second: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The two sets in one (n, d), and from which each row is (n,)."""
    return np.concatenate([first, second]), np.repeat([0, 1], [len(first), len(second)])


def _distance(error: float) -> float:
    return 2 * (1 - 2 * error)


def _errors(
    rows: np.ndarray, origin: np.ndarray, tested: np.ndarray, truth: np.ndarray, penalties: Sequence[float]
) -> list[float]:
    """Error rates on tested rows of logistic regressions of the origin, not standardised, for rising penalties."""
    found = path(Basis.of(rows), origin, 2, penalties, linear_probe.ROUGH)
    return [float(np.mean((tested @ weight.T + bias).argmax(axis=1) != truth)) for weight, bias in found]


def training_error(first: np.ndarray, second: np.ndarray) -> float:
    """2 (1 - 2 err) of a logistic regression (C = 1) on the images that it learned from."""
    rows, origin = _both(first, second)
    return _distance(_errors(rows, origin, rows, origin, (1.0,))[0])


def least_of_ten(first: np.ndarray, second: np.ndarray) -> float:
    """2 (1 - 2 err), err the least of ten penalties on the second half of each set, where each above 1/2 is 1 minus itself."""
    known = _both(first[: len(first) // 2], second[: len(second) // 2])
    hidden = _both(first[len(first) // 2 :], second[len(second) // 2 :])
    return _distance(min(min(error, 1 - error) for error in _errors(*known, *hidden, PENALTIES)))


def one_layer(first: np.ndarray, second: np.ndarray, *, seed: int = 0) -> float:
    """2 (1 - 2 err) on a fifth of all images of a linear unit that plain gradient descent trained on the others."""
    rows, origin = _both(first, second)
    draws = np.random.default_rng(seed)
    order = draws.permutation(len(rows))
    cut = int(LEARNS * len(rows))
    known, hidden = order[:cut], order[cut:]
    bound = rows.shape[1] ** -0.5
    weight, bias = draws.uniform(-bound, bound, rows.shape[1]), float(draws.uniform(-bound, bound))
    for _ in range(PASSES):
        shuffled = draws.permutation(known)
        for start in range(0, cut, BATCH):
            batch = shuffled[start : start + BATCH]
            logits = np.clip(rows[batch] @ weight + bias, -500, 500)
            pull = (1 / (1 + np.exp(-logits)) - origin[batch]) / len(batch)
            weight -= RATE * (pull @ rows[batch])
            bias -= RATE * float(pull.sum())
    return _distance(float(np.mean((rows[hidden] @ weight + bias >= 0) != origin[hidden])))


def half_taken_away(first: np.ndarray, second: np.ndarray) -> float:
    """2 (1 - 2 (accuracy - 1/2)) with our held-out accuracy."""
    rates, _ = proxy_a_distance._errors(first, second, proxy_a_distance.LIMIT, 0)
    return _distance(0.5 - float(rates.mean()))


VARIANTS.register(
    Variant(
        "proxy_a_distance", "training error", "takes the error of a logistic regression (C = 1) on the images that it learned"
        " from, where all count alike, so sets of unequal size are apart from the start",
        "tutorials, and code that scores a classifier on what it was fitted to", training_error,
        lambda shape: 2 * shape.n <= shape.d + 1,
        "no more images in both sets than features: a plane tells any two sets apart, so it is near 2 whatever they are",
    )
)  # fmt: skip
VARIANTS.register(
    Variant(
        "proxy_a_distance", "least of ten", "learns from the first half of each set and takes the least error of ten penalties"
        " on the second half, which also chose the penalty; errors above 1/2 are turned around, so it is never below"
        " 0, and all images count alike, so sets of unequal size are apart from the start",
        "the script that is copied most, after Ganin et al. 2016 (a linear SVM there; logistic regression here and in"
        " others)", least_of_ten,
    )
)  # fmt: skip
VARIANTS.register(
    Variant(
        "proxy_a_distance", "one layer, 10 passes", "trains one linear unit by gradient descent (rate 0.01, batches of 2, 10"
        " passes) on features that are not standardised, tests it on a fifth, where all images count alike, and lets the distance"
        " fall below 0",
        "the A-distance of a public transfer-learning library", one_layer,
    )
)  # fmt: skip
VARIANTS.register(
    Variant(
        "proxy_a_distance", "accuracy - 1/2", "puts the accuracy above chance where the error belongs",
        "a public tutorial", half_taken_away, always,
        "it is not the formula: it falls from 2 to 0 as the sets move apart",
    )
)  # fmt: skip
