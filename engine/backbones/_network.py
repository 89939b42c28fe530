"""Networks as ordered units with a linear head: freeze any depth, take features at every depth. Loads torch."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import torch
from torch import Tensor, nn

from engine.backbones._base import Unit
from engine.backbones._parts import kind, owner, weights_of
from engine.backbones._pooling import Layout, pooled
from engine.errors import BackboneError


class Network(nn.Module):
    """Base of all networks: `embed`, `features` and the list of units are the family's, the head and freezing are ours."""

    def __init__(self, unit_names: Sequence[str], stages: Sequence[str], n_features: int, pooling: str) -> None:
        super().__init__()
        self.unit_names, self.stages = list(unit_names), list(stages)
        self.n_features, self.pooling = n_features, pooling
        self.head = nn.Linear(n_features, 1)
        self.reads_all = False
        """Whether the head reads the pooled features of all depths in a row instead of the last unit's."""
        self.added = nn.ModuleDict()
        """What a strategy put into the network (adapters, prompts); none of it belongs to a unit."""
        self.frozen_depth = 0
        self._fixed: tuple[int, ...] = ()
        self._resting: frozenset[int] = frozenset()
        self._moving: frozenset[str] = frozenset()
        self._awake: list[nn.Module] = []
        self._astray: list[nn.Module] = []

    @property
    def n_units(self) -> int:
        return len(self.unit_names)

    def embed(self, images: Tensor) -> Tensor:
        """Pooled features of the last unit: (n, channels, height, width) -> (n, n_features)."""
        raise TypeError(f"{type(self).__name__} does not define embed")

    def features(self, images: Tensor) -> list[Tensor | None]:
        """Pooled features after every unit, each (n, its features); None where a unit has none."""
        raise TypeError(f"{type(self).__name__} does not define features")

    def pooled(self, images: Tensor, pooling: str) -> tuple[list[Tensor | None], Tensor]:
        """Features after every unit, pooled as `_pooling` names it, and what the head reads (`embed`), from one pass.

        Raises:
            BackboneError: this network cannot be pooled so.
        """
        if pooling != "global_average":
            raise BackboneError(f"This backbone's units cannot be pooled by {pooling!r}; use 'global_average'.")
        taken = self.features(images)
        return taken, self.joined(taken) if self.reads_all else taken[-1]

    def unit_modules(self, unit: int) -> Sequence[nn.Module]:
        """Modules of one unit (0-based): what goes to eval mode when it is frozen."""
        raise TypeError(f"{type(self).__name__} does not define unit_modules")

    def unit_tensors(self, unit: int) -> Iterator[tuple[str, Tensor]]:
        """Parameters and buffers of one unit (0-based) with their names in the network."""
        raise TypeError(f"{type(self).__name__} does not define unit_tensors")

    def unit_parameters(self, unit: int) -> list[nn.Parameter]:
        """The trainable tensors of one unit (0-based)."""
        return [tensor for _, tensor in self.unit_tensors(unit) if isinstance(tensor, nn.Parameter)]

    def forward(self, images: Tensor) -> Tensor:
        """Logits: (n, channels, height, width) -> (n, n_classes)."""
        return self.head(self.read(images))

    def read(self, images: Tensor) -> Tensor:
        """What the head reads: (n, channels, height, width) -> (n, its inputs)."""
        return self.joined(self.features(images)) if self.reads_all else self.embed(images)

    @staticmethod
    def joined(features: Sequence[Tensor | None]) -> Tensor:
        """Features of all depths in a row: (n, sum of their widths)."""
        return torch.cat([one for one in features if one is not None], dim=1)

    def reset_head(self, n_classes: int, n_inputs: int | None = None) -> None:
        """A new head for `n_classes`, zero weights and biases: the first step then depends on no random draw.

        With `n_inputs`, the number of features of all depths together, it reads those.
        """
        self.reads_all = n_inputs is not None
        self.head = nn.Linear(n_inputs or self.n_features, n_classes)
        nn.init.zeros_(self.head.weight)
        nn.init.zeros_(self.head.bias)

    def freeze(self, depth: int) -> None:
        """Fix the first `depth` units: no gradients, normalisation and dropout in eval mode from now on.

        Raises:
            BackboneError: the network has fewer units.
        """
        if not 0 <= depth <= self.n_units:
            raise BackboneError(f"Frozen depth {depth} is not possible: this backbone has {self.n_units} units.")
        self.frozen_depth = depth
        self.fix(range(depth))

    def fix(self, units: Iterable[int], parts: str = "") -> None:
        """Fix some units (0-based) as `freeze` does, but for `parts` of them: `norm` (normalisation, statistics included)
        or `bias`."""
        self._fixed, self._resting = tuple(sorted(units)), frozenset()
        moving: set[str] = set()
        self._awake, self._astray = [], []
        for unit in range(self.n_units):
            for name, tensor in self.unit_tensors(unit):
                free = unit not in self._fixed or self._moves(name, tensor, parts)
                if free and unit in self._fixed:
                    moving.add(name)
                if tensor.is_floating_point():
                    tensor.requires_grad_(isinstance(tensor, nn.Parameter) and free)
        self._moving = frozenset(moving)
        if parts == "norm":
            self._awake = [owner(self, name) for name in sorted(moving)]
        self.train(self.training)

    def _moves(self, name: str, tensor: Tensor, parts: str) -> bool:
        if parts == "bias":
            return isinstance(tensor, nn.Parameter) and name.endswith("bias")
        return parts == "norm" and kind(owner(self, name)) == "norm"

    def move_statistics(self) -> None:
        """Leave the normalisation of fixed units in training mode: the classic mistake. Their weights stay all the same.

        Raises:
            BackboneError: the fixed units keep no running statistics.
        """
        fixed = {module for unit in self._fixed for one in self.unit_modules(unit) for module in one.modules()}
        self._astray = [module for module in fixed if getattr(module, "running_mean", None) is not None]
        if not self._astray:
            raise BackboneError("The frozen units keep no running statistics, so none can be left to move.")
        self.train(self.training)

    def drifting(self) -> set[str]:
        """Names of the frozen buffers that move all the same (`move_statistics`)."""
        astray = set(self._astray)
        return {
            name
            for name, tensor in self.frozen_tensors().items()
            if astray and not isinstance(tensor, nn.Parameter) and owner(self, name) in astray
        }

    def rest(self, units: Iterable[int]) -> None:
        """Let some units (0-based; `n_units` is the head with all that was added) not learn for now: they may later."""
        self._resting = frozenset(units)
        frozen = self.frozen_tensors()
        for unit in range(self.n_units):
            for name, tensor in self.unit_tensors(unit):
                if isinstance(tensor, nn.Parameter) and name not in frozen:
                    tensor.requires_grad_(unit not in self._resting)
        for parameter in (*self.head.parameters(), *self.added.parameters()):
            parameter.requires_grad_(self.n_units not in self._resting)
        self.train(self.training)

    def train(self, mode: bool = True) -> Network:
        """As `nn.Module.train`, but units that do not learn stay in eval mode: running statistics are weights too."""
        super().train(mode)
        for unit in {*self._fixed, *self._resting} - {self.n_units}:
            for module in self.unit_modules(unit):
                module.eval()
        for module in (*self._awake, *self._astray):
            module.train(mode)
        return self

    def frozen_tensors(self) -> dict[str, Tensor]:
        """Every parameter and buffer of the backbone that must not move, by name."""
        owned = (item for unit in self._fixed for item in self.unit_tensors(unit))
        return {name: tensor for name, tensor in owned if name not in self._moving}

    def backbone_state(self) -> dict[str, Tensor]:
        """Every parameter and buffer of the units: what weights files hold."""
        return {name: tensor for name, tensor in self.state_dict().items() if not name.startswith(("head.", "added."))}


