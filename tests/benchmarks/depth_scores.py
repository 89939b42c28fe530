"""All depths' probes and six scores: from one pass and what they share, against one pass and one solver call for each.

Both sides see the same images, split, network and grid of C. The plain side is what a user writes: for every depth and score,
pass the images, take that depth's features, call the score (the probe: scikit-learn's LogisticRegression for each C from a cold
start, chosen on validation, refitted). Seconds are of the processor (one thread), so other work on the machine does not count.
Accuracy gate: the probe is at least as accurate as the plain one at every depth, to one standard error; scores agree.

Run: python tests/benchmarks/depth_scores.py [--pairs 5] [--labels 200] [--tested 200]
"""

from __future__ import annotations

import argparse
import dataclasses
import math
import time
import warnings

import numpy as np
import torch
from _pairs import alternate, report
from sklearn.linear_model import LogisticRegression
from threadpoolctl import threadpool_limits

from engine import execute, probe_set
from engine.caches import Caches
from engine.control import Control
from engine.depths import Prepared, measure_depths
from engine.device import cpu
from engine.features import extract
from engine.scores import SCORES
from engine.scores.linear_probe import GRID
from engine.spec import RunSpec

SCORED = ("logme", "h_score", "h_score_regularised", "transrate", "gbc", "ncc")
BACKBONE, DATASET = "resnet20_cifar10", "digits"


def prepared(labels: int, tested: int) -> Prepared:
    """The run, with a part of the test images."""
    run = RunSpec(BACKBONE, DATASET, "linear_probe", 10, 0, labels, measures=("linear_probe", *SCORED))
    ready, *_ = execute.prepare(run, cpu(), None, Control(), Caches())
    chosen = probe_set.choose(ready.images, ready.split.test, tested, 0)
    ready.split = dataclasses.replace(ready.split, test=chosen)
    return ready


def ours(ready: Prepared, found: dict) -> float:
    """One pass for all."""
    ready.features, ready.shared = None, Caches()
    began = time.process_time()
    for event in measure_depths(ready, 0.0, 1.0):
        found[event.unit, event.metric] = event.value
    return time.process_time() - began


def plain(ready: Prepared, found: dict) -> float:
    """A pass for each depth and score."""
    split, labels = ready.split, ready.images.labels
    everything = np.concatenate([split.train, split.validation, split.test])
    cuts = [len(split.train), len(split.train) + len(split.validation)]
    began = time.process_time()
    for unit in range(ready.network.n_units):
        for name in ("linear_probe", *SCORED):
            rows = extract(ready.network, ready.pixels, everything, 256, Control()).units[unit]
            parts = np.split(rows, cuts)
            targets = np.split(labels[everything], cuts)
            if name == "linear_probe":
                found[unit + 1, "probe_accuracy"] = plain_probe(parts, targets)
            else:
                try:
                    found[unit + 1, name] = SCORES[name](parts[0], targets[0])
                except Exception:
                    found[unit + 1, name] = None
    return time.process_time() - began


def plain_probe(parts: list[np.ndarray], targets: list[np.ndarray]) -> float:
    """Test accuracy of scikit-learn's probe."""
    mean, scale = parts[0].mean(0), parts[0].std(0)
    train, validation, test = ((rows - mean) / np.where(scale > 0, scale, 1) for rows in parts)
    best, chosen = -1.0, GRID[0]
    for c in GRID:
        hit = LogisticRegression(C=c, max_iter=1_000).fit(train, targets[0]).score(validation, targets[1])
        best, chosen = (hit, c) if hit > best else (best, chosen)
    known = np.concatenate([train, validation]), np.concatenate(targets[:2])
    return LogisticRegression(C=chosen, max_iter=1_000).fit(*known).score(test, targets[2])


def main() -> None:
    """Compare and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--labels", type=int, default=200)
    parser.add_argument("--tested", type=int, default=200)
    args = parser.parse_args()
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    ready = prepared(args.labels, args.tested)
    one: dict = {}
    other: dict = {}
    with threadpool_limits(1):
        measured = alternate(lambda: ours(ready, one), lambda: plain(ready, other), args.pairs)
    report(f"all depths' probes and {len(SCORED)} scores on {args.labels} labels", measured)
    worst = min(one[unit, "probe_accuracy"] - other[unit, "probe_accuracy"] for unit in range(1, 11))
    error = max(
        math.sqrt(value * (1 - value) / args.tested) for (_, name), value in other.items() if name[:5] == "probe"
    )
    print(
        f"accuracy gate: least difference over depths {worst:+.4f}, one standard error {error:.4f}: {worst >= -error}"
    )
    mean = np.mean([one[unit, "probe_accuracy"] - other[unit, "probe_accuracy"] for unit in range(1, 11)])
    print(f"mean difference over depths {mean:+.4f}")
    apart = max(abs(one[key] - value) for key, value in other.items() if value is not None and key[1] in SCORED)
    print(f"largest difference of a score: {apart:.2e}")


if __name__ == "__main__":
    main()
