"""How the units of timm's architectures are called, in forward order; for each of these the composition is exact.

An architecture is recognised by the function that is its forward pass (`forward_features`), so a subclass that
computes something else is not taken for its parent. Anything not recognised is split by parameter groups instead.
"""

from __future__ import annotations

from torch import nn

from engine.backbones import _timm_units_convolutional, _timm_units_token
from engine.backbones._timm_steps import Composed

_ARCHITECTURES = _timm_units_convolutional.ARCHITECTURES | _timm_units_token.ARCHITECTURES


def composed(model: nn.Module) -> Composed | None:
    """The steps of a timm model, or None where its architecture is not one of these or has tensors of its own."""
    describe = _ARCHITECTURES.get(type(model).forward_features)
    found = describe(model) if describe else None
    if found is None:
        return None
    names = (name for named in (model.named_parameters(), model.named_buffers()) for name, _ in named)
    return found if all(found.unit_of(name) is not None for name in names) else None
