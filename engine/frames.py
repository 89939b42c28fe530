"""Tidy frames from the store, read as they grow; their columns are described in `engine.frame_columns`."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from functools import partial
from typing import TYPE_CHECKING, Any

from engine import adviser_grades, depth_frames, forgetting, layer_transfer_frame, run_frame, run_words, search_frame
from engine.errors import StoreError, UnknownNameError
from engine.event_chain import StoredEvent, check_link
from engine.events import EpochEnded, Event, Interpolated, Started, last
from engine.frame_columns import COLUMNS, NAMES, tidy, to_csv
from engine.spec import POOLINGS, RunSpec
from engine.store import Store

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["COLUMNS", "NAMES", "Frames", "tidy", "to_csv"]

Maker = Callable[[dict[str, Any]], Iterable[dict[str, Any]]]
DepthRows = Callable[[dict[str, Any], int, str, list[Event]], Iterable[dict[str, Any]]]


class Frames:
    """Reads a store incrementally: only new events are read and checked, however often frames are asked for.

    Threads may share one. Where an event is not what was written, nothing of its attempt is used: the run is shown as
    failed, and its message names the damage; other runs are not affected.
    """

    def __init__(self, store: Store) -> None:
        self.store = store
        self.last_seq = 0
        self._attempts: dict[tuple[str, int], list[Event]] = {}
        self._links: dict[tuple[str, int], StoredEvent] = {}
        self._specs: dict[str, RunSpec] = {}
        self._asked: dict[str, str] = {}
        self._damage: dict[tuple[str, int], str] = {}
        self._lock = threading.RLock()

    def refresh(self) -> int:
        """Read what is new. Returns the newest seq."""
        with self._lock:
            for stored in self.store.tail(self.last_seq):
                self._take(stored)
                self.last_seq = stored.seq
            return self.last_seq

    def _take(self, stored: StoredEvent) -> None:
        key = (stored.run_id, stored.attempt)
        if key in self._damage:
            return
        try:
            check_link(self._links.get(key), stored)
        except StoreError as error:
            self._damage[key] = str(error)
            self._attempts[key] = []
            return
        self._links[key] = stored
        self._attempts.setdefault(key, []).append(stored.parsed())

    def events(self, run_id: str, attempt: int) -> list[Event]:
        """Events of one attempt, as of the last refresh."""
        return self._attempts.get((run_id, attempt), [])

    def frame(self, name: str, experiment_id: str | None = None) -> pd.DataFrame:
        """A frame of one experiment, or of all that are not in the trash.

        Raises:
            UnknownNameError: no frame has this name.
        """
        makers: dict[str, Maker] = {
            "runs": self._run,
            "learning_curve": self._learning,
            "transfer_curve": partial(self._of_depths, depth_frames.transfer_rows),
            "panel": partial(self._of_depths, depth_frames.panel_rows),
            "interpolation": self._interpolation,
            "search": self._search,
            "forgetting": self._forgetting,
            "similarity": partial(self._of_depths, depth_frames.similarity_rows),
        }
        if name not in NAMES:
            raise UnknownNameError("frame", name, NAMES)
        if name == "advice":
            return adviser_grades.grades(self.frame("transfer_curve", experiment_id), self.frame("runs", experiment_id))
        if name in ("layer_transfer", "layer_losses"):
            curves = layer_transfer_frame.layer_transfer(self.frame("runs", experiment_id))
            return curves if name == "layer_transfer" else layer_transfer_frame.decomposition(curves)
        with self._lock:
            self.refresh()
            rows = (row for stored in self.store.runs(experiment_id) for row in makers[name](stored))
            return tidy(name, rows)

    def _spec(self, stored: dict[str, Any]) -> RunSpec:
        run_id = stored["run_id"]
        if run_id not in self._specs:
            self._specs[run_id] = RunSpec.from_json(stored["spec"])
        return self._specs[run_id]

    def _training(self, experiment_id: str) -> str:
        if experiment_id not in self._asked:
            self._asked[experiment_id] = run_words.training(self.store.spec(experiment_id))
        return self._asked[experiment_id]

    def _cell(self, stored: dict[str, Any]) -> dict[str, Any]:
        spec = self._spec(stored)
        return {
            "experiment_id": stored["experiment_id"],
            "run_id": stored["run_id"],
            "backbone": spec.backbone,
            "dataset": spec.dataset,
            "strategy": spec.strategy,
            "frozen_depth": spec.frozen_depth,
            "seed": spec.seed,
            "label_budget": self._images_used(stored, spec),
            "budget": "all" if spec.label_budget is None else str(spec.label_budget),
        }

    def _images_used(self, stored: dict[str, Any], spec: RunSpec) -> int | None:
        if not isinstance(spec.label_budget, str):
            return spec.label_budget
        started = last(self.events(stored["run_id"], stored["attempt"]), Started)
        return started.n_train + started.n_validation if started else None

    def _run(self, stored: dict[str, Any]) -> Iterable[dict[str, Any]]:
        key = (stored["run_id"], stored["attempt"])
        training, damage = self._training(stored["experiment_id"]), self._damage.get(key, "")
        yield self._cell(stored) | run_frame.row(
            stored, self._spec(stored), self.events(*key), training=training, damage=damage
        )

    def _interpolation(self, stored: dict[str, Any]) -> Iterable[dict[str, Any]]:
        cell = self._cell(stored)
        for event in self.events(stored["run_id"], stored["attempt"]):
            if isinstance(event, Interpolated):
                for metric, value in (("accuracy", event.validation_accuracy), ("loss", event.validation_loss)):
                    yield cell | {"alpha": event.alpha, "metric": metric, "task": "", "value": value}
                for measure, tasks in event.kept.items():
                    for task, value in tasks.items():
                        yield cell | {"alpha": event.alpha, "metric": measure, "task": task, "value": value}

    def _forgetting(self, stored: dict[str, Any]) -> Iterable[dict[str, Any]]:
        return forgetting.rows(self._cell(stored), self.events(stored["run_id"], stored["attempt"]))

    def _search(self, stored: dict[str, Any]) -> Iterable[dict[str, Any]]:
        method = (self._spec(stored).search or {}).get("method", "")
        return search_frame.rows(self._cell(stored), method, self.events(stored["run_id"], stored["attempt"]))

    def _learning(self, stored: dict[str, Any]) -> Iterable[dict[str, Any]]:
        cell = self._cell(stored)
        for event in self.events(stored["run_id"], stored["attempt"]):
            if isinstance(event, EpochEnded):
                values = {
                    ("train", "accuracy"): event.train_accuracy,
                    ("train", "loss"): event.train_loss,
                    ("validation", "accuracy"): event.validation_accuracy,
                    ("validation", "loss"): event.validation_loss,
                }
                for (split, metric), value in values.items():
                    if value is not None:
                        yield cell | {"epoch": event.epoch, "split": split, "metric": metric, "value": value}

    def _of_depths(self, rows: DepthRows, stored: dict[str, Any]) -> Iterable[dict[str, Any]]:
        pooling = self._spec(stored).pooling or POOLINGS[0]
        events = self.events(stored["run_id"], stored["attempt"])
        return rows(self._cell(stored), stored["n_units"], pooling, events)
