"""Intervals of a score by resampling its images: stratified by class, seeded, the method stated with the numbers.

`subsamples`, the default: random three quarters of every class without replacement (the delete-d jackknife of Shao & Wu 1989, "A
general theory for jackknife variance estimation"; Politis & Romano 1994, "Large sample confidence regions based on subsamples").
Their deviations from their own mean, times sqrt(3), estimate the deviations at N, because the variance of a mean of m of N images
is (N - m) / m of that of a mean of N; what having fewer images changes on average cancels. The interval is about the value that N
other images would give. Halves need no factor, but with four images a class half of them is another problem: LogME's intervals
were .6 of their width, H-scores had none. A score whose deviations grow with its size (GBC) is resampled as its logarithm.
`bca` (Efron 1987, "Better bootstrap confidence intervals"; acceleration from a jackknife over groups of images) and `percentile`
draw with replacement, and are about the value that all images there are would give. They are refused where a score sees copies:
an image's nearest neighbour would be itself, N < D would become exactly solvable.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from engine.errors import ScoreNotDefined

METHODS = ("bca", "percentile", "subsamples")
KEPT = 0.75
"""Share of every class in a subsample."""
GROUPS = 50
"""Of images left out together for the acceleration."""
MOST_REFUSED = 0.1
"""Share of resamples on which the score may have no meaning."""


@dataclass(frozen=True)
class ScoreInterval:
    """Where a score would lie on other images of the same kind."""

    value: float
    low: float
    high: float
    confidence: float
    method: str
    resamples: int
    """Resamples that gave a value."""


def interval(
    score: str,
    value: float,
    on: Callable[[list[np.ndarray]], float],
    strata: list[np.ndarray],
    *,
    method: str,
    limits: tuple[float, float],
    even: tuple[Callable[[Any], Any], Callable[[Any], Any]] | None = None,
    confidence: float = 0.95,
    resamples: int = 200,
    seed: int = 0,
) -> ScoreInterval:
    """Resample a score.

    Args:
        score: its name, for reasons.
        value: of all images.
        on: the score of chosen images, given as one array of places per stratum; may raise ScoreNotDefined.
        strata: places of the images of each class (or set).
        method: one of METHODS.
        limits: the score's range, which the interval does not leave.
        even: (to, from) the form of the score in which deviations do not grow with its size; None = as it is.
        confidence: share of intervals that should hold the value.
        resamples: how many are drawn.
        seed: of the draws.

    Raises:
        ScoreNotDefined: unknown method, or too many resamples on which the score has no meaning.
    """
    if method not in METHODS:
        raise ScoreNotDefined(score, f"interval method is {method!r}; known are {', '.join(METHODS)}")
    if not 0 < confidence < 1 or resamples < 20:
        raise ScoreNotDefined(score, "an interval needs a confidence between 0 and 1 and at least 20 resamples")
    draws = np.random.default_rng(seed)
    drawn = [_draw(draws, strata, without=method == "subsamples") for _ in range(resamples)]
    values = _values(score, on, drawn)
    tails = np.array([(1 - confidence) / 2, (1 + confidence) / 2])
    if method == "subsamples":
        low, high = _around(score, value, values, tails, even or (np.asarray, float))
    else:
        if method == "bca":
            tails = _corrected(score, value, values, on, strata, tails)
        low, high = np.quantile(values, tails)
    low, high = (float(np.clip(edge, *limits)) for edge in (low, high))
    return ScoreInterval(value, low, high, confidence, method, len(values))


def _around(
    score: str,
    value: float,
    values: np.ndarray,
    tails: np.ndarray,
    even: tuple[Callable[[Any], Any], Callable[[Any], Any]],
) -> tuple[float, float]:
    """The interval around the value that the deviations of subsamples give, low end first."""
    to, back = even
    with np.errstate(divide="ignore"):
        centre, found = to(value), to(values)
    if not (np.isfinite(centre) and np.isfinite(found).all()):
        raise ScoreNotDefined(
            score, "it vanishes on these images or on some of their subsamples, so its spread is unknown"
        )
    off = np.quantile((found - found.mean()) * (KEPT / (1 - KEPT)) ** 0.5, tails)
    low, high = sorted(float(back(centre - one)) for one in off)
    return low, high


def _draw(draws: np.random.Generator, strata: list[np.ndarray], without: bool) -> list[np.ndarray]:
    if not without:
        return [draws.choice(places, len(places)) for places in strata]
    # Rounded up or down by chance, so that this share of all images is drawn on average.
    sizes = [int(KEPT * len(places) + draws.random()) for places in strata]
    return [draws.choice(places, max(size, 1), replace=False) for places, size in zip(strata, sizes, strict=True)]


def _values(score: str, on: Callable[[list[np.ndarray]], float], drawn: list[list[np.ndarray]]) -> np.ndarray:
    found, reason = [], ""
    for places in drawn:
        try:
            found.append(on(places))
        except ScoreNotDefined as error:
            reason = error.reason
    if len(found) < (1 - MOST_REFUSED) * len(drawn):
        refused = len(drawn) - len(found)
        raise ScoreNotDefined(
            score, f"{refused} of {len(drawn)} resamples have no value, so there is no interval ({reason})"
        )
    return np.array(found)


def _corrected(
    score: str,
    value: float,
    values: np.ndarray,
    on: Callable[[list[np.ndarray]], float],
    strata: list[np.ndarray],
    tails: np.ndarray,
) -> np.ndarray:
    """Which quantiles of the resamples to take: corrected for bias and for a spread that changes with the value."""
    from scipy.stats import norm

    share = (np.mean(values < value) + np.mean(values <= value)) / 2
    bias = norm.ppf(np.clip(share, 1 / (2 * len(values)), 1 - 1 / (2 * len(values))))
    group = np.concatenate([np.arange(len(places)) % min(GROUPS, max(2, len(places))) for places in strata])
    cuts = np.cumsum([len(places) for places in strata])[:-1]
    left_out = []
    for one in range(int(group.max()) + 1):
        kept = [places[part != one] for places, part in zip(strata, np.split(group, cuts), strict=True)]
        if all(len(places) for places in kept):
            left_out.append(kept)
    jackknife = _values(score, on, left_out)
    off = jackknife.mean() - jackknife
    spread = (off**2).sum() ** 1.5
    acceleration = (off**3).sum() / (6 * spread) if spread > 0 else 0.0
    z = bias + norm.ppf(tails)
    return norm.cdf(bias + z / (1 - acceleration * z))
