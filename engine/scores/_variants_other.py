"""Variants of scores of a source head (LEEP) and of two sets of features (CKA, MMD, CORAL, Frechet distance)."""

from __future__ import annotations

import numpy as np

from engine.scores import _checks, _linalg, cka, coral, frechet
from engine.scores._variants import VARIANTS, Variant, always, not_too_wide


def likelihoods(theta: np.ndarray, classes: np.ndarray) -> np.ndarray:
    """sum_z P(y_i | z) theta_z(x_i) of every image (n,): what LEEP takes the mean logarithm of."""
    joint, _ = _linalg.class_sums(theta, classes)
    mass = joint.sum(axis=0)
    given = np.divide(joint, mass, out=np.zeros_like(joint), where=mass > 0)
    return (given[classes] * theta).sum(axis=1)


VARIANTS.register(
    Variant(
        "leep", "no logarithm", "is the mean likelihood itself", "public code",
        lambda theta, classes: float(likelihoods(theta, classes).mean()), always,
        "it is not the formula: the logarithm is missing",
    )
)  # fmt: skip
VARIANTS.register(
    Variant(
        "leep", "log of the mean", "takes the logarithm of the mean instead of the mean of logarithms", "public code",
        lambda theta, classes: float(np.log(likelihoods(theta, classes).mean())), always,
        "it is not the formula: it is never below the mean of logarithms",
    )
)  # fmt: skip
VARIANTS.register(
    Variant(
        "cka", "biased", "keeps the diagonals of the Gram matrices", "Kornblith et al. 2019, and most public code",
        lambda first, second: cka.compute(first, second, estimator="biased"), lambda shape: shape.n <= shape.d,
        "N <= D: the diagonals alone make unrelated features alike (.91 at N = 50, D = 500)",
    )
)  # fmt: skip

BANDWIDTHS = (0.25, 0.5, 1.0, 2.0, 4.0)
"""Of the five kernels, in mean squared distances (Long et al. 2015: a factor of two between neighbours)."""


def biased_mmd(first: np.ndarray, second: np.ndarray, *, several: bool = False) -> float:
    """MMD^2 with the diagonals kept: one Gaussian kernel of median width, or the sum of five around the mean squared distance."""
    from scipy.spatial.distance import pdist, squareform

    both = np.concatenate([first, second])
    distances = pdist(both / (np.abs(both).max() or 1.0), "sqeuclidean")
    unit = distances.mean() if several else np.median(distances)
    if unit == 0:
        _checks.refuse_constant("mmd")
    n, total = len(first), 0.0
    for width in BANDWIDTHS if several else (1.0,):
        kernel = squareform(np.exp(-distances / (width * unit)))
        np.fill_diagonal(kernel, 1.0)
        total += kernel[:n, :n].mean() + kernel[n:, n:].mean() - 2 * kernel[:n, n:].mean()
    return float(total)


VARIANTS.register(
    Variant(
        "mmd", "biased", "keeps the diagonals, so that it is above 0 also for two draws of one set", "most public code",
        biased_mmd, lambda shape: False, "",
    )
)  # fmt: skip
VARIANTS.register(
    Variant(
        "mmd", "five kernels", "sums five bandwidths around the mean squared distance, diagonals kept",
        "domain adaptation code after DAN (Long et al. 2015)", lambda first, second: biased_mmd(first, second, several=True),
    )
)  # fmt: skip


def _undivided(first: np.ndarray, second: np.ndarray) -> float:
    return coral.compute(first, second) * 4 * first.shape[1] ** 2


VARIANTS.register(
    Variant(
        "coral", "not divided", "leaves out 1 / (4 D^2), so wide units look far apart", "CORAL (Sun et al. 2016) and public code",
        _undivided,
    )
)  # fmt: skip
VARIANTS.register(
    Variant(
        "coral", "root", "takes the root: the norm, not its square", "public code",
        lambda first, second: float(np.sqrt(_undivided(first, second))),
    )
)  # fmt: skip


def unshrunk(first: np.ndarray, second: np.ndarray) -> float:
    """Frechet distance with all samples of both sets and no shrinkage."""
    not_too_wide("frechet", first.shape[1])
    between = float(((first.mean(axis=0) - second.mean(axis=0)) ** 2).sum())
    one, other = (frechet._factor(_checks.centred(rows), shrink=False) for rows in (first, second))
    shared = np.linalg.svd(one @ other.T, compute_uv=False).sum()
    return max(0.0, between + float((one**2).sum() + (other**2).sum() - 2 * shared))


VARIANTS.register(
    Variant(
        "frechet", "not shrunk", "takes sets of unequal size as they are and never shrinks their covariances",
        "FID code (Heusel et al. 2017)", unshrunk, lambda shape: shape.n <= shape.d,
        "N <= D: covariances without full rank make any two sets look far apart",
    )
)  # fmt: skip
