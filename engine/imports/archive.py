"""Our own reader of zip files: every entry is judged before the first is unpacked, and bytes are counted as they come.

Nothing is ever written under a name from the archive: entries are read into memory one by one (see `engine.imports.build`).
"""

from __future__ import annotations

import re
import stat
import struct
import threading
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from engine.datasets._decode import BrokenImage
from engine.errors import DatasetError
from engine.imports.limits import CONTROL, LIMITS, Item, Limits, folded, normal, shown

CHUNK = 1 << 20
END, CENTRAL, LOCAL, LOCATOR = b"PK\x05\x06", b"PK\x01\x02", b"PK\x03\x04", b"PK\x06\x07"
MAX_DIRECTORY = 20_000_000
"""Bytes of the list of entries."""
METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
OTHERS = {
    b"\x1f\x8b": "gzip", b"7z\xbc\xaf": "7z", b"Rar!": "rar", b"BZh": "bzip2", b"\xfd7zX": "xz", b"(\xb5/\xfd": "zstd",
}  # fmt: skip


class Archive:
    """An open zip whose entries have been judged; a context manager."""

    def __init__(self, path: Path, limits: Limits = LIMITS) -> None:
        """Raises DatasetError where the file is no zip, or anything in it is not as it should be; the entry is named."""
        self.path, self.limits = path, limits
        self._unpacked, self._lock = 0, threading.Lock()
        try:
            self._file: BinaryIO = path.open("rb")
        except OSError as error:
            raise DatasetError(f"{path} cannot be read: {error.strerror or error}.") from error
        try:
            start = self._check_directory()
            self._zip = zipfile.ZipFile(self._file)
            infos = self._zip.infolist()
            self._check_names(infos)
            self._check_places(infos, start)
        except DatasetError:
            self._file.close()
            raise
        # zipfile's own complaints about damage: BadZipFile, and what its unpacking of fields raises.
        except (zipfile.BadZipFile, NotImplementedError, ValueError, OverflowError, OSError, struct.error) as error:
            self._file.close()
            raise self._refused(f"it is damaged ({error})") from error
        self.items = [
            Item(normal(info.orig_filename), info.file_size, self._reader(info))
            for info in infos
            if not info.orig_filename.endswith("/")
        ]

    def __enter__(self) -> Archive:
        return self

    def __exit__(self, *_: object) -> None:
        self._zip.close()
        self._file.close()

    def _refused(self, why: str, what_to_do: str = "Make the zip anew with an ordinary program.") -> DatasetError:
        return DatasetError(f"{self.path.name} is not imported: {why}. {what_to_do} Nothing was changed.")

    # The list of entries ---------------------------------------------------------------------------------------------

    def _check_directory(self) -> int:
        """Judge the list of entries before anything parses it; returns where it begins."""
        self._file.seek(0)
        head = self._file.read(6)
        if other := next((name for magic, name in OTHERS.items() if head.startswith(magic)), ""):
            raise self._refused(f"it is a {other} file, and only zip is taken", "Pack the images as a zip.")
        size = self._file.seek(0, 2)
        self._file.seek(max(0, size - 65_557))
        tail = self._file.read()
        # As zipfile looks for it: at the very end first, then anywhere a comment allows.
        at = len(tail) - 22
        if not (at >= 0 and tail[at : at + 4] == END and tail[-2:] == b"\0\0"):
            at = tail.rfind(END)
        if at < 0 or len(tail) < at + 22:
            raise self._refused("it is no zip, or its end is missing", "Copy or download it again.")
        _, disk, _, _, entries, length, offset = struct.unpack("<4s4H2L", tail[at : at + 20])
        end = size - len(tail) + at
        if (
            tail[max(0, at - 20) : at].startswith(LOCATOR)
            or 0xFFFF in (disk, entries)
            or 0xFFFFFFFF in (length, offset)
        ):
            raise self._refused("it is a zip64 of more than 65,535 entries or 4 GB, or made as one", self._smaller())
        if length > MAX_DIRECTORY or length > end:
            raise self._refused("its list of entries is damaged or too long", self._smaller())
        self._file.seek(end - length)
        # What is counted is what is there, not what the file says of itself.
        counted = max(entries, self._file.read(length).count(CENTRAL))
        if counted > self.limits.entries:
            raise self._refused(
                f"it has {counted:,} entries, and at most {self.limits.entries:,} may be", self._smaller()
            )
        return end - length

    def _smaller(self) -> str:
        return "Unpack it yourself and give the folder, or make smaller zips."

    def _check_names(self, infos: list[zipfile.ZipInfo]) -> None:
        seen: dict[str, str] = {}
        for info in infos:
            name = info.orig_filename
            if why := _bad_name(name, self.limits.depth) or _bad_kind(info):
                raise self._refused(f"the entry {shown(name)} {why}")
            key = folded(name.rstrip("/"))
            if key in seen:
                both = f"{shown(seen[key])} and {shown(name)}"
                raise self._refused(f"two entries have the same name, or differ in upper and lower case only: {both}")
            seen[key] = name

    def _check_places(self, infos: list[zipfile.ZipInfo], directory: int) -> None:
        """No two entries may share bytes (the bomb of Fifield 2019), and each must be called the same in both places."""
        places = []
        for info in infos:
            self._file.seek(info.header_offset)
            header = self._file.read(30)
            if len(header) < 30 or header[:4] != LOCAL:
                raise self._refused(f"the entry {shown(info.orig_filename)} is not where the list says")
            flags, n_name, n_extra = *struct.unpack("<H", header[6:8]), *struct.unpack("<2H", header[26:30])
            name = self._file.read(n_name).decode("utf-8" if flags & 0x800 else "cp437", "replace")
            if name != info.orig_filename:
                raise self._refused(f"the entry {shown(info.orig_filename)} is called {shown(name)} in another place")
            places.append((info.header_offset, info.header_offset + 30 + n_name + n_extra + info.compress_size, name))
        places.sort()
        for (_, end, name), (begin, _, other) in zip(places, [*places[1:], (directory, 0, "its list")], strict=True):
            if end > begin:
                raise self._refused(
                    f"the entries {shown(name)} and {shown(other)} overlap: it is made to fill the disk"
                )

    # Contents --------------------------------------------------------------------------------------------------------

    def _reader(self, info: zipfile.ZipInfo) -> Callable[[], bytes]:
        return lambda: self._read(info)

    def _read(self, info: zipfile.ZipInfo) -> bytes:
        """Unpack one entry into memory, counting. Threads may call it at the same time."""
        name, limits, chunks, count = info.orig_filename, self.limits, [], 0
        try:
            with self._zip.open(info) as stream:
                while chunk := stream.read(CHUNK):
                    count += len(chunk)
                    if count > limits.file:
                        raise self._refused(
                            f"{shown(name)} is larger than {limits.file / 1e6:,.0f} MB", "Leave it out."
                        )
                    if count > limits.ratio_from and count > limits.ratio * max(info.compress_size, 1):
                        raise self._refused(
                            f"{shown(name)} unpacks to more than {limits.ratio} times its size: it is made to fill the disk"
                        )
                    self._count(len(chunk))
                    chunks.append(chunk)
        except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
            raise BrokenImage(f"damaged in the zip ({error})") from error
        except OSError as error:
            raise BrokenImage(error.strerror or str(error)) from error
        return b"".join(chunks)

    def _count(self, n: int) -> None:
        with self._lock:
            self._unpacked += n
            if self._unpacked > self.limits.total:
                most = (
                    f"{self.limits.total / 1e9:,.0f} GB" if self.limits.total >= 1e9 else f"{self.limits.total:,} bytes"
                )
                raise self._refused(f"it unpacks to more than {most}", self._smaller())


def _bad_name(name: str, depth: int) -> str:
    parts = name.removesuffix("/").split("/")
    if CONTROL.search(name):
        return "holds control characters in its name"
    if "\\" in name:
        return "holds a backslash in its name"
    if name.startswith("/") or re.match(r"[A-Za-z]:", name):
        return "has an absolute path"
    if ".." in parts:
        return "leads out of the archive"
    if "" in parts or "." in parts:
        return "has an empty part in its path"
    if max(map(len, parts)) > 255:
        return "has a name of more than 255 characters"
    if len(parts) - 1 > depth:
        return f"lies in more than {depth} folders"
    return ""


def _bad_kind(info: zipfile.ZipInfo) -> str:
    mode = info.external_attr >> 16
    if stat.S_ISLNK(mode):
        return "is a symbolic link"
    if stat.S_IFMT(mode) not in (0, stat.S_IFREG, stat.S_IFDIR):
        return "is no file (a device or a pipe)"
    if info.flag_bits & 0x41:
        return "is encrypted"
    if info.compress_type not in METHODS:
        return f"is packed in a way that is not read (method {info.compress_type})"
    return ""
