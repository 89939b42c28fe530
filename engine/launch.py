"""Start workers, notice dead ones: called by the dashboard and the command line. Loads no torch."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import psutil

from engine.leases import KILL_AFTER_SECONDS, Leases
from engine.store import Store

LOG = "worker.log"
MAX_LOG_BYTES = 2_000_000
START_SECONDS = 30.0

_started: dict[Path, tuple[subprocess.Popen, float]] = {}


def ensure_worker(store: Store, device: str | None = None) -> None:
    """Start a worker process unless one lives or is just starting; it outlives the caller."""
    if Leases(store).workers() or _starting(store.home):
        return
    log = store.home / LOG
    if log.exists() and log.stat().st_size > MAX_LOG_BYTES:
        log.replace(log.with_suffix(".old.log"))
    command = [sys.executable, "-m", "engine.worker", "--home", str(store.home)]
    command += ["--device", device] if device else []
    # A group of its own: Ctrl+C in the terminal of the dashboard must not reach it.
    group = {"creationflags": 0x00000200} if os.name == "nt" else {"start_new_session": True}
    with log.open("ab") as stream:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=stream, stderr=stream, **group)
    _started[store.home] = (process, time.monotonic())


def _starting(home: Path) -> bool:
    if home not in _started:
        return False
    process, since = _started[home]
    # poll() also collects an ended child, which would stay a zombie otherwise.
    return process.poll() is None and time.monotonic() - since < START_SECONDS


def supervise(store: Store, device: str | None = None) -> None:
    """One look after things: take runs from dead workers, end a worker that ignores a stop, start one where runs wait."""
    leases = Leases(store)
    leases.reap()
    for pid in _deaf_workers(store, leases):
        psutil.Process(pid).kill()
    if store.db.read("SELECT 1 FROM run WHERE state = 'queued' LIMIT 1"):
        ensure_worker(store, device)


def _deaf_workers(store: Store, leases: Leases) -> list[int]:
    """Pids of workers whose run was asked to stop more than ten seconds ago and has not."""
    rows = store.db.read(
        "SELECT token FROM run WHERE state = 'running' AND cancel_requested > 0 AND cancel_requested < ?",
        (time.time() - KILL_AFTER_SECONDS,),
    )
    tokens = {row[0] for row in rows}
    return [worker["pid"] for worker in leases.workers() if worker["token"] in tokens]


def worker_log(home: Path, lines: int = 40) -> str:
    """The end of the workers' log, for error messages."""
    log = home / LOG
    if not log.exists():
        return ""
    return "\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:])
