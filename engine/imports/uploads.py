"""Zips that were dropped into the page: kept in the home until they are imported."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import time
from pathlib import Path
from typing import BinaryIO

from engine.errors import DatasetError

KEPT_SECONDS = 7 * 86_400.0
"""An upload whose import failed can be tried again with other settings for so long."""


def folder(home: Path) -> Path:
    """Where a home keeps them."""
    return home / "uploads"


def keep(home: Path, name: str, content: BinaryIO) -> Path:
    """Write an upload under its own name, cleaned, in a folder named by its hash; the same upload twice is one file.

    Raises:
        DatasetError: the disk has no room.
    """
    digest = hashlib.blake2b(digest_size=10)
    while block := content.read(1 << 20):
        digest.update(block)
    size = content.tell()
    content.seek(0)
    safe = (
        "".join(char if char.isalnum() or char in " ._-" else "_" for char in name).strip(" .")[-100:] or "upload.zip"
    )
    place = folder(home) / digest.hexdigest()
    part = place / f".{os.getpid()}.part"
    try:
        _sweep(home)
        place.mkdir(parents=True, exist_ok=True)
        if not (place / safe).exists():
            with open(part, "wb") as stream:
                shutil.copyfileobj(content, stream, 1 << 20)
                stream.flush()
                os.fsync(stream.fileno())
            part.replace(place / safe)
    except OSError as error:
        with contextlib.suppress(OSError):
            part.unlink()
        raise DatasetError(
            f"The upload ({size / 1e6:,.0f} MB) cannot be kept in {folder(home)}: {error.strerror or error}."
        ) from error
    return place / safe


def discard(home: Path, path: Path) -> None:
    """Remove an upload that was imported; a path outside of the uploads is left alone."""
    if path.parent.parent == folder(home):
        shutil.rmtree(path.parent, ignore_errors=True)


def _sweep(home: Path) -> None:
    for entry in folder(home).iterdir() if folder(home).is_dir() else ():
        if time.time() - entry.stat().st_mtime > KEPT_SECONDS:
            shutil.rmtree(entry, ignore_errors=True)
