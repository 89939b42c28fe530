"""Tidy frames from the store: one row per run, per epoch or per depth, every column documented here.

`runs`: experiment_id, experiment (name), run_id, backbone, dataset, strategy, frozen_depth (leading units fixed), n_units,
depth_fraction (frozen_depth / n_units), copied_depth (leading units that start from the weights; NA = all), seed,
label_budget (images used; NA = all labels, or not known before the run has begun), budget (as asked: "100", "5/class",
"10%", "vtab" or "all"), weights, settings (of the strategy) and training (what its experiment asked for beyond the
defaults), n_classes (NA before the run has begun), state, attempt, message, created, started, finished (UTC), seconds
(worked), epochs (planned), val_accuracy and test_accuracy (0..1; test is read once),
test_n (images), selection, trainable_parameters, total_parameters, device, precision, freeze_proof ("held", "broken",
"mistake" where running statistics moved by a strategy that is a mistake on purpose, or "" before it was taken), freeze_changed
(frozen tensors that changed, with commas), progress (0..1), phase, eta_seconds,
queue_position (1 = next), images_per_second. Measured, of finished runs: flops (training, validation, test),
train_images_per_second, peak_memory_bytes (of the process on a processor, of the device's memory on a GPU),
energy_joules, energy_source ("RAPL" or "NVML": counters of the whole machine; "estimated": time x a stated
wattage; "" = not known). Of a searched run flops, seconds, energy_joules and peak memory are of the whole run, and search_flops,
search_seconds and search_energy_joules are the part of it that finding the setting took (all trials but the one whose training
was kept; 0 without a search, NA where not known: a run that was resumed); the rest is what the chosen setting itself took.
optimizer and learning_rate (at its peak; NA = left at auto; of a searched run what the search began with).

`learning_curve`: experiment_id, run_id, backbone, dataset, strategy, frozen_depth, seed, label_budget, budget, epoch (0 = before
training), split (train or validation), metric (accuracy 0..1 or loss in nats), value.

`transfer_curve`: experiment_id, run_id, backbone, dataset, strategy, unit (1 = stem; 0 = none), unit_name, depth_fraction
(unit / n_units), frozen_depth, n_units, seed, label_budget, budget, metric, value (NA where the score has no meaning),
n_images (measured on), n_features (D after pooling), reason (of a missing value), pooling (how a unit's output becomes features),
detail (JSON: how the value was chosen), low and high (of a 95 % interval, where `score_intervals` asked for it), interval (its
kind, or why there is none). `test_accuracy` and `val_accuracy` are of the trained network, at unit = frozen_depth.
All others are of the features after each unit of that run's network: `probe_accuracy` (0..1; detail: C, validation_accuracy,
balanced_accuracy, selectivity) and `knn_accuracy` (0..1) on the test images; `logme`, `h_score`, `h_score_regularised`, `nleep`,
`transrate`, `gbc`, `silhouette`, `ncc`, and `leep` and `nce` (last unit only), on the training images, in the ranges that
`engine.scores.SCORES` states (detail: d, rank).

`panel`: as `transfer_curve` up to n_units, then epoch (0 = before training), metric, value, n_images, reason, pooling. On a fixed
set of training images while the network trains: `probe_accuracy` (held-out folds), `knn_accuracy` (leave one out), `logme`,
`drift` (1 - unbiased CKA with the features before training), `weight_change` (norm of the change / norm before). At unit 0:
`cost_seconds` and `cost_share` (of the epoch's own time).

`interpolation`: experiment_id, run_id, backbone, dataset, strategy, frozen_depth, seed, label_budget, budget, alpha (0 =
before the fine-tuning, 1 = after it), metric, task, value. On the validation images (task ""): accuracy (0..1), loss (nats). On
another task (its name), where `forgetting` is measured: source_accuracy or probe_accuracy (0..1).

`forgetting`: accuracy on other tasks before and after a run; columns in `engine.forgetting`.

`similarity`: experiment_id, run_id, backbone, dataset, strategy, frozen_depth, seed, label_budget, budget, unit_a and unit_a_name
(before training), unit_b and unit_b_name (after it), value (unbiased linear CKA, -1..1), n_images, reason, pooling.

`layer_transfer` and `layer_losses`: the curves of a layer-transfer study, and what every depth loses; columns in
`engine.layer_transfer_frame`. `search`: the settings that a search tried; columns in `engine.search_frame`. `advice`: what the
adviser would have said of every task, graded; columns in `engine.adviser_grades`.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from functools import partial
from typing import TYPE_CHECKING, Any

from engine import adviser_grades, depth_frames, forgetting, layer_transfer_frame, mistakes, run_words, search_frame
from engine.errors import StoreError, UnknownNameError
from engine.events import EpochEnded, Event, FreezeChecked, Interpolated, Started, Tested
from engine.spec import AUTO, POOLINGS, RunSpec
from engine.store import Store, StoredEvent, check_link

if TYPE_CHECKING:
    import pandas as pd

NAMES = (
    "runs",
    "learning_curve",
    "transfer_curve",
    "panel",
    "similarity",
    "interpolation",
    "search",
    "forgetting",
    "layer_transfer",
    "layer_losses",
    "advice",
)

_CELL = {
    "experiment_id": "str",
    "run_id": "str",
    "backbone": "str",
    "dataset": "str",
    "strategy": "str",
    "frozen_depth": "int64",
    "seed": "int64",
    "label_budget": "Int64",
    "budget": "str",
}
COLUMNS: dict[str, dict[str, str]] = {
    "runs": {
        "experiment_id": "str",
        "experiment": "str",
        **{name: kind for name, kind in _CELL.items() if name != "experiment_id"},
        "n_units": "int64",
        "depth_fraction": "float64",
        "copied_depth": "Int64",
        "weights": "str",
        "settings": "str",
        "training": "str",
        "n_classes": "Int64",
        "state": "str",
        "attempt": "int64",
        "message": "str",
        "created": "datetime64[ns, UTC]",
        "started": "datetime64[ns, UTC]",
        "finished": "datetime64[ns, UTC]",
        "seconds": "float64",
        "epochs": "int64",
        "optimizer": "str",
        "learning_rate": "float64",
        "val_accuracy": "float64",
        "test_accuracy": "float64",
        "test_n": "Int64",
        "selection": "str",
        "trainable_parameters": "Int64",
        "total_parameters": "Int64",
        "device": "str",
        "precision": "str",
        "freeze_proof": "str",
        "freeze_changed": "str",
        "progress": "float64",
        "phase": "str",
        "eta_seconds": "float64",
        "queue_position": "Int64",
        "images_per_second": "float64",
        "flops": "float64",
        "train_images_per_second": "float64",
        "peak_memory_bytes": "Int64",
        "energy_joules": "float64",
        "energy_source": "str",
        "search_flops": "float64",
        "search_seconds": "float64",
        "search_energy_joules": "float64",
    },
    "search": {**_CELL, **search_frame.COLUMNS},
    "interpolation": {**_CELL, "alpha": "float64", "metric": "str", "task": "str", "value": "float64"},
    "forgetting": {**_CELL, **forgetting.COLUMNS},
    "learning_curve": {**_CELL, "epoch": "int64", "split": "str", "metric": "str", "value": "float64"},
    **{name: {**_CELL, **columns} for name, columns in depth_frames.COLUMNS.items()},
}

_MEASURED = ("flops", "train_images_per_second", "peak_memory_bytes", "energy_joules")
_OF_SEARCH = ("search_flops", "search_seconds", "search_energy_joules")
"""Columns of `runs` that `engine.measured_cost` gives."""

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
        started = _last(self.events(stored["run_id"], stored["attempt"]), Started)
        return started.n_train + started.n_validation if started else None

    def _run(self, stored: dict[str, Any]) -> Iterable[dict[str, Any]]:
        spec, progress = self._spec(stored), stored["progress"]
        events = self.events(stored["run_id"], stored["attempt"])
        started = _last(events, Started)
        tested, proof = _last(events, Tested), _last(events, FreezeChecked)
        epochs = [event for event in events if isinstance(event, EpochEnded)]
        best = max(
            (event.validation_accuracy for event in epochs if event.validation_accuracy is not None), default=None
        )
        cost = progress.get("cost", {})
        if spec.search and "search_flops" not in cost:
            cost = {}  # of an earlier version, which counted the chosen setting alone
        damage = self._damage.get((stored["run_id"], stored["attempt"]), "")
        state = "failed" if damage else stored["state"]
        yield self._cell(stored) | {
            "experiment": stored["experiment"],
            "n_units": stored["n_units"],
            "depth_fraction": spec.frozen_depth / stored["n_units"],
            "copied_depth": spec.copied_depth,
            "weights": spec.weights,
            "settings": run_words.written(spec.settings or {}),
            "training": self._training(stored["experiment_id"]),
            "n_classes": len(started.class_names) if started else None,
            "state": state,
            "attempt": stored["attempt"],
            "message": "; ".join(filter(None, (damage, stored["message"]))),
            "created": stored["created"],
            "started": stored["started"],
            "finished": stored["finished"],
            "seconds": stored["seconds"] or None,
            "epochs": spec.train.epochs,
            "optimizer": spec.train.optimizer,
            "learning_rate": None if spec.train.learning_rate == AUTO else spec.train.learning_rate,
            "val_accuracy": tested.validation_accuracy if tested else best,
            "test_accuracy": tested.accuracy if tested else None,
            "test_n": tested.n_images if tested else None,
            "selection": spec.train.selection,
            "trainable_parameters": started.trainable_parameters if started else None,
            "total_parameters": started.total_parameters if started else None,
            "device": started.device if started else stored["device"],
            "precision": started.precision if started else "",
            "freeze_proof": "" if proof is None else mistakes.proof_of(spec.strategy, proof.changed),
            "freeze_changed": ", ".join(proof.changed) if proof else "",
            "progress": 1.0 if state == "finished" else progress.get("done", 0.0),
            "phase": state if state != "running" else progress.get("phase", "starting"),
            "eta_seconds": progress.get("eta_seconds") if state == "running" else None,
            "queue_position": stored["queue_position"],
            "images_per_second": progress.get("images_per_second"),
            **{name: cost.get(name) for name in _MEASURED},
            **{name: cost.get(name) if spec.search else 0.0 for name in _OF_SEARCH},
            "energy_source": cost.get("energy_source", ""),
        }

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


def tidy(name: str, rows: Iterable[dict[str, Any]]) -> pd.DataFrame:
    """Rows as a DataFrame with exactly the documented columns and types, also when there are none."""
    import pandas as pd

    columns = COLUMNS[name]
    frame = pd.DataFrame(list(rows), columns=list(columns))
    for column, kind in columns.items():
        if kind.startswith("datetime"):
            frame[column] = pd.to_datetime(frame[column].astype("float64"), unit="s", utc=True).astype(kind)
        else:
            frame[column] = frame[column].astype(kind)
    return frame


def to_csv(frame: pd.DataFrame) -> str:
    """A frame as CSV; text that a spreadsheet would run as a formula (= + - @) is marked as text by an apostrophe."""
    import pandas as pd

    texts = {
        column: frame[column].str.replace(r"^(?=[=+\-@\t\r])", "'", regex=True)
        for column in frame.columns
        if pd.api.types.is_string_dtype(frame[column])
    }
    return frame.assign(**texts).to_csv(index=False)


def _last(events: list[Event], kind: type[Any]) -> Any:
    return next((event for event in reversed(events) if isinstance(event, kind)), None)
