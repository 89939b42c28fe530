"""Linear probes of several sets of features of the same images, tested on held-out folds and solved together.

The protocol is that of `linear_probe` with a known penalty: features are standardised on the images a probe learns from, and
every image is predicted once by a probe that never saw it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from engine.scores._logistic_many import Problem, logits
from engine.scores._threads import threads_for
from engine.scores.linear_probe import log_loss, standard

TOLERANCE = 3e-4
"""At penalties up to C = 1 a solution predicts as one of 1e-4 does, but for one image of 40."""


class FoldProbes:
    """Probes of sets of features, each (n, d) with its own d, for class numbers (n,) and folds (n,)."""

    def __init__(
        self,
        sets: Sequence[np.ndarray],
        classes: np.ndarray,
        fold: np.ndarray,
        step: Callable[[], None] = lambda: None,
    ) -> None:
        """Every set checked (`Statistics.checked`) and of the same images; `step` may raise to stop."""
        self._classes, self._step, self._n_sets = classes, step, len(sets)
        self._n_classes = int(classes.max()) + 1
        self._held = [np.flatnonzero(fold == one) for one in np.unique(fold)]
        self._largest = max(sets, key=lambda rows: rows.size)
        self._problems = [self._problem(rows, held) for rows in sets for held in self._held]

    def _problem(self, rows: np.ndarray, held: np.ndarray) -> Problem:
        learned = np.delete(np.arange(len(rows)), held)
        mean, scale = standard(rows[learned])
        placed = (rows - mean) / scale
        return Problem(placed[learned], self._classes[learned], placed[held])

    def accuracies(self, c: Sequence[float]) -> list[float]:
        """Of each set at its own C."""
        (predicted,) = self._predicted([np.asarray(c)])
        return [float(np.mean(rows.argmax(1) == self._classes)) for rows in predicted]

    def choose(self, grid: Sequence[float]) -> list[float]:
        """For each set the C of a rising grid with the most hits; ties: the lower log loss, then the smaller C."""
        worth = []
        for predicted in self._predicted([np.full(self._n_sets, c) for c in grid]):
            hits = [int(np.sum(rows.argmax(1) == self._classes)) for rows in predicted]
            losses = [log_loss(rows, self._classes) for rows in predicted]
            worth.append([(hit, -loss) for hit, loss in zip(hits, losses, strict=True)])
        return [grid[max(range(len(grid)), key=lambda place: worth[place][one])] for one in range(self._n_sets)]

    def _predicted(self, grid: list[np.ndarray]) -> list[list[np.ndarray]]:
        """Held-out logits (n, n_classes) of every image, for each C (n_sets,) of the grid and each set."""
        each = [np.repeat(c, len(self._held)) for c in grid]
        with threads_for(self._largest):
            solved = logits(self._problems, self._n_classes, each, TOLERANCE, self._step)
        order = np.argsort(np.concatenate(self._held))
        k = len(self._held)
        return [
            [np.concatenate(parts[one * k : (one + 1) * k])[order] for one in range(self._n_sets)] for parts in solved
        ]
