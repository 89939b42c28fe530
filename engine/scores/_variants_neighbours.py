"""Variants of scores of distances: nearest neighbours, nearest class mean, silhouette, GBC and NLEEP."""

from __future__ import annotations

from functools import partial

import numpy as np

from engine.scores import _checks, _linalg, gbc, knn, ncc, nleep, silhouette
from engine.scores._base import FeatureSplit
from engine.scores._variants import VARIANTS, Variant, always


def votes(split: FeatureSplit, k: int, weighted: bool) -> float:
    """Test accuracy of the k nearest in cosine similarity, weighted as in `knn` or one vote each."""
    reference, labels = split.labelled
    if weighted:
        return float(np.mean(knn.predict(reference, labels, split.test, k) == split.test_labels))
    return _one_vote_each(split, min(k, len(reference)), "cosine")


def _one_vote_each(split: FeatureSplit, k: int, metric: str) -> float:
    from sklearn.neighbors import KNeighborsClassifier

    known = KNeighborsClassifier(k, metric=metric, algorithm="brute").fit(*split.labelled)
    return float(known.score(split.test, split.test_labels))


for _label, _differs, _found, _compute in (
    ("k = 5, Euclidean", "takes 5 neighbours by Euclidean distance, one vote each",
     "scikit-learn's KNeighborsClassifier as it comes",
     lambda split: _one_vote_each(split, min(5, len(split.labelled[0])), "euclidean")),
    ("k = 20, unweighted", "gives each of the 20 neighbours one vote, however far it is", "many evaluations that name k only",
     partial(votes, k=20, weighted=False)),
    ("k = 200", "takes 200 neighbours (all where there are fewer)", "Wu et al. 2018, section 4",
     partial(votes, k=200, weighted=True)),
):  # fmt: skip
    VARIANTS.register(Variant("knn", _label, _differs, _found, _compute))


def _own_mean(split: FeatureSplit) -> float:
    statistics = split.statistics
    rows = statistics.centred
    return float(np.mean(ncc.predict(rows, statistics.classes, rows) == statistics.classes))


def _normalised_means(split: FeatureSplit) -> float:
    rows = split.statistics.centred
    length = np.linalg.norm(rows, axis=1, keepdims=True)
    return ncc.compute(rows / np.where(length > 0, length, 1.0), split.statistics.classes)


VARIANTS.register(
    Variant(
        "ncc", "with itself", "compares an image with a mean that holds the image itself", "most public code", _own_mean,
        lambda shape: shape.rank >= shape.n - 1,
        "as many directions as images: each image pulls its own mean toward itself, whatever its label",
    )
)  # fmt: skip
VARIANTS.register(
    Variant(
        "ncc", "centred, unit length", "brings the centred features to length 1 first",
        "SimpleShot (Wang et al. 2019), CL2N, centred on these images",
        _normalised_means,
    )
)  # fmt: skip
VARIANTS.register(
    Variant(
        "silhouette", "cosine", "measures cosine instead of Euclidean distances", "feature-quality reports that do not name it",
        lambda split: silhouette.compute(split.train, split.statistics.classes, metric="cosine"),
    )
)  # fmt: skip


def log_once(features: np.ndarray, classes: np.ndarray) -> float:
    """GBC of spherical Gaussians whose logarithm of the variance is counted once instead of D times."""
    moved = _checks.centred(features)
    sums, counts = _linalg.class_sums(moved, classes)
    means = sums / counts[:, None]
    spread = _linalg.class_sums((moved - means[classes]) ** 2, classes)[0].mean(axis=1) / counts
    spread = np.maximum(spread, gbc.FLOOR)
    middle = (spread[:, None] + spread) / 2
    apart = ((means**2).sum(axis=1)[:, None] - 2 * means @ means.T + (means**2).sum(axis=1)).clip(min=0)
    distance = apart / middle / 8 + np.log(middle / np.sqrt(spread[:, None] * spread)) / 2
    overlap = np.exp(-distance)
    return -float(overlap.sum() - np.trace(overlap))


COMPONENTS = 64
"""Principal components that the authors of GBC keep."""


def _reduced(split: FeatureSplit) -> float:
    shared = split.statistics.about_mean
    return gbc.compute(shared.rows(min(COMPONENTS, len(shared.energy))), split.statistics.classes)


for _label, _differs, _found, _compute, _where, _because in (
    ("spherical", "has one variance per class, the mean over columns", "Pandy et al. 2022, the other form",
     lambda split: gbc.compute(split.train, split.statistics.classes, covariance="spherical"), None, ""),
    ("log once", "is the spherical form with the logarithm of the variance counted once instead of D times", "public code",
     lambda split: log_once(split.train, split.statistics.classes), always,
     "it is not the distance of two Gaussians in D dimensions"),
    ("64 components", "reduces the features to 64 principal components first", "Pandy et al. 2022, section 4",
     _reduced, None, ""),
):  # fmt: skip
    _options = {} if _where is None else {"wrong_where": _where, "wrong_because": _because}
    VARIANTS.register(Variant("gbc", _label, _differs, _found, _compute, **_options))

VARIANTS.register(
    Variant(
        "nleep", "one seed", "fits one mixture instead of three", "public code, its seed rarely reported",
        lambda split: nleep.compute(split.statistics, seeds=nleep.SEEDS[:1]),
    )
)  # fmt: skip
