"""Start workers, notice dead ones: called by the dashboard and the command line. Loads no torch."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import psutil

from engine import task_queue
from engine.leases import KILL_AFTER_SECONDS, REPLACED, Leases
from engine.store import Store

LOG = "worker.log"
MAX_LOG_BYTES = 2_000_000
START_SECONDS = 30.0

MAX_FAILED_STARTS = 3


@dataclass
class _Start:
    process: subprocess.Popen
    since: float
    failures: int
    """Starts before this one, in a row, that ended in an error at once."""

    def running(self) -> bool:
        # poll() also collects an ended child, which would stay a zombie otherwise.
        return self.process.poll() is None and time.monotonic() - self.since < START_SECONDS

    def failed(self) -> bool:
        """Whether it ended in an error of its own; one that was killed is another matter (see `Leases.reap`)."""
        ended = self.process.poll()
        return ended is not None and ended > 0 and ended != REPLACED and time.monotonic() - self.since < START_SECONDS


_started: dict[tuple[Path, bool], _Start] = {}
"""By home and whether it is the worker of files."""


def ensure_worker(store: Store, device: str | None = None, *, files: bool = False) -> None:
    """Start a worker process (of a device, or of files) unless one lives or is just starting; it outlives the caller.

    Where it fails to start three times in a row, what is queued for it becomes `interrupted` and says why.
    """
    place = (store.home, files)
    last = _started.get(place)
    if Leases(store).workers(files=files) or (last and last.running()):
        return
    failures = last.failures + 1 if last and last.failed() else 0
    if failures >= MAX_FAILED_STARTS:
        reason = worker_log(store.home, 1) or f"it ended with code {last.process.returncode}"
        _give_up(store, files, f"the worker process cannot be started: {reason} (more in {store.home / LOG})")
        del _started[place]
        return
    log = store.home / LOG
    if log.exists() and log.stat().st_size > MAX_LOG_BYTES:
        log.replace(log.with_suffix(".old.log"))
    command = [sys.executable, "-m", "engine.worker", "--home", str(store.home)]
    command += ["--files"] if files else ["--device", device] if device else []
    # A group of its own: Ctrl+C in the terminal of the dashboard must not reach it.
    group = {"creationflags": 0x00000200} if os.name == "nt" else {"start_new_session": True}
    with log.open("ab") as stream:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=stream, stderr=stream, **group)
    _started[place] = _Start(process, time.monotonic(), failures)


def _give_up(store: Store, files: bool, reason: str) -> None:
    task_queue.give_up(store, not files, reason)
    if not files:
        Leases(store).give_up(reason)


def supervise(store: Store, device: str | None = None) -> None:
    """One look after things: take work from dead workers, end one that ignores a stop, start one where work waits."""
    leases = Leases(store)
    leases.reap()
    task_queue.reap(store)
    for pid in _deaf_workers(store, leases):
        with contextlib.suppress(psutil.NoSuchProcess):  # it has ended by itself since
            psutil.Process(pid).kill()
    if leases.waiting() or task_queue.waiting(store, torch=True):
        ensure_worker(store, device)
    if task_queue.waiting(store, torch=False):
        ensure_worker(store, files=True)


def _deaf_workers(store: Store, leases: Leases) -> list[int]:
    """Pids of workers whose run or task was asked to stop more than ten seconds ago and has not."""
    rows = store.db.read(
        "SELECT token FROM run WHERE state = 'running' AND cancel_requested > 0 AND cancel_requested < ?",
        (time.time() - KILL_AFTER_SECONDS,),
    )
    tokens = {row[0] for row in rows} | task_queue.deaf(store)
    workers = leases.workers() + leases.workers(files=True)
    return [worker["pid"] for worker in workers if worker["token"] in tokens]


def worker_log(home: Path, lines: int = 40) -> str:
    """The end of the workers' log, for error messages."""
    log = home / LOG
    if not log.exists():
        return ""
    return "\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:])
