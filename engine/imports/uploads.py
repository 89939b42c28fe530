"""Zips that were dropped into the page: written to the home as they come, and kept there until they are imported."""

from __future__ import annotations

import contextlib
import hashlib
import itertools
import os
import re
import shutil
import time
from pathlib import Path

import psutil

from engine.errors import DatasetError
from engine.imports.limits import LIMITS, Limits

KEPT_SECONDS = 7 * 86_400.0
"""An upload whose import failed can be tried again with other settings for so long."""
_numbers = itertools.count()


def folder(home: Path) -> Path:
    """Where a home keeps them."""
    return home / "uploads"


class Upload:
    """One upload on its way in. The same content twice is one file, in a folder named by its hash."""

    def __init__(self, home: Path, name: str, limits: Limits = LIMITS) -> None:
        """`name` is what its sender calls it; of that only harmless letters are kept. Raises DatasetError: no room."""
        self.home, self.limits, self.received = home, limits, 0
        harmless = "".join(char if char.isalnum() or char in " ._-" else "_" for char in name)
        self.name = harmless.strip(" .")[-100:] or "upload.zip"
        self._digest = hashlib.blake2b(digest_size=10)
        try:
            folder(home).mkdir(parents=True, exist_ok=True)
            _sweep(home)
            self._part = folder(home) / f".incoming-{os.getpid()}-{next(_numbers)}"
            self._stream = open(self._part, "wb")  # noqa: SIM115, closed by finish and abort
        except OSError as error:
            raise self._refused(error) from error

    def write(self, chunk: bytes) -> None:
        """Take the next bytes. Raises DatasetError where there are too many, or no room is left."""
        self.received += len(chunk)
        if self.received > self.limits.total:
            self.abort()
            raise DatasetError(
                f"More than {self.limits.total / 1e9:.1f} GB are not taken by the page. Unpack the zip on the machine that runs"
                " Transferscope, and give the folder's path."
            )
        try:
            if shutil.disk_usage(folder(self.home)).free < self.limits.spare + len(chunk):
                raise OSError(28, "no room on its disk")
            self._stream.write(chunk)
        except OSError as error:
            self.abort()
            raise self._refused(error) from error
        self._digest.update(chunk)

    def finish(self) -> Path:
        """All has come; returns where it is. Raises DatasetError where it cannot be kept."""
        place = folder(self.home) / self._digest.hexdigest()
        try:
            with self._stream:
                self._stream.flush()
                os.fsync(self._stream.fileno())
            place.mkdir(exist_ok=True)
            os.utime(place)
            self._part.replace(place / self.name)
        except OSError as error:
            self.abort()
            raise self._refused(error) from error
        return place / self.name

    def abort(self) -> None:
        """Forget what has come."""
        with contextlib.suppress(OSError):
            self._stream.close()
        with contextlib.suppress(OSError):
            self._part.unlink()

    def _refused(self, error: OSError) -> DatasetError:
        return DatasetError(f"The upload cannot be kept in {folder(self.home)}: {error.strerror or error}.")


def find(home: Path, token: object) -> Path | None:
    """The upload that a browser names by the hash it was told; None where there is none (any more)."""
    if not isinstance(token, str) or not re.fullmatch(r"[0-9a-f]{20}", token):
        return None
    place = folder(home) / token
    return next((file for file in sorted(place.iterdir()) if file.is_file()), None) if place.is_dir() else None


def discard(home: Path, path: Path) -> None:
    """Remove an upload that was imported; a path outside of the uploads is left alone."""
    if path.parent.parent == folder(home):
        shutil.rmtree(path.parent, ignore_errors=True)


def _sweep(home: Path) -> None:
    """Remove what nobody came back for, and what a server that died was receiving."""
    for entry in folder(home).iterdir():
        if entry.name.startswith(".incoming-"):
            pid = entry.name.split("-")[1]
            if not pid.isdigit() or not psutil.pid_exists(int(pid)):
                entry.unlink(missing_ok=True)
        elif time.time() - entry.stat().st_mtime > KEPT_SECONDS:
            shutil.rmtree(entry, ignore_errors=True)
