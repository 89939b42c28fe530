"""Variants of scores of linear algebra: LogME, the H-scores, TransRate, and the linear probe."""

from __future__ import annotations

import numpy as np

from engine.errors import ScoreNotDefined
from engine.scores import _linalg, h_score_regularised, linear_probe, transrate
from engine.scores._base import FeatureSplit
from engine.scores._logistic import Basis, path
from engine.scores._statistics import Statistics
from engine.scores._variants import VARIANTS, Variant, always, not_too_wide

STEPS, GUARD, CHANGE = 11, 1e-5, 1e-3
"""Of the fixed point as it is spread: its steps, what keeps its divisions from zero, the change at which it stops."""


def fixed_point(statistics: Statistics, factors: int) -> float:
    """LogME by the paper's fixed point (algorithm 1), with `factors` / 2 ln a in the evidence; mean over classes, per image.

    Args:
        statistics: of features (n, d) with their classes.
        factors: rank gives the evidence of the restricted model, n_features what the spread code has.
    """
    n, (s, explained) = len(statistics.features), (statistics.plain.energy[:, None], statistics.plain.explained)
    rest = np.maximum(statistics.counts - explained.sum(axis=0), 0.0)  # (C,)
    a, b = np.ones(len(rest)), np.ones(len(rest))
    evidence, going = np.zeros(len(rest)), np.ones(len(rest), dtype=bool)
    for _ in range(STEPS):
        ratio = a / b
        effective = (s / (s + ratio)).sum(axis=0)
        size = (s * explained / (s + ratio) ** 2).sum(axis=0)  # m'm
        residue = (explained / (1 + s / ratio) ** 2).sum(axis=0) + rest
        a, b = (
            np.where(going, new, old)
            for new, old in ((effective / (size + GUARD), a), ((n - effective) / (residue + GUARD), b))
        )
        found = factors * np.log(a) + n * np.log(b) - np.log(a + b * s).sum(axis=0) - b * residue - a * size
        evidence = np.where(going, found / 2 - n / 2 * np.log(2 * np.pi), evidence)
        going &= np.abs(a / b - ratio) > CHANGE * ratio
    return float(evidence.mean()) / n


def _spread_logme(split: FeatureSplit) -> float:
    return fixed_point(split.statistics, split.train.shape[1])


def _stopped_logme(split: FeatureSplit) -> float:
    return fixed_point(split.statistics, len(split.statistics.plain.energy))


VARIANTS.register(
    Variant(
        "logme", "D/2 ln a", "keeps D/2 ln a beside a sum of only rank(F) determinant terms, at a fixed point of 11 steps",
        "the fast version of the authors' code, copied into most toolboxes", _spread_logme,
        lambda shape: shape.plain_rank < shape.d,
        "rank below D: it adds (D - rank)/2 ln a to the evidence, which rises with D whatever the labels",
    )
)  # fmt: skip
VARIANTS.register(
    Variant(
        "logme", "11 steps", "is the right evidence at a fixed point that stops after 11 steps or a change of 0.1 %,"
        " not at its maximum", "You et al. 2021, algorithm 1, as it is implemented", _stopped_logme,
    )
)  # fmt: skip


def _between(statistics: Statistics) -> tuple[np.ndarray, np.ndarray]:
    """Pseudo-inverse of cov(F) with the usual cutoff of 1e-15, and cov(E[F | y]), both (d, d)."""
    moved = statistics.centred
    n, d = moved.shape
    not_too_wide("h_score", d)
    sums, counts = _linalg.class_sums(moved, statistics.classes)
    means = (sums / counts[:, None])[statistics.classes]
    return np.linalg.pinv(moved.T @ moved / (n - 1), rcond=1e-15), means.T @ means / (n - 1)


def _pseudo_inverse(split: FeatureSplit) -> float:
    inverse, between = _between(split.statistics)
    return float((inverse * between).sum())


def _elementwise(split: FeatureSplit) -> float:
    inverse, between = _between(split.statistics)
    return float((np.diag(inverse) * np.diag(between)).sum())


VARIANTS.register(
    Variant(
        "h_score", "pseudo-inverse", "never refuses: a pseudo-inverse with cutoff 1e-15 whatever N and D",
        "the authors' code and transfer-learning toolboxes", _pseudo_inverse, lambda shape: shape.rank >= shape.n - 1,
        "as many directions as images: any labels give about C - 1",
    )
)  # fmt: skip
VARIANTS.register(
    Variant(
        "h_score", "elementwise", "multiplies the two matrices element by element before the trace",
        "one public transfer-learning toolbox",
        _elementwise, always, "it is not the formula: a product of matrices is meant",
    )
)  # fmt: skip


