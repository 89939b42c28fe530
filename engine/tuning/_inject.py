"""Putting modules beside a network's own without renaming anything, and making sure that they are really used."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from engine.errors import StrategyError
from engine.tuning import _base


class Injected(_base.Tuning):
    """A tuning whose modules stand in `network.added` and are reached through calls of the network's own modules."""

    name = "It"

    def __init__(self, setup: _base.Setup | None = None) -> None:
        super().__init__(setup)
        self._hooked: set[str] = set()
        self._reached: set[str] = set()

    def beside(self, module: str, extra: nn.Module, act: Callable[[nn.Module, Tensor, Tensor], Tensor]) -> None:
        """Let `act(extra, input, output)` give the output of a module of the network instead."""
        self.network.added[_base.key(module)] = extra
        self._hooked.add(module)

        def hook(owner: nn.Module, given: tuple[Tensor, ...], output: Tensor) -> Tensor:
            self._reached.add(module)
            return act(extra, given[0], output)

        self.network.get_submodule(module).register_forward_hook(hook)

    def instead(self, module: str, extra: nn.Module) -> None:
        """Let `extra(input)` give the output of a module of the network; it asks that module itself where it needs to."""
        self.network.added[_base.key(module)] = extra
        self._hooked.add(module)

        def forward(given: Tensor) -> Tensor:
            self._reached.add(module)
            return extra(given)

        self.network.get_submodule(module).forward = forward

    def prepare(self) -> None:
        """Run once, so that what cannot work is refused before training.

        Raises:
            StrategyError: the network does not take what was put in, or never passes by it.
        """
        was_training = self.network.training
        self.network.eval()
        try:
            images, _ = next(iter(self.setup.pixels.in_order(self.setup.train[:2], 2)))
            with torch.no_grad():
                self.network.read(images)
        except (RuntimeError, TypeError, AssertionError) as error:
            raise StrategyError(f"{self.name} cannot be used here: the network does not take it ({error}).") from error
        finally:
            self.network.train(was_training)
        if missed := sorted(self._hooked - self._reached):
            raise StrategyError(
                f"{self.name} cannot be used here: the network uses the weights of {missed[0]} without passing through it."
            )


def by_channel(numbers: Tensor, output: Tensor, axis: int) -> Tensor:
    """Numbers (channels,) shaped to multiply an output along its channels."""
    shape = [1] * output.ndim
    shape[axis] = -1
    return numbers.view(shape)


def axis_of(module: nn.Module) -> int:
    """Where the channels of a module's output are: 1 for pictures (n, c, h, w), -1 for rows and tokens."""
    pictures = isinstance(module, (nn.Conv2d, nn.modules.batchnorm._NormBase, nn.GroupNorm))
    return 1 if pictures or type(module).__name__.endswith("2d") else -1


class Numbers(nn.Module):
    """One learned number per channel, several times over: `values` (rows, channels)."""

    def __init__(self, *rows: Tensor) -> None:
        super().__init__()
        self.values = nn.Parameter(torch.stack(rows))
