"""An import from beginning to end: list, judge, copy, split, and publish the whole or nothing."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import psutil

from engine.datasets import _library
from engine.datasets._base import TEST, TRAIN, VALIDATION
from engine.durable import sync_folder
from engine.errors import DatasetError
from engine.imports import layout
from engine.imports.copying import COPIED, LISTED, copy, refuse_bad, room, sync
from engine.imports.limits import LIMITS, Limits
from engine.imports.report import duplicates, odd_words, split_words
from engine.imports.sources import opened
from engine.imports.splitting import columns_of, few, fingerprint_of

if TYPE_CHECKING:
    from engine.tasks import TaskContext


@dataclass(frozen=True)
class Request:
    """What is asked for."""

    path: Path
    name: str
    """The dataset's; empty: the file's or folder's own, with a number where that is taken."""
    csv: str | None = None
    group_pattern: str | None = None
    stop_on_bad: bool = False
    seed: int = 0


def build(request: Request, home: Path, context: TaskContext, limits: Limits = LIMITS) -> dict[str, Any]:
    """Import a source; returns the report, which the manifest holds too.

    The images are copied to a hidden folder, synced, and the folder is renamed at the very end: however it ends before,
    nothing is there, and the next import removes what a killed process left.

    Raises:
        DatasetError: the source cannot be used; the text names what is wrong, and nothing was changed.
        Cancelled: it was asked to stop; nothing is left.
    """
    began = time.time()
    name = _free_name(home, request)
    top = _library.root(home)
    try:
        top.mkdir(parents=True, exist_ok=True)
        _sweep(top)
        part = top / f".import-{os.getpid()}-{time.monotonic_ns()}"
        try:
            part.mkdir()
            report = _fill(request, name, home, part, context, limits, began)
            _publish(part, _library.place(home, name), name)
            return report
        finally:
            shutil.rmtree(part, ignore_errors=True)
    except OSError as error:
        raise DatasetError(
            f"The import cannot be written to {top}: {error.strerror or error}. Nothing of it was kept. Make room, or choose"
            " another home."
        ) from error


def _free_name(home: Path, request: Request) -> str:
    if request.name:
        name = _library.checked_name(request.name)
        if other := _library.taken(home, name):
            gone = " It is in the trash." if other.trashed and not other.purged else ""
            raise DatasetError(f"{name!r} is or was the name of another imported dataset.{gone} Give another name.")
        return name
    plain = (
        "".join(char for char in request.path.stem if char.isprintable()).strip()[: _library.MAX_NAME - 6] or "images"
    )
    names = [plain, *(f"{plain} {number}" for number in range(2, 10_000))]
    return next(name for name in names if _library.taken(home, name) is None)


def _sweep(top: Path) -> None:
    """Remove what imports whose process has died left half-done."""
    for entry in top.glob(".import-*"):
        pid = entry.name.split("-")[1]
        if not pid.isdigit() or (int(pid) != os.getpid() and not psutil.pid_exists(int(pid))):
            shutil.rmtree(entry, ignore_errors=True)


def _fill(
    request: Request, name: str, home: Path, part: Path, context: TaskContext, limits: Limits, began: float
) -> dict[str, Any]:
    context.progress(0.0, "looking through the files")
    with opened(request.path, request.csv, context.check, limits) as source:
        found, classes = layout.checked_classes(layout.with_groups(source.rows, request.group_pattern))
        refuse_bad(found.bad[:1], request.stop_on_bad)
        pinned = any(row.part == TEST for row in found.rows)
        layout.refuse_few(layout.too_few(((r.label, r.part) for r in found.rows), pinned), len(classes), pinned)
        room(part, sum(row.item.size for row in found.rows), limits)
        context.progress(LISTED, f"copying {len(found.rows):,} images")
        kept = copy(found, part, context, request.stop_on_bad)
    why = f" (without the {len(found.bad):,} files that cannot be used, such as {found.bad[0]})" if found.bad else ""
    layout.refuse_few(few(kept, classes, pinned), len(classes), pinned, why)
    context.progress(COPIED, "splitting")
    columns, grouped = columns_of(kept, classes, request.seed, pinned)
    text = json.dumps(columns)
    (part / _library.IMAGES).write_text(text, encoding="utf-8")
    parts = {
        one: np.bincount([n for n, p in zip(columns["label"], columns["part"], strict=True) if p == one],
                         minlength=len(classes)).tolist()
        for one in (TRAIN, VALIDATION, TEST)
    }  # fmt: skip
    fingerprint = fingerprint_of(columns)
    report = {
        "dataset": _library.PREFIX + name,
        "name": name,
        "source": request.path.name,
        "layout": found.layout,
        "n_images": len(kept),
        "n_bytes": sum(one.n_bytes for one in kept),
        "classes": [{"name": label, **{p: parts[p][place] for p in parts}} for place, label in enumerate(classes)],
        "parts": {one: sum(numbers) for one, numbers in parts.items()},
        "split": split_words(found, pinned, grouped, request.seed),
        "n_skipped": len(found.bad),
        "skipped": found.bad[:200],
        "n_ignored": source.ignored,
        "n_groups": len(set(columns["group"])) if grouped else None,
        "duplicates": duplicates(columns, classes),
        "notes": [*found.notes, *odd_words(kept)],
        "same_as": [one.name for one in _library.listed(home) if one.fingerprint == fingerprint],
        "seconds": 0.0,
    }
    sync(part, context)
    report["seconds"] = round(time.time() - began, 2)
    _library.write(
        _library.Imported(
            folder=part, name=name, former_names=(), trashed=None, purged=False, created=time.time(),
            source=request.path.name, class_names=classes, parts=parts, n_bytes=report["n_bytes"],
            images_sha=hashlib.sha256(text.encode()).hexdigest(), fingerprint=fingerprint, grouped=grouped, report=report,
        )
    )  # fmt: skip
    context.progress(1.0, "done")
    return report


def _publish(part: Path, place: Path, name: str) -> None:
    # Renaming onto a folder that holds something fails: of two imports with one name, one gets it.
    if place.exists():
        raise DatasetError(f"{name!r} was taken by another import meanwhile. Give another name.")
    part.rename(place)
    sync_folder(place.parent)
