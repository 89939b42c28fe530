"""LoRA: every layer's output gets (alpha / rank) B A x beside W x; A random, B zero at first."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from engine.strategies._layers import layers
from engine.tuning import _base, _inject


class LowRank(nn.Module):
    """An update of low rank: of a linear layer (..., in) -> (..., out), of a convolution (n, in, h, w) -> (n, out, h', w')."""

    def __init__(self, layer: nn.Linear | nn.Conv2d, rank: int, alpha: float) -> None:
        super().__init__()
        self.register_buffer("scale", torch.tensor(alpha / rank))
        if isinstance(layer, nn.Conv2d):
            self.down: nn.Module = nn.Conv2d(
                layer.in_channels, rank, layer.kernel_size, layer.stride, layer.padding, layer.dilation, bias=False,
                padding_mode=layer.padding_mode,
            )  # fmt: skip
            self.up: nn.Module = nn.Conv2d(rank, layer.out_channels, 1, bias=False)
        else:
            self.down = nn.Linear(layer.in_features, rank, bias=False)
            self.up = nn.Linear(rank, layer.out_features, bias=False)
        nn.init.kaiming_uniform_(self.down.weight, a=math.sqrt(5))
        nn.init.zeros_(self.up.weight)

    def forward(self, given: Tensor) -> Tensor:
        return self.scale * self.up(self.down(given))

    def update(self, like: Tensor) -> Tensor:
        """The update of the weight itself, in its shape."""
        return self.scale * (self.up.weight.flatten(1) @ self.down.weight.flatten(1)).view_as(like)


class Tuning(_inject.Injected):
    """One update for every layer of the card."""

    name = "LoRA"

    def put_in(self) -> None:
        for layer in layers(self.setup.card, self.settings.get("where", "all")):
            if rank := min(self.settings["rank"], layer.width):
                with _base.drawing(self.setup.seed, "lora", layer.module):
                    self.beside(layer.module, self.made(layer.module, rank), self.act)

    def made(self, module: str, rank: int) -> nn.Module:
        """The update of one layer."""
        return LowRank(self.network.get_submodule(module), rank, self.settings["alpha"])

    @staticmethod
    def act(extra: nn.Module, given: Tensor, output: Tensor) -> Tensor:
        return output + extra(given)


@torch.no_grad()
def merged(layer: nn.Module, extra: LowRank) -> Tensor:
    """The weight of a layer with its update in it."""
    return layer.weight + extra.update(layer.weight)
