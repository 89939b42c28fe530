"""One frozen pass over images gives the features of every depth. Contract: eval mode, float32 pass, float64 out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from engine import limits
from engine.backbones._network import Network
from engine.batches import Pixels
from engine.control import Control
from engine.errors import FeatureMemoryError


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
        FeatureMemoryError: they would take more memory than they may; nothing was computed but one batch.
    """
    network.eval()
    rooms: list[np.ndarray | None] = [None] * network.n_units
    last, done = None, 0
    with torch.inference_mode():
        for images, _ in pixels.in_order(indices, batch_size):
            control.step()
            units, embedded = network.pooled(images, pooling)
            separate = embedded is not units[-1]
            if not done:
                rooms = _rooms([*units, embedded if separate else None], len(indices))
                extra = rooms.pop()
                last = extra if separate else rooms[-1]
            part = slice(done, done + len(images))
            for room, rows in zip(rooms, units, strict=True):
                if room is not None:
                    room[part] = rows.double().cpu().numpy()
            if separate:
                last[part] = embedded.double().cpu().numpy()
            done += len(images)
    return Features(rooms, last)


def _rooms(like: Sequence[torch.Tensor | None], n: int) -> list[np.ndarray | None]:
    """Room for n rows of each; said before the pass where it is too much, not by a worker that dies in the middle."""
    needed, allowed = sum(8 * n * rows.shape[1] for rows in like if rows is not None), limits.feature_memory()
    if needed > allowed:
        raise FeatureMemoryError(
            f"The features of {n:,} images after {sum(rows is not None for rows in like)} units take"
            f" {limits.size_words(needed)}; {limits.size_words(allowed)} may be taken. Use fewer labels, or the pooling"
            f" global_average, or set {limits.FEATURES_VARIABLE} (for example to '16 GB')."
        )
    return [None if rows is None else np.empty((n, rows.shape[1])) for rows in like]
