"""SSF: gamma h + beta after every layer and normalisation, channel by channel."""

from __future__ import annotations

import functools

import torch
from torch import Tensor

from engine.strategies.ssf import targets
from engine.tuning import _inject
from engine.tuning._inject import Numbers, axis_of, by_channel


class Tuning(_inject.Injected):
    """A scale and a shift for every target of the card."""

    name = "SSF"

    def put_in(self) -> None:
        for module, _, size in targets(self.setup.card):
            axis = axis_of(self.network.get_submodule(module))
            self.beside(module, Numbers(torch.ones(size), torch.zeros(size)), functools.partial(_moved, axis))


def _moved(axis: int, numbers: Numbers, given: Tensor, output: Tensor) -> Tensor:
    scale, shift = (by_channel(row, output, axis) for row in numbers.values)
    return output * scale + shift
