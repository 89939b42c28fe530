"""Layers of the `peft` library around a network's own layers; the only file that imports it, and only when one is made.

peft puts its layer in the place of the layer that it changes, whose tensors are then called `base_layer.weight`. Here the
network's layer keeps its place and its names, so that proofs by hash, weights files and measures are those of every other
strategy: only its call is led through peft's layer (`_inject.Injected.instead`), which stands in `network.added` and holds
the network's layer as its `base_layer`, with the very same parameters.
"""

from __future__ import annotations

import copy
from types import ModuleType
from typing import TYPE_CHECKING

import torch
from torch import nn

from engine.errors import StrategyError

if TYPE_CHECKING:
    from peft import PeftConfig
    from peft.tuners.tuners_utils import BaseTunerLayer

NAME = "default"
"""What peft calls the one adapter of a layer; part of the names of its tensors."""


def takes(layer: nn.Module) -> bool:
    """Whether peft's update of low rank fits a layer.

    Not where a convolution is dilated or pads with anything but zeros: peft 0.21 makes A from kernel, stride and padding
    alone (`peft/tuners/lora/layer.py`, `_ConvNd.update_layer`), so the update would have another size or other edges.
    """
    if isinstance(layer, nn.Conv2d):
        return set(layer.dilation) == {1} and layer.padding_mode == "zeros"
    return isinstance(layer, nn.Linear)


def low_rank(layer: nn.Linear | nn.Conv2d, rank: int, alpha: float, *, decomposed: bool) -> BaseTunerLayer:
    """LoRA around a layer, or DoRA (`decomposed`); A is drawn from torch's generator as it is now, B is zero.

    Raises:
        StrategyError: peft cannot be imported.
    """
    made = _around(layer, "LoraConfig", r=rank, lora_alpha=alpha, use_dora=decomposed)
    # peft keeps the scale as a number of Python, which no file of weights holds, and merging needs it.
    made.register_buffer("scale", torch.tensor(made.scaling[NAME]))
    if decomposed:
        # One number for each output, though it has four axes in a convolution: not to be drawn to zero by weight decay.
        made.lora_magnitude_vector[NAME].weight.decays = False
    # Under bfloat16 peft casts the input to float32, which autocast takes back: two passes over memory that change no bit.
    # DoRA of a linear layer takes the norms of its rows in the type of the input: there they must be float32.
    made.cast_input_dtype_enabled = decomposed and isinstance(layer, nn.Linear)
    return made


def lay_out(made: BaseTunerLayer) -> None:
    """Put A of a DoRA layer in rows: peft reads it by `view`, which fails where a network has channels last in memory."""
    weight = made.lora_A[NAME].weight
    weight.data = weight.data.contiguous()


def factors(layer: nn.Linear | nn.Conv2d, *, on_input: bool) -> BaseTunerLayer:
    """IA3 around a layer: one factor, 1 at first, for each input or each output.

    Raises:
        StrategyError: peft cannot be imported.
    """
    return _around(layer, "IA3Config", feedforward_modules=["layer"] if on_input else [])


def _around(layer: nn.Module, config: str, **options: object) -> BaseTunerLayer:
    peft = library()
    twin = _twin(layer)
    holder = nn.ModuleDict({"layer": twin})
    given: PeftConfig = getattr(peft, config)(target_modules=["layer"], **options)
    peft.inject_adapter_in_model(given, holder, adapter_name=NAME)
    made = holder["layer"]
    # Held, but no part of it: its tensors are the network's, and would otherwise be saved and counted twice.
    del made._modules["base_layer"]
    made.__dict__["base_layer"] = twin
    return made


def library() -> ModuleType:
    """The library, imported now.

    Raises:
        StrategyError: it cannot be imported; the text says why and what to do.
    """
    try:
        import peft
    except ImportError as error:
        raise StrategyError(
            f"LoRA, DoRA, QLoRA and IA3 are computed by the library peft, which cannot be imported here ({error})."
            " Install it: pip install peft"
        ) from error
    return peft


def _twin(layer: nn.Module) -> nn.Module:
    """The same layer, parameters and all, whose call can be led elsewhere without leading the other's there too."""
    twin = copy.copy(layer)  # the dictionary of its parameters is one and the same: they move, load and train together
    for name, value in vars(layer).items():
        if name.endswith("_hooks"):
            twin.__dict__[name] = type(value)()
    return twin
