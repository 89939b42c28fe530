"""The contract of background tasks: a kind of work that takes a payload, says how far it is, and can be stopped."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.control import Cancelled
from engine.registry import Registry


@dataclass
class TaskContext:
    """What a task is given. The task writes `done` and `phase`; whoever runs it reads them and may set `stop`."""

    payload: dict[str, Any]
    home: Path | None = None
    device: Any = None
    """The worker's `engine.device.Device` for kinds that need torch; None in a worker of files or in the caller's process."""
    say: Callable[[float, str], None] | None = None
    """Told of every progress, in the task's own thread."""
    done: float = 0.0
    """Share of the work, 0..1."""
    phase: str = "starting"
    stop: bool = False

    def progress(self, done: float, phase: str) -> None:
        """Say how far the task is (share of all its work, 0..1) and at what. Raises Cancelled as `check` does."""
        self.done, self.phase = min(max(float(done), 0.0), 1.0), phase
        if self.say:
            self.say(self.done, phase)
        self.check()

    def check(self) -> None:
        """Raise Cancelled where the task was asked to stop; to be called at least every second."""
        if self.stop:
            raise Cancelled


def as_given(payload: dict[str, Any], home: Path | None) -> dict[str, Any]:
    """The payload as it is."""
    return payload


@dataclass(frozen=True)
class TaskKind:
    """A kind of background work: one file in `engine/tasks` that registers one of these."""

    name: str
    label: str
    """What it does, for lists: `Import images`."""
    summary: str
    run: Callable[[TaskContext], dict[str, Any]]
    """Does the work and returns a result of plain JSON values; raises TransferscopeError with the user's message.

    However it ends (also by Cancelled, or by the death of its process), nothing half-written may be taken for whole:
    write beside, rename when complete, and clean up what an earlier death has left.
    """
    needs_torch: bool
    """False: done by the worker of files while a training runs. True: done by the device's worker between two runs."""
    prepare: Callable[[dict[str, Any], Path | None], dict[str, Any]] = as_given
    """(payload, home) -> the payload to queue: paths made absolute, defaults filled in, mistakes refused; quick."""
    title: Callable[[dict[str, Any]], str] | None = None
    """(payload) -> one task in a few words; default: the label."""


TASKS: Registry[TaskKind] = Registry("kind of task", __name__.rpartition(".")[0])
