"""Batches from decoded images: chosen, augmented and normalised on the device, every draw a function of its coordinates."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from engine.seeding import generator

CROP_SHARE = 8
"""Random shifts reach 1/8 of the side, the usual 4 pixels at 32."""


@dataclass(frozen=True)
class Pixels:
    """Images of a dataset on a device, with what turns them into network input."""

    data: Tensor
    """uint8, (n_images, height, width, 3)"""
    labels: Tensor
    """int64, (n_images,)"""
    mean: Tensor
    std: Tensor

    @classmethod
    def on(
        cls,
        device: torch.device,
        pixels: np.ndarray,
        labels: np.ndarray,
        mean: tuple[float, ...],
        std: tuple[float, ...],
    ) -> Pixels:
        """Place decoded images on a device; on the CPU the array's memory is shared, not copied."""
        scale = torch.tensor([mean, std], dtype=torch.float32, device=device) * 255.0
        return cls(_view(pixels).to(device), torch.tensor(labels, device=device), scale[0], scale[1])

    def normalised(self, chosen: Tensor) -> Tensor:
        """uint8 (b, h, w, 3) -> float32 (b, 3, h, w) in channels-last memory."""
        return ((chosen.float() - self.mean) / self.std).permute(0, 3, 1, 2)

    def in_order(self, indices: np.ndarray, batch_size: int) -> Iterator[tuple[Tensor, Tensor]]:
        """Plain batches (images, labels) of some images, in the order given."""
        for start in range(0, len(indices), batch_size):
            chosen = torch.as_tensor(indices[start : start + batch_size], device=self.data.device)
            yield self.normalised(self.data[chosen]), self.labels[chosen]

    def shuffled(
        self, indices: np.ndarray, batch_size: int, *, seed: int, epoch: int, augmentation: str
    ) -> Iterator[tuple[Tensor, Tensor]]:
        """One epoch of augmented batches; the same seed and epoch give the same batches, whatever came before.

        Batches differ in size by at most one, so that none is too small for batch normalisation.
        """
        order = generator(seed, "order", epoch).permutation(len(indices))
        shifts, mirrored = self._draws(seed, epoch, augmentation)
        squares = self._squares(seed, epoch) if augmentation == "crop_flip_erase" else None
        for places in np.array_split(order, n_batches(len(indices), batch_size)):
            batch = indices[places]
            chosen = torch.as_tensor(batch, device=self.data.device)
            images = self.data[chosen]
            if augmentation != "none":
                images = self._cut(images, shifts[batch], mirrored[batch])
            if squares is not None:
                images = self._erased(images, squares[batch])
            yield self.normalised(images), self.labels[chosen]

    def _draws(self, seed: int, epoch: int, augmentation: str) -> tuple[np.ndarray, np.ndarray]:
        # Drawn for every image of the dataset, so that an image's draw does not depend on which others are used.
        n_images, height = self.data.shape[:2]
        reach = height // CROP_SHARE
        draws = generator(seed, "augment", epoch)
        shifts = draws.integers(-reach, reach + 1, size=(n_images, 2))
        flips = draws.random(n_images) < 0.5
        return shifts, flips if augmentation.startswith("crop_flip") else np.zeros(n_images, dtype=bool)

    def _squares(self, seed: int, epoch: int) -> np.ndarray:
        """A square to erase in half of the images: centre row, centre column and side (0 = none), int64 (n_images, 3)."""
        n_images, height, width = self.data.shape[:3]
        draws = generator(seed, "erase", epoch)
        centres = draws.integers(0, [height, width], size=(n_images, 2))
        sides = draws.integers(max(1, height // 8), height // 2 + 1, size=n_images)
        return np.column_stack([centres, np.where(draws.random(n_images) < 0.5, sides, 0)])

    def _erased(self, images: Tensor, squares: np.ndarray) -> Tensor:
        """Fill one square per image with the mean colour (Zhong et al. 2020, "Random Erasing", with squares)."""
        row, column, side = torch.as_tensor(squares, device=images.device).unbind(1)
        height, width = images.shape[1:3]
        top, left = (row - side // 2)[:, None], (column - side // 2)[:, None]
        y, x = torch.arange(height, device=images.device), torch.arange(width, device=images.device)
        rows = (y >= top) & (y < top + side[:, None])
        columns = (x >= left) & (x < left + side[:, None])
        inside = (rows[:, :, None] & columns[:, None, :])[..., None]
        return torch.where(inside, self.mean.round().to(torch.uint8), images)

    def _cut(self, images: Tensor, shifts: np.ndarray, mirrored: np.ndarray) -> Tensor:
        """Shift (filling with the mean colour) and mirror a batch by one gather: (b, h, w, 3) -> (b, h, w, 3)."""
        n, height, width, _ = images.shape
        reach = height // CROP_SHARE
        fill = self.mean.round().to(torch.uint8)
        padded = fill.repeat(n, height + 2 * reach, width + 2 * reach, 1)
        padded[:, reach : reach + height, reach : reach + width] = images
        device = images.device
        shift = torch.as_tensor(shifts + reach, device=device)
        rows = shift[:, 0, None] + torch.arange(height, device=device)
        columns = shift[:, 1, None] + torch.arange(width, device=device)
        flip = torch.as_tensor(mirrored, device=device)
        columns = torch.where(flip[:, None], columns.flip(1), columns)
        return padded[torch.arange(n, device=device)[:, None, None], rows[:, :, None], columns[:, None, :]]


def n_batches(n_images: int, batch_size: int) -> int:
    """Batches in an epoch."""
    return max(1, -(-n_images // batch_size))


def _view(pixels: np.ndarray) -> Tensor:
    # Decoded images are read-only and we never write into them; torch has no read-only tensors and warns.
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="The given NumPy array is not writable")
        return torch.from_numpy(pixels)
