"""Download a dataset into the home: one process at a time, everything or nothing, stopped within a second."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import filelock

from engine.datasets import _installed
from engine.datasets._fill import Tell
from engine.datasets._known import Known, known
from engine.datasets._unpack import unpack
from engine.downloads import disk_error, download
from engine.durable import sync_folder
from engine.errors import DatasetError, DownloadError

DOWNLOADED, UNPACKED = 0.8, 0.95
"""Share of the work at which the download ends, and unpacking."""
LOOK_SECONDS = 0.2
SPARE_BYTES = 100_000_000


def fetch(name: str, home: Path | None, tell: Tell) -> None:
    """See that a dataset is on this machine.

    Files come into `datasets/.NAME.partial`, which is renamed when everything is there, proved and indexed. Whatever goes
    wrong, that folder is removed; what a killed process left is removed by the next one.

    Args:
        name: of the table of facts.
        home: where it is kept.
        tell: told (phase, share of the work); what it raises stops the work.

    Raises:
        DownloadError: no network, broken off, another file than was published, or a full disk; says what to do.
        DatasetError: the files are not what was expected.
    """
    if home is None:
        raise DatasetError(f"{known()[name].label} must be downloaded, and no home directory was given to keep it in.")
    facts, place = known()[name], _installed.folder(home, name)
    if _installed.manifest(home, name):
        return
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        with _alone(place, facts, tell):
            if not _installed.manifest(home, name):  # another process may have been quicker
                _fetch(facts, place, tell)
    except OSError as error:
        raise disk_error(error, place, facts.bytes) from error


def _fetch(facts: Known, place: Path, tell: Tell) -> None:
    partial = place.with_name(f".{facts.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    _check_room(facts, place.parent)
    try:
        (partial / _installed.FILES).mkdir(parents=True)
        fetched = _download(facts, partial, tell)
        _unpack(facts, partial, tell)
        _installed.complete(
            partial, facts, fetched, lambda share: tell(f"indexing {facts.name}", UNPACKED + (1 - UNPACKED) * share)
        )
        if place.exists():  # without a manifest that can be read: damaged, or of another version
            shutil.rmtree(place)
        os.replace(partial, place)
        sync_folder(place.parent)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _download(facts: Known, partial: Path, tell: Tell) -> list[dict[str, Any]]:
    fetched, before = [], 0
    for file in facts.files:
        target = partial / _installed.FILES / file.to / file.name
        target.parent.mkdir(parents=True, exist_ok=True)

        def said(done: int, total: int, before: int = before, expected: int = file.bytes) -> None:
            # The server's own size counts, where it says one: the table's may be rounded.
            everything = max(facts.bytes - expected + (total or expected), 1)
            share = min((before + done) / everything, 1.0)
            tell(f"downloading {facts.name} ({everything / 1e6:,.0f} MB)", DOWNLOADED * share)

        said(0, 0)
        try:
            one = download(file.urls, target, said, md5=file.md5, size=file.bytes)
        except DownloadError as error:
            raise DownloadError(f"{facts.label}: {error} Its page: {facts.page}") from error
        fetched.append({"file": file.name, **dataclasses.asdict(one)})
        before += one.bytes
    return fetched


def _unpack(facts: Known, partial: Path, tell: Tell) -> None:
    packed = [file for file in facts.files if file.unpack]
    for place, file in enumerate(packed):

        def said(share: float, place: int = place) -> None:
            done = (place + share) / len(packed)
            tell(f"unpacking {facts.name}", DOWNLOADED + (UNPACKED - DOWNLOADED) * done)

        folder = partial / _installed.FILES / file.to
        unpack(folder / file.name, file.unpack, folder, said, file.inner, file.skip)


def _check_room(facts: Known, place: Path) -> None:
    """Refuse at once what cannot fit: the files, and as much again while they are unpacked."""
    needed, free = 2 * facts.bytes + SPARE_BYTES, shutil.disk_usage(place).free
    if needed > free:
        raise DownloadError(
            f"{facts.label} needs about {needed / 1e9:.1f} GB of disk while it is unpacked, and {free / 1e9:.1f} GB are free"
            f" in {place}. Nothing was downloaded. Free some space, or choose a home on another disk (--home DIR)."
        )


@contextlib.contextmanager
def _alone(place: Path, facts: Known, tell: Tell) -> Iterator[None]:
    """One process downloads a dataset at a time; the lock of a process that dies is free."""
    lock = filelock.FileLock(place.with_name(f".{facts.name}.lock"))
    while True:
        try:
            lock.acquire(timeout=0)
            break
        except filelock.Timeout:
            tell(f"waiting for another download of {facts.name}", 0.0)
            time.sleep(LOOK_SECONDS)
    try:
        yield
    finally:
        lock.release()
