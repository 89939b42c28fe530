"""The task `layers`: every score after every unit of a frozen backbone, without training."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from engine.checks import unknown_keys
from engine.errors import SpecError
from engine.spec import ALL_MEASURES, OF_A_RUN, RunSpec
from engine.spec_fields import resamples
from engine.tasks._base import TASKS, TaskContext, TaskKind
from engine.tasks._frozen import computed

SCORED = tuple(name for name in ALL_MEASURES if name not in OF_A_RUN)
KEYS = ("backbone", "dataset", "scores", "labels", "pooling", "weights", "seed", "variants", "intervals")


def prepare(payload: dict[str, Any], home: Path | None) -> dict[str, Any]:
    """Keys: backbone, dataset, and scores (names, empty = the quick ones), labels, pooling, weights, seed,
    variants (also compute other implementations), intervals (resamples of each, 0 = none). Raises SpecError.
    """
    from engine.service import absolute

    unknown_keys("task layers", payload, KEYS)
    scores = payload.get("scores") or ()
    if several := [name for name in OF_A_RUN if name in scores]:
        raise SpecError(f"{several[0]} compares a network before and after training; scores are: {', '.join(SCORED)}.")
    variants = payload.get("variants") or False
    if not isinstance(variants, bool):
        raise SpecError(f"variants is {variants!r}; it must be true or false.")
    asked = RunSpec(
        backbone=payload.get("backbone") or "",
        dataset=absolute(str(payload.get("dataset") or "")),
        strategy="linear_probe",
        frozen_depth=0,
        seed=payload.get("seed") or 0,
        label_budget=payload.get("labels"),
        weights=absolute(payload.get("weights") or "pretrained"),
        measures=tuple(scores),
        pooling=payload.get("pooling"),
    )
    return {
        "backbone": asked.backbone,
        "dataset": asked.dataset,
        "scores": list(asked.measures),
        "labels": asked.label_budget,
        "pooling": asked.pooling,
        "weights": asked.weights,
        "seed": asked.seed,
        "variants": variants,
        "intervals": resamples("intervals", payload.get("intervals")) or 0,
    }


def run(context: TaskContext) -> dict[str, Any]:
    """Measure; returns what `engine.layers.measure_layers` does."""
    from engine.layers import QUICK, measure_layers

    def measure(*names: Any, scores: list[str], **options: Any) -> dict[str, Any]:
        return measure_layers(*names, scores=scores or QUICK, **options)

    return computed(context, measure, "backbone", "dataset")


TASKS.register(
    TaskKind(
        name="layers",
        label="Measure every layer",
        summary="Takes the scores of every unit of a frozen backbone on a dataset, without training.",
        run=run,
        needs_torch=True,
        prepare=prepare,
        title=lambda payload: (
            f"Layers of {payload.get('backbone')} on {payload.get('dataset')}"
            + (", implementations compared" if payload.get("variants") else "")
            + (", with intervals" if payload.get("intervals") else "")
        ),
    )
)
