"""Networks as ordered units with a linear head: freeze any depth, take features at every depth. Loads torch."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import torch
from torch import Tensor, nn

from engine.backbones._parts import kind, owner
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
