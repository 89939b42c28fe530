"""Linear algebra that scores share: class sums, and spectra from the smaller Gram matrix."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np


def class_sums(features: np.ndarray, classes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Sums (C, n_features) and counts (C,) of the rows of each class."""
    counts = np.bincount(classes)
    order = np.argsort(classes, kind="stable")
    starts = np.concatenate([[0], np.cumsum(counts)[:-1]])
    return np.add.reduceat(features[order], starts, axis=0), counts


FAINT = 1e-10
"""Share of the largest energy below which a Gram matrix, which squares, no longer tells a direction exactly."""


@dataclass(frozen=True)
class Spectrum:
    """The singular value decomposition of features (n, d), its k directions in rising order of energy."""

    energy: np.ndarray
    """Squared singular values (k,), k = rank."""
    explained: np.ndarray
    """|u_i' t_c|^2 (k, C) for the left singular vectors u_i and the class indicators t_c."""
    rows: Callable[[int], np.ndarray]
    """Number of directions -> the features in the strongest of them, the strongest first: (n, that many)."""


def gram(features: np.ndarray) -> np.ndarray:
    """The smaller Gram matrix of features (n, d): F F' (n, n) where n <= d, otherwise F'F (d, d)."""
    n, d = features.shape
    return features @ features.T if n <= d else features.T @ features


def spectrum(features: np.ndarray, classes: np.ndarray, product: np.ndarray | None = None) -> Spectrum:
    """The spectrum of features (n, d), from the eigendecomposition of their smaller Gram matrix (`product`, where it is known).

    Where faint directions make that inexact it is a singular value decomposition, slower but exact to 1e-13 of the largest
    value. Below that a direction counts as absent.
    """
    n, d = features.shape
    known = product if product is not None else gram(features)
    used = features.any(axis=0)
    if n > d and not used.all():
        features, known = features[:, used], known[np.ix_(used, used)]
    energy, axes = np.linalg.eigh(known)
    if energy[0] < FAINT * energy[-1]:
        left, size, _ = np.linalg.svd(features, full_matrices=False)
        keep = size > size[0] * max(n, d) * np.finfo(float).eps
        left, size = left[:, keep][:, ::-1], size[keep][::-1]
        explained = class_sums(left, classes)[0].T ** 2
        return Spectrum(size**2, explained, lambda k: (left[:, -k:] * size[-k:])[:, ::-1])
    if n <= d:
        explained = class_sums(axes, classes)[0].T ** 2
        return Spectrum(energy, explained, lambda k: (axes[:, -k:] * np.sqrt(energy[-k:]))[:, ::-1])
    explained = (axes.T @ class_sums(features, classes)[0].T) ** 2 / energy[:, None]
    return Spectrum(energy, explained, lambda k: features @ axes[:, : -k - 1 : -1])


def log_det_plus_identity(features: np.ndarray, factor: float) -> float:
    """ln det(I + factor * F'F), through the smaller Gram matrix."""
    product = gram(features) * factor
    product[np.diag_indices_from(product)] += 1.0
    return 2.0 * float(np.log(np.diag(np.linalg.cholesky(product))).sum())
