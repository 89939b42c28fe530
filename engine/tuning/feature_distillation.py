"""Feature distillation: strength * mean (f - f_frozen)^2 / mean f_frozen^2, f the features that the head reads."""

from __future__ import annotations

import copy

import torch
from torch import Tensor

from engine.tuning import _base


class Tuning(_base.Tuning):
    """Asks a frozen copy of the network, in eval mode, about every batch."""

    def prepare(self) -> None:
        self.frozen = copy.deepcopy(self.network).eval().requires_grad_(False) if self.settings["strength"] else None

    def penalty(self, images: Tensor, embedded: Tensor) -> Tensor | None:
        if self.frozen is None:
            return None
        with torch.no_grad():
            wanted = self.frozen.read(images).float()
        away = (embedded.float() - wanted).square().mean() / wanted.square().mean().clamp_min(1e-12)
        return self.settings["strength"] * away
