"""LogME against direct implementations: the fixed point as printed (a solve per class and step), and with one decomposition.

Both peers are ours, written from You et al. 2021, algorithm 1, with all D terms of the determinant, until a and b change by
less than one in a thousand. Values must agree to 1e-3 (the fixed point stops there; ours goes on to 1e-10). Seconds are of the
processor, one thread; N = 1,000, ten classes.

Run: python tests/benchmarks/logme_direct.py [--pairs 5] [--widths 512 2048]
"""

from __future__ import annotations

import argparse
import time

import numpy as np
from _pairs import alternate, report
from threadpoolctl import threadpool_limits

from engine.scores import SCORES

STEPS, CHANGE = 100, 1e-3


def evidence(n: int, d: int, a: float, b: float, log_det: float, misfit: float, size: float) -> float:
    """ln p(t) / N, as in the paper's equation 2."""
    return (n * np.log(b) + d * np.log(a) - log_det - b * misfit - a * size - n * np.log(2 * np.pi)) / (2 * n)


def printed(features: np.ndarray, labels: np.ndarray) -> float:
    """Each step solves with a I + b F'F."""
    n, d = features.shape
    gram, total = features.T @ features, 0.0
    classes = np.unique(labels)
    s = np.linalg.eigvalsh(gram).clip(0)
    for one in classes:
        t = (labels == one).astype(float)
        a = b = 1.0
        for _ in range(STEPS):
            m = b * np.linalg.solve(a * np.eye(d) + b * gram, features.T @ t)
            gamma = (b * s / (a + b * s)).sum()
            misfit, size = ((t - features @ m) ** 2).sum(), m @ m
            before = a, b
            a, b = gamma / size, (n - gamma) / misfit
            if abs(a / before[0] - 1) < CHANGE and abs(b / before[1] - 1) < CHANGE:
                break
        m = b * np.linalg.solve(a * np.eye(d) + b * gram, features.T @ t)
        misfit, size = ((t - features @ m) ** 2).sum(), m @ m
        total += evidence(n, d, a, b, np.log(a + b * s).sum(), misfit, size)
    return total / len(classes)


def decomposed(features: np.ndarray, labels: np.ndarray) -> float:
    """One singular value decomposition, then steps on numbers alone."""
    n, d = features.shape
    left, size_of, _ = np.linalg.svd(features, full_matrices=False)
    s, total = size_of**2, 0.0
    classes = np.unique(labels)
    for one in classes:
        t = (labels == one).astype(float)
        along = (left.T @ t) ** 2
        rest = t @ t - along.sum()
        a = b = 1.0
        for _ in range(STEPS):
            gamma = (b * s / (a + b * s)).sum()
            size = (b**2 * s * along / (a + b * s) ** 2).sum()
            misfit = rest + (a**2 * along / (a + b * s) ** 2).sum()
            before = a, b
            a, b = gamma / size, (n - gamma) / misfit
            if abs(a / before[0] - 1) < CHANGE and abs(b / before[1] - 1) < CHANGE:
                break
        size = (b**2 * s * along / (a + b * s) ** 2).sum()
        misfit = rest + (a**2 * along / (a + b * s) ** 2).sum()
        log_det = np.log(a + b * s).sum() + (d - len(s)) * np.log(a)
        total += evidence(n, d, a, b, log_det, misfit, size)
    return total / len(classes)


def timed(function: object, values: list[float]) -> float:
    """Seconds of the processor; the value is kept."""
    began = time.process_time()
    values.append(function())
    return time.process_time() - began


def main() -> None:
    """Compare and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--widths", type=int, nargs="+", default=[512, 2048])
    args = parser.parse_args()
    draws = np.random.default_rng(0)
    with threadpool_limits(1):
        for d in args.widths:
            labels = np.arange(1_000) % 10
            features = np.maximum(draws.normal(size=(1_000, d)) + draws.normal(size=(10, d))[labels] * 0.3, 0)
            SCORES["logme"](features, labels)  # what is loaded on first use is no part of it
            for title, peer in (("one decomposition", decomposed), ("as printed", printed)):
                ours: list[float] = []
                theirs: list[float] = []
                measured = alternate(
                    lambda kept=ours, given=(features, labels): timed(lambda: SCORES["logme"](*given), kept),
                    lambda kept=theirs, given=(features, labels), peer=peer: timed(lambda: peer(*given), kept),
                    args.pairs,
                )
                report(f"LogME, N = 1000, D = {d}, against {title}", measured)
                print(f"  values {ours[0]:.6f} and {theirs[0]:.6f}; agree: {abs(ours[0] - theirs[0]) < 1e-3}")


if __name__ == "__main__":
    main()
