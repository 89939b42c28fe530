"""Batches from decoded images: chosen, augmented and normalised on the device, every draw a function of its coordinates."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from engine import augment
from engine.seeding import generator

RESIDENT_SHARE = 0.5
"""Of an accelerator's free memory: images that need more stay on the host, and each batch is carried over."""


@dataclass(frozen=True)
class Pixels:
    """Images of a dataset on or beside a device, with what turns them into network input."""

    data: Tensor
    """uint8, (n_rows, height, width, 3): on the device, or on the host (memory or a mapped file) to be read by batches."""
    labels: Tensor
    """int64, (n_images,), on the device."""
    mean: Tensor
    std: Tensor
    row_of: Tensor | None = None
    """int64, (n_images,), beside `data`: the row that holds each image (-1: not there); None: row i is image i."""

    @classmethod
    def on(
        cls,
        device: torch.device,
        pixels: np.ndarray,
        labels: np.ndarray,
        mean: tuple[float, ...],
        std: tuple[float, ...],
        *,
        rows: np.ndarray | None = None,
        row_of: np.ndarray | None = None,
        resident: bool | None = None,
    ) -> Pixels:
        """Place decoded images on a device.

        On the CPU the array's memory (or mapped file) is shared, not copied, and pages are read as batches ask for them.

        Args:
            device: where batches will be.
            pixels: uint8 (n_rows, height, width, 3).
            labels: int64 (n_images,).
            mean, std: of the network's input, 0..1.
            rows: the images that will be asked for, where not all: only these go to an accelerator.
            row_of: int64 (n_images,), the row of `pixels` that holds each image; None: row i is image i.
            resident: whether to hold them on the accelerator; None: where they fit into half of its free memory.
        """
        scale = torch.tensor([mean, std], dtype=torch.float32, device=device) * 255.0
        here, labels_there = _view(pixels), torch.tensor(labels, device=device)
        places = None if row_of is None else torch.from_numpy(row_of)
        chosen = np.arange(len(labels)) if rows is None else np.unique(rows)
        needed = len(chosen) * int(np.prod(pixels.shape[1:]))
        if device.type == "cpu" or not (_fits(device, needed) if resident is None else resident):
            return cls(here, labels_there, scale[0], scale[1], places)
        if places is None and len(chosen) == len(pixels):
            return cls(here.to(device), labels_there, scale[0], scale[1])
        wanted = torch.from_numpy(chosen)
        found = torch.full((len(labels),), -1, dtype=torch.int64)
        found[wanted] = torch.arange(len(chosen))
        source = wanted if places is None else places[wanted]
        there = torch.empty((len(chosen), *pixels.shape[1:]), dtype=torch.uint8, device=device)
        for start in range(0, len(chosen), 4096):  # in parts: a copy of all of them on the host might not fit
            there[start : start + 4096] = here[source[start : start + 4096]].to(device)
        return cls(there, labels_there, scale[0], scale[1], found.to(device))

    @property
    def device(self) -> torch.device:
        """Where batches are."""
        return self.labels.device

    def taken(self, indices: np.ndarray) -> tuple[Tensor, Tensor]:
        """Some images as they are, uint8 (b, h, w, 3), and their labels, on the device."""
        chosen = torch.as_tensor(indices, device=self.device)
        if self.data.device == self.device:
            rows = chosen if self.row_of is None else self.row_of[chosen]
            return self.data[rows], self.labels[chosen]
        there = torch.as_tensor(indices)
        there = there if self.row_of is None else self.row_of[there]
        # Pinned memory is copied while the device computes; torch keeps the block until the copy is done.
        block = torch.empty((len(indices), *self.data.shape[1:]), dtype=torch.uint8, pin_memory=_pins(self.device))
        torch.index_select(self.data, 0, there, out=block)
        return block.to(self.device, non_blocking=True), self.labels[chosen]

    def normalised(self, chosen: Tensor) -> Tensor:
        """uint8 (b, h, w, 3) -> float32 (b, 3, h, w) in channels-last memory."""
        n, height, width, colours = chosen.shape
        # By whole rows and in place: over a last dimension of three nothing is vectorised (three times slower, measured).
        rows = chosen.float().reshape(n, height, width * colours)
        rows.sub_(self.mean.repeat(width)).div_(self.std.repeat(width))
        return rows.reshape(chosen.shape).permute(0, 3, 1, 2)

    def in_order(self, indices: np.ndarray, batch_size: int) -> Iterator[tuple[Tensor, Tensor]]:
        """Plain batches (images, labels) of some images, in the order given."""
        for start in range(0, len(indices), batch_size):
            images, labels = self.taken(indices[start : start + batch_size])
            yield self.normalised(images), labels

    def shuffled(
        self, indices: np.ndarray, batch_size: int, *, seed: int, epoch: int, augmentation: str
    ) -> Iterator[tuple[Tensor, Tensor]]:
        """One epoch of augmented batches; the same seed and epoch give the same batches, whatever came before.

        Batches differ in size by at most one, so that none is too small for batch normalisation.
        """
        order = generator(seed, "order", epoch).permutation(len(indices))
        height, width = self.data.shape[1:3]
        draws = augment.draw(len(self.labels), height, width, seed=seed, epoch=epoch, augmentation=augmentation)
        fill = self.mean.round().to(torch.uint8)
        for places in np.array_split(order, n_batches(len(indices), batch_size)):
            images, labels = self.taken(indices[places])
            yield self.normalised(augment.apply(images, draws, indices[places], fill)), labels


def n_batches(n_images: int, batch_size: int) -> int:
    """Batches in an epoch."""
    return max(1, -(-n_images // batch_size))


def _fits(device: torch.device, needed: int) -> bool:
    return device.type != "cuda" or needed <= RESIDENT_SHARE * torch.cuda.mem_get_info(device)[0]


def _pins(device: torch.device) -> bool:
    return device.type == "cuda"


def _view(pixels: np.ndarray) -> Tensor:
    # Decoded images are read-only and we never write into them; torch has no read-only tensors and warns.
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="The given NumPy array is not writable")
        return torch.from_numpy(pixels)
