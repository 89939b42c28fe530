"""The rows of the frame `runs`; its columns are described in `engine.frame_columns`."""

from __future__ import annotations

from typing import Any

from engine import mistakes, run_words
from engine.events import EpochEnded, Event, FreezeChecked, Started, Tested, last
from engine.spec import AUTO, RunSpec

COLUMNS = {
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
}
_MEASURED = ("flops", "train_images_per_second", "peak_memory_bytes", "energy_joules")
_OF_SEARCH = ("search_flops", "search_seconds", "search_energy_joules")
"""Columns of `runs` that `engine.measured_cost` gives."""


def row(stored: dict[str, Any], spec: RunSpec, events: list[Event], *, training: str, damage: str) -> dict[str, Any]:
    """What there is to say of one run, beyond its cell.

    Args:
        stored: its row in the store.
        spec: what it is.
        events: of its last attempt.
        training: what its experiment asked for, in words.
        damage: of its events in the store; "" = none.
    """
    progress = stored["progress"]
    started = last(events, Started)
    tested, proof = last(events, Tested), last(events, FreezeChecked)
    epochs = [event for event in events if isinstance(event, EpochEnded)]
    best = max((event.validation_accuracy for event in epochs if event.validation_accuracy is not None), default=None)
    cost = progress.get("cost", {})
    if spec.search and "search_flops" not in cost:
        cost = {}  # of an earlier version, which counted the chosen setting alone
    state = "failed" if damage else stored["state"]
    return {
        "experiment": stored["experiment"],
        "n_units": stored["n_units"],
        "depth_fraction": spec.frozen_depth / stored["n_units"],
        "copied_depth": spec.copied_depth,
        "weights": spec.weights,
        "settings": run_words.written(spec.settings or {}),
        "training": training,
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