class Between:
    """What a strategy does to the tensors that pass from unit to unit; by default nothing."""

    def before(self, unit: int, hidden: Tensor) -> Tensor:
        """The input of a unit (0-based)."""
        return hidden

    def after(self, unit: int, hidden: Tensor) -> Tensor:
        """The output of a unit."""
        return hidden

    def strip(self, hidden: Tensor) -> Tensor:
        """An output without what was put into it, before it is pooled."""
        return hidden


class Composition(Network):
    """A network whose units compose to the forward pass, so any prefix can be cut off."""

    between: Between = Between()

    def run_unit(self, unit: int, hidden: Tensor) -> Tensor:
        """Output of one unit (0-based) from the output of the one before (images for the first)."""
        raise TypeError(f"{type(self).__name__} does not define run_unit")

    def finish(self, hidden: Tensor) -> Tensor:
        """Pooled features from the last unit's output: (n, n_features)."""
        raise TypeError(f"{type(self).__name__} does not define finish")

    def pool(self, hidden: Tensor) -> Tensor:
        """A hidden tensor as one row per image: mean over positions of (n, c, h, w); rows (n, c) stay as they are."""
        return hidden.mean(dim=(2, 3)) if hidden.ndim == 4 else hidden

    def layout(self, hidden: Tensor, last: bool) -> Layout:
        """A unit's output as a feature map and tokens; `last`: as the network's own pooling would find it."""
        return Layout(hidden)

    def pooled(self, images: Tensor, pooling: str) -> tuple[list[Tensor | None], Tensor]:
        if pooling == "global_average":
            return super().pooled(images, pooling)
        hidden = images
        taken: list[Tensor | None] = []
        for unit in range(self.n_units):
            hidden = self.through(unit, hidden)
            taken.append(pooled(pooling, self.layout(self.between.strip(hidden), unit == self.n_units - 1)))
        return taken, self.read(images) if self.reads_all else self.finish(self.between.strip(hidden))

    def prefix(self, images: Tensor, depth: int) -> Tensor:
        """Output of the first `depth` units."""
        for unit in range(depth):
            images = self.through(unit, images)
        return images

    def through(self, unit: int, hidden: Tensor) -> Tensor:
        """`run_unit` with what a strategy does before and after it."""
        return self.between.after(unit, self.run_unit(unit, self.between.before(unit, hidden)))

    def suffix(self, hidden: Tensor, depth: int) -> Tensor:
        """Pooled features from the output of the first `depth` units: (n, n_features)."""
        for unit in range(depth, self.n_units):
            hidden = self.through(unit, hidden)
        return self.finish(self.between.strip(hidden))

    def embed(self, images: Tensor) -> Tensor:
        return self.suffix(images, 0)

    def features(self, images: Tensor) -> list[Tensor | None]:
        taken: list[Tensor | None] = []
        for unit in range(self.n_units - 1):
            images = self.through(unit, images)
            taken.append(self.pool(self.between.strip(images)))
        return [*taken, self.suffix(images, self.n_units - 1)]


