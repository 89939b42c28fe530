"""Files that outlive a power cut: their bytes are on the disk before their name is, and the name before anybody relies on it."""

from __future__ import annotations

import os
from pathlib import Path


def replace(part: Path, final: Path) -> None:
    """Give a file that was written beside its final name, for good; whatever had that name is replaced. Raises OSError."""
    with part.open("rb+") as stream:
        os.fsync(stream.fileno())
    part.replace(final)
    sync_folder(final.parent)


def sync_folder(folder: Path) -> None:
    """See to it that the names in a folder stay. Raises OSError."""
    if os.name == "posix":  # Windows cannot open folders, and needs no such thing
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
