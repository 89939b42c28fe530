"""Linear algebra that scores share: class sums, and spectra from the smaller Gram matrix."""

from __future__ import annotations

import numpy as np


def class_sums(features: np.ndarray, classes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Sums (C, n_features) and counts (C,) of the rows of each class."""
    counts = np.bincount(classes)
    order = np.argsort(classes, kind="stable")
    starts = np.concatenate([[0], np.cumsum(counts)[:-1]])
    return np.add.reduceat(features[order], starts, axis=0), counts


def spectrum(features: np.ndarray, classes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Squared singular values s (k,) of features, and |u_i' t_c|^2 (k, C) for class indicators t_c, k = rank.

    From the eigendecomposition of the smaller Gram matrix, min(n, d) on a side. Directions with less than
    max(n, d) * 2e-16 of the largest one's energy cannot be told from rounding and count as absent.
    """
    n, d = features.shape
    if n <= d:
        energy, left = np.linalg.eigh(features @ features.T)
        keep = energy > energy[-1] * d * np.finfo(float).eps
        sums, _ = class_sums(left[:, keep], classes)  # (C, k)
        return energy[keep], sums.T**2
    energy, right = np.linalg.eigh(features.T @ features)
    keep = energy > energy[-1] * n * np.finfo(float).eps
    sums, _ = class_sums(features, classes)
    return energy[keep], (right[:, keep].T @ sums.T) ** 2 / energy[keep, None]


def log_det_plus_identity(features: np.ndarray, factor: float) -> float:
    """ln det(I + factor * F'F), through the smaller Gram matrix."""
    n, d = features.shape
    gram = features @ features.T if n <= d else features.T @ features
    gram *= factor
    gram[np.diag_indices_from(gram)] += 1.0
    return 2.0 * float(np.log(np.diag(np.linalg.cholesky(gram))).sum())
