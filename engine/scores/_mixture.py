"""A mixture of Gaussians with full covariances, all components in one batched step.

Expectation maximisation as scikit-learn's GaussianMixture does it (k-means first, variance floor 1e-6, until the mean log
likelihood rises by less than 1e-3), with the same result: its loop over components in Python costs most of the time where
there are many Gaussians of few dimensions, as NLEEP has.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

FLOOR = 1e-6
TOLERANCE = 1e-3
MAX_STEPS = 100
CHUNK = 4_000_000
"""Numbers held at once."""


def posterior(rows: np.ndarray, components: int, seed: int) -> np.ndarray:
    """Probabilities (n, components) of each Gaussian for rows (n, k), after fitting them to these rows.

    Raises:
        numpy.linalg.LinAlgError: a covariance is singular.
    """
    from sklearn.cluster import KMeans

    start = KMeans(components, n_init=1, random_state=np.random.RandomState(seed)).fit(rows).labels_
    share = np.zeros((len(rows), components))
    share[np.arange(len(rows)), start] = 1.0
    before = -np.inf
    for _ in range(MAX_STEPS):
        logs = _log_joint(rows, share)
        likelihood = _log_sum(logs)
        share = np.exp(logs - likelihood[:, None])
        now = float(likelihood.mean())
        if abs(now - before) < TOLERANCE:
            break
        before = now
    logs = _log_joint(rows, share)
    return np.exp(logs - _log_sum(logs)[:, None])


def _log_sum(logs: np.ndarray) -> np.ndarray:
    most = logs.max(axis=1)
    return most + np.log(np.exp(logs - most[:, None]).sum(axis=1))


def _log_joint(rows: np.ndarray, share: np.ndarray) -> np.ndarray:
    """ln of weight times density (n, components) under the Gaussians that shares (n, components) of the rows make."""
    (n, k), mass = rows.shape, share.sum(axis=0) + 10 * np.finfo(float).eps
    means = share.T @ rows / mass[:, None]
    logs = np.empty_like(share)
    for some in _chunks(share.shape[1], n * k):
        moved = rows - means[some, None]  # (c, n, k)
        covariance = (moved * share.T[some, :, None]).transpose(0, 2, 1) @ moved / mass[some, None, None]
        covariance[:, np.arange(k), np.arange(k)] += FLOOR
        root = np.linalg.cholesky(covariance)
        inverse = np.linalg.inv(root)  # of a small triangle
        distance = ((moved @ inverse.transpose(0, 2, 1)) ** 2).sum(axis=2)  # (c, n)
        size = np.log(np.diagonal(root, axis1=1, axis2=2)).sum(axis=1)
        logs[:, some] = (-0.5 * (k * np.log(2 * np.pi) + distance) - size[:, None]).T
    return logs + np.log(mass / mass.sum())


def _chunks(components: int, each: int) -> Iterator[slice]:
    step = max(1, CHUNK // each)
    return (slice(start, start + step) for start in range(0, components, step))
