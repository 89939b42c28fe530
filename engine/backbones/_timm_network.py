"""timm models as networks: composed from steps where the architecture is known, else split by timm's parameter groups.

The timm model stays whole under `model`, so tensors keep timm's names behind the prefix `model.`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from timm.models._manipulate import group_with_matcher
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from engine.backbones._composition import Composition
from engine.backbones._network import Network
from engine.backbones._pooling import Layout, of_tokens, pooled
from engine.backbones._timm_steps import Composed, channels_last, patch_tokens, run
from engine.errors import BackboneError

COMPOSED_POOLING = "mean over positions (patch tokens of a transformer); last unit: the model's own pooling"
GROUPED_POOLING = "mean over positions of each group's last output; last group: the model's own pooling"


class TimmNetwork(Network):
    """What both kinds share: every tensor of the timm model belongs to one unit, every module is frozen with its own."""

    def __init__(
        self, model: nn.Module, owner: dict[str, int], names: Sequence[str], stages: Sequence[str], pooling: str
    ) -> None:
        """`owner` maps every parameter and buffer of the timm model, built without classifier, to its unit."""
        n_features = getattr(model, "head_hidden_size", None) or model.num_features
        super().__init__(names, stages, n_features, pooling)
        self.model = model
        self._owner = owner
        self._modules_of = module_units(model, owner, len(names))

    def unit_modules(self, unit: int) -> Sequence[nn.Module]:
        return self._modules_of[unit]

    def unit_tensors(self, unit: int) -> Iterator[tuple[str, Tensor]]:
        for name, tensor in named_tensors(self.model):
            if self._owner[name] == unit:
                yield f"model.{name}", tensor


class ComposedTimm(TimmNetwork, Composition):
    """A timm model run step by step: the composition is timm's forward pass without the classifier."""

    def __init__(self, model: nn.Module, composed: Composed) -> None:
        owner = {name: composed.unit_of(name) for name, _ in named_tensors(model)}
        names, stages = [step.name for step in composed.steps], [step.stage for step in composed.steps]
        super().__init__(model, owner, names, stages, COMPOSED_POOLING)
        self._composed = composed

    def run_unit(self, unit: int, hidden: Tensor) -> Tensor:
        return run(self._composed.steps[unit].calls, hidden, self.model)

    def finish(self, hidden: Tensor) -> Tensor:
        return self._composed.head(run(self._composed.finish, hidden, self.model), self.model)

    def pool(self, hidden: Tensor) -> Tensor:
        return self._composed.average(hidden, self.model)

    def layout(self, hidden: Tensor, last: bool) -> Layout:
        if last:
            hidden = run(self._composed.finish, hidden, self.model)
        if self._composed.average is patch_tokens:
            return of_tokens(hidden, getattr(self.model, "num_prefix_tokens", 0))
        return Layout(hidden.permute(0, 3, 1, 2) if self._composed.average is channels_last else hidden)


class GroupedTimm(TimmNetwork):
    """A timm model of any architecture: units are timm's parameter groups, the forward pass is the model's own."""

    def __init__(self, model: nn.Module) -> None:
        owner = group_owner(model)
        names = group_names(owner)
        super().__init__(model, owner, names, [_stage(name) for name in names], GROUPED_POOLING)

    def embed(self, images: Tensor) -> Tensor:
        embedded = self.model(images)
        if not isinstance(embedded, Tensor) or embedded.shape != (len(images), self.n_features):
            shape = tuple(embedded.shape) if isinstance(embedded, Tensor) else type(embedded).__name__
            raise BackboneError(
                f"This timm model does not end in {self.n_features} pooled features per image (it gives {shape}),"
                " so no classifier can be put on it. Choose a model made for classification."
            )
        return embedded

    def features(self, images: Tensor) -> list[Tensor | None]:
        taken, embedded = self._read(images, "global_average")
        return [*taken[:-1], embedded]

    def pooled(self, images: Tensor, pooling: str) -> tuple[list[Tensor | None], Tensor]:
        if pooling == "global_average":
            return super().pooled(images, pooling)
        return self._read(images, pooling)

    def _read(self, images: Tensor, pooling: str) -> tuple[list[Tensor | None], Tensor]:
        taken: list[Tensor | None] = [None] * self.n_units

        def take(unit: int, output: Any) -> None:
            rows = self._pooled(output, len(images), pooling)
            taken[unit] = rows if rows is not None else taken[unit]

        with self.watched(lambda unit: None, take):
            embedded = self.embed(images)
        return taken, embedded

    def watched(self, before: Callable[[int], None], after: Callable[[int, Any], None]) -> Watch:
        """While entered, call `before(unit)` and `after(unit, output)` around the modules of every unit."""
        return Watch(self._modules_of, before, after)

    def _pooled(self, output: Any, n_images: int, pooling: str = "global_average") -> Tensor | None:
        if isinstance(output, (tuple, list)):  # branches, or tokens with their grid: the last that is features counts
            rows = [self._pooled(part, n_images, pooling) for part in output]
            return next((part for part in reversed(rows) if part is not None), None)
        if not isinstance(output, Tensor) or not output.is_floating_point() or len(output) != n_images:
            return None
        if output.ndim == 4:
            _, second, third, fourth = output.shape
            last = getattr(self.model, "output_fmt", "NCHW") == "NHWC"
            if (second == third) != (third == fourth):  # images are square as a rule: the odd one out is the channels
                last = second == third
            return pooled(pooling, Layout(output.permute(0, 3, 1, 2) if last else output))
        if output.ndim == 3:
            skipped = getattr(self.model, "num_prefix_tokens", 0)
            return pooled(pooling, of_tokens(output, skipped if output.shape[1] > skipped else 0))
        # What has no positions any more is not pooled again: it is a unit's features in the default way only.
        return output if output.ndim == 2 and pooling == "global_average" else None


