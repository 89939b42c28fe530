"""Mixup: x = s x_i + (1 - s) x_j and the same for labels, s ~ Beta(alpha, alpha), one s and one pairing per batch."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from engine import seeding
from engine.tuning import _base


class Tuning(_base.Tuning):
    """Draws follow from seed, epoch and step."""

    def batch(self, images: Tensor, labels: Tensor, epoch: int, step: int) -> tuple[Tensor, Tensor]:
        if not self.settings["alpha"]:
            return images, labels
        draws = seeding.generator(self.setup.seed, "mix", epoch, step)
        share = float(draws.beta(self.settings["alpha"], self.settings["alpha"]))
        other = torch.as_tensor(draws.permutation(len(images)), device=images.device)
        images, share = self.mixed(images, images[other], share, draws)
        one_hot = functional.one_hot(labels, self.setup.n_classes).to(images.dtype)
        return images, share * one_hot + (1 - share) * one_hot[other]

    def mixed(self, images: Tensor, others: Tensor, share: float, draws: np.random.Generator) -> tuple[Tensor, float]:
        """The mixed images and the share that the first of each pair has in them."""
        return share * images + (1 - share) * others, share
