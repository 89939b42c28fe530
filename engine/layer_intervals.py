"""Intervals of the scores of one depth: of an accuracy over its test images, of any other score by resampling."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from engine import stats
from engine.errors import ScoreNotDefined
from engine.scores import FeatureSplit, Score

RESAMPLES = 100
LEAST, MOST = 20, 2_000
"""Resamples that may be asked for."""
WILSON = "Wilson interval over test images"
HALVES = "random halves of every class"


def interval_of(
    score: Score,
    split: FeatureSplit,
    value: float,
    n_images: int,
    resamples: int,
    *,
    source: tuple[np.ndarray, np.ndarray] | None = None,
    seed: int = 0,
    step: Callable[[], None] = lambda: None,
) -> dict[str, Any]:
    """A 95 % interval as plain values: low, high, interval (its kind); both None with the reason as its kind.

    Args:
        score: of labelled features or of a source head.
        split: the features of the depth.
        value: the score there.
        n_images: on which it was measured.
        resamples: of the training images; not used for an accuracy on test images.
        source: probabilities (n, n_source_classes) and labels (n,) where the score reads a source head.
        seed: of the draws.
        step: called before every resample; may raise to stop.
    """
    if score.name in ("linear_probe", "knn"):
        found = stats.wilson(value, n_images)
        return {"low": found.low, "high": found.high, "interval": WILSON}
    first, second = source if score.kind == "source_head" and source else (split.train, split.train_labels)
    step()
    try:
        made = score.interval(first, second, resamples=resamples, seed=seed)
    except ScoreNotDefined as error:
        return {"low": None, "high": None, "interval": f"no interval: {error.reason}"}
    return {"low": made.low, "high": made.high, "interval": f"{HALVES}, {made.resamples} resamples"}
