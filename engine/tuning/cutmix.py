"""CutMix: a rectangle of area 1 - s is cut from another image and pasted at the same place, s ~ Beta(alpha, alpha)."""

from __future__ import annotations

import math

import numpy as np
from torch import Tensor

from engine.tuning import mixup


class Tuning(mixup.Tuning):
    """Labels are mixed by the area that is really covered, where the rectangle reaches over an edge."""

    def mixed(self, images: Tensor, others: Tensor, share: float, draws: np.random.Generator) -> tuple[Tensor, float]:
        height, width = images.shape[2:]
        side = math.sqrt(1 - share)
        row, column = draws.integers(height), draws.integers(width)
        top, bottom = (int(np.clip(row + sign * side * height / 2, 0, height)) for sign in (-1, 1))
        left, right = (int(np.clip(column + sign * side * width / 2, 0, width)) for sign in (-1, 1))
        images = images.clone()
        images[:, :, top:bottom, left:right] = others[:, :, top:bottom, left:right]
        return images, 1 - (bottom - top) * (right - left) / (height * width)
