"""What other implementations of a score compute, from their published formulas or known behaviour, to put beside ours.

A variant is no score: nothing is chosen by it and some are wrong. It says what it does differently, where that is found, and
when its number has no meaning, so that a card can show on the user's own features how far it is off.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from engine.errors import ScoreNotDefined
from engine.registry import Registry
from engine.scores import _checks
from engine.scores._base import SCORES, FeatureSplit
from engine.scores._threads import threads_for

WIDEST = 1_024
"""Columns up to which D x D matrices are decomposed as others do: above, one depth would take many seconds."""


@dataclass(frozen=True)
class Shape:
    """Of the features that a variant was computed on."""

    n: int
    d: int
    rank: int
    """Directions in which the centred features vary."""
    plain_rank: int
    """Directions of the features as they are."""


@dataclass(frozen=True)
class Variant:
    """One implementation of a score that computes something else."""

    score: str
    """Name of the score in `SCORES`."""
    label: str
    differs: str
    """What it does differently, as the rest of a sentence."""
    found: str
    """Where: a paper, a library, or a habit."""
    compute: Callable[..., float]
    """labelled: (FeatureSplit) -> value; source head: (probabilities, class numbers); two sets: (first, second), float64."""
    wrong_where: Callable[[Shape], bool] = lambda shape: False
    wrong_because: str = ""

    @property
    def name(self) -> str:
        """Unique: `logme: D/2 ln a`."""
        return f"{self.score}: {self.label}"

    def on_split(self, split: FeatureSplit) -> float:
        """Of the features of one depth. Raises ScoreNotDefined where it has no value there."""
        shared = split.statistics
        _checks.enough(self.score, shared.names, shared.counts, SCORES[self.score].least_per_class)
        with threads_for(split.train):
            return self._finite(lambda: self.compute(split))

    def on(self, first: np.ndarray, second: np.ndarray) -> float:
        """Of source probabilities and class numbers, or of two sets of features. Raises ScoreNotDefined."""
        with threads_for(first):
            return self._finite(lambda: self.compute(first, second))

    def wrong(self, shape: Shape) -> str:
        """Why its number has no meaning on features of such a shape; empty where it has one."""
        return self.wrong_because if self.wrong_because and self.wrong_where(shape) else ""

    def _finite(self, computed: Callable[[], float]) -> float:
        try:
            value = computed()
        except np.linalg.LinAlgError as error:
            raise ScoreNotDefined(self.score, f"its decomposition does not end ({error})") from error
        if not np.isfinite(value):
            raise ScoreNotDefined(self.score, "its computation leaves the range of numbers here")
        return float(value)


class _Variants(Registry[Variant]):
    """Variants live in private modules of the scores, which are imported when they are first asked for."""

    def load(self) -> None:
        for module in ("linear", "neighbours", "origins", "other"):
            importlib.import_module(f"engine.scores._variants_{module}")


VARIANTS: Registry[Variant] = _Variants("variant")


def of(score: str) -> list[Variant]:
    """The variants of a score, none where implementations agree. Raises UnknownNameError for a score that is none."""
    name = SCORES[score].name
    return [variant for variant in VARIANTS if variant.score == name]


def always(shape: Shape) -> bool:
    """For a variant that computes another thing than the formula, whatever the features."""
    return True


def not_too_wide(score: str, d: int) -> None:
    """Refuse what decomposes a D x D matrix where that takes many seconds."""
    if d > WIDEST:
        raise ScoreNotDefined(
            score, f"D = {d}: its D x D matrix is not decomposed above {WIDEST}, for the time it takes"
        )
