"""Networks whose units compose to the forward pass, so that any prefix can be cut off and looked at. Loads torch."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from torch import Tensor, nn

from engine.backbones._network import Network
from engine.backbones._pooling import Layout, pooled


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