class ComposedNetwork(Composition):
    """Units that are modules in a row."""

    def __init__(
        self, units: Sequence[tuple[str, str, nn.Module]], n_features: int, final: nn.Module | None = None
    ) -> None:
        """`units` are (name, stage, module); `final` maps the last unit's output to (n, n_features), default: pooling."""
        super().__init__([name for name, _, _ in units], [stage for _, stage, _ in units], n_features, "global average")
        self.units = nn.ModuleList(module for _, _, module in units)
        self.final = final if final is not None else GlobalAverage()

    def run_unit(self, unit: int, hidden: Tensor) -> Tensor:
        return self.units[unit](hidden)

    def finish(self, hidden: Tensor) -> Tensor:
        return self.final(hidden)

    def unit_modules(self, unit: int) -> Sequence[nn.Module]:
        # The last unit's features are what `final` makes of it, so a normalisation in there freezes with it.
        return [self.units[unit], self.final] if unit == self.n_units - 1 else [self.units[unit]]

    def unit_tensors(self, unit: int) -> Iterator[tuple[str, Tensor]]:
        prefixes = [(f"units.{unit}.", self.units[unit])]
        if unit == self.n_units - 1:
            prefixes.append(("final.", self.final))
        for prefix, module in prefixes:
            for name, tensor in (*module.named_parameters(), *module.named_buffers()):
                yield prefix + name, tensor


class GlobalAverage(nn.Module):
    """Mean over positions: (n, c, h, w) -> (n, c)."""

    def forward(self, hidden: Tensor) -> Tensor:
        return hidden.mean(dim=(2, 3))


def describe_units(network: Composition, input_size: tuple[int, int, int]) -> tuple[Unit, ...]:
    """Measure every unit on images of `input_size`: parameters, forward FLOPs, bytes kept for backward, features.

    The network is left in training mode with other running statistics; on the meta device nothing is computed.
    """
    from torch.utils.flop_counter import FlopCounterMode

    images = torch.zeros(2, *input_size, device=next(network.parameters()).device)
    with torch.no_grad():
        widths = [tensor.shape[1] if tensor is not None else 0 for tensor in network.eval().features(images)]
    network.train()
    hidden = images.requires_grad_(True)
    described = []
    for index in range(network.n_units):
        kept = KeptBytes(network.unit_parameters(index))
        counter = FlopCounterMode(display=False)
        with counter, torch.autograd.graph.saved_tensors_hooks(kept.keep, lambda tensor: tensor):
            hidden = network.run_unit(index, hidden)
            # The graph of what `finish` made must live until its bytes are counted.
            out = network.finish(hidden) if index == network.n_units - 1 else hidden
        described.append(
            Unit(
                name=network.unit_names[index],
                stage=network.stages[index],
                parameters=sum(tensor.numel() for tensor in network.unit_parameters(index)),
                flops=counter.get_total_flops() // len(out),
                activation_bytes=kept.total // len(out),
                n_features=widths[index],
                weights=weights_of(network, index),
                output=tuple(hidden.shape[1:]),
            )
        )
        hidden = hidden.detach().requires_grad_(True)
    return tuple(described)


class KeptBytes:
    """Counts the storages that autograd keeps for a backward pass, each once and without the parameters."""

    def __init__(self, parameters: Sequence[nn.Parameter]) -> None:
        self._parameters = {_storage(parameter) for parameter in parameters}
        self._kept: dict[int, int] = {}

    @property
    def total(self) -> int:
        return sum(self._kept.values())

    def keep(self, tensor: Tensor) -> Tensor:
        """A pack hook for `torch.autograd.graph.saved_tensors_hooks`."""
        key = _storage(tensor)
        if key not in self._parameters:
            self._kept[key] = tensor.untyped_storage().nbytes()
        return tensor


def _storage(tensor: Tensor) -> int:
    # The storage's own address: `data_ptr` is 0 for everything on the meta device.
    return tensor.untyped_storage()._cdata
