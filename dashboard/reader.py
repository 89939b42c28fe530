"""The store as the pages read it: frames that are made anew only when they have changed, and shared by everybody."""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from engine import service
from engine.errors import TransferscopeError
from engine.frames import Frames
from engine.launch import ensure_worker, supervise
from engine.store import Store

if TYPE_CHECKING:
    import pandas as pd

SUPERVISE_SECONDS = 2.0
KEPT = 96
"""Frames kept at most; the ones that nobody asked for longest go first."""

_log = logging.getLogger(__name__)


@dataclass
class _Kept:
    """A frame with what it was made from, and the version of the store at which that was last looked at."""

    version: int
    source: tuple[Any, ...]
    frame: pd.DataFrame


class Reader:
    """The store with its frames behind one lock: script threads share it."""

    def __init__(self, home: str | None) -> None:
        self.store: Store = service.open_store(home)
        self.frames = Frames(self.store)
        self.lock = threading.Lock()
        self.estimates: dict[str, tuple[float, tuple[str, ...]] | None] = {}
        self._kept: dict[tuple[str, str | None], _Kept] = {}
        self._rows: dict[str | None, tuple[int, list[dict[str, Any]]]] = {}

    def frame(self, name: str, experiment_id: str | None) -> pd.DataFrame:
        """A frame as of now; the same object for everybody for as long as it has not changed."""
        with self.lock:
            version = self.store.version()
            kept = self._kept.pop((name, experiment_id), None)
            if kept is None or kept.version != version:
                source = self._source(name, experiment_id, version)
                if kept is None or kept.source != source:
                    kept = _Kept(version, source, self.frames.frame(name, experiment_id))
                kept.version = version
            keep(self._kept, (name, experiment_id), kept, KEPT)
            return kept.frame

    def rows(self, experiment_id: str | None) -> list[dict[str, Any]]:
        """The store's rows of the runs of an experiment, as of now. Do not modify them."""
        with self.lock:
            return self._rows_at(experiment_id, self.store.version())

    def _rows_at(self, experiment_id: str | None, version: int) -> list[dict[str, Any]]:
        found = self._rows.pop(experiment_id, None)
        if found is None or found[0] != version:
            found = (version, self.store.runs(experiment_id))
        keep(self._rows, experiment_id, found, KEPT)
        return found[1]

    def _source(self, name: str, experiment_id: str | None, version: int) -> tuple[Any, ...]:
        """What a frame depends on. Heartbeats change the store twice a second; curves only change with events."""
        self.frames.refresh()
        rows = self._rows_at(experiment_id, version)
        events = [len(self.frames.events(row["run_id"], row["attempt"])) for row in rows]
        if name == "runs":
            return (rows, events)
        return ([(row["run_id"], row["attempt"], row["experiment_id"]) for row in rows], events)

    def look_after(self) -> None:
        """Supervise for as long as the server lives; a worker is kept warm so that a first run starts at once."""
        warm = False
        while True:
            try:
                if not warm:
                    ensure_worker(self.store)
                    warm = True
                supervise(self.store)
            except (TransferscopeError, OSError) as error:  # a full disk, say: it may have room again in a while
                _log.error("the worker could not be looked after: %s", error)
            time.sleep(SUPERVISE_SECONDS)


def keep(kept: dict[Any, Any], key: object, value: object, most: int) -> None:
    """Put a value last, and let go of the first ones beyond `most`."""
    kept[key] = value
    while len(kept) > most:
        del kept[next(iter(kept))]
