"""Downloads the pretrained weights of a backbone, so that they are here before a run needs them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from engine import backbones
from engine.backbones._disk import in_words
from engine.errors import SpecError
from engine.tasks._base import TASKS, TaskContext, TaskKind


def prepare(payload: dict[str, Any], home: Path | None) -> dict[str, Any]:
    """`{"backbone": NAME}` with the one name of the backbone. Raises SpecError or UnknownNameError."""
    name = payload.get("backbone")
    if not isinstance(name, str) or payload.keys() != {"backbone"}:
        raise SpecError(f"A download of weights needs {{'backbone': NAME}} and nothing else; {payload!r} was given.")
    return {"backbone": backbones.canonical(name)}


def run(context: TaskContext) -> dict[str, Any]:
    """Download, unless the weights are here already; returns `backbone` and `weights`: where they came from.

    Raises:
        WeightsError: they cannot be had.
        Cancelled: the task was stopped; nothing half-done is kept.
    """
    name = context.payload["backbone"]
    fetch = backbones.family_of(name).fetch
    if fetch is None:
        return {"backbone": name, "weights": backbones.card(name, context.home).weights}
    context.progress(0.0, "asking the hub")

    def told(done: int, whole: int) -> None:
        context.progress(done / max(whole, 1), f"downloading {in_words(done)} of {in_words(whole)}")

    return {"backbone": name, "weights": fetch(name, context.home, told)}


TASKS.register(
    TaskKind(
        name="weights",
        label="Download weights",
        summary="Brings the pretrained weights of a backbone onto this machine.",
        run=run,
        needs_torch=False,  # timm is asked for names only, and a training must not wait for a download
        prepare=prepare,
        title=lambda payload: f"Download weights of {payload.get('backbone', '?')}",
    )
)
