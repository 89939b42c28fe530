"""MMD: squared maximum mean discrepancy of two sets of features, Gaussian kernel, unbiased.

    MMD^2 = mean k(x, x') over x != x' + mean k(y, y') over y != y' - 2 mean k(x, y),   k(a, b) = exp(-|a - b|^2 / median)

The median is that of squared distances between all different pairs of both sets together, (n_first, n_features) and
(n_second, n_features). 0 is expected where both come from one distribution, and the estimate may be below it; `p_value` says
what chance gives. Lower is more alike. Above 2,500 samples a set is represented by a seeded draw of 2,500.
Ignores: differences much finer or much coarser than the median distance.

Source: Gretton et al. 2012 ("A kernel two-sample test"), lemma 6 and section 8 for the median. Public implementations: most keep
the diagonal (biased, never below 0), or sum several bandwidths.
"""

from __future__ import annotations

import numpy as np

from engine.errors import ScoreNotDefined
from engine.scores import _checks
from engine.scores._base import SCORES, Score

LIMIT = 2_500


def compute(first: np.ndarray, second: np.ndarray, *, limit: int = LIMIT, seed: int = 0) -> float:
    """Unbiased MMD^2 of first (n, d) and second (m, d)."""
    kernel, n = _kernel(first, second, limit, seed)
    return float(_statistic(kernel, np.arange(len(kernel)) < n))


def p_value(
    first: np.ndarray, second: np.ndarray, *, permutations: int = 200, limit: int = LIMIT, seed: int = 0
) -> float:
    """Share of random divisions of all samples (this one included) whose MMD^2 is at least as large, in (0, 1].

    Raises:
        ScoreNotDefined: as the score itself.
    """
    first, second = _checks.matrix("mmd", first), _checks.matrix("mmd", second)
    _checks.fit_together("mmd", first, second, paired=False)
    kernel, n = _kernel(first, second, limit, seed)
    member = np.arange(len(kernel)) < n
    found, draws = _statistic(kernel, member), np.random.default_rng(seed)
    larger = sum(_statistic(kernel, draws.permutation(member)) >= found for _ in range(permutations))
    return (1 + larger) / (1 + permutations)


def _kernel(first: np.ndarray, second: np.ndarray, limit: int, seed: int) -> tuple[np.ndarray, int]:
    from scipy.spatial.distance import pdist, squareform

    draws = np.random.default_rng(seed)
    first, second = (
        rows if len(rows) <= limit else rows[np.sort(draws.choice(len(rows), limit, replace=False))]
        for rows in (first, second)
    )
    both = np.concatenate([first, second])
    distances = pdist(both / (np.abs(both).max() or 1.0), "sqeuclidean")
    median = np.median(distances)
    if median == 0:
        raise ScoreNotDefined("mmd", "more than half of all pairs of samples are the same: the kernel has no width")
    kernel = squareform(np.exp(-distances / median))
    return kernel, len(first)  # zero diagonal, as the unbiased form wants it


def _statistic(kernel: np.ndarray, member: np.ndarray) -> float:
    n, m = int(member.sum()), int((~member).sum())
    rows = kernel @ member  # kernel with the first set, summed
    own, across = rows[member].sum(), rows[~member].sum()
    other = kernel.sum() - own - 2 * across
    return own / (n * (n - 1)) + other / (m * (m - 1)) - 2 * across / (n * m)


SCORES.register(
    Score(
        name="mmd",
        label="MMD squared",
        formula="E k(x, x') + E k(y, y') - 2 E k(x, y), Gaussian kernel of median width, unbiased",
        range=(-2.0, 2.0),
        source="Gretton et al. 2012, lemma 6 and section 8",
        compute=compute,
        kind="two_sets",
        direction="lower",
        invariances=frozenset("rotation column_order scale translation row_order zero_column constant_column".split()),
        ignores="differences much finer or coarser than the median distance",
        refuses="more than half of all pairs of samples are the same",
        differs="most keep the diagonal, which biases the value upwards",
    )
)