class Watch:
    """Forward hooks on the modules of every unit, removed on exit."""

    def __init__(
        self, units: list[list[nn.Module]], before: Callable[[int], None], after: Callable[[int, Any], None]
    ) -> None:
        self._units, self._before, self._after = units, before, after
        self._handles: list[RemovableHandle] = []

    def __enter__(self) -> None:
        for unit, modules in enumerate(self._units):
            for module in modules:
                self._handles += [
                    module.register_forward_pre_hook(lambda module, given, unit=unit: self._before(unit)),
                    module.register_forward_hook(lambda module, given, output, unit=unit: self._after(unit, output)),
                ]

    def __exit__(self, *error: object) -> None:
        for handle in self._handles:
            handle.remove()


def named_tensors(model: nn.Module) -> Iterator[tuple[str, Tensor]]:
    """Every parameter and buffer with its name, buffers that are not saved included."""
    yield from model.named_parameters()
    yield from model.named_buffers()


def module_units(model: nn.Module, owner: dict[str, int], n_units: int) -> list[list[nn.Module]]:
    """The modules to put in eval mode with each unit.

    A module whose tensors all belong to one unit goes with it, whole. One that spans units goes with its last: by then
    all of it is frozen. One without tensors (dropout, activation) goes with what was registered before it.
    """
    spans: dict[str, set[int]] = {}
    for name, unit in owner.items():
        while name:
            name = name.rpartition(".")[0]
            spans.setdefault(name, set()).add(unit)
    units: list[list[nn.Module]] = [[] for _ in range(n_units)]
    previous = 0

    def visit(module: nn.Module, name: str) -> None:
        nonlocal previous
        span = spans.get(name, {previous})
        if len(span) > 1:
            for child_name, child in module.named_children():
                visit(child, f"{name}.{child_name}".removeprefix("."))
        previous = max(span)
        units[previous].append(module)

    visit(model, "")
    return units


def group_owner(model: nn.Module) -> dict[str, int]:
    """The unit of every tensor by timm's own groups (those of its layer-wise learning rates), numbered from 0.

    The few models that state none are split at their numbered blocks, in the order in which they were registered.
    """
    names = [name for name, _ in named_tensors(model)]
    trained = {name for name, _ in model.named_parameters()}
    if hasattr(model, "group_matcher"):
        group_of = group_with_matcher(((name, None) for name in names), model.group_matcher(coarse=False), reverse=True)
    else:
        stem = next((_block(name) for name in names if "." in name), "")  # joined by the model's own bare parameters
        block_of = {name: _block(name) if "." in name else stem for name in names}
        blocks = list(dict.fromkeys(block_of.values()))
        group_of = {name: blocks.index(block) for name, block in block_of.items()}
    groups = sorted({group_of[name] for name in trained})
    # A group of buffers alone joins the one before it: every unit has something to train.
    return {name: max(sum(group <= group_of[name] for group in groups) - 1, 0) for name in names}


def _block(name: str) -> str:
    """`stages.0.blocks.1.conv.weight` is of `stages.0.blocks.1.`, `stages.1.downsample.weight` of `stages.1.`."""
    numbered = re.match(r"(?:[^.\d][^.]*\.\d+\.){1,2}", name)
    return numbered.group() if numbered else name.partition(".")[0]


def group_names(owner: dict[str, int]) -> list[str]:
    """A name for each unit: what the names of its tensors have in common, made unique."""
    found: list[str] = []
    for unit in range(max(owner.values()) + 1):
        parts = [name.split(".")[:-1] or [name] for name, of in owner.items() if of == unit]
        shared = [column[0] for column in _while_equal(zip(*parts, strict=False))]
        name = ".".join(shared) or ("stem" if unit == 0 else " + ".join(dict.fromkeys(part[0] for part in parts)))
        found.append(name if name not in found else f"{name} ({unit + 1})")
    return found


def _while_equal(columns: Iterator[tuple[str, ...]]) -> Iterator[tuple[str, ...]]:
    for column in columns:
        if len(set(column)) > 1:
            return
        yield column


def _stage(name: str) -> str:
    first, _, rest = name.partition(".")
    second = rest.partition(".")[0]
    return f"{first}.{second}" if second.isdigit() and "." in rest else first
