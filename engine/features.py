"""One frozen pass over images gives the features of every depth. Contract: eval mode, float32 pass, float64 out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from engine.backbones._network import Network
from engine.batches import Pixels
from engine.control import Control


@dataclass(frozen=True)
class Features:
    """Of some images, in order."""

    units: list[np.ndarray | None]
    """After every unit, float64 (n, n_features of the unit); None where a unit has no features."""
    embedded: np.ndarray
    """What the network's own head reads, float64 (n, its inputs)."""

    @property
    def nbytes(self) -> int:
        """Memory that they take."""
        return self.embedded.nbytes + sum(rows.nbytes for rows in self.units if rows is not None)


def extract(
    network: Network,
    pixels: Pixels,
    indices: np.ndarray,
    batch_size: int,
    control: Control,
    pooling: str = "global_average",
) -> Features:
    """Pooled features after every unit, for some images.

    Args:
        network: put in eval mode here; its weights do not change.
        pixels: decoded images on the network's device.
        indices: int64 (n,), which images, in order.
        batch_size: images per pass; changes speed, not results beyond rounding.
        control: asked between batches.
        pooling: one of `engine.spec.POOLINGS`.

    Raises:
        BackboneError: the network cannot be pooled so.
    """
    network.eval()
    taken: list[list[np.ndarray]] = [[] for _ in range(network.n_units)]
    last: list[np.ndarray] = []
    with torch.inference_mode():
        for images, _ in pixels.in_order(indices, batch_size):
            control.step()
            units, embedded = network.pooled(images, pooling)
            for unit, rows in enumerate(units):
                if rows is not None:
                    taken[unit].append(rows.double().cpu().numpy())
            if embedded is not units[-1]:
                last.append(embedded.double().cpu().numpy())
    joined = [np.concatenate(parts) if parts else None for parts in taken]
    return Features(joined, np.concatenate(last) if last else joined[-1])
