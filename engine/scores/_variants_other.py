"""Variants of scores of a source head (LEEP, NCE) and of two sets of features (CKA, MMD, CORAL, Frechet distance)."""

from __future__ import annotations

import numpy as np

from engine.errors import ScoreNotDefined
from engine.scores import _checks, _linalg, cka, coral, frechet, nce
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


def exchanged(theta: np.ndarray, classes: np.ndarray) -> float:
    """-H(Z | Y): NCE with the predicted source classes and the labels in each other's place."""
    source = np.unique(theta.argmax(axis=1), return_inverse=True)[1]
    return nce.compute(np.eye(int(classes.max()) + 1)[classes], source)


def zero_times_infinity(theta: np.ndarray, classes: np.ndarray) -> float:
    """NCE summed over all pairs of a target class and a source class up to the last predicted, whether they meet or not."""
    source = theta.argmax(axis=1)
    together = np.zeros((int(classes.max()) + 1, int(source.max()) + 1))
    np.add.at(together, (classes, source), 1.0)
    if never := int((together == 0).sum()):
        raise ScoreNotDefined(
            "nce", f"{never} of {together.size} pairs of classes never meet here, and 0 ln 0 is NaN in it"
        )
    return nce.compute(theta, classes)


VARIANTS.register(
    Variant(
        "nce", "exchanged", "is given labels and predictions in each other's place: -H(Z | Y), how well the labels tell the"
        " source's prediction", "a public toolbox for choosing models, which calls LogME's authors' code this way", exchanged,
        always, "it is not the formula: source classes that nothing tells apart score best",
    )
)  # fmt: skip
VARIANTS.register(
    Variant(
        "nce", "0 ln 0", "sums over pairs of classes that never meet as well, where 0 ln 0 is NaN; otherwise the same"
        " number (later copies add 1e-20 inside the logarithm and agree with ours)",
        "the file of LogME's authors as first published", zero_times_infinity,
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
