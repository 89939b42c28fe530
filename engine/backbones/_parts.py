"""What the tensors of a network are (of a linear layer, a convolution, ...), for strategies that choose among them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import nn
from torch.nn.modules.batchnorm import _NormBase

from engine.backbones._base import Weight

if TYPE_CHECKING:
    from engine.backbones._network import Network


def kind(module: nn.Module) -> str:
    """`linear`, `conv`, `grouped conv`, `norm` or `other`; subclasses that compute something else are `other`."""
    if type(module) is nn.Linear:
        return "linear"
    if type(module) is nn.Conv2d:
        return "conv" if module.groups == 1 else "grouped conv"
    if isinstance(module, (_NormBase, nn.LayerNorm, nn.GroupNorm)) or "norm" in type(module).__name__.lower():
        return "norm"
    return "other"


def owner(network: nn.Module, tensor: str) -> nn.Module:
    """The module that a parameter or buffer of this name is in."""
    return network.get_submodule(tensor.rpartition(".")[0])


def weights_of(network: Network, unit: int) -> tuple[Weight, ...]:
    """The parameters of one unit (0-based), for the card."""
    return tuple(
        Weight(name, kind(owner(network, name)), tuple(tensor.shape))
        for name, tensor in network.unit_tensors(unit)
        if isinstance(tensor, nn.Parameter)
    )
