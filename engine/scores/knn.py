"""Weighted nearest neighbours in cosine similarity: k = 20, weights exp(similarity / 0.07).

Wu et al. 2018 ("Unsupervised feature learning via non-parametric instance discrimination"), section 3.4, with the k that
DINO (Caron et al. 2021) reports; k is the number of labelled images where there are fewer.

On features (n_samples, n_features) and labels alone each image is predicted from all others (leave one out); above 10,000
images that is done for a stratified, seeded subset of 10,000. Range 0..1. Ignores: the length of the features. Public
implementations differ in k (1 to 200) and in whether votes are weighed.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from engine.scores import _folds
from engine.scores._base import SCORES, FeatureSplit, Measured, Score

NEIGHBOURS = 20
TEMPERATURE = 0.07
CHUNK = 1_024
"""Test images compared at once: bounds the similarity matrix."""
LIMIT = 10_000
"""Images predicted in leave-one-out."""


def predict(
    reference: np.ndarray,
    labels: np.ndarray,
    queries: np.ndarray,
    k: int = NEIGHBOURS,
    own: np.ndarray | None = None,
) -> np.ndarray:
    """Predicted labels of queries (n, n_features) from labelled references (m, n_features): int64 (n,).

    `own` (n,), where given, is the place of each query among the references; it has no vote on itself.
    """
    k = min(k, len(reference) - (own is not None))
    reference, queries = _unit_rows(reference), _unit_rows(queries)
    n_classes = int(labels.max()) + 1
    predicted = []
    for start in range(0, len(queries), CHUNK):
        similarity = queries[start : start + CHUNK] @ reference.T
        if own is not None:
            similarity[np.arange(len(similarity)), own[start : start + CHUNK]] = -np.inf
        nearest = np.argpartition(-similarity, k - 1, axis=1)[:, :k]
        weights = np.exp((np.take_along_axis(similarity, nearest, 1) - 1.0) / TEMPERATURE)
        votes = np.zeros((len(similarity), n_classes))
        np.add.at(votes, (np.arange(len(similarity))[:, None], labels[nearest]), weights)
        predicted.append(votes.argmax(1))
    return np.concatenate(predicted)


def _unit_rows(features: np.ndarray) -> np.ndarray:
    length = np.linalg.norm(features, axis=1, keepdims=True)
    return features / np.where(length > 0, length, 1.0)


def measure(split: FeatureSplit, step: Callable[[], None] = lambda: None) -> Measured:
    """Test accuracy with train and validation images as references."""
    reference, labels = split.labelled
    hits = predict(reference, labels, split.test) == split.test_labels
    return Measured(float(np.mean(hits)), len(hits), {"k": min(NEIGHBOURS, len(reference)), "metric": "cosine"})


def compute(features: np.ndarray, classes: np.ndarray, *, k: int = NEIGHBOURS, limit: int = LIMIT) -> float:
    """Leave-one-out accuracy on features (n, d) and class numbers (n,), every class with two images or more."""
    places = _folds.subset(classes, limit)
    return float(np.mean(predict(features, classes, features[places], k, places) == classes[places]))


SCORES.register(
    Score(
        name="knn",
        label="kNN accuracy",
        metric="knn_accuracy",
        formula="argmax_c sum over the k nearest of class c of exp(cos / 0.07)",
        range=(0.0, 1.0),
        source="Wu et al. 2018, section 3.4; Caron et al. 2021",
        compute=compute,
        measure=measure,
        invariances=frozenset("rotation column_order scale row_order class_ids zero_column".split()),
        ignores="the length of the features",
        refuses="alone: a class with one image, of which nothing is left when it is left out",
        differs="k is 1 to 200, and votes are often not weighed",
        least_per_class=2,
    )
)
