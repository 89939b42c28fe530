"""IA3: factors, 1 at first, on keys and values, on the input of the second feed-forward layer, or on a convolution's output.

Computed by the `peft` library's layers (`_peft`); the factors of a fused layer of queries, keys and values are ours, because
peft multiplies every output of a layer that it takes, and the paper leaves the queries alone (section 3.3).
"""

from __future__ import annotations

import functools

import torch
from torch import Tensor

from engine.strategies.ia3 import Target, targets
from engine.tuning import _inject, _peft
from engine.tuning._inject import Numbers


class Tuning(_inject.Injected):
    """One row of factors for every target of the card."""

    name = "IA3"
    libraries = ("peft",)

    def put_in(self) -> None:
        for target in targets(self.setup.card):
            if target.skipped:
                self.beside(target.module, Numbers(torch.ones(target.size)), functools.partial(_output, target))
            else:
                layer = self.network.get_submodule(target.module)
                self.instead(target.module, _peft.factors(layer, on_input=target.on_input))


def _output(target: Target, numbers: Numbers, given: Tensor, output: Tensor) -> Tensor:
    # Queries stay: only what follows them in the fused layer is multiplied.
    queries, rest = output[..., : target.skipped], output[..., target.skipped :]
    return torch.cat([queries, rest * numbers.values[0]], dim=-1)
