"""Unpack what was downloaded: tar, zip and gz, member by member, so that it can be stopped, and only into its own folder."""

from __future__ import annotations

import fnmatch
import gzip
import shutil
import tarfile
import time
import zipfile
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import BinaryIO

from engine.errors import DatasetError

COPY = 1 << 20
TELL_SECONDS = 0.1
BROKEN = (tarfile.TarError, zipfile.BadZipFile, zlib.error, EOFError, gzip.BadGzipFile)

Tell = Callable[[float], None]
"""Told the share of the archive's bytes that is done, between members and pieces; what it raises stops the work."""


def unpack(archive: Path, kind: str, to: Path, tell: Tell, inner: Sequence[str] = (), skip: Sequence[str] = ()) -> None:
    """Unpack an archive and remove it.

    Args:
        archive: the file.
        kind: tar (compressed in any way, or not), zip or gz.
        to: folder that gets the contents.
        tell: told how far it is.
        inner: archives inside a zip (tar.gz or gz) that are unpacked to `to` in turn; no other member is kept.
        skip: patterns of members that are left out.

    Raises:
        DatasetError: the archive is damaged, or a member reaches out of the folder.
        OSError: the disk is full or cannot be written.
    """
    to.mkdir(parents=True, exist_ok=True)
    try:
        if inner:
            _inner(archive, to, tell, inner)
        else:
            {"tar": _tar, "zip": _zip, "gz": _gz}[kind](archive, to, tell, skip)
    except BROKEN as error:
        raise DatasetError(f"{archive.name} is damaged: {error}. Download it again.") from error
    archive.unlink()


class _Watched:
    """A file that tells, while it is read, how far that is: members may be large, and skipped ones are read too."""

    def __init__(self, raw: BinaryIO, size: int, tell: Tell) -> None:
        self.raw, self.size, self.told, self.said = raw, max(size, 1), tell, 0.0

    def read(self, n: int = -1) -> bytes:
        if time.monotonic() - self.said > TELL_SECONDS:
            self.said = time.monotonic()
            self.told(min(self.raw.tell() / self.size, 1.0))
        return self.raw.read(n)

    def seek(self, *where: int) -> int:
        return self.raw.seek(*where)

    def tell(self) -> int:
        return self.raw.tell()


def _tar(archive: Path, to: Path, tell: Tell, skip: Sequence[str]) -> None:
    with archive.open("rb") as raw:
        watched = _Watched(raw, archive.stat().st_size, tell)
        with tarfile.open(fileobj=watched, mode="r:*") as tar:  # type: ignore[call-overload]
            for member in tar:
                if (member.isfile() or member.isdir()) and not _skipped(member.name, skip):
                    # The filter refuses absolute names, `..`, and links that leave the folder; links are left out anyway.
                    tar.extract(member, to, filter="data")
    tell(1.0)


def _zip(archive: Path, to: Path, tell: Tell, skip: Sequence[str]) -> None:
    with zipfile.ZipFile(archive) as packed:
        members = packed.infolist()
        done, total = 0, sum(member.compress_size for member in members) or 1
        for member in members:
            tell(done / total)
            done += member.compress_size
            if not _skipped(member.filename, skip):
                packed.extract(member, to)  # drops drive letters, leading slashes and `..`


def _gz(archive: Path, to: Path, tell: Tell, skip: Sequence[str]) -> None:
    size = archive.stat().st_size
    with archive.open("rb") as raw, gzip.open(raw) as packed, (to / archive.name.removesuffix(".gz")).open("wb") as out:
        while piece := packed.read(COPY):
            out.write(piece)
            tell(raw.tell() / size)


def _inner(archive: Path, to: Path, tell: Tell, inner: Sequence[str]) -> None:
    with zipfile.ZipFile(archive) as packed:
        for place, name in enumerate(inner):
            try:
                source = packed.open(name)
            except KeyError as error:
                raise DatasetError(
                    f"{archive.name} does not hold {name}: it is another archive than expected."
                ) from error
            copy = to / Path(name).name
            with source, copy.open("wb") as out:
                shutil.copyfileobj(source, out, COPY)

            def part(share: float, place: int = place) -> None:
                tell((place + share) / len(inner))

            unpack(copy, "tar" if copy.name.endswith((".tar.gz", ".tar")) else "gz", to, part)


def _skipped(name: str, patterns: Sequence[str]) -> bool:
    return any(fnmatch.fnmatch(name, pattern) for pattern in patterns)
