"""Early stopping: the end, `patience` epochs after the lowest validation loss."""

from __future__ import annotations

from collections.abc import Sequence

from engine.tuning import _base


class Tuning(_base.Tuning):
    """Judged by the validation losses alone, which a run that resumes still has."""

    def stops(self, losses: Sequence[float]) -> bool:
        return bool(losses) and len(losses) - 1 - losses.index(min(losses)) >= self.settings["patience"]
