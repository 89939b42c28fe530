"""The task that downloads a dataset: `{"dataset": "cifar10"}`; done by the worker of files, while a training runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from engine import datasets
from engine.errors import SpecError
from engine.tasks._base import TASKS, TaskContext, TaskKind


def prepare(payload: dict[str, Any], home: Path | None) -> dict[str, Any]:
    """Check the name before anything is queued. Raises SpecError or UnknownNameError."""
    name = payload.get("dataset")
    if not isinstance(name, str) or set(payload) != {"dataset"}:
        raise SpecError(f"A download wants {{'dataset': NAME}}, and was given {payload!r}.")
    datasets.describe(name, home)
    return payload


def run(context: TaskContext) -> dict[str, Any]:
    """Download a dataset, or find it here. Returns its name, the images to learn from and to test on, and its classes."""
    name = context.payload["dataset"]
    datasets.fetch(name, context.home, lambda phase, share: context.progress(share, phase))
    info = datasets.describe(name, context.home)
    return {"dataset": name, "n_pool": info.n_pool, "n_test": info.n_test, "n_classes": info.n_classes}


TASKS.register(
    TaskKind(
        name="download",
        label="Download a dataset",
        summary="Fetches a dataset from where it is published, proves its checksum, and keeps it in the home directory.",
        run=run,
        needs_torch=False,
        prepare=prepare,
        title=lambda payload: f"Download {payload['dataset']}",
    )
)
