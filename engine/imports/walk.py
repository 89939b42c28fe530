"""The files of a folder on this machine: a bounded listing that follows no link and opens nothing but plain files."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from pathlib import Path

from engine.datasets._decode import BrokenImage
from engine.errors import DatasetError
from engine.imports.limits import LIMITS, Item, Limits, normal


def walk(root: Path, check: Callable[[], None], limits: Limits = LIMITS) -> list[Item]:
    """Every file below a folder, sorted by path; hidden ones and symbolic links are not looked at.

    Args:
        root: the folder.
        check: called now and then; what it raises stops the listing.
        limits: how many files and folders are looked at.

    Raises:
        DatasetError: more than `limits.listed` files and folders, or one that cannot be read.
    """
    items: list[Item] = []
    waiting, looked_at = [root], 0
    while waiting:
        folder = waiting.pop()
        check()
        try:
            with os.scandir(folder) as entries:
                for entry in entries:
                    looked_at += 1
                    if looked_at > limits.listed:
                        raise DatasetError(
                            f"{root} holds more than {limits.listed:,} files and folders, and no more are imported at once."
                            " Give a folder with the images only, or a part of them. Nothing was changed."
                        )
                    if looked_at % 1000 == 0:
                        check()
                    if entry.name.startswith(".") or entry.is_symlink():
                        continue
                    if entry.is_dir(follow_symlinks=False):
                        waiting.append(Path(entry.path))
                    elif entry.is_file(follow_symlinks=False):
                        path = Path(entry.path)
                        name = os.fsencode(path.relative_to(root).as_posix()).decode("utf-8", "replace")
                        items.append(
                            Item(normal(name), entry.stat(follow_symlinks=False).st_size, reader(path, limits))
                        )
        except OSError as error:
            raise DatasetError(f"{error.filename or folder} cannot be read: {error.strerror or error}.") from error
    return sorted(items, key=lambda item: item.name)


def reader(path: Path, limits: Limits) -> Callable[[], bytes]:
    """How to read a file of at most `limits.file` bytes."""
    return lambda: read(path, limits.file)


def read(path: Path, most: int) -> bytes:
    """The content of a plain file. Raises BrokenImage where it is too large, something else by now, or cannot be read."""
    # It may have been replaced since it was listed: by a link to elsewhere, or by a pipe that would never end.
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    try:
        with open(os.open(path, flags), "rb") as stream:
            if not stat.S_ISREG(os.fstat(stream.fileno()).st_mode):
                raise BrokenImage("not a plain file")
            content = stream.read(most + 1)
    except OSError as error:
        raise BrokenImage(error.strerror or str(error)) from error
    if len(content) > most:
        raise BrokenImage(f"larger than {most / 1e6:,.0f} MB")
    return content
