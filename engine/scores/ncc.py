"""Nearest class mean: accuracy of the class whose mean is nearest, each image left out of its own class's mean.

    mean over i of [ |f_i - m'_y| < |f_i - m_c| for all c != y ],   f_i - m'_y = n_y / (n_y - 1) (f_i - m_y)

Features (n_samples, n_features), Euclidean distance; a tie counts as an error. Leaving out has this closed form, so the value
is exact, needs no folds and no seed. Range 0..1.
Ignores: the shape of the classes and correlation between features; the scale of columns decides which of them count.

Source: Mensink et al. 2013 ("Distance-based image classification"), section 3.2; the prototypical head of Snell et al. 2017.
Public implementations: most compare with means that hold the image itself, which is optimistic for few images of many features.
"""

from __future__ import annotations

import numpy as np

from engine.scores import _checks, _linalg
from engine.scores._base import SCORES, Score

CHUNK = 4_000_000
"""Distances held at once."""


def predict(reference: np.ndarray, classes: np.ndarray, queries: np.ndarray) -> np.ndarray:
    """Predicted class numbers (n,) of queries (n, d) from references (m, d) of classes 0..C-1, each with an image."""
    sums, counts = _linalg.class_sums(reference, classes)
    return _distances(queries, sums / counts[:, None]).argmin(axis=1)


def compute(features: np.ndarray, classes: np.ndarray) -> float:
    """Leave-one-out accuracy on features (n, d) and class numbers (n,), every class with two images or more."""
    moved = _checks.centred(features)  # distances from products lose digits far from the origin
    sums, counts = _linalg.class_sums(moved, classes)
    means = sums / counts[:, None]
    hits = 0
    step = max(1, CHUNK // len(counts))
    for start in range(0, len(moved), step):
        own = classes[start : start + step]
        distances = _distances(moved[start : start + step], means)
        rows = np.arange(len(own))
        left_out = distances[rows, own] * (counts[own] / (counts[own] - 1)) ** 2
        distances[rows, own] = np.inf
        hits += int((left_out < distances.min(axis=1)).sum())
    return hits / len(moved)


def _distances(rows: np.ndarray, means: np.ndarray) -> np.ndarray:
    """Squared distances (n, C)."""
    squared = (rows**2).sum(axis=1)[:, None] - 2 * rows @ means.T + (means**2).sum(axis=1)
    return np.maximum(squared, 0.0)


SCORES.register(
    Score(
        name="ncc",
        label="Nearest class mean",
        formula="accuracy of argmin_c |f - mean of class c|, each image left out of its own mean",
        range=(0.0, 1.0),
        source="Mensink et al. 2013, section 3.2; Snell et al. 2017",
        compute=compute,
        invariances=frozenset(
            "rotation column_order scale translation row_order class_ids zero_column constant_column".split()
        ),
        ignores="the shape of classes and correlation between features",
        refuses="a class with one image: nothing of it is left when the image is left out",
        differs="means that hold the image itself are optimistic",
        least_per_class=2,
    )
)
