"""Every score after every unit of a frozen backbone on a dataset, without training: the table of `layers`."""

from __future__ import annotations

import contextlib
import dataclasses
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from engine import backbones, probe_set
from engine.budgets import Budget
from engine.caches import Caches
from engine.control import Control
from engine.depths import Prepared, measure_depths, parts_of, read_features, source_probabilities
from engine.device import Device
from engine.errors import ScoreNotDefined
from engine.events import DepthMeasured, Started
from engine.implementations import compare
from engine.prepare import prepare
from engine.scores import SCORES, FeatureSplit
from engine.spec import RunSpec

QUICK = (
    "linear_probe", "knn", "ncc", "logme", "h_score", "h_score_regularised", "transrate", "gbc", "silhouette", "leep", "nce",
)  # fmt: skip
"""What is measured where nothing is chosen: all but NLEEP, whose Gaussian mixtures alone take as long as the rest."""
MOST_TESTED = 2_000
"""Test images that probe and kNN are tested on, stratified and seeded: a standard error of one point at most."""


def measure_layers(
    backbone: str,
    dataset: str,
    device: Device,
    *,
    scores: Sequence[str] = QUICK,
    labels: Budget | None = None,
    pooling: str | None = None,
    weights: str = "pretrained",
    seed: int = 0,
    home: Path | None = None,
    control: Control | None = None,
    shared: Caches | None = None,
    variants: bool = False,
    intervals: int = 0,
) -> dict[str, Any]:
    """Measure a backbone as it is, from one frozen pass.

    Args:
        backbone: its name.
        dataset: its name.
        device: where.
        scores: names of scores, any of `engine.spec.ALL_MEASURES` but those of `OF_A_RUN`.
        labels: labelled images used, training and validation together; None = all.
        pooling: how a unit's output becomes features; None = global average.
        weights: as in a spec.
        seed: of the choice of images.
        home: where downloaded and described things are kept.
        control: told the progress; may stop it.
        shared: decoded images to use again.
        variants: also compute what other implementations of the scores give, see `engine.implementations.compare`.
        intervals: resamples of a 95 % interval of every value, see `engine.layer_intervals`; 0 = none.

    Returns:
        Plain values. `units`: unit (1-based), name, stage, n_features, rank (None unless a score asked for it). `scores`: name,
        metric, label, direction. `cells`: unit, metric, value (None with a reason), reason, n_images, detail, low and high (None
        where no interval was asked for or there is none), interval (its kind, or why there is none). `implementations`: where
        asked for, of every score that has variants. Also what was measured: backbone, dataset, weights, pooling, seed, labels,
        intervals (resamples), n_train, n_validation, n_test, classes, probe_set (a hash of the training images), parameters (of
        the backbone), seconds (of the pass, of the scores, of the variants and of the intervals).

    Raises:
        TransferscopeError: the backbone, dataset or pooling cannot be used.
    """
    control = control or Control()
    n_units = backbones.card(backbone, home).n_units
    run = RunSpec(
        backbone, dataset, "linear_probe", n_units, seed, labels, weights, tuple(scores), pooling=pooling,
        score_intervals=intervals,
    )  # fmt: skip
    ready, started, _ = prepare(run, device, home, control, shared or Caches())
    _test_on_few(ready)
    control.enter("reading features", 0.1)
    seconds: dict[str, float] = {}
    with _timed(seconds, "pass"):
        read_features(ready)
    with _timed(seconds, "scores"):
        measured = measure_depths(ready, 0.3, 0.6 if variants else 1.0)
        events = [event for event in measured if isinstance(event, DepthMeasured)]
    if intervals:
        seconds["intervals"] = ready.interval_seconds
        seconds["scores"] -= ready.interval_seconds
    cells, implementations = [_cell(event) for event in events], []
    if variants:
        control.enter("comparing implementations", 0.6)
        with _timed(seconds, "variants"):
            implementations = _compare(ready, cells)
    return {
        **_asked(ready, started),
        "units": _units(ready, events),
        "scores": [
            {"name": score.name, "metric": score.metric, "label": score.label, "direction": score.direction}
            for score in (SCORES[name] for name in run.measures)
        ],
        "cells": cells,
        "implementations": implementations,
        "seconds": seconds,
    }


def _test_on_few(ready: Prepared) -> None:
    """Test on a stratified choice of test images, and share nothing: other runs' caches are of whole test parts."""
    ready.shared = Caches()
    tested = probe_set.choose(ready.images, ready.split.test, MOST_TESTED, ready.run.seed)
    ready.split = dataclasses.replace(ready.split, test=tested)


@contextlib.contextmanager
def _timed(seconds: dict[str, float], name: str) -> Iterator[None]:
    began = time.perf_counter()
    yield
    seconds[name] = time.perf_counter() - began


def _asked(ready: Prepared, started: Started) -> dict[str, Any]:
    """What was measured, on what."""
    run = ready.run
    return {
        "backbone": run.backbone,
        "dataset": run.dataset,
        "weights": started.weights,
        "pooling": ready.pooling,
        "seed": run.seed,
        "labels": run.label_budget,
        "intervals": run.score_intervals or 0,
        "n_train": started.n_train,
        "n_validation": started.n_validation,
        "n_test": len(ready.split.test),
        "classes": len(started.class_names),
        "probe_set": probe_set.name(ready.images, ready.split.train),
        "parameters": ready.card.parameters,
    }


def _splits(ready: Prepared) -> list[FeatureSplit | None]:
    """Features of every unit as parts of the split; None where a unit has none."""
    labelled, tested = read_features(ready)
    both = zip(labelled.units, tested.units, strict=True)
    return [None if known is None or hidden is None else parts_of(ready, known, hidden) for known, hidden in both]


def _source(ready: Prepared) -> tuple[np.ndarray, np.ndarray] | None:
    try:
        return source_probabilities(ready, "leep") if {"leep", "nce"} & set(ready.run.measures) else None
    except ScoreNotDefined:
        return None  # the scores themselves say why


def _compare(ready: Prepared, cells: list[dict[str, Any]]) -> list[dict[str, Any]]:
    values = {(cell["unit"], cell["metric"]): cell["value"] for cell in cells}
    return compare(_splits(ready), values, ready.run.measures, source=_source(ready), step=ready.control.step)


def _units(ready: Prepared, events: list[DepthMeasured]) -> list[dict[str, Any]]:
    labelled, _ = read_features(ready)
    ranks = {event.unit: event.detail["rank"] for event in events if "rank" in event.detail}
    names, stages = ready.network.unit_names, ready.network.stages
    return [
        {
            "unit": unit,
            "name": names[unit - 1],
            "stage": stages[unit - 1],
            "n_features": 0 if rows is None else rows.shape[1],
            "rank": ranks.get(unit),
        }
        for unit, rows in enumerate(labelled.units, start=1)
    ]


def _cell(event: DepthMeasured) -> dict[str, Any]:
    detail = {name: value for name, value in event.detail.items() if name != "reason"}
    return {
        **{"low": event.low, "high": event.high, "interval": event.interval},
        "unit": event.unit,
        "metric": event.metric,
        "value": event.value,
        "reason": str(event.detail.get("reason", "")),
        "n_images": event.n_images,
        "detail": detail,
    }
