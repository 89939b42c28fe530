"""Look at a dataset before training: payload {"dataset": NAME, "backbone": NAME or absent}; the report is kept in the home."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from engine import datasets
from engine.errors import SpecError
from engine.tasks._base import TASKS, TaskContext, TaskKind


def prepare(payload: dict[str, Any], home: Path | None) -> dict[str, Any]:
    """Refuse what names no dataset. Raises SpecError or UnknownNameError."""
    name, backbone = payload.get("dataset"), payload.get("backbone") or None
    if not isinstance(name, str) or not isinstance(backbone, str | None):
        raise SpecError(f"A doctor's task needs the name of a dataset, and was given {payload!r}.")
    datasets.find(name)
    return {"dataset": name} | ({"backbone": backbone} if backbone else {})


def run(context: TaskContext) -> dict[str, Any]:
    """Examine the dataset; the whole report is read back with `engine.doctor.kept`."""
    from engine import doctor

    report = doctor.examine(
        context.payload["dataset"],
        context.home,
        context.payload.get("backbone"),
        tell=lambda phase, share: context.progress(share, phase),
    )
    return {
        "dataset": report.dataset,
        "headline": report.headline,
        "by_severity": report.by_severity,
        "n_images": report.n_images,
        "n_looked": report.n_looked,
        "seconds": report.seconds,
    }


TASKS.register(
    TaskKind(
        name="doctor",
        label="Look the data over",
        summary="Counts, duplicates, leaks between parts, broken and odd files, overlap with a backbone's source data.",
        run=run,
        needs_torch=False,
        prepare=prepare,
        title=lambda payload: f"Look over {payload['dataset']}",
    )
)
