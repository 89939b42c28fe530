"""Weighted nearest neighbours in cosine similarity: k = 20, weights exp(similarity / 0.07).

Wu et al. 2018 ("Unsupervised feature learning via non-parametric instance discrimination"), section 3.4, with the k that
DINO (Caron et al. 2021) reports; k is the number of labelled images where there are fewer.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from engine.scores._base import SCORES, FeatureSplit, Measured, Score

NEIGHBOURS = 20
TEMPERATURE = 0.07
CHUNK = 4_096
"""Test images compared at once: bounds the similarity matrix."""


def predict(reference: np.ndarray, labels: np.ndarray, queries: np.ndarray, k: int = NEIGHBOURS) -> np.ndarray:
    """Predicted labels of queries (n, n_features) from labelled references (m, n_features): int64 (n,)."""
    k = min(k, len(reference))
    reference, queries = _unit_rows(reference), _unit_rows(queries)
    n_classes = int(labels.max()) + 1
    predicted = []
    for start in range(0, len(queries), CHUNK):
        similarity = queries[start : start + CHUNK] @ reference.T
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


SCORES.register(
    Score(
        name="knn",
        label="kNN accuracy",
        metric="knn_accuracy",
        formula="argmax_c sum over the k nearest of class c of exp(cos / 0.07)",
        range=(0.0, 1.0),
        source="Wu et al. 2018, section 3.4; Caron et al. 2021",
        measure=measure,
    )
)
