"""The probe's path over the grid of C against scikit-learn's LogisticRegression at an equal objective.

For every C scikit-learn runs at the loosest tolerance whose objective is no more than 0.1 % above ours (of 1e-4, its own, to
1e-7; where none is, at the last): the peer at its best, cold (as it is used) and warm-started along the grid. Seconds are of the
processor, one thread; ours include the eigendecomposition. Features: digits after units of the shipped ResNet-20, standardised.

Run: python tests/benchmarks/probe_solver.py [--pairs 5]
"""

from __future__ import annotations

import argparse
import time
import warnings

import numpy as np
import torch
from _pairs import alternate, report
from sklearn.linear_model import LogisticRegression
from threadpoolctl import threadpool_limits

from engine import execute
from engine.caches import Caches
from engine.control import Control
from engine.device import cpu
from engine.features import extract
from engine.scores._logistic import Basis, path
from engine.scores.linear_probe import GRID, log_loss
from engine.spec import RunSpec

UNITS = (1, 7, 10)
TOLERANCES = (1e-4, 1e-5, 1e-6, 1e-7)
SLACK = 1.001


def objective(weight: np.ndarray, bias: np.ndarray, rows: np.ndarray, labels: np.ndarray, c: float) -> float:
    """What both minimise."""
    return float(c * len(labels) * log_loss(rows @ weight.T + bias, labels) + 0.5 * (weight**2).sum())


def ours(rows: np.ndarray, labels: np.ndarray, found: dict) -> float:
    """The whole path."""
    began = time.process_time()
    solutions = list(path(Basis.of(rows), labels, 10, GRID))
    took = time.process_time() - began
    found.update(zip(GRID, solutions, strict=True))
    return took


def theirs(rows: np.ndarray, labels: np.ndarray, tolerances: dict, warm: bool) -> float:
    """scikit-learn at these tolerances."""
    model = LogisticRegression(max_iter=1_000, warm_start=warm)
    began = time.process_time()
    for c in GRID:
        model.set_params(C=c, tol=tolerances[c])
        model.fit(rows, labels)
    return time.process_time() - began


def tuned(rows: np.ndarray, labels: np.ndarray, found: dict, warm: bool) -> dict:
    """The loosest tolerance for each C that reaches our objective."""
    chosen: dict = {}
    model = LogisticRegression(max_iter=1_000, warm_start=warm)
    for c in GRID:
        aim = SLACK * objective(*found[c], rows, labels, c)
        start = getattr(model, "coef_", None), getattr(model, "intercept_", None)
        for tolerance in TOLERANCES:
            if warm and start[0] is not None:
                model.coef_, model.intercept_ = start[0].copy(), start[1].copy()
            model.set_params(C=c, tol=tolerance)
            model.fit(rows, labels)
            chosen[c] = tolerance
            if objective(model.coef_, model.intercept_, rows, labels, c) <= aim:
                break
        else:
            print(f"    C = {c:g}: scikit-learn stays above our objective at every tolerance")
    return chosen


def main() -> None:
    """Compare and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--pairs", type=int, default=5)
    args = parser.parse_args()
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    run = RunSpec("resnet20_cifar10", "digits", "linear_probe", 10, 0, None, measures=())
    ready, *_ = execute.prepare(run, cpu(), None, Control(), Caches())
    features = extract(ready.network, ready.pixels, ready.split.train, 256, Control()).units
    labels = ready.images.labels[ready.split.train]
    with threadpool_limits(1):
        for unit in UNITS:
            rows = features[unit - 1]
            scale = rows.std(0)
            rows = (rows - rows.mean(0)) / np.where(scale > 0, scale, 1)
            found: dict = {}
            ours(rows, labels, found)
            for warm in (False, True):
                tolerances = tuned(rows, labels, found, warm)
                measured = alternate(
                    lambda rows=rows: ours(rows, labels, {}),
                    lambda rows=rows, chosen=tolerances, warm=warm: theirs(rows, labels, chosen, warm),
                    args.pairs,
                )
                start = "warm" if warm else "cold"
                report(
                    f"unit {unit}, {rows.shape[0]} x {rows.shape[1]}, scikit-learn {start}, equal objective", measured
                )


if __name__ == "__main__":
    main()
