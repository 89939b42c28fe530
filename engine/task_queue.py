"""The queue of background tasks in the store: submit, look, cancel; and the worker's side, fenced as runs are."""

from __future__ import annotations

import builtins
import json
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.errors import QueueFullError, StaleLeaseError, StoreError
from engine.leases import KILL_AFTER_SECONDS, Leases
from engine.store import Store
from engine.tasks import TASKS, TaskContext

MAX_QUEUED = 200
KEPT = 500
"""Ended tasks that are kept for their results; older ones are forgotten."""
OPEN = ("queued", "running")
DIED = "its worker died in the middle; nothing half-done is used. Start it again."
COLUMNS = (
    "task_id, kind, payload, needs_torch, state, message, phase, done, result, cancel_requested, token, created,"
    " started, finished"
)


@dataclass(frozen=True)
class Task:
    """One row of the queue."""

    task_id: int
    kind: str
    payload: dict[str, Any]
    needs_torch: bool
    state: str
    """queued, running, finished, failed, cancelled or interrupted (its worker died; it can be submitted again)."""
    message: str
    """Why it failed or was stopped."""
    phase: str
    done: float
    """Share of the work, 0..1."""
    result: dict[str, Any] | None
    cancel_requested: float
    token: int | None
    created: float
    started: float | None
    finished: float | None

    @property
    def ended(self) -> bool:
        """Whether nothing more will happen to it."""
        return self.state not in OPEN

    @property
    def title(self) -> str:
        """The task in a few words."""
        if self.kind not in TASKS:  # written by a version that had more kinds
            return self.kind
        kind = TASKS[self.kind]
        return kind.title(self.payload) if kind.title else kind.label


# Whoever asks -------------------------------------------------------------------------------------------------------


def submit(store: Store, kind: str, payload: dict[str, Any]) -> int:
    """Queue a task and return its id; one that waits or runs with the same kind and payload is that task.

    Nothing is started here: `engine.service.start_task` also sees that a worker runs.

    Raises:
        UnknownNameError: no such kind.
        QueueFullError: too many tasks wait.
        TransferscopeError: the kind refuses the payload.
    """
    known = TASKS[kind]
    text = json.dumps(known.prepare(dict(payload), store.home), sort_keys=True)
    with store.db.write() as db:
        found = builtins.list(
            db.execute(
                "SELECT task_id FROM task WHERE kind = ? AND payload = ? AND state IN (?, ?)", (kind, text, *OPEN)
            )
        )
        if found:
            # A stop that was asked for and has not acted yet is taken back: whoever submits wants the task.
            db.execute("UPDATE task SET cancel_requested = 0 WHERE task_id = ?", found[0])
            return found[0][0]
        waiting = next(db.execute("SELECT count(*) FROM task WHERE state = 'queued'"))[0]
        if waiting >= MAX_QUEUED:
            raise QueueFullError(f"{waiting} tasks wait already. Wait until some have ended, or stop some.")
        db.execute("DELETE FROM task WHERE state NOT IN (?, ?) AND task_id <= (SELECT max(task_id) FROM task) - ?",
                   (*OPEN, KEPT))  # fmt: skip
        return next(
            db.execute(
                "INSERT INTO task (kind, payload, needs_torch, created) VALUES (?, ?, ?, ?) RETURNING task_id",
                (kind, text, known.needs_torch, time.time()),
            )
        )[0]


def get(store: Store, task_id: int) -> Task:
    """One task as of now. Raises StoreError where there is none with this id."""
    found = _tasks(store.db.read(f"SELECT {COLUMNS} FROM task WHERE task_id = ?", (task_id,)))
    if not found:
        raise StoreError(f"There is no task {task_id}; it may have been long ago, and only the last {KEPT} are kept.")
    return found[0]


def list(store: Store, kind: str | None = None, *, ended: bool | None = None, limit: int = 50) -> builtins.list[Task]:
    """Tasks, newest first; of one kind, and only ended ones or only those that wait or run, where asked."""
    rows = store.db.read(
        f"SELECT {COLUMNS} FROM task WHERE (?1 IS NULL OR kind = ?1) AND (?2 IS NULL OR (state NOT IN (?3, ?4)) = ?2)"
        " ORDER BY task_id DESC LIMIT ?5",
        (kind, ended, *OPEN, limit),
    )
    return _tasks(rows)


def cancel(store: Store, task_id: int, message: str = "stopped by the user") -> None:
    """Stop a task: a queued one at once, a running one at its next look; one that has ended stays as it is."""
    now = time.time()
    with store.db.write() as db:
        db.execute(
            "UPDATE task SET state = 'cancelled', message = ?, finished = ? WHERE task_id = ? AND state = 'queued'",
            (message, now, task_id),
        )
        db.execute(
            "UPDATE task SET cancel_requested = ? WHERE task_id = ? AND state = 'running' AND cancel_requested = 0",
            (now, task_id),
        )


def run_here(
    kind: str,
    payload: dict[str, Any],
    home: Path | None = None,
    say: Callable[[float, str], None] | None = None,
) -> dict[str, Any]:
    """Do a task in this process, without a queue, and return its result; `say(done, phase)` is told how far it is.

    Raises:
        UnknownNameError: no such kind.
        TransferscopeError: the task cannot be done.
    """
    known = TASKS[kind]
    return known.run(TaskContext(known.prepare(dict(payload), home), home, say=say))


