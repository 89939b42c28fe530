"""The database below the store: connection, tables, migrations and transactions."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import apsw

from engine.errors import StoreError

# SQLite before 3.51.3 can corrupt a WAL that two connections reset at the same time; APSW brings its own library.
MINIMUM_SQLITE = (3, 51, 3)
BUSY_MILLISECONDS = 10_000

MIGRATIONS = (
    """
    CREATE TABLE experiment (
        experiment_id TEXT PRIMARY KEY,
        name TEXT NOT NULL,
        spec TEXT NOT NULL,
        created REAL NOT NULL,
        trashed REAL
    );
    CREATE TABLE run (
        run_id TEXT PRIMARY KEY,
        spec TEXT NOT NULL,
        n_units INTEGER NOT NULL,
        state TEXT NOT NULL DEFAULT 'queued',
        message TEXT NOT NULL DEFAULT '',
        attempt INTEGER NOT NULL DEFAULT 1,
        resumes INTEGER NOT NULL DEFAULT 0,
        ticket INTEGER NOT NULL,                    -- place in the queue; smaller goes first
        cancel_requested REAL NOT NULL DEFAULT 0,   -- when (seconds, UTC); 0 = not
        token INTEGER,                              -- fencing token of the worker that holds the lease
        device TEXT NOT NULL DEFAULT '',
        progress TEXT NOT NULL DEFAULT '{}',
        created REAL NOT NULL,
        started REAL,
        finished REAL,
        seconds REAL NOT NULL DEFAULT 0             -- time worked, summed over resumes of this attempt
    );
    CREATE INDEX run_state ON run (state, ticket);
    CREATE TABLE experiment_run (
        experiment_id TEXT NOT NULL REFERENCES experiment,
        run_id TEXT NOT NULL REFERENCES run,
        position INTEGER NOT NULL,
        PRIMARY KEY (experiment_id, run_id)
    ) WITHOUT ROWID;
    CREATE INDEX run_experiment ON experiment_run (run_id);
    CREATE TABLE event (
        seq INTEGER PRIMARY KEY AUTOINCREMENT,
        run_id TEXT NOT NULL REFERENCES run,
        attempt INTEGER NOT NULL,
        ordinal INTEGER NOT NULL,
        kind TEXT NOT NULL,
        body TEXT NOT NULL,
        at REAL NOT NULL,
        checksum BLOB NOT NULL,                     -- chained to the event before it in the same attempt
        UNIQUE (run_id, attempt, ordinal)
    );
    CREATE TABLE worker (
        device TEXT PRIMARY KEY,
        token INTEGER NOT NULL,
        pid INTEGER NOT NULL,
        process_started REAL NOT NULL,
        boot_id TEXT NOT NULL,
        beat REAL NOT NULL,                         -- monotonic seconds of that boot
        speed REAL NOT NULL DEFAULT 0,              -- measured training FLOP/s, for cost estimates
        description TEXT NOT NULL DEFAULT ''
    );
    CREATE TABLE counter (name TEXT PRIMARY KEY, value INTEGER NOT NULL);
    INSERT INTO counter VALUES ('version', 0), ('ticket', 0), ('token', 0);
    """,
    """
    CREATE TABLE task (
        task_id INTEGER PRIMARY KEY AUTOINCREMENT,  -- also the place in the queue
        kind TEXT NOT NULL,
        payload TEXT NOT NULL,                      -- JSON, keys sorted
        needs_torch INTEGER NOT NULL,               -- 1: for a worker of a device; 0: for the worker of files
        state TEXT NOT NULL DEFAULT 'queued',
        message TEXT NOT NULL DEFAULT '',
        phase TEXT NOT NULL DEFAULT '',
        done REAL NOT NULL DEFAULT 0,               -- share of the work, 0..1
        result TEXT,                                -- JSON, of a finished task
        cancel_requested REAL NOT NULL DEFAULT 0,   -- when (seconds, UTC); 0 = not
        token INTEGER,                              -- fencing token of the worker that does it
        created REAL NOT NULL,
        started REAL,
        finished REAL
    );
    CREATE UNIQUE INDEX task_open ON task (kind, payload) WHERE state IN ('queued', 'running');
    CREATE INDEX task_state ON task (state, needs_torch);
    """,
)


class Database:
    """One connection, shared by the threads of a process behind a lock; other processes have their own."""

    def __init__(self, path: Path) -> None:
        if tuple(int(part) for part in apsw.sqlite_lib_version().split(".")) < MINIMUM_SQLITE:
            raise StoreError(
                f"SQLite {apsw.sqlite_lib_version()} can corrupt the store; 3.51.3 or newer is needed: pip install -U apsw"
            )
        self.path = path
        self._lock = threading.RLock()
        try:
            self._connection = apsw.Connection(str(path))
        except apsw.Error as error:
            raise StoreError(f"The store {path} cannot be opened: {error}.") from error
        try:
            self._prepare()
        except BaseException:
            self._connection.close()
            raise

    def _prepare(self) -> None:
        with self._named("opened"):
            self._connection.set_busy_timeout(BUSY_MILLISECONDS)
            self._use_wal()
            # FULL: an acknowledged event survives a power cut; writers batch, so the cost stays small.
            self._connection.pragma("synchronous", "full")
            self._connection.pragma("foreign_keys", True)
            version = self._connection.pragma("user_version")
        if version > len(MIGRATIONS):
            raise StoreError(f"The store {self.path} was written by a newer version of transferscope; update it.")
        if version < len(MIGRATIONS):
            self._migrate()

    def _use_wal(self) -> None:
        # Two processes that open a new store at once: SQLite answers busy here without waiting, so we wait.
        until = time.monotonic() + BUSY_MILLISECONDS / 1000
        while True:
            try:
                self._connection.pragma("journal_mode", "wal")
                return
            except apsw.BusyError:
                if time.monotonic() > until:
                    raise
                time.sleep(0.02)

    def _migrate(self) -> None:
        with self.write():
            # Read again under the lock: another process may have migrated meanwhile.
            for statements in MIGRATIONS[self._connection.pragma("user_version") :]:
                self._connection.execute(statements)
            self._connection.pragma("user_version", len(MIGRATIONS))

    @contextlib.contextmanager
    def write(self) -> Iterator[apsw.Connection]:
        """One transaction; the write lock is taken at its start, so that claims never fail half-way as busy."""
        with self._lock, self._named("written"):
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
                self._connection.execute("UPDATE counter SET value = value + 1 WHERE name = 'version'")
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise

    def read(self, sql: str, values: tuple | dict = ()) -> list[tuple]:
        """All rows of one query."""
        with self._lock, self._named("read"):
            return list(self._connection.execute(sql, values))

    @contextlib.contextmanager
    def _named(self, done: str) -> Iterator[None]:
        """SQLite's own errors (disk full, read-only, not a database) as ours, with the file they are about."""
        try:
            yield
        except apsw.Error as error:
            raise StoreError(f"The store {self.path} cannot be {done}: {error}.") from error

    def close(self) -> None:
        """Close the connection; the object is of no use afterwards."""
        with self._lock:
            self._connection.close()


def next_value(connection: apsw.Connection, name: str) -> int:
    """Raise a counter inside the current transaction and return its new value."""
    return next(connection.execute("UPDATE counter SET value = value + 1 WHERE name = ? RETURNING value", (name,)))[0]
