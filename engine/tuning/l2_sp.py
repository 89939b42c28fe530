"""L2-SP: strength / 2 * sum over the backbone of (w - w_pretrained)^2; its weight decay is left out."""

from __future__ import annotations

import torch
from torch import Tensor

from engine.tuning import _base


class Tuning(_base.Tuning):
    """Keeps a copy of the weights the run starts from."""

    def prepare(self) -> None:
        self.strength = self.settings["strength"]
        self.replaces_decay = self.strength > 0
        self.pairs = [(tensor, tensor.detach().clone()) for tensor in _base.moving(self.network)]

    def penalty(self, images: Tensor, embedded: Tensor) -> Tensor | None:
        if not self.strength:
            return None
        return self.strength / 2 * torch.stack([(now - then).square().sum() for now, then in self.pairs]).sum()
