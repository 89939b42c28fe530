"""DoRA: m (W + s B A) x / |W + s B A|, the norm over each row (output channel); m is that norm of W at first.

Computed by the `peft` library's layers, and here where those do not fit (see `_peft.takes`).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from engine.tuning import lora
from engine.tuning._inject import axis_of, by_channel


class Decomposed(lora.LowRank):
    """An update of low rank with a magnitude per output."""

    def __init__(self, layer: nn.Linear | nn.Conv2d, rank: int, alpha: float) -> None:
        super().__init__(layer, rank, alpha)
        self.magnitude = nn.Parameter(lengths(layer.weight.detach()))
        self._layer = [layer]  # in a list: the layer is the network's, not a part of this module

    def turned(self, given: Tensor, output: Tensor) -> Tensor:
        """The layer's output with direction and magnitude changed."""
        (layer,) = self._layer
        with torch.no_grad():
            length = lengths(layer.weight + self.update(layer.weight))
        axis = axis_of(layer)
        bias = 0.0 if layer.bias is None else by_channel(layer.bias, output, axis)
        return by_channel(self.magnitude / length, output, axis) * (output - bias + self(given)) + bias


def lengths(weight: Tensor) -> Tensor:
    """Euclidean norm of every row: (out, ...) -> (out,)."""
    return weight.flatten(1).norm(dim=1)


class Tuning(lora.Tuning):
    """One decomposed update for every layer of the card."""

    name = "DoRA"
    decomposed = True

    @staticmethod
    def made(layer: nn.Linear | nn.Conv2d, rank: int, alpha: float) -> nn.Module:
        return Decomposed(layer, rank, alpha)

    @staticmethod
    def act(extra: Decomposed, given: Tensor, output: Tensor) -> Tensor:
        return extra.turned(given, output)
