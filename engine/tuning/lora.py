"""LoRA: every layer's output gets (alpha / rank) B A x beside W x; A random, B zero at first.

Computed by the `peft` library's layers (`_peft`), and here where those do not fit: in dilated convolutions, and where the
edges are padded with anything but zeros.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from engine.strategies._layers import layers
from engine.tuning import _base, _inject, _peft

NAMES = (
    (f"lora_A.{_peft.NAME}.weight", f"lora_B.{_peft.NAME}.weight", f"lora_magnitude_vector.{_peft.NAME}.weight"),
    ("down.weight", "up.weight", "magnitude"),
)
"""Of A, B and DoRA's magnitude in peft's layers, and in ours (also in files from before peft was used)."""


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
        return product(self.down.weight, self.up.weight, self.scale, like)


class Tuning(_inject.Injected):
    """One update for every layer of the card."""

    name = "LoRA"
    decomposed = False
    libraries = ("peft",)

    def put_in(self) -> None:
        rank, alpha = self.settings["rank"], self.settings["alpha"]
        for layer in layers(self.setup.card, self.settings.get("where", "all")):
            own = min(rank, layer.width)
            if not own:
                continue
            module = self.network.get_submodule(layer.module)
            with _base.drawing(self.setup.seed, "lora", layer.module):
                if _peft.takes(module):
                    self.instead(layer.module, _peft.low_rank(module, own, alpha, decomposed=self.decomposed))
                else:
                    self.beside(layer.module, self.made(module, own, alpha), self.act)

    def prepare(self) -> None:
        for extra in self.network.added.values() if self.decomposed else ():
            if not isinstance(extra, LowRank):
                _peft.lay_out(extra)
        super().prepare()

    @staticmethod
    def made(layer: nn.Linear | nn.Conv2d, rank: int, alpha: float) -> nn.Module:
        """The update of a layer that peft does not take."""
        return LowRank(layer, rank, alpha)

    @staticmethod
    def act(extra: nn.Module, given: Tensor, output: Tensor) -> Tensor:
        return output + extra(given)


def product(a: Tensor, b: Tensor, scale: Tensor | float, like: Tensor) -> Tensor:
    """scale B A in the shape of the weight that it is added to."""
    return scale * (b.flatten(1) @ a.flatten(1)).view_as(like)


def taken_in(tensors: dict[str, Tensor], module: str) -> dict[str, Tensor]:
    """Tensors of a run's file with what LoRA learned of a layer put into its weight; as they are where it learned none.

    Args:
        tensors: by their names in the file.
        module: the layer's name in the network.
    """
    stem, weight = f"added.{_base.key(module)}.", f"{module}.weight"
    for a, b, magnitude in NAMES:
        if f"{stem}{a}" in tensors and f"{stem}{magnitude}" not in tensors:
            parts = {f"{stem}{name}" for name in (a, b, "scale")}
            update = product(tensors[f"{stem}{a}"], tensors[f"{stem}{b}"], tensors[f"{stem}scale"], tensors[weight])
            rest = {name: tensor for name, tensor in tensors.items() if name not in parts}
            return {**rest, weight: tensors[weight] + update}
    return tensors
