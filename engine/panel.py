"""Measures of every depth while a network trains: probe, kNN, LogME, drift and change of the weights, at chosen epochs.

All are of one fixed, stratified set of training images without augmentation, so that curves of different epochs can be compared
and neither validation nor test images are looked at. Its size is a share of the training images, so that the pass stays a small
part of an epoch, with a few images per class at least: with very few training images it is all of them and costs what it says.
At which epochs is the user's choice, or planned so that watching stays within 5 % of the training (`panel_plan`).

The probe is tested on three held-out folds of that set. Its penalty is chosen per depth by the same folds, once, on the features
before training, and then stays: epochs differ by the features alone. (Choosing and testing on the same folds flatters epoch 0 a
little.) Units whose prefix has not changed in any bit keep their values and cost nothing.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from engine import panel_plan, probe_set
from engine.errors import ScoreNotDefined
from engine.events import Event, PanelCost, PanelMeasured
from engine.features import extract
from engine.plan import PlannedRun
from engine.scores import SCORES, _folds
from engine.scores._statistics import Statistics
from engine.scores.linear_probe import GRID, choose_by_folds, folds_accuracy

if TYPE_CHECKING:
    from engine.depths import Prepared

SHARE = 0.05
"""Of the training images: a forward pass over them costs about 2 % of an epoch, which also goes backward."""
PER_CLASS, MOST = 4, 512
FOLDS = 3
"""Five cost nearly twice as much: 60 of 805 images took 8 to 11 % of an epoch, 50 and three folds 5.3 %."""
BATCH = 256
MEASURES = ("probe_accuracy", "knn_accuracy", "logme", "drift", "weight_change")
PENALTIES = GRID[2:10:2]
"""Of which the probe's is chosen: the whole grid took four times as long as a look, for a curve that is compared with itself."""
LEFT_OUT = "left out so that watching stays within 5 % of this short training; give the epochs to have it measured"


def size(n_train: int, n_classes: int) -> int:
    """How many images the fixed set has."""
    return min(n_train, MOST, max(round(SHARE * n_train), PER_CLASS * n_classes))


class Panel:
    """Watches the network of a run; to be made while its weights are those before training."""

    def __init__(self, ready: Prepared) -> None:
        self._ready = ready
        images, run = ready.images, ready.run
        labels = images.labels[ready.split.train]
        self._rows = probe_set.choose(images, ready.split.train, size(len(labels), len(np.unique(labels))), run.seed)
        self._labels = images.labels[self._rows]
        planned = PlannedRun(run, ready.card, images.info)
        counts = (len(labels), len(ready.split.validation), len(self._rows))
        self._looks = panel_plan.looks(run.panel_epochs or (), planned, *counts, ready.pixels.device.type)
        self._name = probe_set.name(images, self._rows)
        _, classes = np.unique(self._labels, return_inverse=True)
        self._folds = _folds.folds(classes, FOLDS)
        if not self._looks.epochs:
            return
        network = ready.network
        self._weights = [_copy(network.unit_tensors(unit)) for unit in range(network.n_units)]
        began = time.perf_counter()
        self._before = self._features()
        self._c = [GRID[0] if self._looks.light else self._choose(rows) for rows in self._before]
        self._first = [self._measured(unit, rows) for unit, rows in enumerate(self._before)]
        self._preparation = time.perf_counter() - began
        self._left = time.perf_counter()

    def at_epoch(self, epoch: int) -> Iterator[Event]:
        """The events of one epoch, none where it was not asked for; the network stays as it is, in eval mode."""
        if not self._looks.epochs:
            if epoch == 0:
                yield from self._refused()
            return
        began = time.perf_counter()
        took = began - self._left if epoch else None
        if epoch in self._looks.epochs:
            events = self._look(epoch)
            seconds = time.perf_counter() - began + (0.0 if epoch else self._preparation)
            yield from events
            yield PanelCost(epoch, len(self._rows), self._name, seconds, took)
        self._left = time.perf_counter()

    def _refused(self) -> Iterator[Event]:
        """Of every unit no value and why, so that whoever draws the panel can say it."""
        for unit, name in enumerate(self._ready.network.unit_names, start=1):
            reasons = dict.fromkeys(MEASURES, self._looks.refused)
            yield PanelMeasured(0, unit, name, dict.fromkeys(MEASURES), reasons, len(self._rows))

    def _look(self, epoch: int) -> list[Event]:
        network = self._ready.network
        changes = [_change(before, network.unit_tensors(unit)) for unit, before in enumerate(self._weights)]
        same = next((unit for unit, (changed, _) in enumerate(changes) if changed), network.n_units)
        now = self._features() if same < network.n_units else self._before
        found: list[Event] = []
        for unit, rows in enumerate(now):
            self._ready.control.step()
            values, reasons = self._first[unit] if unit < same else self._measured(unit, rows)
            values = values | {"weight_change": changes[unit][1]}
            if changes[unit][1] is None:
                reasons = reasons | {"weight_change": "the unit has no weights, or they were all zero"}
            name = network.unit_names[unit]
            found.append(PanelMeasured(epoch, unit + 1, name, values, reasons, len(self._rows)))
        return found

    def _features(self) -> list[np.ndarray | None]:
        ready = self._ready
        return extract(ready.network, ready.pixels, self._rows, BATCH, ready.control, ready.pooling).units

    def _choose(self, rows: np.ndarray | None) -> float:
        try:
            if rows is not None:
                return choose_by_folds(Statistics.checked("linear_probe", rows, self._labels), self._folds, PENALTIES)
        except ScoreNotDefined:
            pass  # said again, with its reason, by the measure itself
        return PENALTIES[len(PENALTIES) // 2]

    def _measured(self, unit: int, rows: np.ndarray | None) -> tuple[dict[str, float | None], dict[str, str]]:
        before = self._before[unit]
        measures = {
            "probe_accuracy": lambda: folds_accuracy(shared, self._folds, self._c[unit]),
            "knn_accuracy": lambda: SCORES["knn"].on(shared),
            "logme": lambda: SCORES["logme"].on(shared),
            "drift": lambda: 0.0 if rows is before else 1.0 - SCORES["cka"](before, rows),
        }
        values: dict[str, float | None] = dict.fromkeys(measures)
        if rows is None or before is None:
            return values, dict.fromkeys(measures, "the unit has no features")
        try:
            shared = Statistics.checked("panel", rows, self._labels)
        except ScoreNotDefined as error:
            return values, dict.fromkeys(measures, error.reason)
        reasons = {}
        for name, measure in measures.items():
            if self._looks.light and name not in panel_plan.LIGHT:
                reasons[name] = LEFT_OUT
                continue
            try:
                values[name] = measure()
            except ScoreNotDefined as error:
                reasons[name] = error.reason
        return values, reasons


def _copy(tensors: Iterator[tuple[str, Tensor]]) -> dict[str, Tensor]:
    return {name: tensor.detach().clone() for name, tensor in tensors}


def _change(before: dict[str, Tensor], tensors: Iterator[tuple[str, Tensor]]) -> tuple[bool, float | None]:
    """Whether any tensor of a unit changed, and the norm of its parameters' change over their norm before."""
    changed, moved, size = False, 0.0, 0.0
    for name, tensor in tensors:
        old = before.get(name)
        if old is None or old.shape != tensor.shape:  # added since (an adapter): the unit is another one
            changed = True
            continue
        changed = changed or not torch.equal(old, tensor)
        if isinstance(tensor, torch.nn.Parameter):
            moved += float((tensor.detach().double() - old.double()).square().sum())
            size += float(old.double().square().sum())
    return changed, (moved / size) ** 0.5 if size else None
