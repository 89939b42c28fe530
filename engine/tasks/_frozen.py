"""What the tasks that read features of frozen backbones share: how they are called, and how they say how far they are."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from engine.control import Control
from engine.tasks._base import TaskContext


def computed(context: TaskContext, compute: Callable[..., dict[str, Any]], *names: str) -> dict[str, Any]:
    """What a computation on a device gives for a payload.

    Args:
        context: of the task.
        compute: takes values of the payload, then the device, then home, control and the rest of the payload by name.
        names: of the payload's values that come first, in order.
    """
    from engine import device

    asked = dict(context.payload)
    first = [asked.pop(name) for name in names]
    where = context.device or device.choose()
    return compute(*first, where, home=context.home, control=TaskControl(context), **asked)


class TaskControl(Control):
    """Passes on to a task what a computation says of its progress, and the wish to stop."""

    def __init__(self, context: TaskContext) -> None:
        super().__init__()
        self._context = context

    def step(self) -> None:
        """Raise Cancelled if the task was asked to stop."""
        self._context.check()

    def enter(self, phase: str, done: float) -> None:
        """Begin a phase at a share of the whole task."""
        self._context.progress(done, phase)

    def tell(self, phase: str, share: float) -> None:
        """Note how far preparations are."""
        self._context.progress(0.0, f"{phase}, {share:.0%}")