DIRECTIONS = 0.9
"""Random directions of the paper's fast form, as a share of D."""
RIDGE = 0.01
"""Share of the mean variance within classes."""


def standardised(features: np.ndarray, classes: np.ndarray) -> float:
    """Regularised H-score of 0.9 D random directions (seed 0), each of variance 1; class means divided by N."""
    from sklearn.random_projection import GaussianRandomProjection

    n, d = features.shape
    draws = GaussianRandomProjection(n_components=max(1, round(DIRECTIONS * d)), random_state=0)
    rows = draws.fit_transform(features - features.mean(axis=0))
    rows /= rows.std(axis=0)
    return h_score_regularised.compute(Statistics(rows, classes)) * (n - 1) / n


def within_ridge(statistics: Statistics) -> float:
    """tr((W + r I)^-1 B), W and B the covariances within and between classes with divisor N, r = tr(W) / (100 D)."""
    moved, (n, d) = statistics.centred, statistics.features.shape
    not_too_wide("h_score_regularised", d)
    sums, counts = _linalg.class_sums(moved, statistics.classes)
    means = (sums / counts[:, None])[statistics.classes]
    rest = moved - means
    within = rest.T @ rest / n
    ridge = RIDGE * float(np.trace(within)) / d
    if ridge == 0:
        raise ScoreNotDefined("h_score_regularised", "its ridge is 0: images of a class are all the same")
    return float(np.trace(np.linalg.solve(within + ridge * np.eye(d), means.T @ means / n)))


VARIANTS.register(
    Variant(
        "h_score_regularised", "0.9 D directions", "first takes 0.9 D random directions, brings each to variance 1 and divides"
        " the means' covariance by N, so it changes with the draw and no longer weighs directions by their variance",
        "public code of the fast form in Ibrahim et al. 2021, section 4",
        lambda split: standardised(split.train, split.statistics.classes),
    )
)  # fmt: skip
VARIANTS.register(
    Variant(
        "h_score_regularised", "1 % ridge within", "has the covariance within classes and a fixed ridge of 1 % of its mean"
        " variance in place of the shrunk covariance", "public code that names it regularised H-score",
        lambda split: within_ridge(split.statistics), always,
        "it is not the formula: without the variance between classes below, it has no upper end",
    )
)  # fmt: skip


def _unscaled(split: FeatureSplit) -> float:
    return transrate.compute(split.statistics, normalise_trace=False)


def equal_weights(split: FeatureSplit) -> float:
    """TransRate with the scale left in and every class weighed 1/C."""
    statistics = split.statistics
    moved, n, e = statistics.centred, len(split.train), transrate.DISTORTION
    rate = 0.5 * float(np.log1p(statistics.about_mean.energy / (n * e)).sum())
    order = np.argsort(statistics.classes, kind="stable")
    parts = np.split(moved[order], np.cumsum(statistics.counts)[:-1])
    return rate - sum(0.5 * _linalg.log_det_plus_identity(rows, 1 / (len(rows) * e)) for rows in parts) / len(parts)


VARIANTS.register(
    Variant(
        "transrate", "scale left in", "takes the features in the scale that they have, so depths of larger values score more",
        "Huang et al. 2022, the formula as it is written", _unscaled,
    )
)  # fmt: skip
VARIANTS.register(
    Variant(
        "transrate", "classes 1/C", "leaves the scale in and weighs every class 1/C; the same as the line before where"
        " classes are of one size", "the listing in the paper's appendix and its copies", equal_weights,
    )
)  # fmt: skip


def _fixed_penalty(c: float, split: FeatureSplit) -> float:
    features, labels = split.labelled
    n_classes = int(labels.max()) + 1
    ((weight, bias),) = path(Basis.of(features), labels, n_classes, (c,), linear_probe.ROUGH)
    return float(np.mean((split.test @ weight.T + bias).argmax(1) == split.test_labels))


VARIANTS.register(
    Variant(
        "linear_probe", "C = 1", "fixes C = 1 on features that are not standardised: shallow and deep units get another"
        " penalty in effect", "scikit-learn's LogisticRegression as it comes", lambda split: _fixed_penalty(1.0, split),
    )
)  # fmt: skip
VARIANTS.register(
    Variant(
        "linear_probe", "C = 0.316", "fixes C = 0.316, found on one dataset, on features that are not standardised",
        "the example of a linear probe in CLIP's code", lambda split: _fixed_penalty(0.316, split),
    )
)  # fmt: skip
