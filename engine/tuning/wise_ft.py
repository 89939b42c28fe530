"""WiSE-FT: (1 - alpha) w_before + alpha w_after at evenly spaced alphas, judged on validation."""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Any

import torch

from engine.events import Event, Interpolated
from engine.tuning import _base


class Tuning(_base.Tuning):
    """Keeps the weights before training; what was selected is the other end of the line."""

    def begin(self) -> None:
        self.before = {name: tensor.detach().clone() for name, tensor in self.network.state_dict().items()}

    def after(self, evaluate: Callable[[], tuple[float, float]], chosen: Any) -> Generator[Event, None, Any]:
        """Higher validation accuracy is preferred, then lower loss, then more of the fine-tuned weights."""
        end = {name: tensor.detach().clone() for name, tensor in self.network.state_dict().items()}
        best: tuple[float, float, float] | None = None
        for step in range(self.settings["steps"] + 1):
            self.setup.step()
            alpha = step / self.settings["steps"]
            self.network.load_state_dict(mixed(self.before, end, alpha))
            loss, accuracy = evaluate()
            yield Interpolated(alpha, loss, accuracy, self.setup.elsewhere())
            best = max(filter(None, (best, (accuracy, -loss, alpha))))
        accuracy, loss, alpha = best[0], -best[1], best[2]
        self.network.load_state_dict(mixed(self.before, end, alpha))
        chosen.accuracy, chosen.loss = accuracy, loss
        return chosen


def mixed(before: dict[str, torch.Tensor], after: dict[str, torch.Tensor], alpha: float) -> dict[str, torch.Tensor]:
    """(1 - alpha) before + alpha after; counters, which are no numbers to mix, are those after."""
    if alpha in (0.0, 1.0):  # the very bits of an end
        return after if alpha else before
    return {
        name: torch.lerp(before[name], one, alpha) if one.is_floating_point() else one for name, one in after.items()
    }
