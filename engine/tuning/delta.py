"""DELTA: strength * sum over stages and channels of a_c * mean (F_c - F_c,frozen)^2, F the feature maps after each stage."""

from __future__ import annotations

import copy

import torch
from torch import Tensor
from torch.nn import functional

from engine.backbones._composition import Between
from engine.scores.linear_probe import fit
from engine.strategies._phases import groups
from engine.tuning import _base

IMAGES = 128
"""Training images from which the attention is estimated."""
C = 1.0
"""Of the logistic regression that stands for a converged head."""


class Watcher(Between):
    """Keeps what passes after some units (0-based)."""

    def __init__(self, units: list[int]) -> None:
        self.units, self.seen = units, {}

    def after(self, unit: int, hidden: Tensor) -> Tensor:
        if unit in self.units:
            self.seen[unit] = hidden
            # The next unit may change its input in place, and what was seen must stay.
            return hidden.clone()
        return hidden


class Tuning(_base.Tuning):
    """Asks a frozen copy of the network about every batch."""

    def prepare(self) -> None:
        self.frozen = None
        if not self.settings["strength"]:
            return
        units = [group[-1] for group in groups(self.setup.card)]
        self.frozen = copy.deepcopy(self.network).eval().requires_grad_(False)
        self.frozen.between, self.network.between = Watcher(units), Watcher(units)
        self.attention = self._attention(units)

    def _attention(self, units: list[int]) -> dict[int, Tensor]:
        chosen = self.setup.train[:IMAGES]
        images, labels = next(iter(self.setup.pixels.in_order(chosen, IMAGES)))
        with torch.enable_grad():
            features = self.frozen.embed(images.requires_grad_(True))
            weight, bias = fit(
                features.detach().double().cpu().numpy(), labels.cpu().numpy(), self.setup.n_classes, C
            )  # fmt: skip
            logits = features @ torch.from_numpy(weight).to(features).T + torch.from_numpy(bias).to(features)
            maps = [self.frozen.between.seen[unit] for unit in units]
            gradients = torch.autograd.grad(functional.cross_entropy(logits, labels), maps)
        found = {}
        for unit, seen, gradient in zip(units, maps, gradients, strict=True):
            rise = -(seen * gradient).detach()
            axis = channel_axis(seen)
            rise = rise.sum(dim=[at for at in range(rise.ndim) if at != axis])
            # Standardised before the softmax: rises are so small that it would be flat without.
            found[unit] = torch.softmax((rise - rise.mean()) / rise.std().clamp_min(1e-12), dim=0)
        return found

    def penalty(self, images: Tensor, embedded: Tensor) -> Tensor | None:
        if self.frozen is None:
            return None
        with torch.no_grad():
            self.frozen.embed(images)
        total = []
        for unit, share in self.attention.items():
            now, then = self.network.between.seen[unit].float(), self.frozen.between.seen[unit].float()
            axis = channel_axis(now)
            away = (now - then).square().mean(dim=[at for at in range(now.ndim) if at != axis])
            total.append((share * away).sum())
        return self.settings["strength"] * torch.stack(total).sum()


def channel_axis(hidden: Tensor) -> int:
    """Where the channels of an output are: (n, c, h, w), (n, tokens, c) or (n, h, w, c) with square maps."""
    if hidden.ndim == 4:
        return 3 if hidden.shape[1] == hidden.shape[2] != hidden.shape[3] else 1
    return hidden.ndim - 1
