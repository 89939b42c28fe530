"""A background task done here and now, for the command line: a progress bar in a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from engine import task_queue
from engine.errors import TransferscopeError

EVERY = 0.1
"""Share of the work after which a line is printed where there is no terminal."""


def do_here(kind: str, payload: dict[str, Any], home: Path | None) -> dict[str, Any]:
    """Do a task in this process, show how far it is, and return its result.

    Raises:
        TransferscopeError: as `task_queue.run_here`, and where it was stopped by Ctrl+C.
    """
    try:
        return _bar(kind, payload, home) if sys.stderr.isatty() else _lines(kind, payload, home)
    except KeyboardInterrupt:
        raise TransferscopeError("Stopped. Nothing half-done was kept.") from None


def _lines(kind: str, payload: dict[str, Any], home: Path | None) -> dict[str, Any]:
    said = -1.0

    def say(done: float, phase: str) -> None:
        nonlocal said
        if done - said >= EVERY:
            said = done
            print(f"{done:4.0%}  {phase}", file=sys.stderr, flush=True)

    return task_queue.run_here(kind, payload, home, say)


def _bar(kind: str, payload: dict[str, Any], home: Path | None) -> dict[str, Any]:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

    # No markup: phases may name files, which are data and may hold brackets.
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), TimeElapsedColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bars:
        bar = bars.add_task("starting", total=1.0)
        return task_queue.run_here(
            kind, payload, home, lambda done, phase: bars.update(bar, completed=done, description=phase)
        )
