"""The worker's side of the store: one worker per device, one lease per run, and what happens when a worker dies."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from engine.errors import SpecError, StaleLeaseError, StoreError
from engine.event_chain import chain
from engine.events import Event
from engine.schema import next_value
from engine.spec import RunSpec
from engine.store import Store

STALLED_SECONDS = 15.0
KILL_AFTER_SECONDS = 10.0
MAX_RESUMES = 3
FILES = "files"
"""Slot of the worker that does tasks without torch beside the workers of devices (see `engine.task_queue`)."""
REPLACED = 3
"""Exit code of a worker whose device was given to another."""


@dataclass(frozen=True)
class Lease:
    """A claimed run: writing for it needs the token it was claimed with."""

    spec: RunSpec
    attempt: int
    token: int


def boot_id() -> str:
    """Names this boot of this machine: monotonic times compare within one boot only."""
    kernel = Path("/proc/sys/kernel/random/boot_id")
    return kernel.read_text().strip() if kernel.exists() else f"boot-{round(psutil.boot_time() / 10)}"


def process_alive(pid: int, started: float) -> bool:
    """Whether that very process runs: a recycled pid has another start time, and a zombie has ended."""
    try:
        process = psutil.Process(pid)
        return abs(process.create_time() - started) < 2.0 and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


class Leases:
    """Registration, claims, heartbeats and results of workers, on a store."""

    def __init__(self, store: Store) -> None:
        self.store, self.db = store, store.db

    def register(self, device: str) -> int | None:
        """Become the worker of a device; returns the fencing token, or None where a live worker has the device."""
        with self.db.write() as db:
            if any(row["device"] == device for row in self.alive(db)):
                return None
            token = next_value(db, "token")
            started = psutil.Process().create_time()
            db.execute(
                "INSERT INTO worker (device, token, pid, process_started, boot_id, beat) VALUES (?, ?, ?, ?, ?, ?)"
                " ON CONFLICT DO UPDATE SET token = excluded.token, pid = excluded.pid, boot_id = excluded.boot_id,"
                " process_started = excluded.process_started, beat = excluded.beat",
                (device, token, os.getpid(), started, boot_id(), time.monotonic()),
            )
            return token

    def introduce(self, token: int, description: str, speed: float) -> None:
        """Say what the device is and how fast it trains (FLOP/s); kept after the worker has left, for estimates."""
        with self.db.write() as db:
            db.execute("UPDATE worker SET description = ?, speed = ? WHERE token = ?", (description, speed, token))

    def last_known(self) -> dict[str, Any] | None:
        """The device that was introduced last: description and speed, whether its worker still lives or not."""
        rows = self.db.read("SELECT description, speed FROM worker WHERE speed > 0 ORDER BY token DESC LIMIT 1")
        return {"description": rows[0][0], "speed": rows[0][1]} if rows else None

    def unregister(self, token: int) -> None:
        """Leave the device; what is known of it stays."""
        with self.db.write() as db:
            db.execute("UPDATE worker SET pid = 0, beat = 0 WHERE token = ?", (token,))

    def workers(self, *, files: bool = False) -> list[dict[str, Any]]:
        """Live workers of devices, or of files: device, token, pid, process_started, speed (FLOP/s), description."""
        return [row for row in self.alive(self.db) if (row["device"] == FILES) == files]

    def alive(self, db: Any) -> list[dict[str, Any]]:
        """Live workers of every kind, read within a transaction's connection or outside of one."""
        sql = "SELECT device, token, pid, process_started, boot_id, beat, speed, description FROM worker"
        rows = _rows(db, sql)
        names = ("device", "token", "pid", "process_started", "boot_id", "beat", "speed", "description")
        here = boot_id()
        found = [dict(zip(names, row, strict=True)) for row in rows]
        return [
            row
            for row in found
            if row["boot_id"] == here
            and time.monotonic() - row["beat"] < STALLED_SECONDS
            and row["pid"]
            and process_alive(row["pid"], row["process_started"])
        ]

    def waiting(self) -> bool:
        """Whether a run is queued."""
        return bool(self.db.read("SELECT 1 FROM run WHERE state = 'queued' LIMIT 1"))

    def claim(self, token: int, device: str) -> Lease | None:
        """Take the next queued run in one transaction; None when nothing waits.

        Raises:
            StaleLeaseError: the device has been given to another worker.
        """
        # Looked at before the lock is taken: an idle worker must not write to the disk five times a second.
        if not self.waiting():
            return None
        with self.db.write() as db:
            self.touch(db, token)
            found = list(
                db.execute("SELECT run_id, spec, attempt FROM run WHERE state = 'queued' ORDER BY ticket LIMIT 1")
            )
            if not found:
                return None
            run_id, text, attempt = found[0]
            try:
                spec = RunSpec.from_json(text)
            except SpecError as error:
                # Written by a version that meant something else; the worker must not fall over it again and again.
                db.execute(
                    "UPDATE run SET state = 'failed', message = ?, finished = ? WHERE run_id = ?",
                    (f"this version cannot read the run: {error}", time.time(), run_id),
                )
                return None
            db.execute(
                "UPDATE run SET state = 'running', token = ?, device = ?, started = coalesce(started, ?), progress = '{}'"
                " WHERE run_id = ?",
                (token, device, time.time(), run_id),
            )
            return Lease(spec, attempt, token)

    def beat(self, token: int, lease: Lease | None = None, progress: dict[str, Any] | None = None) -> bool:
        """Say that the worker lives, with the progress of its run; returns whether the run should stop.

        Raises:
            StaleLeaseError: the device or the run has been given to another worker.
        """
        with self.db.write() as db:
            self.touch(db, token)
            if lease is None:
                return False
            self._check(db, lease)
            if progress is not None:
                db.execute("UPDATE run SET progress = ? WHERE run_id = ?", (json.dumps(progress), lease.spec.run_id))
            asked = next(db.execute("SELECT cancel_requested FROM run WHERE run_id = ?", (lease.spec.run_id,)))
            return bool(asked[0])

    def touch(self, db: Any, token: int) -> None:
        """Within a transaction: say that the worker lives. Raises StaleLeaseError where it was replaced."""
        db.execute("UPDATE worker SET beat = ? WHERE token = ?", (time.monotonic(), token))
        if db.changes() == 0:
            raise StaleLeaseError("This worker was taken for dead and replaced.")

    def _check(self, db: Any, lease: Lease) -> None:
        found = list(
            db.execute(
                "SELECT 1 FROM run WHERE run_id = ? AND token = ? AND attempt = ? AND state = 'running'",
                (lease.spec.run_id, lease.token, lease.attempt),
            )
        )
        if not found:
            raise StaleLeaseError(f"Run {lease.spec.run_id} is no longer this worker's.")

    def append(self, lease: Lease, first: int, events: Sequence[Event]) -> None:
        """Write events with ordinals from `first` on; an ordinal that is there already is left as it is.

        Raises:
            StaleLeaseError: the run has been given to another worker; nothing is written.
            StoreError: events before `first` are missing; nothing is written.
        """
        key = (lease.spec.run_id, lease.attempt)
        with self.db.write() as db:
            self._check(db, lease)
            last = list(
                db.execute(
                    "SELECT ordinal, checksum FROM event WHERE run_id = ? AND attempt = ? ORDER BY ordinal DESC LIMIT 1",
                    key,
                )
            )
            have, checksum = last[0] if last else (-1, b"")
            if first > have + 1:
                raise StoreError(
                    f"Events {have + 1} to {first - 1} of run {lease.spec.run_id} are missing in the store."
                )
            for ordinal, event in enumerate(events, start=first):
                if ordinal <= have:
                    continue
                checksum = chain(checksum, ordinal, event.kind, event.body())
                db.execute(
                    "INSERT INTO event (run_id, attempt, ordinal, kind, body, at, checksum) VALUES (?, ?, ?, ?, ?, ?, ?)",
                    (*key, ordinal, event.kind, event.body(), time.time(), checksum),
                )

    def finish(self, lease: Lease, state: str, message: str, seconds: float) -> None:
        """End a run in a state, adding the seconds worked. Raises StaleLeaseError as `append` does.

        A run that stopped, and whose stop was taken back meanwhile by submitting it again, is queued instead.
        """
        with self.db.write() as db:
            self._check(db, lease)
            asked = next(db.execute("SELECT cancel_requested FROM run WHERE run_id = ?", (lease.spec.run_id,)))[0]
            if state == "cancelled" and not asked:
                db.execute(
                    "UPDATE run SET state = 'queued', message = '', seconds = seconds + ?, token = NULL WHERE run_id = ?",
                    (seconds, lease.spec.run_id),
                )
                return
            db.execute(
                "UPDATE run SET state = ?, message = ?, finished = ?, seconds = seconds + ?, token = NULL WHERE run_id = ?",
                (state, message, time.time(), seconds, lease.spec.run_id),
            )

    def forgive(self, lease: Lease) -> None:
        """A new checkpoint was written: deaths before it no longer count toward the crash loop."""
        with self.db.write() as db:
            db.execute("UPDATE run SET resumes = 0 WHERE run_id = ? AND token = ?", (lease.spec.run_id, lease.token))

    def reap(self) -> list[str]:
        """Take runs away from dead workers; returns their ids.

        A run whose user had asked to stop is cancelled; the others are queued again, to go on from their last
        checkpoint, at most three times without a new one; then they are `interrupted` and wait for the user.
        """
        # Looked at before the lock is taken: every viewer asks often, and there is nearly never anything to write.
        if not self._lost(self.db):
            return []
        with self.db.write() as db:
            lost = self._lost(db)
            for run_id, _, cancelled, resumes in lost:
                state, message = _after_death(bool(cancelled), resumes)
                db.execute(
                    "UPDATE run SET state = ?, message = ?, token = NULL, resumes = resumes + 1,"
                    " finished = iif(?1 = 'queued', NULL, ?3) WHERE run_id = ?4",
                    (state, message, time.time(), run_id),
                )
            return [row[0] for row in lost]

    def give_up(self, reason: str) -> None:
        """No worker can be started: what is queued waits for the user, and says why."""
        with self.db.write() as db:
            db.execute(
                "UPDATE run SET state = 'interrupted', message = ?, finished = ? WHERE state = 'queued'",
                (reason, time.time()),
            )

    def _lost(self, db: Any) -> list[tuple]:
        sql = "SELECT run_id, token, cancel_requested, resumes FROM run WHERE state = 'running'"
        running = _rows(db, sql)
        tokens = {row["token"] for row in self.alive(db)} if running else set()
        return [row for row in running if row[1] not in tokens]


def _rows(db: Any, sql: str) -> list[tuple]:
    """Rows within a transaction's connection, or outside of one."""
    return list(db.execute(sql)) if hasattr(db, "execute") else db.read(sql)


def _after_death(cancelled: bool, resumes: int) -> tuple[str, str]:
    if cancelled:
        return "cancelled", "stopped by the user (its worker had to be ended)"
    if resumes >= MAX_RESUMES:
        return "interrupted", (
            f"crash loop: its worker died {resumes + 1} times without a new checkpoint (out of memory?). Press Resume to"
            " try once more, or run it with a smaller batch"
        )
    return "queued", f"its worker died; resuming from the last checkpoint ({resumes + 1} of {MAX_RESUMES})"
