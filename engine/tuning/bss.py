"""BSS: strength * sum of the squares of the smallest singular values of the batch's features (n, n_features)."""

from __future__ import annotations

import torch
from torch import Tensor

from engine.tuning import _base


class Tuning(_base.Tuning):
    """Chen et al. 2019, equation 5."""

    def penalty(self, images: Tensor, embedded: Tensor) -> Tensor | None:
        if not self.settings["strength"]:
            return None
        values = torch.linalg.svdvals(embedded.float())  # largest first
        return self.settings["strength"] * values[-self.settings["directions"] :].square().sum()