def _tasks(rows: Iterable[tuple]) -> builtins.list[Task]:
    found = []
    for row in rows:
        task_id, kind, payload, torch, state, message, phase, done, result, *rest = row
        values = (json.loads(payload), bool(torch), state, message, phase, done, json.loads(result) if result else None)
        found.append(Task(task_id, kind, *values, *rest))
    return found


# Workers ------------------------------------------------------------------------------------------------------------


def waiting(store: Store, torch: bool) -> bool:
    """Whether a task waits for a worker of a device (torch) or for the worker of files."""
    return bool(store.db.read("SELECT 1 FROM task WHERE state = 'queued' AND needs_torch = ? LIMIT 1", (torch,)))


def claim(store: Store, token: int, torch: bool) -> Task | None:
    """Take the next queued task in one transaction; None when nothing waits. Raises StaleLeaseError."""
    if not waiting(store, torch):  # looked at before the lock is taken: an idle worker must not write
        return None
    with store.db.write() as db:
        Leases(store).touch(db, token)
        rows = db.execute(
            "UPDATE task SET state = 'running', token = ?1, started = ?2, phase = 'starting', done = 0 WHERE task_id ="
            " (SELECT task_id FROM task WHERE state = 'queued' AND needs_torch = ?3 ORDER BY task_id LIMIT 1)"
            f" RETURNING {COLUMNS}",
            (token, time.time(), torch),
        )
        return next(iter(_tasks([*rows])), None)


def beat(store: Store, task: Task, done: float, phase: str) -> bool:
    """Say that the task's worker lives and how far it is; returns whether it should stop. Raises StaleLeaseError."""
    with store.db.write() as db:
        Leases(store).touch(db, task.token)
        _check(db, task)
        ((asked,),) = db.execute(
            "UPDATE task SET done = ?, phase = ? WHERE task_id = ? RETURNING cancel_requested",
            (done, phase[:200], task.task_id),
        )
        return bool(asked)


def finish(store: Store, task: Task, state: str, message: str = "", result: dict[str, Any] | None = None) -> None:
    """End a task. Raises StaleLeaseError where it was taken away meanwhile.

    A task that stopped, and whose stop was taken back meanwhile by submitting it again, is queued instead.
    """
    text = None if result is None else json.dumps(result)
    with store.db.write() as db:
        _check(db, task)
        asked = next(db.execute("SELECT cancel_requested FROM task WHERE task_id = ?", (task.task_id,)))[0]
        if state == "cancelled" and not asked:
            db.execute("UPDATE task SET state = 'queued', token = NULL WHERE task_id = ?", (task.task_id,))
            return
        done = 1.0 if state == "finished" else None
        db.execute(
            "UPDATE task SET state = ?, message = ?, result = ?, finished = ?, done = coalesce(?, done), token = NULL"
            " WHERE task_id = ?",
            (state, message, text, time.time(), done, task.task_id),
        )


def reap(store: Store) -> None:
    """Mark the tasks of dead workers: cancelled where their user had asked for it, interrupted otherwise."""
    if not _lost(store, store.db):
        return
    with store.db.write() as db:
        for task_id, cancelled in _lost(store, db):
            state, message = ("cancelled", "stopped by the user") if cancelled else ("interrupted", DIED)
            db.execute(
                "UPDATE task SET state = ?, message = ?, finished = ?, token = NULL WHERE task_id = ?",
                (state, message, time.time(), task_id),
            )


def give_up(store: Store, torch: bool, reason: str) -> None:
    """No worker can be started for these tasks: what is queued waits for the user, and says why."""
    with store.db.write() as db:
        db.execute(
            "UPDATE task SET state = 'interrupted', message = ?, finished = ? WHERE state = 'queued' AND needs_torch = ?",
            (reason, time.time(), torch),
        )


def deaf(store: Store) -> set[int]:
    """Tokens of workers whose task was asked to stop more than ten seconds ago and has not."""
    rows = store.db.read(
        "SELECT token FROM task WHERE state = 'running' AND cancel_requested > 0 AND cancel_requested < ?",
        (time.time() - KILL_AFTER_SECONDS,),
    )
    return {row[0] for row in rows}


def _check(db: Any, task: Task) -> None:
    found = db.execute(
        "SELECT 1 FROM task WHERE task_id = ? AND token = ? AND state = 'running'", (task.task_id, task.token)
    )
    if not builtins.list(found):
        raise StaleLeaseError(f"Task {task.task_id} is no longer this worker's.")


def _lost(store: Store, db: Any) -> builtins.list[tuple[int, bool]]:
    sql = "SELECT task_id, token, cancel_requested FROM task WHERE state = 'running'"
    running = [*db.execute(sql)] if hasattr(db, "execute") else db.read(sql)
    tokens = {row["token"] for row in Leases(store).alive(db)} if running else set()
    return [(task_id, bool(asked)) for task_id, token, asked in running if token not in tokens]
