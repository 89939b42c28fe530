"""Intervals of the scores of one depth: of an accuracy over its test images, of any other score by resampling.

An accuracy on test images is a share of these, so its interval is Wilson's and costs nothing. Any other score is a number of
the training images: it is computed again on random subsamples of every class (see `engine.scores._intervals`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from engine import stats
from engine.errors import ScoreNotDefined
from engine.scores import SCORES, FeatureSplit, Score
from engine.scores._intervals import KEPT

RESAMPLES = 100
"""Where nothing else is asked for."""
ON_TEST = ("linear_probe", "knn")
"""Scores that are accuracies on test images."""
WILSON = "Wilson over test images"
SUBSAMPLES = "random three quarters of every class of the training images"
CALL_SECONDS, PRODUCT_SECONDS, MIXTURE_SECONDS = 1e-3, 5e-10, 7e-8
"""Of one core, once: what a score takes at least, per N D min(N, D) of its decompositions, and per N D C of NLEEP's mixtures.
Nine shapes from 20 x 64 to 1,000 x 2,048 were timed; a score takes a fifth to twice of what these say."""


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
    if score.name in ON_TEST:
        found = stats.wilson(value, n_images)
        return {"low": found.low, "high": found.high, "interval": WILSON}
    first, second = source if score.kind == "source_head" and source else (split.train, split.train_labels)
    try:
        made = score.interval(first, second, resamples=resamples, seed=seed, step=step)
    except ScoreNotDefined as error:
        return {"low": None, "high": None, "interval": f"{stats.WHY_NONE}{error.reason}"}
    return {"low": made.low, "high": made.high, "interval": f"{SUBSAMPLES}, {made.resamples} resamples"}


def seconds(scores: Sequence[str], n_train: int, widths: Sequence[int], n_classes: int, resamples: int) -> float:
    """About how long the intervals of one network take.

    Args:
        scores: names; those that are accuracies on test images cost nothing, and what is no score neither.
        n_train: training images; a resample has three quarters of them.
        widths: features of every depth that is resampled; the last is the one that a source head reads.
        n_classes: of the target.
        resamples: of every score.
    """
    known = [SCORES[name] for name in scores if name in SCORES and name not in ON_TEST]
    n, total = KEPT * n_train, 0.0
    for place, d in enumerate(widths):
        for score in known:
            if score.kind == "labelled" or place == len(widths) - 1:
                product = n * d * min(n, d) if score.kind == "labelled" else 0.0
                mixture = n * min(n, d) * n_classes if score.name == "nleep" else 0.0
                total += CALL_SECONDS + PRODUCT_SECONDS * product + MIXTURE_SECONDS * mixture * 5
    return total * resamples
