"""What other implementations of each score give on the same features, beside ours, depth by depth."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from engine import ranking
from engine.errors import ScoreNotDefined
from engine.scores import SCORES, FeatureSplit, Score, _variants
from engine.scores._folds import subset
from engine.scores._variants import Shape, Variant

TWO_SETS = ("cka", "mmd", "coral", "frechet", "proxy_a_distance")
"""Compared where every depth is: CKA of a unit with the last one, the others between training and test images."""
ROWS = 1_000
"""Images of each of two sets, stratified: what a depth costs stays below a second."""
ROWS_CLASSIFIED = 250
"""The same where classifiers of the two sets are solved: at 512 features a thousand take ten seconds, 250 one."""
LEAST = 3
"""Depths of which an order is worth a number."""

OF_TRAINING = "training images"
OF_TEST = "tested on the test images"
OF_HEAD = "the source head's probabilities of the training images, at the last unit"
OF_LAST = "the unit's features against the last unit's, on training images"
OF_SHIFT = "training against test images"


def compare(
    splits: Sequence[FeatureSplit | None],
    ours: Mapping[tuple[int, str], float | None],
    scores: Sequence[str],
    *,
    source: tuple[np.ndarray, np.ndarray] | None = None,
    step: Callable[[], None] = lambda: None,
) -> list[dict[str, Any]]:
    """Compute the variants of scores.

    Args:
        splits: the features after every unit; None where a unit has none.
        ours: value of each (unit from 1, metric), None where it was refused; of the scores of labelled features and source heads.
        scores: names of the scores that were measured; those of two sets are always compared.
        source: the source head's probabilities (n, n_source_classes) of the training images, with their labels (n,).
        step: called between two computations; may raise to stop.

    Returns:
        One entry per score that has variants, of plain values: score, metric, label, direction, of (which images), best (the
        unit with our best value), `rows` (unit, n, d, rank, ours, values: one per variant, None where it has none) and
        `variants` (label, differs, found, tau with ours over depths and the number n of these, best, wrong and reasons: by unit,
        why a number has no meaning, or why there is none).
    """
    found = []
    for name in [*scores, *TWO_SETS]:
        score, variants = SCORES[name], _variants.of(name)
        if variants:
            found.append(_of_score(score, variants, splits, ours, source, step))
    return [one for one in found if one["rows"]]


def _of_score(
    score: Score,
    variants: list[Variant],
    splits: Sequence[FeatureSplit | None],
    ours: Mapping[tuple[int, str], float | None],
    source: tuple[np.ndarray, np.ndarray] | None,
    step: Callable[[], None],
) -> dict[str, Any]:
    rows: list[dict[str, Any]] = []
    wrong: list[dict[str, str]] = [{} for _ in variants]
    reasons: list[dict[str, str]] = [{} for _ in variants]
    last = next((split for split in reversed(splits) if split is not None), None)
    for unit, split in enumerate(splits, start=1):
        if split is None or (score.kind == "source_head" and (source is None or unit < len(splits))):
            continue
        computed, value, shape = _ways(score, split, last, source, ours.get((unit, score.metric)))
        values: list[float | None] = []
        for place, variant in enumerate(variants):
            step()
            try:
                values.append(computed(variant))
                if shape and (why := variant.wrong(shape)):
                    wrong[place][str(unit)] = why
            except ScoreNotDefined as error:
                values.append(None)
                reasons[place][str(unit)] = error.reason
        size = {"n": shape.n, "d": shape.d, "rank": shape.rank} if shape else {"n": None, "d": None, "rank": None}
        rows.append({"unit": unit, **size, "ours": value, "values": values})
    return {
        "score": score.name,
        "metric": score.metric,
        "label": score.label,
        "direction": score.direction,
        "of": _images(score),
        "best": _best(score, rows, lambda row: row["ours"]),
        "rows": rows,
        "variants": [
            {"label": variant.label, "differs": variant.differs, "found": variant.found}
            | _order(score, rows, place)
            | {"wrong": wrong[place], "reasons": reasons[place]}
            for place, variant in enumerate(variants)
        ],
    }


def _ways(
    score: Score,
    split: FeatureSplit,
    last: FeatureSplit | None,
    source: tuple[np.ndarray, np.ndarray] | None,
    measured: float | None,
) -> tuple[Callable[[Variant], float], float | None, Shape | None]:
    """How a variant is computed at one depth, our value there, and the shape of the features."""
    if score.kind == "labelled":
        return (lambda variant: variant.on_split(split)), measured, _shape(split)
    if score.kind == "source_head" and source is not None:
        classes = np.unique(source[1], return_inverse=True)[1]
        return (lambda variant: variant.on(source[0], classes)), measured, Shape(len(classes), source[0].shape[1], 0, 0)
    if score.paired:
        chosen = subset(np.unique(split.train_labels, return_inverse=True)[1], ROWS)
        sets = np.float64(split.train[chosen]), np.float64(last.train[chosen])
    else:
        most = ROWS_CLASSIFIED if score.name == "proxy_a_distance" else ROWS
        sets = tuple(
            np.float64(rows[subset(np.unique(labels, return_inverse=True)[1], most)])
            for rows, labels in ((split.train, split.train_labels), (split.test, split.test_labels))
        )
    try:
        value = score(*sets)
    except ScoreNotDefined as error:
        refused = error
        return (lambda variant: _refuse(refused)), None, None
    shape = _shape(split)
    return (lambda variant: variant.on(*sets)), value, shape and dataclasses.replace(shape, n=min(map(len, sets)))


def _refuse(error: ScoreNotDefined) -> float:
    raise error


def _shape(split: FeatureSplit) -> Shape | None:
    try:
        shared = split.statistics
        return Shape(*split.train.shape, shared.rank, len(shared.plain.energy))
    except ScoreNotDefined:
        return None


def _images(score: Score) -> str:
    if score.kind == "source_head":
        return OF_HEAD
    if score.kind == "two_sets":
        return OF_LAST if score.paired else OF_SHIFT
    return OF_TEST if score.name in ("linear_probe", "knn") else OF_TRAINING


def _order(score: Score, rows: list[dict[str, Any]], place: int) -> dict[str, Any]:
    """Kendall's tau-b of a variant's order of depths with ours, over those that have both numbers."""
    both = [(row["ours"], row["values"][place]) for row in rows if None not in (row["ours"], row["values"][place])]
    tau = ranking.tau_b(*np.array(both).T) if len(both) >= LEAST else math.nan
    best = _best(score, rows, lambda row: row["values"][place])
    return {"tau": None if math.isnan(tau) else tau, "n": len(both), "best": best}


def _best(score: Score, rows: list[dict[str, Any]], value: Callable[[dict[str, Any]], float | None]) -> int | None:
    """The first unit with the best value."""
    there = [row for row in rows if value(row) is not None]
    choose = max if score.direction == "higher" else min
    return choose(there, key=value)["unit"] if there else None
