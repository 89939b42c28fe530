"""kNN against a naive loop, and in its corners."""

from __future__ import annotations

import math

import numpy as np
import pytest
from sklearn.datasets import load_digits

from engine.scores import knn


def naive(reference, labels, query, k: int) -> int:
    """The definition, one query at a time."""

    def cosine(a, b):
        return sum(x * y for x, y in zip(a, b, strict=True)) / (math.hypot(*a) * math.hypot(*b))

    near = sorted(range(len(reference)), key=lambda place: -cosine(reference[place], query))[:k]
    votes: dict[int, float] = {}
    for place in near:
        label = int(labels[place])
        votes[label] = votes.get(label, 0.0) + math.exp(cosine(reference[place], query) / knn.TEMPERATURE)
    return max(sorted(votes), key=votes.__getitem__)


@pytest.mark.parametrize("k", [1, 7, 20, 1000])
def test_as_the_naive_loop(k):
    draws = np.random.default_rng(0)
    labels = draws.integers(0, 5, size=60)
    reference = draws.normal(size=(60, 6)) + labels[:, None] * 0.3
    queries = draws.normal(size=(40, 6)) + 0.5
    wanted = [naive(reference.tolist(), labels, query.tolist(), min(k, 60)) for query in queries]
    assert knn.predict(reference, labels, queries, k).tolist() == wanted


def test_chunks_do_not_matter(monkeypatch):
    draws = np.random.default_rng(1)
    reference, labels, queries = draws.normal(size=(30, 4)), draws.integers(0, 3, 30), draws.normal(size=(25, 4))
    whole = knn.predict(reference, labels, queries)
    monkeypatch.setattr(knn, "CHUNK", 7)
    np.testing.assert_array_equal(knn.predict(reference, labels, queries), whole)


def test_rows_of_zeros_have_no_direction_and_no_warning():
    labels = np.array([0, 1, 1])
    predicted = knn.predict(np.array([[0.0, 0.0], [1.0, 0.0], [0.9, 0.1]]), labels, np.array([[0.0, 0.0], [2.0, 0.0]]))
    assert predicted[1] == 1


def test_one_nearest_neighbour_on_digits():
    # Cosine, not the Euclidean distance of the reference value .987756 (5-fold), but near it.
    data = load_digits()
    order = np.random.default_rng(0).permutation(len(data.target))
    train, test = order[:1437], order[1437:]
    predicted = knn.predict(data.data[train], data.target[train], data.data[test], k=1)
    assert np.mean(predicted == data.target[test]) == pytest.approx(0.987756, abs=0.01)
