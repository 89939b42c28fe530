"""A worker whose code has changed on disk becomes a new one, before it takes the next run."""

from __future__ import annotations

import os
import subprocess
import sys

from engine import code_version

CHANGED = 4
"""What a worker's loop returns where work waits that new code should do."""
STARTED_AGAIN = "TRANSFERSCOPE_WORKER_STARTED_AGAIN"
"""Environment variable: how often in a row the worker has started itself anew without doing anything between."""
MOST_STARTS = 3
"""In a row. Where files change all the time (a disk with a strange clock, say), work must go on all the same."""


def due() -> bool:
    """Whether the code on disk is no longer the code of this process, and starting again may help."""
    return int(os.environ.get(STARTED_AGAIN, "0")) < MOST_STARTS and code_version.changed()


def worked() -> None:
    """Note that something was done: whatever changes from now on is a new change."""
    os.environ.pop(STARTED_AGAIN, None)


def start_again(arguments: list[str]) -> int:
    """Become a new worker with the same arguments: the same process where the system can, else one that takes its place.

    The worker does it by itself: nobody may be there to start another one (a run that was queued from Python, say). Where the
    new code cannot be started at all, `launch.supervise` tries it a few times and says why.

    Args:
        arguments: of the command line.

    Returns:
        The exit code of a worker that has left its place to another; on systems with `exec` it does not return.
    """
    print("transferscope worker: the code has changed, starting again", file=sys.stderr, flush=True)
    os.environ[STARTED_AGAIN] = str(int(os.environ.get(STARTED_AGAIN, "0")) + 1)
    command = [sys.executable, "-m", "engine.worker", *arguments]
    if os.name == "nt":
        # There exec begins another process, and who waits for this one would think that it has ended well.
        subprocess.Popen(command, stdin=subprocess.DEVNULL, creationflags=0x00000200)
        return 0
    return os.execv(sys.executable, command)
