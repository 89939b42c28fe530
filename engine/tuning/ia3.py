"""IA3: factors, 1 at first, on keys and values, on the input of the second feed-forward layer, or on a convolution's output."""

from __future__ import annotations

import functools

import torch
from torch import Tensor

from engine.strategies.ia3 import Target, targets
from engine.tuning import _inject
from engine.tuning._inject import Numbers, by_channel


class Tuning(_inject.Injected):
    """One row of factors for every target of the card."""

    name = "IA3"

    def put_in(self) -> None:
        for target in targets(self.setup.card):
            numbers = Numbers(torch.ones(target.size))
            if target.on_input:
                self.before(target.module, numbers, scaled)
            else:
                self.beside(target.module, numbers, functools.partial(_output, target))


def _output(target: Target, numbers: Numbers, given: Tensor, output: Tensor) -> Tensor:
    if target.kind == "conv":
        return output * by_channel(numbers.values[0], output, 1)
    # Queries stay: only what follows them in the fused layer is multiplied.
    queries, rest = output[..., : target.skipped], output[..., target.skipped :]
    return torch.cat([queries, scaled(numbers, rest)], dim=-1)


def scaled(numbers: Numbers, hidden: Tensor) -> Tensor:
    """Tokens with every channel multiplied."""
    return hidden * numbers.values[0]
