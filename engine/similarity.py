"""How alike every unit of one network is to every unit of another (or of itself before training): linear CKA.

Kornblith et al. 2019 (see `scores.cka`), with the unbiased HSIC_1 of Nguyen et al. 2021 averaged over batches of images in
both the numerator and the denominator, so that thousands of images need one batch's Gram matrices at a time.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from engine import probe_set
from engine.events import SimilarityMeasured
from engine.features import extract
from engine.scores import _checks

if TYPE_CHECKING:
    from engine.depths import Prepared
    from engine.features import Features

IMAGES = 1_024
BATCH = 256
"""Images whose Gram matrices are held at once, one per unit of both networks."""
LEAST = 4
"""Images that HSIC_1 needs."""

Matrix = list[list[float | None]]


def cka_matrix(
    first: Sequence[np.ndarray | None],
    second: Sequence[np.ndarray | None],
    *,
    batch: int = BATCH,
    step: Callable[[], None] = lambda: None,
) -> tuple[Matrix, dict[str, str]]:
    """Unbiased linear CKA of every unit's features with every other's.

    Args:
        first: features (n, its width) per unit, the same images in the same order throughout; None where a unit has none.
        second: as `first`; the number of units may differ.
        batch: images per batch; a rest below four is left out.
        step: called between batches; may raise to stop.

    Returns:
        One row per unit of `first`, one column per unit of `second`, None where there is no value; and for those the reason
        by `row,column` (1-based).
    """
    n = max((len(rows) for rows in (*first, *second) if rows is not None), default=0)
    sets = [None if rows is None or not _usable(rows) else _scaled(rows) for rows in (*first, *second)]
    across = np.zeros((len(first), len(second)))
    own = np.zeros(len(sets))
    for start in range(0, max(n - LEAST + 1, 0), batch):
        step()
        grams = [None if rows is None else _gram(rows[start : start + batch]) for rows in sets]
        size = min(batch, n - start)
        for place, gram in enumerate(grams):
            own[place] += 0.0 if gram is None else _product(gram, gram, size)
        for i, one in enumerate(grams[: len(first)]):
            for j, other in enumerate(grams[len(first) :]):
                across[i, j] += 0.0 if one is None or other is None else _product(one, other, size)
    reasons: dict[str, str] = {}
    values: Matrix = []
    for i in range(len(first)):
        values.append([])
        for j in range(len(second)):
            reason = _reason(n, sets[i], sets[len(first) + j], own[i], own[len(first) + j])
            if reason:
                reasons[f"{i + 1},{j + 1}"] = reason
            scale = np.sqrt(own[i] * own[len(first) + j]) if not reason else 1.0
            values[-1].append(None if reason else float(np.clip(across[i, j] / scale, -1.0, 1.0)))
    return values, reasons


def _usable(rows: np.ndarray) -> bool:
    return bool(np.isfinite(rows).all()) and 1e-60 < np.abs(rows).max() < 1e60


def _scaled(rows: np.ndarray) -> np.ndarray:
    """Centred, with a mean squared length of one: CKA ignores the scale, squares of squares do not."""
    moved = _checks.centred(rows)
    return moved / (np.sqrt((moved**2).sum() / len(moved)) or 1.0)


def _reason(n: int, one: np.ndarray | None, other: np.ndarray | None, own: float, others: float) -> str:
    if n < LEAST:
        return f"{n} images are too few: HSIC_1 needs {LEAST}"
    if one is None or other is None:
        return "a unit has no features, or they are not numbers"
    return "a unit's features do not vary" if min(own, others) <= 1e-14 else ""


def _gram(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray, float]:
    """The Gram matrix (n, n) of centred rows without its diagonal, its row sums (n,) and its sum."""
    rows = rows - rows.mean(axis=0)
    gram = rows @ rows.T
    np.fill_diagonal(gram, 0.0)
    sums = gram.sum(axis=1)
    return gram, sums, float(sums.sum())


def _product(one: tuple[np.ndarray, np.ndarray, float], other: tuple[np.ndarray, np.ndarray, float], n: int) -> float:
    """HSIC_1 of two Gram matrices without diagonals (Nguyen et al. 2021, equation 3)."""
    together = float(np.vdot(one[0], other[0]))
    apart = one[2] * other[2] / ((n - 1) * (n - 2)) - 2.0 / (n - 2) * float(one[1] @ other[1])
    return (together + apart) / (n * (n - 3))


class Similarity:
    """Compares the units of a run's network after training with what they were when this was made."""

    def __init__(self, ready: Prepared) -> None:
        self._ready = ready
        self._rows = probe_set.choose(ready.images, ready.split.train, IMAGES, ready.run.seed)
        self._before = self._features()

    def _features(self) -> Features:
        ready = self._ready
        return extract(ready.network, ready.pixels, self._rows, BATCH, ready.control, ready.pooling)

    def after(self) -> SimilarityMeasured:
        """Every unit before (rows) with every unit now (columns)."""
        values, reasons = cka_matrix(self._before.units, self._features().units, step=self._ready.control.step)
        names = self._ready.network.unit_names
        return SimilarityMeasured(list(names), values, len(self._rows), BATCH, reasons)
