"""What the scores of one depth share: class sums, one Gram matrix, and the spectra that follow from it, each computed once.

LogME reads the spectrum of the features as they are, the H-scores, TransRate, NLEEP's principal components and the rank read that
of the centred features. Both come from one Gram matrix of the smaller side, F'F (d, d) or F F' (n, n): centring it is a change of
rank one, made on the matrix itself unless the mean is so large that its subtraction would cost digits.
"""

from __future__ import annotations

import functools

import numpy as np

from engine.scores import _checks, _linalg
from engine.scores._linalg import Spectrum

OFFSET = 1e3
"""Energy of the mean over that of the centred features above which the centred Gram matrix is computed by itself."""


class Statistics:
    """Checked features (n, d) of one depth with class numbers (n,), and what scores compute from them."""

    def __init__(self, features: np.ndarray, classes: np.ndarray, names: np.ndarray | None = None) -> None:
        """`features` float64 and finite, `classes` 0..C-1 without gaps; `names` (C,) are the labels as they were given."""
        self.features, self.classes = features, classes
        self.counts = np.bincount(classes)
        self.names = np.arange(len(self.counts)) if names is None else names

    @classmethod
    def checked(cls, score: str, features: np.ndarray, labels: np.ndarray) -> Statistics:
        """From what a caller gave. Raises ScoreNotDefined in the name of `score`: see `_checks`."""
        features = _checks.matrix(score, features)
        names, classes = _checks.classes(score, labels, len(features))
        made = cls(features, classes, names)
        if not made.centred.any():
            _checks.refuse_constant(score)
        return made

    @functools.cached_property
    def centred(self) -> np.ndarray:
        """The features minus their mean (n, d); constant columns are exactly zero."""
        return _checks.centred(self.features)

    @functools.cached_property
    def plain(self) -> Spectrum:
        """Of the features as they are."""
        return _linalg.spectrum(self.features, self.classes, self._gram)

    @functools.cached_property
    def about_mean(self) -> Spectrum:
        """Of the centred features."""
        return _linalg.spectrum(self.centred, self.classes, self._centred_gram())

    @property
    def rank(self) -> int:
        """Directions in which the centred features vary."""
        return len(self.about_mean.energy)

    @functools.cached_property
    def _gram(self) -> np.ndarray:
        return _linalg.gram(self.features)

    def _centred_gram(self) -> np.ndarray | None:
        n, d = self.features.shape
        mean = self.features.mean(axis=0)
        if n * float(mean @ mean) > OFFSET * float((self.centred**2).sum()):
            return None
        if n > d:
            varies = self.centred.any(axis=0)
            return np.where(np.outer(varies, varies), self._gram - n * np.outer(mean, mean), 0.0)
        rows = self._gram.mean(axis=0)
        return self._gram - rows - rows[:, None] + rows.mean()
