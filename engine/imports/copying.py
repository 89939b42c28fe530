"""The images of an import are checked and copied, in parallel and in order, and see the disk before they get a name."""

from __future__ import annotations

import os
import shutil
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.datasets import _library
from engine.datasets._decode import BrokenImage, bombs_refused
from engine.durable import sync_folder
from engine.errors import DatasetError
from engine.imports.images import Checked, check
from engine.imports.layout import Row, Rows
from engine.imports.limits import Limits

if TYPE_CHECKING:
    from engine.tasks import TaskContext

PER_FOLDER = 1_000
SYNCS = 16
"""Files that wait for the disk at the same time: file systems write them out together."""
LISTED, COPIED, SYNCED = 0.02, 0.9, 0.97
"""Shares of the progress bar at which a phase ends."""


@dataclass(frozen=True)
class Kept:
    """An image that was copied."""

    row: Row
    file: str
    checked: Checked
    n_bytes: int


def refuse_bad(bad: list[str], stop: bool) -> None:
    """Raise DatasetError where an import is to stop at the first file that cannot be used."""
    if bad and stop:
        raise DatasetError(
            f"The import was stopped at a file that cannot be used, as asked: {bad[0]}. Repair or remove it, or let the"
            " import skip such files. Nothing was changed."
        )


def room(part: Path, needed: int, limits: Limits) -> None:
    """Raise DatasetError where the disk has no room for that many bytes."""
    free = shutil.disk_usage(part).free
    if needed + limits.spare > free:
        raise DatasetError(
            f"The images take {needed / 1e9:.1f} GB, and {free / 1e9:.1f} GB of the disk of {part.parent} are free, of which"
            f" {limits.spare / 1e9:.1f} GB stay so. Make room, or choose another home. Nothing was changed."
        )


def copy(found: Rows, part: Path, context: TaskContext, stop_on_bad: bool) -> list[Kept]:
    """Check and copy every image, in parallel, in order. Files that cannot be used are added to `found.bad`."""
    kept: list[Kept] = []
    for start in range(0, len(found.rows), PER_FOLDER):
        (part / _library.FILES / f"{start // PER_FOLDER:04d}").mkdir(parents=True)

    def one(number: int) -> Kept | str:
        row = found.rows[number]
        try:
            content = row.item.read()
            checked = check(content)
        except BrokenImage as error:
            return f"{row.item.name}: {error}"
        file = f"{_library.FILES}/{number // PER_FOLDER:04d}/{number:06d}{checked.suffix}"
        (part / file).write_bytes(content)
        return Kept(row, file, checked, len(content))

    with bombs_refused():
        for done, result in enumerate(_in_order(one, len(found.rows), min(8, os.cpu_count() or 1)), start=1):
            if isinstance(result, str):
                found.bad.append(result)
                refuse_bad([result], stop_on_bad)
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


def sync(part: Path, context: TaskContext) -> None:
    """See to it that everything outlives a power cut before it gets its name."""
    files = [file for file in part.rglob("*") if file.is_file()]

    def one(number: int) -> None:
        with open(files[number], "rb+") as stream:
            os.fsync(stream.fileno())

    for done, _ in enumerate(_in_order(one, len(files), SYNCS), start=1):
        context.progress(SYNCED + (1 - SYNCED) * done / len(files), "saving")
    for folder in [file for file in part.rglob("*") if file.is_dir()]:
        sync_folder(folder)
