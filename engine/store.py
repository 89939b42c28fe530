"""The store: experiments, runs and events in one SQLite file; the only place where the two sides meet."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.errors import AmbiguousNameError, QueueFullError, UnknownNameError
from engine.event_chain import StoredEvent, check_link
from engine.schema import Database, next_value
from engine.spec import ExperimentSpec, RunSpec

FILE = "transferscope.sqlite"
MAX_QUEUED = 2_000
STATES = ("queued", "running", "finished", "failed", "diverged", "cancelled", "interrupted")
RESUMABLE = ("cancelled", "interrupted")
ENDED = ("finished", "failed", "diverged", *RESUMABLE)


@dataclass(frozen=True)
class Submission:
    """What `Store.submit` did: `queued` run ids are new or taken up again, `reused` had been planned or run before."""

    experiment_id: str
    queued: tuple[str, ...]
    reused: tuple[str, ...]


class Store:
    """Everything that was asked and everything that was measured, in `<home>/transferscope.sqlite`."""

    def __init__(self, home: Path, *, max_queued: int = MAX_QUEUED) -> None:
        self.home, self.max_queued = Path(home), max_queued
        self.db = Database(self.home / FILE)

    def close(self) -> None:
        """Close the connection."""
        self.db.close()

    def version(self) -> int:
        """A number that changes with every write: look at it before reading more."""
        return self.db.read("SELECT value FROM counter WHERE name = 'version'")[0][0]

    def last_seq(self) -> int:
        """The newest event's seq, 0 when there is none."""
        return self.db.read("SELECT coalesce(max(seq), 0) FROM event")[0][0]

    # Experiments ---------------------------------------------------------------------------------------------------

    def submit(self, spec: ExperimentSpec, runs: Sequence[tuple[RunSpec, int]], *, again: bool = False) -> Submission:
        """Record an experiment and queue those of its runs that have not been computed.

        Args:
            spec: the experiment.
            runs: its planned runs, each with the number of units of its backbone.
            again: queue those that have ended as a new attempt, too.

        Raises:
            QueueFullError: too many runs would wait; nothing is recorded.
        """
        now, queued, reused = time.time(), [], []
        with self.db.write() as db:
            db.execute(
                "INSERT INTO experiment VALUES (?, ?, ?, ?, NULL)"
                " ON CONFLICT DO UPDATE SET trashed = NULL, name = iif(name = '', excluded.name, name)",
                (spec.experiment_id, spec.name, spec.to_json(), now),
            )
            for position, (run, n_units) in enumerate(runs):
                added = self._add(db, run, n_units, now, again)
                (queued if added else reused).append(run.run_id)
                db.execute(
                    "INSERT OR IGNORE INTO experiment_run VALUES (?, ?, ?)", (spec.experiment_id, run.run_id, position)
                )
            if queued:
                self._check_room(db, queued)
        return Submission(spec.experiment_id, tuple(queued), tuple(reused))

    def _check_room(self, db: Any, queued: Sequence[str] = ()) -> None:
        waiting = next(db.execute("SELECT count(*) FROM run WHERE state = 'queued'"))[0]
        if waiting > self.max_queued:
            raise QueueFullError(
                f"{waiting} runs would wait, and at most {self.max_queued} may. Wait until some have finished, stop"
                " some in the Library (or `python -m engine cancel ID`), or ask for fewer depths, seeds or budgets.",
                over=waiting - self.max_queued,
                queued=queued,
            )

    def _add(self, db: Any, run: RunSpec, n_units: int, now: float, again: bool) -> bool:
        found = list(db.execute("SELECT state FROM run WHERE run_id = ?", (run.run_id,)))
        if not found:
            db.execute(
                "INSERT INTO run (run_id, spec, n_units, ticket, created) VALUES (?, ?, ?, ?, ?)",
                (run.run_id, run.to_json(), n_units, next_value(db, "ticket"), now),
            )
            return True
        state = found[0][0]
        # A stop that was asked for and has not acted yet is taken back: whoever submits wants the run.
        db.execute("UPDATE run SET cancel_requested = 0 WHERE run_id = ? AND state = 'running'", (run.run_id,))
        if state in RESUMABLE or state == "failed" or (again and state in ENDED):
            self._requeue(db, run.run_id, again=state not in RESUMABLE)
            return True
        return False

    def experiments(self, *, trashed: bool = False) -> list[dict[str, Any]]:
        """Experiments, newest first: experiment_id, name, spec (ExperimentSpec), created and trashed (seconds, UTC)."""
        rows = self.db.read(
            "SELECT experiment_id, name, spec, created, trashed FROM experiment"
            f" WHERE trashed IS {'NOT ' if trashed else ''}NULL ORDER BY created DESC, rowid DESC"
        )
        names = ("experiment_id", "name", "spec", "created", "trashed")
        return [dict(zip(names, row, strict=True)) | {"spec": ExperimentSpec.from_json(row[2])} for row in rows]

    def experiment(self, given: str) -> str:
        """The full id of an experiment given by id, unique beginning of an id, or exact name.

        Raises:
            UnknownNameError: nothing fits.
            AmbiguousNameError: more than one does.
        """
        rows = self.db.read("SELECT experiment_id, name FROM experiment")
        # Nothing is meant by nothing: an experiment without a name must not be what `cancel ""` stops.
        named = {row[0] for row in rows if given and given in row}
        fits = named or {row[0] for row in rows if given and row[0].startswith(given)}
        if len(fits) == 1:
            return fits.pop()
        if fits:
            raise AmbiguousNameError("experiment", given, fits)
        raise UnknownNameError("experiment", given, [row[1] or row[0] for row in rows])

    def spec(self, experiment_id: str) -> ExperimentSpec:
        """What an experiment asked for. Raises UnknownNameError where there is none with this id."""
        rows = self.db.read("SELECT spec FROM experiment WHERE experiment_id = ?", (experiment_id,))
        if not rows:
            raise UnknownNameError("experiment", experiment_id, [])
        return ExperimentSpec.from_json(rows[0][0])

    def rename(self, experiment_id: str, name: str) -> None:
        """Give an experiment another name. Raises SpecError where the name is not one short line."""
        ExperimentSpec(name=name)
        with self.db.write() as db:
            db.execute("UPDATE experiment SET name = ? WHERE experiment_id = ?", (name, experiment_id))

    def trash(self, experiment_id: str) -> None:
        """Hide an experiment and stop those of its runs that no other experiment waits for; `restore` undoes it."""
        with self.db.write() as db:
            db.execute("UPDATE experiment SET trashed = ? WHERE experiment_id = ?", (time.time(), experiment_id))
            only_here = db.execute(
                "SELECT run_id FROM experiment_run WHERE experiment_id = ?1 AND run_id NOT IN (SELECT run_id FROM"
                " experiment_run JOIN experiment USING (experiment_id) WHERE trashed IS NULL)",
                (experiment_id,),
            )
            self._cancel(db, [row[0] for row in list(only_here)], "stopped: its experiment went to the trash")

    def restore(self, experiment_id: str) -> None:
        """Bring an experiment back from the trash; runs stopped by it stay stopped until resumed."""
        with self.db.write() as db:
            db.execute("UPDATE experiment SET trashed = NULL WHERE experiment_id = ?", (experiment_id,))

    # Runs ----------------------------------------------------------------------------------------------------------

    def runs(self, experiment_id: str | None = None) -> list[dict[str, Any]]:
        """Rows of runs with their experiment (trashed ones left out unless named), in the order they were planned.

        A queued run has `queue_position` (1 = next).
        """
        columns = (
            "experiment_id experiment run_id spec n_units state message attempt resumes cancel_requested"
            " device progress created started finished seconds"
        ).split()
        rows = self.db.read(
            "SELECT x.experiment_id, x.name, r.run_id, r.spec, r.n_units, r.state, r.message, r.attempt, r.resumes,"
            " r.cancel_requested, r.device, r.progress, r.created, r.started, r.finished, r.seconds"
            " FROM experiment x JOIN experiment_run USING (experiment_id) JOIN run r USING (run_id)"
            " WHERE (?1 IS NULL AND x.trashed IS NULL) OR x.experiment_id = ?1 ORDER BY x.created DESC, x.rowid DESC, position",
            (experiment_id,),
        )
        place = {row[0]: n for n, row in enumerate(self._queue(), start=1)}
        out = [dict(zip(columns, row, strict=True)) for row in rows]
        for row in out:
            row["progress"] = json.loads(row["progress"])
            row["queue_position"] = place.get(row["run_id"])
        return out

    def _queue(self) -> list[tuple]:
        return self.db.read("SELECT run_id FROM run WHERE state = 'queued' ORDER BY ticket")

    def find_runs(self, given: str) -> list[str]:
        """Run ids meant by an experiment's id or name, or by (the unique beginning of) a run's id.

        Raises:
            UnknownNameError: nothing fits, or more than one does.
        """
        rows = [
            row[0]
            for row in self.db.read("SELECT run_id FROM run WHERE substr(run_id, 1, ?2) = ?1", (given, len(given)))
        ]
        if given and len(rows) == 1:
            return rows
        experiment_id = self.experiment(given)
        return [
            row[0]
            for row in self.db.read("SELECT run_id FROM experiment_run WHERE experiment_id = ?", (experiment_id,))
        ]

    def cancel(self, run_ids: Iterable[str], message: str = "stopped by the user") -> None:
        """Stop runs: queued ones at once, running ones between two steps; what they learned is kept."""
        with self.db.write() as db:
            self._cancel(db, run_ids, message)

    def _cancel(self, db: Any, run_ids: Iterable[str], message: str) -> None:
        for run_id in run_ids:
            db.execute(
                "UPDATE run SET state = 'cancelled', message = ?, finished = ? WHERE run_id = ? AND state = 'queued'",
                (message, time.time(), run_id),
            )
            db.execute(
                "UPDATE run SET cancel_requested = ? WHERE run_id = ? AND state = 'running' AND cancel_requested = 0",
                (time.time(), run_id),
            )

    def resume(self, run_ids: Iterable[str]) -> None:
        """Queue stopped or interrupted runs again; they go on from their last checkpoint. Raises QueueFullError."""
        with self.db.write() as db:
            for run_id in run_ids:
                self._requeue(db, run_id, again=False)
            self._check_room(db)

    def run_again(self, run_ids: Iterable[str]) -> None:
        """Queue ended runs as a new attempt, from the beginning; the earlier attempt's events stay in the store.

        Raises:
            QueueFullError: too many runs would wait; nothing is queued.
        """
        with self.db.write() as db:
            for run_id in run_ids:
                self._requeue(db, run_id, again=True)
            self._check_room(db)

    def _requeue(self, db: Any, run_id: str, *, again: bool) -> None:
        states = ENDED if again else RESUMABLE
        fresh = "attempt = attempt + 1, seconds = 0, started = NULL," if again else ""
        db.execute(
            f"UPDATE run SET {fresh} state = 'queued', message = '', resumes = 0, finished = NULL, cancel_requested = 0,"
            f" progress = '{{}}', ticket = ? WHERE run_id = ? AND state IN ({','.join('?' * len(states))})",
            (next_value(db, "ticket"), run_id, *states),
        )

    # Events --------------------------------------------------------------------------------------------------------

    def tail(self, after: int = 0) -> list[StoredEvent]:
        """Events with seq above `after`, in order."""
        return self._events("seq > ? ORDER BY seq", (after,))

    def events(self, run_id: str, attempt: int | None = None) -> list[StoredEvent]:
        """All events of one attempt (default: the newest), after checking their chain. Raises as `check_link`."""
        events = self._events(
            "run_id = ?1 AND attempt = coalesce(?2, (SELECT attempt FROM run WHERE run_id = ?1)) ORDER BY ordinal",
            (run_id, attempt),
        )
        for place, event in enumerate(events):
            check_link(events[place - 1] if place else None, event)
        return events

    def _events(self, where: str, values: tuple) -> list[StoredEvent]:
        rows = self.db.read(
            f"SELECT seq, run_id, attempt, ordinal, at, kind, body, checksum FROM event WHERE {where}", values
        )
        return [StoredEvent(*row) for row in rows]
