"""One frozen pass over images gives the features of every depth. Contract: eval mode, float32 pass, float64 out."""

from __future__ import annotations

import numpy as np
import torch

from engine.backbones._network import Network
from engine.batches import Pixels
from engine.control import Control


def extract(
    network: Network, pixels: Pixels, indices: np.ndarray, batch_size: int, control: Control
) -> list[np.ndarray | None]:
    """Pooled features after every unit, for some images.

    Args:
        network: put in eval mode here; its weights do not change.
        pixels: decoded images on the network's device.
        indices: int64 (n,), which images, in order.
        batch_size: images per pass; changes speed, not results beyond rounding.
        control: asked between batches.

    Returns:
        One float64 array (n, n_features of the unit) per unit, None where a unit has no features.
    """
    network.eval()
    taken: list[list[np.ndarray]] = [[] for _ in range(network.n_units)]
    with torch.inference_mode():
        for images, _ in pixels.in_order(indices, batch_size):
            control.step()
            for unit, features in enumerate(network.features(images)):
                if features is not None:
                    taken[unit].append(features.double().cpu().numpy())
    return [np.concatenate(parts) if parts else None for parts in taken]
