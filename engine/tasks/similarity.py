"""The task `similarity`: linear CKA of every unit of one backbone with every unit of another, on the same images."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from engine.checks import unknown_keys, whole
from engine.tasks import layers
from engine.tasks._base import TASKS, TaskContext, TaskKind
from engine.tasks._frozen import computed

KEYS = ("first", "second", "dataset", "images", "pooling", "weights", "seed")


def prepare(payload: dict[str, Any], home: Path | None) -> dict[str, Any]:
    """Keys: first and second (backbones), dataset, and images (at most so many), pooling, weights, seed. Raises SpecError."""
    unknown_keys("task similarity", payload, KEYS)
    images = payload.get("images") or 1_024
    whole("images", images, 4, 20_000)
    shared = {name: payload.get(name) for name in ("dataset", "pooling", "weights", "seed")}
    first, second = (layers.prepare({"backbone": payload.get(name), **shared}, home) for name in ("first", "second"))
    kept = {name: first[name] for name in ("dataset", "pooling", "weights", "seed")}
    return {"first": first["backbone"], "second": second["backbone"], "images": images, **kept}


def run(context: TaskContext) -> dict[str, Any]:
    """Compare; returns what `engine.compare_backbones` does."""
    from engine.compare_backbones import compare_backbones

    return computed(context, compare_backbones, "first", "second", "dataset")


TASKS.register(
    TaskKind(
        name="similarity",
        label="Compare two backbones",
        summary="Compares every unit of one backbone with every unit of another by linear CKA on the same images.",
        run=run,
        needs_torch=True,
        prepare=prepare,
        title=lambda payload: f"{payload.get('first')} and {payload.get('second')} on {payload.get('dataset')}",
    )
)
