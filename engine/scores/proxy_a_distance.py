"""Proxy A-distance: how well a linear classifier tells the two sets of features apart on samples it never saw.

    2 (1 - 2 err), clipped at 0,   err = mean of the two sets' error rates

The classifier is the linear probe, its penalty chosen by nested, stratified cross-validation (`linear_probe.held_out`): every
sample of (n_first, n_features) and (n_second, n_features) is tested once. Range 0 (alike) to 2. `with_interval` adds an interval.
Ignores: what is not linear. Rows that occur in both folds are known from training: remove duplicates first. Above 2,500 samples
a set is represented by a seeded draw of 2,500.

Source: Ben-David et al. 2007 ("Analysis of representations for domain adaptation"), section 6; Ganin et al. 2016, section 5.1.5.
Public implementations: several report the error on the training samples, which makes any two sets look different, or choose the
penalty on the samples that they test.
"""

from __future__ import annotations

import numpy as np

from engine.errors import ScoreNotDefined
from engine.scores import _checks, linear_probe
from engine.scores._base import SCORES, Score

LIMIT = 2_500
LEAST = 10
"""Samples of each set: two in every fold."""
NORMAL_95 = 1.959964


def compute(first: np.ndarray, second: np.ndarray, *, limit: int = LIMIT, seed: int = 0) -> float:
    """Proxy A-distance of first (n, d) and second (m, d)."""
    return max(0.0, 2 * (1 - 2 * float(_errors(first, second, limit, seed)[0].mean())))


def with_interval(
    first: np.ndarray, second: np.ndarray, *, limit: int = LIMIT, seed: int = 0
) -> tuple[float, float, float]:
    """The distance and its 95 % interval, from the binomial spread of both held-out error rates (Agresti and Coull).

    The folds' classifiers share training samples, so the true interval is somewhat wider.

    Raises:
        ScoreNotDefined: as the score itself.
    """
    first, second = _checks.matrix("proxy_a_distance", first), _checks.matrix("proxy_a_distance", second)
    _checks.fit_together("proxy_a_distance", first, second, paired=False)
    rates, counts = _errors(first, second, limit, seed)
    value = 2 * (1 - 2 * float(rates.mean()))
    smooth = (rates * counts + 2) / (counts + 4)
    spread = 2 * NORMAL_95 * float(np.sqrt((smooth * (1 - smooth) / (counts + 4)).sum()))
    return max(0.0, value), max(0.0, value - spread), min(2.0, max(0.0, value + spread))


def _errors(first: np.ndarray, second: np.ndarray, limit: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Held-out error rate and number of samples of each set, (2,) and (2,)."""
    draws = np.random.default_rng(seed)
    first, second = (
        rows if len(rows) <= limit else rows[draws.choice(len(rows), limit, replace=False)] for rows in (first, second)
    )
    if min(len(first), len(second)) < LEAST:
        raise ScoreNotDefined("proxy_a_distance", f"each set needs {LEAST} samples, two in every fold")
    both = np.concatenate([first, second])
    origin = np.repeat([0, 1], [len(first), len(second)])
    tested, predicted = linear_probe.held_out(both, origin, seed=seed)
    wrong = predicted != origin[tested]
    rates = np.array([wrong[origin[tested] == one].mean() for one in (0, 1)])
    return rates, np.array([len(first), len(second)])


SCORES.register(
    Score(
        name="proxy_a_distance",
        label="Proxy A-distance",
        formula="max(0, 2 (1 - 2 err)), err the held-out error of a linear classifier of the two sets",
        range=(0.0, 2.0),
        source="Ben-David et al. 2007, section 6; Ganin et al. 2016, section 5.1.5",
        compute=compute,
        kind="two_sets",
        direction="lower",
        invariances=frozenset("scale translation zero_column constant_column".split()),
        ignores="what is not linear",
        refuses="fewer than ten samples in a set",
        differs="the error on training samples, or the least of many penalties' errors, makes any two sets look different",
    )
)
