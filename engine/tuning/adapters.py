"""Adapters: h + up(relu(down(h))) after every unit, over the channels of pictures or tokens; up is zero at first."""

from __future__ import annotations

from torch import Tensor, nn

from engine.backbones._composition import Between
from engine.strategies.adapters import widths
from engine.tuning import _base, _inject


class Adapter(nn.Module):
    """A residual bottleneck over channels, whatever axis they lie on."""

    def __init__(self, channels: int, width: int, axis: int) -> None:
        super().__init__()
        self.axis = axis
        self.down, self.up = nn.Linear(channels, width), nn.Linear(width, channels)
        nn.init.zeros_(self.up.weight)
        nn.init.zeros_(self.up.bias)

    def forward(self, hidden: Tensor) -> Tensor:
        last = hidden.movedim(self.axis, -1)  # in channels-last memory this moves no number
        return hidden + self.up(self.down(last).relu()).movedim(-1, self.axis)


class Corrected(Between):
    """The adapter of every unit, after it."""

    def __init__(self, adapters: nn.ModuleDict) -> None:
        self.adapters = adapters

    def after(self, unit: int, hidden: Tensor) -> Tensor:
        return self.adapters[str(unit)](hidden) if str(unit) in self.adapters else hidden


class Tuning(_inject.Injected):
    """One adapter for every unit of the card."""

    name = "An adapter"

    def put_in(self) -> None:
        for unit, (channels, width) in enumerate(widths(self.setup.card, self.settings)):
            shape = self.setup.card.units[unit].output
            axis = 1 if len(shape) == 3 and shape[0] == channels else -1
            if width:
                with _base.drawing(self.setup.seed, "adapters", unit):
                    self.network.added[str(unit)] = Adapter(channels, width, axis)
        self.network.between = Corrected(self.network.added)
