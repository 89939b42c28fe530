"""How often identical strategies are told apart: A/A runs. Nothing differs, so every winner is a false one.

Synthetic: accuracies of k equal strategies over n paired seeds, with a seed effect that all share, as the runs of one split
have. With `--real`: linear probes of the same random features (of the shipped digits), each on its own draw of 50 labels, so
that k "strategies" differ by nothing but luck. Printed: the share of experiments with any false winner, (a) as this product
tells (paired t, Holm over what is shown, at least 6 pairs), (b) by uncorrected paired t-tests, as is often done.

Run: python tests/benchmarks/aa_calibration.py [--experiments 2000] [--real]
"""

from __future__ import annotations

import argparse
import itertools

import numpy as np
import pandas as pd

from engine import stats

SEEDS, STRATEGIES = stats.CLAIM_PAIRS, 6


def told_apart(values: np.ndarray) -> tuple[bool, bool]:
    """Whether any two of k strategies (k, n seeds) are told apart: by the product, and by uncorrected t-tests."""
    cells = {place: pd.Series(one) for place, one in enumerate(values)}
    pairs = [stats.paired(cells[a], cells[b]) for a, b in itertools.combinations(cells, 2)]
    p = [one.p_value for one in pairs]
    enough = values.shape[1] >= stats.CLAIM_PAIRS
    return bool(enough and (stats.holm(p) < 0.05).any()), bool(min(p) < 0.05)


def synthetic(experiments: int, seeds: int, strategies: int = STRATEGIES, seed: int = 0) -> tuple[float, float]:
    """Share of experiments with a false winner, by the product and uncorrected; accuracies of 500 test images."""
    draws = np.random.default_rng(seed)
    found = []
    for _ in range(experiments):
        shared = draws.normal(0.7, 0.03, size=seeds)
        chance = np.clip(shared + draws.normal(0, 0.015, size=(strategies, seeds)), 0, 1)
        found.append(told_apart(draws.binomial(500, chance) / 500))
    ours, naive = np.mean(found, axis=0)
    return float(ours), float(naive)


def real(experiments: int, seeds: int = SEEDS, strategies: int = 4) -> tuple[float, float]:
    """The same with linear probes that are really fitted, on digits of scikit-learn."""
    from sklearn.datasets import load_digits
    from sklearn.linear_model import RidgeClassifier

    images, labels = load_digits(return_X_y=True)
    features = np.maximum(images @ np.random.default_rng(0).normal(size=(64, 48)), 0)
    test, pool = np.arange(500), np.arange(500, len(labels))
    found = []
    for experiment in range(experiments):
        accuracies = np.empty((strategies, seeds))
        for place, seed in itertools.product(range(strategies), range(seeds)):
            rows = np.random.default_rng([experiment, place, seed]).choice(pool, 50, replace=False)
            probe = RidgeClassifier(alpha=10.0).fit(features[rows], labels[rows])
            accuracies[place, seed] = probe.score(features[test], labels[test])
        found.append(told_apart(accuracies))
    ours, naive = np.mean(found, axis=0)
    return float(ours), float(naive)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--experiments", type=int, default=2_000)
    parser.add_argument("--real", action="store_true")
    args = parser.parse_args()
    print(f"{'identical strategies':36} false winners: this product / uncorrected paired t-tests")
    for seeds in (3, 5, SEEDS, 10):
        ours, naive = synthetic(args.experiments, seeds)
        kind = f"synthetic, {STRATEGIES} strategies, {seeds} seeds"
        print(f"{kind:36} {ours:6.1%} / {naive:6.1%}   ({args.experiments} experiments)")
    if args.real:
        ours, naive = real(max(50, args.experiments // 10))
        kind = f"fitted probes, 4 strategies, {SEEDS} seeds"
        print(f"{kind:36} {ours:6.1%} / {naive:6.1%}   ({max(50, args.experiments // 10)} experiments)")


if __name__ == "__main__":
    main()
