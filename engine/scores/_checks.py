"""What no score accepts, said once: malformed, not finite, one class, rows that are all the same."""

from __future__ import annotations

from typing import NoReturn

import numpy as np

from engine.errors import ScoreNotDefined

SMALLEST, LARGEST = 1e-60, 1e60
"""Sizes whose fourth power is still a number; outside, squares vanish or overflow without a word."""
SUM_TOLERANCE = 5e-3
"""How far a row of probabilities may be from 1: half precision over many classes."""


def matrix(score: str, values: np.ndarray) -> np.ndarray:
    """Features (n_samples, n_features) as finite float64, at least two rows and one column."""
    values = np.asarray(values)
    if values.dtype.kind not in "fiub":
        raise ScoreNotDefined(score, f"features must be numbers, not {values.dtype}")
    if values.ndim != 2:
        raise ScoreNotDefined(score, f"features must have the shape (n_samples, n_features), not {values.shape}")
    if values.shape[0] < 2 or values.shape[1] < 1:
        raise ScoreNotDefined(score, f"{values.shape[0]} samples of {values.shape[1]} features are too few")
    values = np.asarray(values, dtype=np.float64)
    wrong = int(np.count_nonzero(~np.isfinite(values).all(axis=1)))
    if wrong:
        raise ScoreNotDefined(score, f"{wrong} of {len(values)} samples hold NaN or infinity")
    size = np.abs(values).max()
    if size and not SMALLEST <= size <= LARGEST:
        raise ScoreNotDefined(score, f"the largest feature is {size:.0e}; allowed is {SMALLEST:.0e} to {LARGEST:.0e}")
    return values


def classes(score: str, labels: np.ndarray, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Labels (n,) of any ids, at least two classes: their ids (C,), and class numbers (n,) 0..C-1 without gaps."""
    labels = np.asarray(labels)
    if labels.shape != (n,):
        raise ScoreNotDefined(score, f"labels must have the shape ({n},), one per sample, not {labels.shape}")
    if labels.dtype.kind not in "fiubUSO":
        raise ScoreNotDefined(score, f"labels must be integers or strings, not {labels.dtype}")
    if labels.dtype.kind == "f" and not (np.isfinite(labels).all() and (labels == np.round(labels)).all()):
        raise ScoreNotDefined(score, "labels must be whole numbers")
    try:
        names, numbers = np.unique(labels, return_inverse=True)
    except TypeError as error:
        raise ScoreNotDefined(score, "labels are of mixed kinds") from error
    if len(names) < 2:
        raise ScoreNotDefined(score, f"there is one class only ({names[0]})")
    return names, numbers.astype(np.int64)


def enough(score: str, names: np.ndarray, counts: np.ndarray, least: int) -> None:
    """Refuse classes of fewer than `least` images, and one for every image; ids (C,) with their counts (C,)."""
    if (counts == 1).all():
        # Whatever the labels, the number would be the same: it is one of the features alone.
        n = len(counts)
        raise ScoreNotDefined(score, f"each of the {n} samples is a class of its own, so the labels say nothing")
    few = names[counts < least]
    if len(few):
        shown = ", ".join(str(name) for name in few[:5]) + (", ..." if len(few) > 5 else "")
        raise ScoreNotDefined(score, f"every class needs {least} images; fewer have {len(few)} classes: {shown}")


def refuse_constant(score: str) -> NoReturn:
    """For rows that are all the same."""
    raise ScoreNotDefined(score, "all samples have the same features")


def probabilities(score: str, values: np.ndarray) -> np.ndarray:
    """Rows (n_samples, n_source_classes) of probabilities, made to sum to one exactly."""
    total = values.sum(axis=1, keepdims=True)
    if values.min() < 0 or np.abs(total - 1).max() > SUM_TOLERANCE:
        raise ScoreNotDefined(score, "rows are not probabilities of the source classes (apply the softmax first)")
    return values / total


def fit_together(score: str, first: np.ndarray, second: np.ndarray, paired: bool) -> None:
    """Two sets: the same rows (paired) or the same columns."""
    axis, what = (0, "samples") if paired else (1, "features")
    if first.shape[axis] != second.shape[axis]:
        raise ScoreNotDefined(
            score, f"{first.shape[axis]} and {second.shape[axis]} {what}; they must be the same number"
        )


def centred(features: np.ndarray) -> np.ndarray:
    """Features (n, d) minus their mean; columns that are constant up to rounding become exactly zero."""
    mean = features.mean(axis=0)
    moved = features - mean
    # Relative to the column's size: the rounding of a large constant is not a signal, a small signal is not a constant.
    return np.where(np.abs(moved).max(axis=0) > 1e-10 * np.abs(mean), moved, 0.0)
