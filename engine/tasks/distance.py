"""The task `distance`: how far a target's images are from those of a source, in the features of a frozen backbone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from engine.checks import unknown_keys, whole
from engine.errors import SpecError
from engine.tasks import layers
from engine.tasks._base import TASKS, TaskContext, TaskKind
from engine.tasks._frozen import computed

KEYS = ("backbone", "dataset", "source", "images", "weights", "seed")


def prepare(payload: dict[str, Any], home: Path | None) -> dict[str, Any]:
    """Keys: backbone, dataset, source (datasets; the last from the card by default), images (of each), weights, seed.

    Raises:
        SpecError: a key or value is not allowed, or no source is known.
        UnknownNameError: no family knows the backbone.
    """
    from engine.service import absolute

    unknown_keys("task distance", payload, KEYS)
    source = str(payload.get("source") or "").strip() or _of_card(payload, home)
    if not source:
        raise SpecError(
            "No source is named, and the data that the backbone was pretrained on are not on this machine: give a dataset with"
            " the source task's images, for example cifar10 or folder:PATH."
        )
    images = payload.get("images") or 1_000
    whole("images", images, 40, 5_000)
    shared = {name: payload.get(name) for name in ("backbone", "dataset", "weights", "seed")}
    asked = layers.prepare(shared, home)
    if absolute(source) == asked["dataset"]:
        raise SpecError(f"{source} is the target itself; name the data that the backbone was pretrained on.")
    kept = {name: asked[name] for name in ("backbone", "dataset", "weights", "seed")}
    return kept | {"source": absolute(source), "images": images}


def _of_card(payload: dict[str, Any], home: Path | None) -> str | None:
    """The dataset that the backbone's card names, where its images are here. Raises UnknownNameError."""
    from engine import backbones, source_task

    return source_task.here(
        backbones.card(payload.get("backbone") or "", home), payload.get("weights") or "pretrained", home
    )


def run(context: TaskContext) -> dict[str, Any]:
    """Measure; returns what `engine.domain_distance` does."""
    from engine.domain_distance import domain_distance

    return computed(context, domain_distance, "backbone", "dataset", "source")


TASKS.register(
    TaskKind(
        name="distance",
        label="Measure the distance to the source",
        summary="Compares a target's images with those of a source in the features of a frozen backbone.",
        run=run,
        needs_torch=True,
        prepare=prepare,
        title=lambda payload: f"Distance of {payload.get('dataset')} from {payload.get('source')}",
    )
)
