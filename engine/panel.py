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

import math
import time
from collections.abc import Iterator, Sequence
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
from engine.scores._fold_probes import FoldProbes
from engine.scores._statistics import Statistics
from engine.scores.linear_probe import GRID

if TYPE_CHECKING:
    from engine.depths import Prepared

SHARE = 0.05
"""Of the training images: a forward pass over them costs about 2 % of an epoch, which also goes backward."""
PER_CLASS, MOST = 4, 512
FOLDS = 3
"""Five folds take nearly twice as long."""
BATCH = 256
MEASURES = ("probe_accuracy", "knn_accuracy", "logme", "drift", "weight_change")
PENALTIES = GRID[2:6]
"""Of which the probe's is chosen, C = 0.0001 to 0.1. Three networks on digits and photographs: weaker penalties find 0 to 3 of
100 images more at 40 images (5 in one case of six) and none at 320, need two to five times the steps, and stopped early, as they
used to be here, are up to 15 points off."""
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
        about = (*counts, ready.pixels.device.type, torch.get_num_threads(), ready.precision)
        self._looks = panel_plan.looks(run.panel_epochs or (), planned, *about)
        self._name = probe_set.name(images, self._rows)
        _, classes = np.unique(self._labels, return_inverse=True)
        self._folds = _folds.folds(classes, FOLDS)
        if not self._looks.epochs:
            return
        network = ready.network
        self._weights = [_Weights(network.unit_tensors(unit)) for unit in range(network.n_units)]
        began = time.perf_counter()
        self._before = self._features()
        shared = [self._checked(rows) for rows in self._before]
        self._c = self._penalties(shared)
        self._first = self._measured(shared)
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
        changes = [before.change(network.unit_tensors(unit)) for unit, before in enumerate(self._weights)]
        same = next((unit for unit, (changed, _) in enumerate(changes) if changed), network.n_units)
        measured = self._first
        if same < network.n_units:
            measured = self._first[:same] + self._measured(
                [self._checked(rows) for rows in self._features()[same:]], same
            )
        found: list[Event] = []
        for unit, (values, reasons) in enumerate(measured):
            values = values | {"weight_change": changes[unit][1]}
            if changes[unit][1] is None:
                reasons = reasons | {"weight_change": "the unit has no weights, or they were all zero"}
            name = network.unit_names[unit]
            found.append(PanelMeasured(epoch, unit + 1, name, values, reasons, len(self._rows)))
        return found

    def _features(self) -> list[np.ndarray | None]:
        ready = self._ready
        return extract(ready.network, ready.pixels, self._rows, BATCH, ready.control, ready.pooling).units

    def _checked(self, rows: np.ndarray | None) -> Statistics | str:
        """What the measures of a unit share, or why it has none."""
        if rows is None:
            return "the unit has no features"
        try:
            return Statistics.checked("panel", rows, self._labels)
        except ScoreNotDefined as error:
            return error.reason

    def _probes(self, sets: list[Statistics]) -> FoldProbes:
        return FoldProbes([one.features for one in sets], sets[0].classes, self._folds, self._ready.control.step)

    def _penalties(self, shared: Sequence[Statistics | str]) -> list[float]:
        """Of every unit's probe."""
        middle = PENALTIES[len(PENALTIES) // 2]
        sets = {unit: one for unit, one in enumerate(shared) if isinstance(one, Statistics)}
        if self._looks.light or not sets:
            return [middle] * len(shared)
        chosen = dict(zip(sets, self._probes([*sets.values()]).choose(PENALTIES), strict=True))
        return [chosen.get(unit, middle) for unit in range(len(shared))]

    def _measured(
        self, shared: Sequence[Statistics | str], start: int = 0
    ) -> list[tuple[dict[str, float | None], dict[str, str]]]:
        """Values of the units from `start` on, with the reason where there is none; all probes are solved together."""
        sets = {start + place: one for place, one in enumerate(shared) if isinstance(one, Statistics)}
        probes: dict[int, float] = {}
        if sets and not self._looks.light:
            found = self._probes([*sets.values()]).accuracies([self._c[unit] for unit in sets])
            probes = dict(zip(sets, found, strict=True))
        return [self._of_unit(start + place, one, probes) for place, one in enumerate(shared)]

    def _of_unit(
        self, unit: int, shared: Statistics | str, probes: dict[int, float]
    ) -> tuple[dict[str, float | None], dict[str, str]]:
        self._ready.control.step()
        before = self._before[unit]
        measures = {
            "probe_accuracy": lambda: probes[unit],
            "knn_accuracy": lambda: SCORES["knn"].on(shared),
            "logme": lambda: SCORES["logme"].on(shared),
            "drift": lambda: 0.0 if shared.features is before else 1.0 - SCORES["cka"](before, shared.features),
        }
        values: dict[str, float | None] = dict.fromkeys(measures)
        if isinstance(shared, str):
            return values, dict.fromkeys(measures, shared)
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


class _Weights:
    """The tensors of a unit before training."""

    def __init__(self, tensors: Iterator[tuple[str, Tensor]]) -> None:
        self._before: dict[str, Tensor] = {}
        self._norms: dict[str, float] = {}
        for name, tensor in tensors:
            self._before[name] = tensor.detach().clone()
            if isinstance(tensor, torch.nn.Parameter):
                self._norms[name] = _norm(tensor.detach())

    def change(self, tensors: Iterator[tuple[str, Tensor]]) -> tuple[bool, float | None]:
        """Whether any of them changed, and the norm of the parameters' change over their norm before (None without any)."""
        changed, moved, size = False, [], []
        for name, tensor in tensors:
            before = self._before.get(name)
            if before is None or before.shape != tensor.shape:  # added since (an adapter): the unit is another one
                changed = True
                continue
            if isinstance(tensor, torch.nn.Parameter):
                moved.append(_norm(tensor.detach() - before))
                size.append(self._norms[name])
            changed = changed or not torch.equal(before, tensor)
        return changed, math.hypot(*moved) / math.hypot(*size) if any(size) else None


def _norm(tensor: Tensor) -> float:
    return float(torch.linalg.vector_norm(tensor, dtype=torch.float64))
