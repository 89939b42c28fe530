"""What the units of a timm model are made of: steps that are called in forward order, and how their outputs are pooled."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from operator import attrgetter

from torch import Tensor, nn

HEAD = (
    *("head", "fc", "classifier", "global_pool", "head_drop", "head_dist", "fc_norm", "attn_pool"),
    *("last_linear", "classif"),
)
"""Names that timm gives to what follows its `forward_features`; tensors under them belong to the last unit."""

Function = Callable[[Tensor, nn.Module], Tensor]
"""A hidden tensor and the timm model to the next hidden tensor."""


@dataclass(frozen=True)
class Step:
    """One unit: attributes of the timm model, or functions of it, that are called in a row."""

    name: str
    stage: str
    calls: tuple[str | Function, ...]
    owns: tuple[str, ...] = ()
    """Parameters and buffers that the calls use but do not contain."""


def without_classifier(hidden: Tensor, model: nn.Module) -> Tensor:
    """timm's own head up to its classifier."""
    return model.forward_head(hidden, pre_logits=True)


@dataclass(frozen=True)
class Composed:
    """An architecture as steps; after the last one `finish` is called, then `head`."""

    steps: tuple[Step, ...]
    finish: tuple[str, ...]
    average: Function
    """A hidden tensor to one row per image."""
    head: Function = without_classifier

    def unit_of(self, tensor: str) -> int | None:
        """The unit that owns a parameter or buffer of the timm model, or None."""
        for unit, step in enumerate(self.steps):
            if _under(tensor, (*(call for call in step.calls if isinstance(call, str)), *step.owns)):
                return unit
        return len(self.steps) - 1 if _under(tensor, (*self.finish, *HEAD)) else None


def run(calls: Sequence[str | Function], hidden: Tensor, model: nn.Module) -> Tensor:
    """Call attributes and functions of a timm model in a row."""
    for call in calls:
        hidden = attrgetter(call)(model)(hidden) if isinstance(call, str) else call(hidden, model)
    return hidden


def _under(tensor: str, names: tuple[str, ...]) -> bool:
    return any(tensor == name or tensor.startswith(f"{name}.") for name in names)


def blocks(rows: Sequence[tuple[str, Sequence[str]]]) -> list[Step]:
    """One step per block: `rows` are stages, each the attribute that holds its blocks and the blocks' names in it."""
    return [
        Step(f"stage {stage} block {block}", f"stage {stage}", (f"{holder}.{name}",))
        for stage, (holder, names) in enumerate(rows, start=1)
        for block, name in enumerate(names, start=1)
    ]


def children(model: nn.Module, holder: str) -> tuple[str, list[str]]:
    """A row of `blocks`: the children of one attribute of a model."""
    return holder, [name for name, _ in attrgetter(holder)(model).named_children()]


def channels_first(hidden: Tensor, model: nn.Module) -> Tensor:
    """Mean over positions: (n, c, h, w) -> (n, c)."""
    return hidden.mean(dim=(2, 3))


def channels_last(hidden: Tensor, model: nn.Module) -> Tensor:
    """Mean over positions: (n, h, w, c) -> (n, c)."""
    return hidden.mean(dim=(1, 2))


def patch_tokens(hidden: Tensor, model: nn.Module) -> Tensor:
    """Mean over the patch tokens, without class and register tokens: (n, tokens, c) -> (n, c)."""
    return hidden[:, getattr(model, "num_prefix_tokens", 0) :].mean(dim=1)
