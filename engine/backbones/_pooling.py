"""How a unit's output becomes one row per image. Loads torch; the names are those of `engine.spec.POOLINGS`.

`global_average`: mean over positions (the patch tokens of a transformer); the last unit in the network's own way.
`adaptive_9k`: averages over the cells of a square grid, so that cells x channels is about 9,000 where the map is large enough
(Goyal et al. 2019, "Scaling and benchmarking self-supervised visual representation learning", section 4: the convention of
VISSL). Early units are then not reduced to their few channel means, which says more about pooling than about the features.
`class_token`, `patch_mean`: the first token, or the mean of the patch tokens, of a transformer.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from torch import Tensor
from torch.nn import functional

from engine.errors import BackboneError

TARGET = 9_000
"""Numbers per image that `adaptive_9k` aims at."""


@dataclass(frozen=True)
class Layout:
    """A unit's output: its feature map (n, c, h, w), and the tokens before the patches (n, p, c) where it has tokens."""

    map: Tensor
    prefix: Tensor | None = None


def of_tokens(hidden: Tensor, n_prefix: int) -> Layout:
    """Tokens (n, t, c), the first `n_prefix` of which are no patches; patches lie in their square, or in one row."""
    patches = hidden[:, n_prefix:]
    side = math.isqrt(patches.shape[1])
    shape = (side, side) if side * side == patches.shape[1] else (1, patches.shape[1])
    return Layout(patches.transpose(1, 2).unflatten(2, shape), hidden[:, :n_prefix])


def pooled(pooling: str, layout: Layout) -> Tensor:
    """One row per image: (n, n_features).

    Raises:
        BackboneError: the pooling is of tokens, and the network has none.
    """
    if pooling == "global_average":
        return layout.map.mean(dim=(2, 3))
    if pooling == "adaptive_9k":
        side = max(1, round(math.sqrt(TARGET / layout.map.shape[1])))
        cells = (min(side, layout.map.shape[2]), min(side, layout.map.shape[3]))
        return functional.adaptive_avg_pool2d(layout.map, cells).flatten(1)
    if layout.prefix is None:
        raise BackboneError(f"Pooling {pooling!r} is of a transformer's tokens, and this backbone has none: {_ADVICE}.")
    if pooling == "patch_mean":
        return layout.map.mean(dim=(2, 3))
    if not layout.prefix.shape[1]:
        raise BackboneError(f"Pooling {pooling!r} needs a class token, and this transformer has none: {_ADVICE}.")
    return layout.prefix[:, 0].clone()  # a view would change with what the next unit does in place


_ADVICE = "use 'global_average' or 'adaptive_9k'"
