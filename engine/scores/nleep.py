"""NLEEP: LEEP with a Gaussian mixture on the features in place of a source head.

    PCA to 80 % of the variance, a mixture of 5 C Gaussians (full covariances), its posterior as theta; LEEP of that.

Features (n_samples, n_features), brought to mean squared length 1 after centring, so that the mixture's variance floor (1e-6)
does not depend on their scale. The mean over three seeds, because one seed moves the value by some percent (digits: -.156,
-.148, -.170). Range: below 0, in nats. Optimistic where the mixture has few images per Gaussian, hence refused below two.
Ignores: what lies in the last 20 % of the variance; it depends on the order of the rows through the random start.

Source: Li et al. 2021 ("Ranking neural checkpoints"), section 3.2; the mixture is `_mixture`. Public implementations
differ in the number of Gaussians and in the seed, which they do not report.
"""

from __future__ import annotations

import numpy as np

from engine.errors import ScoreNotDefined
from engine.scores import _mixture, leep
from engine.scores._base import SCORES, Score
from engine.scores._statistics import Statistics

ENERGY = 0.8
PER_CLASS = 5
SEEDS = (0, 1, 2)
LEAST = 2
"""Images per Gaussian."""
MOST = 4e9
"""Multiplications per step of the mixture: above, it would take many minutes."""


def compute(statistics: Statistics, *, seeds: tuple[int, ...] = SEEDS) -> float:
    """NLEEP of features (n, d) with their classes, the mean over seeds."""
    n, components = len(statistics.features), PER_CLASS * len(statistics.counts)
    if n < LEAST * components:
        raise ScoreNotDefined("nleep", f"{n} samples are fewer than {LEAST} for each of {components} Gaussians")
    reduced = _principal(statistics)
    if n * components * reduced.shape[1] ** 2 > MOST:
        raise ScoreNotDefined("nleep", f"{components} Gaussians in {reduced.shape[1]} dimensions would take too long")
    different = len(np.unique(reduced, axis=0))
    if different < LEAST * components:
        raise ScoreNotDefined("nleep", f"{different} different samples are too few for {components} Gaussians")
    return float(np.mean([leep.compute(_posterior(reduced, components, seed), statistics.classes) for seed in seeds]))


def _principal(statistics: Statistics) -> np.ndarray:
    """The first principal components that hold 80 % of the variance, (n, k), with mean squared length of all columns 1."""
    shared = statistics.about_mean
    energy = shared.energy[::-1]
    k = int(np.searchsorted(np.cumsum(energy) / energy.sum(), ENERGY)) + 1
    return shared.rows(k) / np.sqrt(energy.sum() / len(statistics.features))


def _posterior(rows: np.ndarray, components: int, seed: int) -> np.ndarray:
    try:
        return _mixture.posterior(rows, components, seed)
    except np.linalg.LinAlgError as error:
        raise ScoreNotDefined("nleep", f"the mixture has no solution ({error})") from error


SCORES.register(
    Score(
        name="nleep",
        label="NLEEP",
        formula="LEEP with the posterior of 5 C Gaussians on the principal components (80 %) as theta; mean of 3 seeds",
        range=(-np.inf, 0.0),
        source="Li et al. 2021, section 3.2",
        compute=compute,
        shares=True,
        invariances=frozenset("rotation column_order scale translation class_ids zero_column constant_column".split()),
        ignores="the last 20 % of the variance; the random start moves it by some percent",
        refuses="fewer than two images per Gaussian (10 C), or so many Gaussians that it would not end",
        differs="one unreported seed is usual",
    )
)
