"""Linear algebra that scores share: class sums, and spectra from the smaller Gram matrix."""

from __future__ import annotations

import numpy as np


def class_sums(features: np.ndarray, classes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Sums (C, n_features) and counts (C,) of the rows of each class."""
    counts = np.bincount(classes)
    order = np.argsort(classes, kind="stable")
    starts = np.concatenate([[0], np.cumsum(counts)[:-1]])
    return np.add.reduceat(features[order], starts, axis=0), counts


FAINT = 1e-10
"""Share of the largest energy below which a Gram matrix, which squares, no longer tells a direction exactly."""


def spectrum(features: np.ndarray, classes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Squared singular values s (k,) of features, and |u_i' t_c|^2 (k, C) for class indicators t_c, k = rank.

    From the eigendecomposition of the smaller Gram matrix, min(n, d) on a side; from a singular value decomposition, slower but
    exact to 1e-13 of the largest value, where faint directions make that one inexact. Below that a direction counts as absent.
    """
    features = features[:, features.any(axis=0)]
    n, d = features.shape
    energy, axes = np.linalg.eigh(features @ features.T if n <= d else features.T @ features)
    if energy[0] < FAINT * energy[-1]:
        left, size, _ = np.linalg.svd(features, full_matrices=False)
        keep = size > size[0] * max(n, d) * np.finfo(float).eps
        return size[keep] ** 2, class_sums(left[:, keep], classes)[0].T ** 2
    if n <= d:
        return energy, class_sums(axes, classes)[0].T ** 2
    return energy, (axes.T @ class_sums(features, classes)[0].T) ** 2 / energy[:, None]


def log_det_plus_identity(features: np.ndarray, factor: float) -> float:
    """ln det(I + factor * F'F), through the smaller Gram matrix."""
    n, d = features.shape
    gram = features @ features.T if n <= d else features.T @ features
    gram *= factor
    gram[np.diag_indices_from(gram)] += 1.0
    return 2.0 * float(np.log(np.diag(np.linalg.cholesky(gram))).sum())
