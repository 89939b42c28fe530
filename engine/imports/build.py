"""An import from beginning to end: list, judge, copy, split, and publish the whole or nothing."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import time
from collections import Counter, defaultdict, deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import psutil

from engine.datasets import _library
from engine.datasets._base import TEST, TRAIN, VALIDATION, unique_keys
from engine.datasets._decode import BrokenImage, bombs_refused
from engine.datasets._groups import hold_out_groups, joined
from engine.errors import DatasetError
from engine.imports import layout
from engine.imports.images import ODD, Checked, check
from engine.imports.layout import NAMED, Row, Rows
from engine.imports.limits import LIMITS, Limits, shown
from engine.imports.sources import opened

if TYPE_CHECKING:
    from engine.tasks import TaskContext

TEST_SHARE, TEST_PURPOSE = 0.2, "folder test part"
"""As `folder:` holds out, so that a folder and its import have the same test images."""
PER_FOLDER = 1_000
SYNCS = 16
"""Files that wait for the disk at the same time: file systems write them out together."""
LISTED, COPIED, SYNCED = 0.02, 0.9, 0.97
"""Shares of the progress bar at which a phase ends."""


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


@dataclass(frozen=True)
class _Kept:
    """An image that was copied."""

    row: Row
    file: str
    checked: Checked
    n_bytes: int


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
        _refuse_bad(found, request, found.bad[:1])
        pinned = any(row.part == TEST for row in found.rows)
        layout.refuse_few(layout.too_few(((r.label, r.part) for r in found.rows), pinned), len(classes), pinned)
        _room(part, sum(row.item.size for row in found.rows), limits)
        context.progress(LISTED, f"copying {len(found.rows):,} images")
        kept = _copy(found, request, part, context)
    why = f" (without the {len(found.bad):,} files that cannot be used, such as {found.bad[0]})" if found.bad else ""
    layout.refuse_few(_few(kept, classes, pinned), len(classes), pinned, why)
    context.progress(COPIED, "splitting")
    columns, grouped = _columns(kept, classes, request.seed, pinned)
    text = json.dumps(columns)
    (part / _library.IMAGES).write_text(text, encoding="utf-8")
    parts = {
        one: np.bincount([n for n, p in zip(columns["label"], columns["part"], strict=True) if p == one],
                         minlength=len(classes)).tolist()
        for one in (TRAIN, VALIDATION, TEST)
    }  # fmt: skip
    fingerprint = _fingerprint(columns)
    report = {
        "dataset": _library.PREFIX + name,
        "name": name,
        "source": request.path.name,
        "layout": found.layout,
        "n_images": len(kept),
        "n_bytes": sum(one.n_bytes for one in kept),
        "classes": [{"name": label, **{p: parts[p][place] for p in parts}} for place, label in enumerate(classes)],
        "parts": {one: sum(numbers) for one, numbers in parts.items()},
        "split": _split_words(found, pinned, grouped, request.seed),
        "n_skipped": len(found.bad),
        "skipped": found.bad[:200],
        "n_ignored": source.ignored,
        "n_groups": len(set(columns["group"])) if grouped else None,
        "duplicates": _duplicates(columns, classes),
        "notes": [*found.notes, *_odd_words(kept)],
        "same_as": [one.name for one in _library.listed(home) if one.fingerprint == fingerprint],
        "seconds": 0.0,
    }
    _sync(part, context)
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
    _library.sync_folder(place.parent)


def _refuse_bad(found: Rows, request: Request, bad: list[str]) -> None:
    if bad and request.stop_on_bad:
        raise DatasetError(
            f"The import was stopped at a file that cannot be used, as asked: {bad[0]}. Repair or remove it, or let the"
            " import skip such files. Nothing was changed."
        )


def _room(part: Path, needed: int, limits: Limits) -> None:
    free = shutil.disk_usage(part).free
    if needed + limits.spare > free:
        raise DatasetError(
            f"The images take {needed / 1e9:.1f} GB, and {free / 1e9:.1f} GB of the disk of {part.parent} are free, of which"
            f" {limits.spare / 1e9:.1f} GB stay so. Make room, or choose another home. Nothing was changed."
        )


# Copying -----------------------------------------------------------------------------------------------------------------


def _copy(found: Rows, request: Request, part: Path, context: TaskContext) -> list[_Kept]:
    """Check and copy every image, in parallel, in order. Files that cannot be used are added to `found.bad`."""
    kept: list[_Kept] = []
    for start in range(0, len(found.rows), PER_FOLDER):
        (part / _library.FILES / f"{start // PER_FOLDER:04d}").mkdir(parents=True)

    def one(number: int) -> _Kept | str:
        row = found.rows[number]
        try:
            content = row.item.read()
            checked = check(content)
        except BrokenImage as error:
            return f"{row.item.name}: {error}"
        file = f"{_library.FILES}/{number // PER_FOLDER:04d}/{number:06d}{checked.suffix}"
        (part / file).write_bytes(content)
        return _Kept(row, file, checked, len(content))

    with bombs_refused():
        for done, result in enumerate(_in_order(one, len(found.rows), min(8, os.cpu_count() or 1)), start=1):
            if isinstance(result, str):
                found.bad.append(result)
                _refuse_bad(found, request, [result])
            else:
                kept.append(result)
            share = min(COPIED, LISTED + (COPIED - LISTED) * done / len(found.rows))
            context.progress(share, f"copying and checking: {done:,} of {len(found.rows):,} images")
    return kept


def _in_order(work: Any, n: int, threads: int) -> Iterator[Any]:
    """work(0), work(1), ... by threads, at most a few ahead: each may hold a file of 50 MB."""
    pool = ThreadPoolExecutor(threads)
    waiting: deque[Future] = deque()
    try:
        for number in range(n):
            waiting.append(pool.submit(work, number))
            if len(waiting) > 2 * threads:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _sync(part: Path, context: TaskContext) -> None:
    """See to it that everything outlives a power cut before it gets its name."""
    files = [file for file in part.rglob("*") if file.is_file()]

    def one(number: int) -> None:
        with open(files[number], "rb+") as stream:
            os.fsync(stream.fileno())

    for done, _ in enumerate(_in_order(one, len(files), SYNCS), start=1):
        context.progress(SYNCED + (1 - SYNCED) * done / len(files), "saving")
    for folder in [file for file in part.rglob("*") if file.is_dir()]:
        _library.sync_folder(folder)


# Splitting ---------------------------------------------------------------------------------------------------------------


def _few(kept: list[_Kept], classes: tuple[str, ...], pinned: bool) -> list[str]:
    """Classes with too few images left; where there are groups, with too few groups."""
    few = layout.too_few(((one.row.label, one.row.part) for one in kept), pinned)
    lost = sorted(set(classes) - {one.row.label for one in kept})
    return [f"{shown(name)} (0)" for name in lost] + few


def _columns(kept: list[_Kept], classes: tuple[str, ...], seed: int, pinned: bool) -> tuple[dict[str, list[Any]], bool]:
    """images.json by columns, and whether groups matter."""
    number = {name: place for place, name in enumerate(classes)}
    hashes = [one.checked.hash for one in kept]
    labels = np.asarray([number[one.row.label] for one in kept], dtype=np.int64)
    parts = np.asarray([one.row.part or TRAIN for one in kept], dtype="<U10")
    asked = any(one.row.group is not None for one in kept)
    groups = joined([one.row.group for one in kept], hashes)
    grouped = asked or len(set(hashes)) < len(hashes)
    if asked:
        _refuse_torn([one.row.group for one in kept], parts)
    if not pinned:
        train = np.flatnonzero(parts == TRAIN)
        keys = unique_keys(hashes)
        held = hold_out_groups(labels[train], keys[train], groups[train], TEST_SHARE, seed, TEST_PURPOSE)
        parts[train[held]] = TEST
        _refuse_untested(labels, parts, groups, classes)
    return {
        "file": [one.file for one in kept],
        "name": [one.row.item.name for one in kept],
        "label": labels.tolist(),
        "part": parts.tolist(),
        "group": groups.tolist(),
        "hash": hashes,
        "width": [one.checked.width for one in kept],
        "height": [one.checked.height for one in kept],
    }, grouped


def _refuse_torn(groups: list[str | None], parts: np.ndarray) -> None:
    places = defaultdict(set)
    for group, part in zip(groups, parts.tolist(), strict=True):
        if group is not None:
            places[group].add(part)
    torn = sorted(group for group, there in places.items() if len(there) > 1)
    if torn:
        raise DatasetError(
            f"{len(torn)} groups lie in more than one part of the split that the source gives, for example {shown(torn[0])} in"
            f" {' and '.join(sorted(places[torn[0]]))}: images of one group would be trained on and tested on. Leave out the"
            " split, or the groups. Nothing was changed."
        )


def _refuse_untested(labels: np.ndarray, parts: np.ndarray, groups: np.ndarray, classes: tuple[str, ...]) -> None:
    tested, learned = set(labels[parts == TEST].tolist()), set(labels[parts == TRAIN].tolist())
    lost = [label for label in range(len(classes)) if label not in tested or label not in learned]
    if lost:
        n_groups = len(set(groups[labels == lost[0]].tolist()))
        raise DatasetError(
            f"{len(lost)} of {len(classes)} classes cannot be both trained on and tested on while groups (or copies of one file)"
            f" stay together, such as {shown(classes[lost[0]])} with {n_groups}. Each class"
            " needs images of at least two groups that can be parted. Add images, or give other groups. Nothing was changed."
        )


def _fingerprint(columns: dict[str, list[Any]]) -> str:
    rows = sorted(zip(columns["hash"], columns["label"], columns["part"], strict=True))
    return hashlib.sha256(json.dumps(rows).encode()).hexdigest()


# The report --------------------------------------------------------------------------------------------------------------


def _split_words(found: Rows, pinned: bool, grouped: bool, seed: int) -> str:
    together = " Groups, and copies of one file, stay together." if grouped else ""
    if pinned:
        return "As the source pins it." + ("" if any(row.part == VALIDATION for row in found.rows) else
                                           " Validation images are drawn from train by each run.") + together  # fmt: skip
    return (
        f"A fifth of each class was held out for testing, drawn by content with seed {seed}; validation images are drawn from"
        f" the rest by each run.{together}"
    )


def _duplicates(columns: dict[str, list[Any]], classes: tuple[str, ...]) -> dict[str, Any]:
    """Files with the same bytes: how many copies, and where copies differ in class or part."""
    places = defaultdict(list)
    for place, content in enumerate(columns["hash"]):
        places[content].append(place)
    sets = [same for same in places.values() if len(same) > 1]

    def differ(column: str) -> list[list[int]]:
        return [same for same in sets if len({columns[column][place] for place in same}) > 1]

    def names(found: list[list[int]]) -> list[list[str]]:
        return [[columns["name"][place] for place in same[:NAMED]] for same in found[:NAMED]]

    return {
        "n_copies": sum(len(same) - 1 for same in sets),
        "examples": names(sets),
        "n_across_classes": len(differ("label")),
        "across_classes": names(differ("label")),
        "n_across_parts": len(differ("part")),
        "across_parts": names(differ("part")),
    }


def _odd_words(kept: list[_Kept]) -> list[str]:
    counts = Counter(name for one in kept for name in one.checked.odd)
    return [f"Images that {words}: {counts[name]:,}." for name, words in ODD.items() if counts[name]]
