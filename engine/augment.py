"""Random changes to a batch of images on its device; every draw is a function of (seed, epoch, image, purpose).

Draws are made for all images of the dataset, so that an image's draw does not depend on which others are used.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from engine.seeding import generator

CROP_SHARE = 8
"""Random shifts reach 1/8 of the side, the usual 4 pixels at 32."""
JITTER = 0.4
"""Brightness, contrast and saturation are multiplied by 1 - JITTER to 1 + JITTER."""
GREY = (0.299, 0.587, 0.114)
"""Weights of red, green and blue in brightness (ITU-R BT.601), as Pillow and torchvision have them."""


@dataclass(frozen=True)
class Draws:
    """One epoch's draws for every image of a dataset; None where a change is not asked for."""

    shifts: np.ndarray | None = None
    """int64, (n_images, 2): rows and columns."""
    mirrored: np.ndarray | None = None
    """bool, (n_images,)"""
    squares: np.ndarray | None = None
    """int64, (n_images, 3): centre row, centre column and side (0 = none) of what is erased."""
    factors: np.ndarray | None = None
    """float32, (n_images, 3): of brightness, contrast and saturation."""


def draw(n_images: int, height: int, width: int, *, seed: int, epoch: int, augmentation: str) -> Draws:
    """The draws of one epoch for an augmentation of `spec.AUGMENTATIONS` (not `dataset`, which stands for another)."""
    if augmentation == "none":
        return Draws()
    changes = augmentation.split("_")
    reach = height // CROP_SHARE
    draws = generator(seed, "augment", epoch)
    shifts = draws.integers(-reach, reach + 1, size=(n_images, 2))
    flips = draws.random(n_images) < 0.5
    return Draws(
        shifts,
        flips if "flip" in changes else np.zeros(n_images, dtype=bool),
        _squares(n_images, height, width, seed, epoch) if "erase" in changes else None,
        _factors(n_images, seed, epoch) if "colour" in changes else None,
    )


def _squares(n_images: int, height: int, width: int, seed: int, epoch: int) -> np.ndarray:
    draws = generator(seed, "erase", epoch)
    centres = draws.integers(0, [height, width], size=(n_images, 2))
    sides = draws.integers(max(1, height // 8), height // 2 + 1, size=n_images)
    return np.column_stack([centres, np.where(draws.random(n_images) < 0.5, sides, 0)])


def _factors(n_images: int, seed: int, epoch: int) -> np.ndarray:
    return generator(seed, "colour", epoch).uniform(1 - JITTER, 1 + JITTER, size=(n_images, 3)).astype(np.float32)


def apply(images: Tensor, draws: Draws, batch: np.ndarray, fill: Tensor) -> Tensor:
    """Change the images of a batch: colours, then shift and mirror, then the erased square.

    Args:
        images: uint8 (b, h, w, 3).
        draws: of this epoch.
        batch: int64 (b,), which images of the dataset these are.
        fill: uint8 (3,), the colour of what lies outside and of what is erased.
    """
    if draws.factors is not None:
        images = recoloured(images, torch.as_tensor(draws.factors[batch], device=images.device))
    if draws.shifts is not None and draws.mirrored is not None:
        images = cut(images, draws.shifts[batch], draws.mirrored[batch], fill)
    if draws.squares is not None:
        images = erased(images, draws.squares[batch], fill)
    return images


def recoloured(images: Tensor, factors: Tensor) -> Tensor:
    """Brightness, contrast and saturation of a batch, in this order, as torchvision's ColorJitter defines each.

    Args:
        images: uint8 (b, h, w, 3).
        factors: float32 (b, 3), each above 0; 1 changes nothing.
    """
    brightness, contrast, saturation = (factors[:, place, None, None, None] for place in range(3))
    weights = torch.tensor(GREY, device=images.device)
    values = (images.float() * brightness).clamp_(0, 255)
    middle = (values @ weights).mean((1, 2))[:, None, None, None]
    values = (middle + contrast * (values - middle)).clamp_(0, 255)
    grey = (values @ weights)[..., None]
    return (grey + saturation * (values - grey)).clamp_(0, 255).round_().to(torch.uint8)


def erased(images: Tensor, squares: np.ndarray, fill: Tensor) -> Tensor:
    """Fill one square per image (Zhong et al. 2020, "Random Erasing", with squares)."""
    row, column, side = torch.as_tensor(squares, device=images.device).unbind(1)
    height, width = images.shape[1:3]
    top, left = (row - side // 2)[:, None], (column - side // 2)[:, None]
    y, x = torch.arange(height, device=images.device), torch.arange(width, device=images.device)
    rows = (y >= top) & (y < top + side[:, None])
    columns = (x >= left) & (x < left + side[:, None])
    inside = (rows[:, :, None] & columns[:, None, :])[..., None]
    return torch.where(inside, fill, images)


def cut(images: Tensor, shifts: np.ndarray, mirrored: np.ndarray, fill: Tensor) -> Tensor:
    """Shift (filling what comes in) and mirror a batch by one gather: (b, h, w, 3) -> (b, h, w, 3)."""
    n, height, width, _ = images.shape
    reach = height // CROP_SHARE
    padded = fill.repeat(n, height + 2 * reach, width + 2 * reach, 1)
    padded[:, reach : reach + height, reach : reach + width] = images
    device = images.device
    shift = torch.as_tensor(shifts + reach, device=device)
    rows = shift[:, 0, None] + torch.arange(height, device=device)
    columns = shift[:, 1, None] + torch.arange(width, device=device)
    flip = torch.as_tensor(mirrored, device=device)
    columns = torch.where(flip[:, None], columns.flip(1), columns)
    return padded[torch.arange(n, device=device)[:, None, None], rows[:, :, None], columns[:, None, :]]
