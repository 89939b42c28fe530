"""What every unit of a composed network costs and keeps, measured. Loads torch."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from engine.backbones._base import Unit
from engine.backbones._composition import Composition
from engine.backbones._parts import weights_of


def describe_units(network: Composition, input_size: tuple[int, int, int]) -> tuple[Unit, ...]:
    """Measure every unit on images of `input_size`: parameters, forward FLOPs, bytes kept for backward, features.

    The network is left in training mode with other running statistics; on the meta device nothing is computed.
    """
    from torch.utils.flop_counter import FlopCounterMode

    images = torch.zeros(2, *input_size, device=next(network.parameters()).device)
    with torch.no_grad():
        widths = [tensor.shape[1] if tensor is not None else 0 for tensor in network.eval().features(images)]
    network.train()
    hidden = images.requires_grad_(True)
    described = []
    for index in range(network.n_units):
        kept = KeptBytes(network.unit_parameters(index))
        counter = FlopCounterMode(display=False)
        with counter, torch.autograd.graph.saved_tensors_hooks(kept.keep, lambda tensor: tensor):
            hidden = network.run_unit(index, hidden)
            # The graph of what `finish` made must live until its bytes are counted.
            out = network.finish(hidden) if index == network.n_units - 1 else hidden
        described.append(
            Unit(
                name=network.unit_names[index],
                stage=network.stages[index],
                parameters=sum(tensor.numel() for tensor in network.unit_parameters(index)),
                flops=counter.get_total_flops() // len(out),
                activation_bytes=kept.total // len(out),
                n_features=widths[index],
                weights=weights_of(network, index),
                output=tuple(hidden.shape[1:]),
            )
        )
        hidden = hidden.detach().requires_grad_(True)
    return tuple(described)


class KeptBytes:
    """Counts the storages that autograd keeps for a backward pass, each once and without the parameters."""

    def __init__(self, parameters: Sequence[nn.Parameter]) -> None:
        self._parameters = {_storage(parameter) for parameter in parameters}
        self._kept: dict[int, int] = {}

    @property
    def total(self) -> int:
        return sum(self._kept.values())

    def keep(self, tensor: Tensor) -> Tensor:
        """A pack hook for `torch.autograd.graph.saved_tensors_hooks`."""
        key = _storage(tensor)
        if key not in self._parameters:
            self._kept[key] = tensor.untyped_storage().nbytes()
        return tensor


def _storage(tensor: Tensor) -> int:
    # The storage's own address: `data_ptr` is 0 for everything on the meta device.
    return tensor.untyped_storage()._cdata
