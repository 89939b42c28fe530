"""Merged adapters: W + s dW_1 + (1 - s) dW_2, heads likewise."""

from __future__ import annotations

from torch import Tensor

from engine.errors import StrategyError
from engine.tuning import soup


class Tuning(soup.Tuning):
    """Two runs of LoRA; others are a soup."""

    def shares(self, n: int) -> list[float]:
        return [self.settings["share"], 1 - self.settings["share"]]

    def kept(self, run_id: str) -> dict[str, Tensor]:
        tensors = super().kept(run_id)
        if not any(name.startswith("added.") for name in tensors):
            raise StrategyError(f"Run {run_id} learned no update of low rank. Name runs of LoRA, or take a soup.")
        return tensors
