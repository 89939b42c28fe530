"""Silhouette: how much nearer each image is to its own class than to the nearest other one.

    mean over i of (b_i - a_i) / max(a_i, b_i)

a_i is the mean distance to the other images of the same class, b_i the least mean distance to another class; features
(n_samples, n_features); the metric is Euclidean by default, or cosine, and is named with the number. Range -1..1.
Above 10,000 images it is the mean over a stratified, seeded subset of 10,000, for the time it takes.
Ignores: everything but distances; classes of several clusters score low though a network could separate them.

Source: Rousseeuw 1987 ("Silhouettes: a graphical aid"), section 2; computed by scikit-learn. Public implementations differ in
the metric and rarely name it (digits: .163 Euclidean, .267 cosine).
"""

from __future__ import annotations

import numpy as np

from engine.errors import ScoreNotDefined
from engine.scores import _checks, _folds
from engine.scores._base import SCORES, Score

METRICS = ("euclidean", "cosine")
LIMIT = 10_000


def compute(
    features: np.ndarray, classes: np.ndarray, *, metric: str = "euclidean", limit: int = LIMIT, seed: int = 0
) -> float:
    """Silhouette of features (n, d) and class numbers (n,); metric is euclidean or cosine."""
    from sklearn.metrics import silhouette_score

    if metric not in METRICS:
        raise ScoreNotDefined("silhouette", f"metric is {metric!r}; known are {', '.join(METRICS)}")
    if metric == "euclidean":
        features = _checks.centred(features)  # distances from products lose digits far from the origin
    elif not features.any(axis=1).all():
        raise ScoreNotDefined("silhouette", "samples that are all zero have no direction, so no cosine")
    places = _folds.subset(classes, limit, seed)
    features, classes = features[places] / np.abs(features[places]).max(), classes[places]
    if np.bincount(classes)[classes].min() < 2:
        raise ScoreNotDefined("silhouette", f"{limit} samples leave classes with one image")
    return float(silhouette_score(features, classes, metric=metric))


SCORES.register(
    Score(
        name="silhouette",
        label="Silhouette (Euclidean)",
        formula="mean of (b - a) / max(a, b), a and b mean distances to the own and to the nearest other class",
        range=(-1.0, 1.0),
        source="Rousseeuw 1987, section 2",
        compute=compute,
        invariances=frozenset(
            "rotation column_order scale translation row_order class_ids zero_column constant_column".split()
        ),
        ignores="everything but distances; a class of several clusters scores low",
        refuses="a class with one image: it has no distance to its own class",
        differs="the metric is rarely named: .163 Euclidean, .267 cosine on digits",
        least_per_class=2,
    )
)
