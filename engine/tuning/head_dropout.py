"""Head dropout: features are set to zero with probability `share` in training, the others scaled by 1 / (1 - share)."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional

from engine.tuning import _base


class Tuning(_base.Tuning):
    """A hook before the head."""

    def put_in(self) -> None:
        share = self.settings["share"]

        def drop(head: nn.Module, given: tuple[Tensor, ...]) -> Tensor:
            return functional.dropout(given[0], share, head.training)

        if share:
            self.network.head.register_forward_pre_hook(drop)
