"""QLoRA: LoRA beside linear layers whose frozen weights are kept in 4 bits (NF4) or 8 by bitsandbytes; CUDA only.

The updates are those of the `peft` library. What holds the few bits is ours: the layers of bitsandbytes give weights other
names and shapes, and the proof by hash compares the weight itself, before and after.
"""

from __future__ import annotations

import functools

import torch
from torch import Tensor, nn

from engine.errors import StrategyError
from engine.strategies._layers import layers
from engine.tuning import _base, lora


class Tuning(lora.Tuning):
    """The updates of LoRA; the layers' own weights are read through their few bits."""

    name = "QLoRA"

    def prepare(self) -> None:
        if self.setup.device is None or not self.setup.device.name.startswith("cuda"):
            raise StrategyError("QLoRA cannot be used here: its arithmetic in few bits needs a CUDA device.")
        for layer in layers(self.setup.card):
            if layer.kind == "linear":
                _quantise(self.asked(layer.module), self.settings["bits"])
        super().prepare()

    def asked(self, module: str) -> nn.Linear:
        """What answers for a layer's own weight: with an update around it, what that one holds of the layer."""
        around = _base.key(module)
        added = self.network.added
        return added[around].base_layer if around in added else self.network.get_submodule(module)


def _quantise(layer: nn.Linear, bits: str) -> None:
    """Let a layer compute with its weight as few bits hold it; the weight itself stays for the proof, on the processor."""
    from bitsandbytes import functional as few

    if bits == "4":
        held, how = few.quantize_4bit(layer.weight.data, quant_type="nf4")
        read = functools.partial(few.dequantize_4bit, held, how)
    else:
        held, how = few.quantize_blockwise(layer.weight.data)
        read = functools.partial(few.dequantize_blockwise, held, how)

    def forward(given: Tensor) -> Tensor:
        return torch.nn.functional.linear(given, read().to(given.dtype), layer.bias)

    layer.forward = forward
    layer.weight.data = layer.weight.data.cpu()
