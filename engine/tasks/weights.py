"""Downloads the pretrained weights of a backbone before a run needs them; also its text tower, where that is asked for."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from engine import backbones, text_towers
from engine.backbones._disk import in_words
from engine.errors import SpecError
from engine.tasks._base import TASKS, TaskContext, TaskKind


def prepare(payload: dict[str, Any], home: Path | None) -> dict[str, Any]:
    """`{"backbone": NAME}` with the one name of the backbone, and `"text": True` for its text tower as well.

    Raises SpecError or UnknownNameError.
    """
    name, text = payload.get("backbone"), payload.get("text", False)
    if not isinstance(name, str) or not isinstance(text, bool) or not payload.keys() <= {"backbone", "text"}:
        raise SpecError(
            f"A download of weights needs {{'backbone': NAME}}, may have 'text': True for the text tower of an image-text model,"
            f" and nothing else; {payload!r} was given."
        )
    return {"backbone": backbones.canonical(name)} | ({"text": True} if text else {})


def run(context: TaskContext) -> dict[str, Any]:
    """Download what is not here already; returns `backbone`, `weights` and, where asked for, `text`: where they came from.

    Raises:
        BackboneError: a text tower is asked for, and none is known.
        WeightsError: they cannot be had.
        Cancelled: the task was stopped; nothing half-done is kept.
    """
    name = context.payload["backbone"]
    card = backbones.card(name, context.home) if context.payload.get("text") else None
    tower = text_towers.needed(card) if card else None
    # Of two files each has its share of the bar by its size.
    share = card.weights_bytes / max(card.weights_bytes + tower.bytes, 1) if card and tower else 1.0
    done = {"backbone": name, "weights": _backbone(context, name, share)}
    if card and tower:
        from engine.backbones import _text_tower

        context.progress(share, "asking the hub for the text tower")
        done["text"] = _text_tower.fetch(card, tower, _told(context, share, 1.0, "the text tower, "))
    return done


def _backbone(context: TaskContext, name: str, share: float) -> str:
    fetch = backbones.family_of(name).fetch
    if fetch is None:
        return backbones.card(name, context.home).weights
    context.progress(0.0, "asking the hub")
    return fetch(name, context.home, _told(context, 0.0, share, ""))


def _told(context: TaskContext, begin: float, end: float, what: str) -> Callable[[int, int], None]:
    """Puts a download's progress between two shares of the task's."""

    def told(done: int, whole: int) -> None:
        part = done / max(whole, 1)
        context.progress(begin + (end - begin) * part, f"downloading {what}{in_words(done)} of {in_words(whole)}")

    return told


TASKS.register(
    TaskKind(
        name="weights",
        label="Download weights",
        summary="Brings the pretrained weights of a backbone onto this machine, and its text tower where that is asked for.",
        run=run,
        needs_torch=False,  # timm is asked for names only, and a training must not wait for a download
        prepare=prepare,
        title=lambda payload: (
            f"Download weights {'and text tower ' if payload.get('text') else ''}of {payload.get('backbone', '?')}"
        ),
    )
)
