"""Stochastic normalisation: in training, each channel takes the running statistics with probability `share`, else the batch's."""

from __future__ import annotations

import functools

import torch
from torch import Tensor, nn
from torch.nn import functional

from engine.errors import StrategyError
from engine.tuning import _base


class Tuning(_base.Tuning):
    """Replaces the forward pass of every batch normalisation."""

    def put_in(self) -> None:
        found = [module for module in self.network.modules() if isinstance(module, nn.BatchNorm2d)]
        if not found:
            raise StrategyError("Stochastic normalisation cannot be used here: the network has no batch normalisation.")
        # Subclasses that do more than normalise (timm's with activation) keep their own pass.
        for module in found:
            if type(module) is nn.BatchNorm2d and self.settings["share"]:
                module.forward = functools.partial(_normalise, module, self.settings["share"])


def _normalise(module: nn.BatchNorm2d, share: float, hidden: Tensor) -> Tensor:
    if not module.training:
        return nn.BatchNorm2d.forward(module, hidden)
    # Copies: the statistics change below, and the backward pass needs them as they were.
    mean, variance = module.running_mean.clone(), module.running_var.clone()
    running = functional.batch_norm(hidden, mean, variance, module.weight, module.bias, False, 0.0, module.eps)
    batch = nn.BatchNorm2d.forward(module, hidden)
    chosen = torch.rand(hidden.shape[1], device=hidden.device) < share
    return torch.where(chosen[:, None, None], running, batch)
