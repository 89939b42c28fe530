"""A panel's probes (every unit times three folds) solved together against a call of the probe's solver for each.

Both at the tolerance of `_fold_probes` and at the penalties that the panel chose, one thread, seconds of the processor; features
of the panel's fixed images in the shipped networks, digits. Gate: neither side may predict more than one image of a unit
otherwise than the converged solution does.

Run: python tests/benchmarks/panel_probes.py [--pairs 5] [--labels 1007]
"""

from __future__ import annotations

import argparse
import time

import numpy as np
import torch
from _pairs import alternate, report
from threadpoolctl import threadpool_limits

from engine import execute
from engine.caches import Caches
from engine.control import Control
from engine.device import cpu
from engine.features import extract
from engine.panel import FOLDS, PENALTIES, size
from engine.probe_set import choose
from engine.scores import _folds
from engine.scores._fold_probes import TOLERANCE, FoldProbes
from engine.scores.linear_probe import FINAL, fit
from engine.spec import RunSpec

BACKBONES = ("resnet20_cifar10", "plain8_cifar10", "vit_cifar10")
REPEATS = 10
"""Looks timed together: one is some milliseconds."""


def together(sets: list[np.ndarray], classes: np.ndarray, fold: np.ndarray, c: list[float]) -> list[float]:
    """As the panel does."""
    return FoldProbes(sets, classes, fold).accuracies(c)


def one_by_one(
    sets: list[np.ndarray], classes: np.ndarray, fold: np.ndarray, c: list[float], tolerance: float = TOLERANCE
) -> list[float]:
    """A solver call for every unit and fold."""
    found = []
    for rows, penalty in zip(sets, c, strict=True):
        hits = 0
        for held in (fold == one for one in range(FOLDS)):
            weight, bias = fit(rows[~held], classes[~held], int(classes.max()) + 1, penalty, tolerance)
            hits += int(np.sum((rows[held] @ weight.T + bias).argmax(1) == classes[held]))
        found.append(hits / len(classes))
    return found


def main() -> None:
    """Compare and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--labels", type=int, default=1007)
    args = parser.parse_args()
    torch.set_num_threads(1)
    for backbone in BACKBONES:
        run = RunSpec(backbone, "digits", "full_fine_tuning", 0, 0, args.labels, measures=())
        ready, *_ = execute.prepare(run, cpu(), None, Control(), Caches())
        labels = ready.images.labels[ready.split.train]
        rows = choose(ready.images, ready.split.train, size(len(labels), len(np.unique(labels))), run.seed)
        sets = extract(ready.network, ready.pixels, rows, 256, Control()).units
        _, classes = np.unique(ready.images.labels[rows], return_inverse=True)
        fold = _folds.folds(classes, FOLDS)

        with threadpool_limits(1):
            c = FoldProbes(sets, classes, fold).choose(PENALTIES)

        def timed(way, sets=sets, classes=classes, fold=fold, c=c) -> float:
            began = time.process_time()
            for _ in range(REPEATS):
                way(sets, classes, fold, c)
            return time.process_time() - began

        with threadpool_limits(1):
            measured = alternate(lambda timed=timed: timed(together), lambda timed=timed: timed(one_by_one), args.pairs)
        report(f"{backbone}, {len(sets)} units x {FOLDS} folds of {len(rows)} images", measured)
        exact = np.array(one_by_one(sets, classes, fold, c, FINAL))
        apart = [
            round(float(np.abs(np.array(way(sets, classes, fold, c)) - exact).max() * len(rows)))
            for way in (together, one_by_one)
        ]
        print(
            f"gate: at most {apart[0]} images of a unit otherwise than converged (one by one {apart[1]}): {max(apart) <= 1}"
        )


if __name__ == "__main__":
    main()
