"""The contract of strategies."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from engine.registry import Registry


@dataclass(frozen=True)
class Strategy:
    """One way to use a pretrained backbone for a target task."""

    name: str
    label: str
    summary: str
    source: str
    depths: Callable[[int, tuple[int, ...]], tuple[int, ...]]
    """(n_units, depths asked for) -> the frozen depths at which this strategy has a cell of its own."""
    weights: str | None = None
    """What it starts from, where that is part of its definition (`random`); None takes the experiment's weights."""
    solves_head: bool = False
    """Whether the head is solved on frozen features (convex, L-BFGS) instead of trained by gradient steps."""
    control: bool = False
    """Whether the word gain may be used against it."""


STRATEGIES: Registry[Strategy] = Registry("strategy", __name__.rpartition(".")[0])
