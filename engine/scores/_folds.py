"""Stratified parts of a labelled set that do not depend on the numbers of the classes."""

from __future__ import annotations

import numpy as np


def _by_class(classes: np.ndarray, seed: int) -> np.ndarray:
    """Places (n,) in random order, those of one class next to each other, classes in order of their first draw."""
    drawn = np.random.default_rng(seed).permutation(len(classes))
    _, first, inverse = np.unique(classes[drawn], return_index=True, return_inverse=True)
    return drawn[np.argsort(first[inverse], kind="stable")]


def folds(classes: np.ndarray, k: int, seed: int = 0) -> np.ndarray:
    """The fold 0..k-1 of each sample (n,); images of a class are dealt to folds in turn, so k of them are in k folds."""
    fold = np.empty(len(classes), dtype=np.int64)
    fold[_by_class(classes, seed)] = np.arange(len(classes)) % k
    return fold


def subset(classes: np.ndarray, limit: int, seed: int = 0) -> np.ndarray:
    """Places of at most `limit` samples, each class in proportion; all of them, in order, where there are no more."""
    n = len(classes)
    if n <= limit:
        return np.arange(n)
    return np.sort(_by_class(classes, seed)[np.linspace(0, n, limit, endpoint=False).astype(np.int64)])
