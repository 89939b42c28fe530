"""Decoded images on disk: `cache/decoded/KEY/` in the home, made once, proved by hashes, read through a memory map.

A folder is written under another name, synced, and renamed when complete; its manifest holds a hash of every piece of
the pixels, of the rows and of itself. What does not fit its hashes is removed and decoded anew, never used.
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import json
import os
import shutil
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import PIL
import psutil

from engine import limits
from engine.datasets._base import DatasetInfo, Images, unique_keys
from engine.datasets._decode import Sizing
from engine.datasets._fill import Tell, fill, threads
from engine.datasets._source import Source
from engine.durable import sync_folder

VERSION = 1
"""Raised when the same files would be decoded to other pixels, or are kept in another form."""
PIECE = 64 * 2**20
"""Bytes of pixels under one hash."""
PIXELS, ROWS, MANIFEST = "pixels.u8", "rows.npz", "manifest.json"
ABANDONED_SECONDS = 3_600.0


class NoRoom(Exception):
    """The disk cannot take these images; the text says why."""


def key(name: str, signature: str, sizing: Sizing) -> str:
    """Names one decoding: other files, another size, another way to resize or another decoder give another one."""
    facts = [VERSION, PIL.__version__, name, signature, dataclasses.astuple(sizing)]
    return hashlib.blake2b(json.dumps(facts).encode("utf-8", "surrogatepass"), digest_size=12).hexdigest()


def folder(home: Path) -> Path:
    """Where the decoded images of a home are."""
    return home / "cache" / "decoded"


def read(home: Path, name: str, tell: Tell) -> Images | None:
    """The images kept under a key; None where there are none, or what is there is damaged (then it is removed)."""
    entry = folder(home) / name
    if not entry.is_dir():
        return None
    try:
        manifest = _manifest(entry)
        _prove(entry, manifest, tell)
        with np.load(entry / ROWS, allow_pickle=False) as rows:
            labels, parts, keys = rows["labels"], rows["parts"], rows["keys"]
            groups = rows["groups"] if len(rows["groups"]) else None
        pixels = np.asarray(np.memmap(entry / PIXELS, np.uint8, "r", shape=tuple(manifest["shape"])))
    except (OSError, ValueError, KeyError, TypeError, EOFError):  # what a damaged file makes of its readers
        discard(entry)
        return None
    with contextlib.suppress(OSError):  # a home that cannot be written now can still be read
        os.utime(entry / MANIFEST)
    info = DatasetInfo(**{k: tuple(v) if isinstance(v, list) else v for k, v in manifest["info"].items()})
    return Images(info, pixels, labels, parts, keys, tuple(manifest["skipped"]), groups, mapped=True)


def write(home: Path, name: str, source: Source, sizing: Sizing, tell: Tell) -> None:
    """Decode a source into the cache.

    Raises:
        NoRoom: before anything is decoded, where bound and disk leave no room.
        DatasetError: too many images are broken.
        OSError: the disk is full or cannot be written; nothing is left behind.
    """
    make_room(home, len(source.labels) * sizing.bytes_per_image)
    part = folder(home) / f"{name}.{os.getpid()}.part"
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    try:
        with open(part / PIXELS, "wb") as file:
            pieces = _Pieces(file)
            filled = fill(source, sizing, pieces.write, tell)
            hashes = pieces.close()
        keys = unique_keys(filled.hashes)
        labels = source.labels[filled.kept]
        info, parts = source.settled(labels, source.parts[filled.kept], keys, filled.skipped)
        with open(part / ROWS, "wb") as file:
            groups = np.empty(0, np.int64) if source.groups is None else source.groups[filled.kept]
            np.savez(file, labels=labels, parts=parts, keys=keys, groups=groups)
            _sync(file)
        manifest = {
            "shape": [len(labels), sizing.side, sizing.side, 3],
            "pieces": hashes,
            "rows": _hash_of(part / ROWS, 0, None),
            "info": dataclasses.asdict(info),
            "skipped": filled.skipped,
        }
        text = json.dumps(manifest)
        with open(part / MANIFEST, "wb") as file:
            file.write(f"{_digest(text.encode())}\n{text}".encode())
            _sync(file)
        _publish(part, folder(home) / name)
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _publish(part: Path, entry: Path) -> None:
    try:
        part.rename(entry)
    except OSError:
        if not entry.is_dir():  # else another process was faster: its images are as good as ours
            raise
    sync_folder(entry.parent)


def make_room(home: Path, needed: int) -> None:
    """Remove the decoded images that were used longest ago, until `needed` bytes fit under bound and high-water mark.

    Raises:
        NoRoom: they would not fit even then; nothing is removed.
    """
    top = folder(home)
    top.mkdir(parents=True, exist_ok=True)
    _sweep(top)
    entries = sorted(_entries(top), key=lambda entry: entry[1])
    held = sum(size for _, _, size in entries)
    bound, disk = limits.cache_disk(home), shutil.disk_usage(top)
    room = int(disk.total * limits.HIGH_WATER) - disk.used
    if needed > bound:
        raise NoRoom(f"the cache of decoded images may take {limits.size_words(bound)} of disk")
    if needed > room + held:
        raise NoRoom(
            f"the disk has {limits.size_words(disk.free)} free, and at most {limits.HIGH_WATER:.0%} of it may be in use"
        )
    for entry, _, size in entries:
        if held + needed <= bound and needed <= room:
            return
        discard(entry)
        held, room = held - size, room + size


def discard(entry: Path) -> None:
    """Remove one entry; who has it mapped reads on (except on Windows, where it then stays)."""
    gone = entry.with_name(f"{entry.name}.{os.getpid()}.part")
    with contextlib.suppress(OSError):
        entry.rename(gone)  # at once, so that nobody opens half of it
    shutil.rmtree(gone, ignore_errors=True)
    shutil.rmtree(entry, ignore_errors=True)


def _entries(top: Path) -> Iterator[tuple[Path, float, int]]:
    """(folder, last used, bytes) of every complete entry."""
    for entry in top.iterdir():
        if entry.suffix == ".part" or not entry.is_dir():
            continue
        with contextlib.suppress(OSError):  # removed by another process meanwhile
            used = (entry / MANIFEST).stat().st_mtime if (entry / MANIFEST).exists() else 0.0
            yield entry, used, sum(file.stat().st_size for file in entry.iterdir())


def _sweep(top: Path) -> None:
    """Remove what processes that died left half written."""
    for part in top.glob("*.part"):
        pid = part.name.split(".")[-2]
        with contextlib.suppress(OSError):
            old = time.time() - part.stat().st_mtime > ABANDONED_SECONDS
            if not pid.isdigit() or not psutil.pid_exists(int(pid)) or (old and int(pid) != os.getpid()):
                shutil.rmtree(part, ignore_errors=True)


class _Pieces:
    """Writes a file from start to end and hashes it piece by piece on the way.

    Plain writes, not a map: on a full disk a write fails with an error, a store into a mapped page kills the process.
    """

    def __init__(self, file: BinaryIO) -> None:
        self.file, self.hashes = file, []
        self._piece, self._filled = hashlib.blake2b(digest_size=16), 0

    def write(self, block: np.ndarray) -> None:
        content = memoryview(np.ascontiguousarray(block)).cast("B")
        self.file.write(content)
        while len(content):
            taken = content[: PIECE - self._filled]
            self._piece.update(taken)
            self._filled += len(taken)
            content = content[len(taken) :]
            if self._filled == PIECE:
                self._end_piece()

    def close(self) -> list[str]:
        if self._filled:
            self._end_piece()
        _sync(self.file)
        return self.hashes

    def _end_piece(self) -> None:
        self.hashes.append(self._piece.hexdigest())
        self._piece, self._filled = hashlib.blake2b(digest_size=16), 0


def _manifest(entry: Path) -> dict[str, Any]:
    """Raises ValueError where it is not what was written."""
    digest, _, text = (entry / MANIFEST).read_bytes().partition(b"\n")
    if _digest(text).encode() != digest:
        raise ValueError("the manifest was altered")
    return json.loads(text)


def _prove(entry: Path, manifest: dict[str, Any], tell: Tell) -> None:
    """Compare every byte with its hash, about 1 GB/s for each core. Raises ValueError where one differs."""
    size, pieces = int(np.prod(manifest["shape"], dtype=np.int64)), manifest["pieces"]
    if (entry / PIXELS).stat().st_size != size or len(pieces) != -(-size // PIECE):
        raise ValueError("the pixels are not all there")
    if _hash_of(entry / ROWS, 0, None) != manifest["rows"]:
        raise ValueError("the rows were altered")
    pool = ThreadPoolExecutor(threads())
    try:
        found = pool.map(lambda place: _hash_of(entry / PIXELS, place * PIECE, PIECE), range(len(pieces)))
        for place, digest in enumerate(found):
            if digest != pieces[place]:
                raise ValueError("the pixels were altered")
            tell("checking decoded images", (place + 1) / len(pieces))
    finally:
        pool.shutdown(cancel_futures=True)


def _hash_of(file: Path, start: int, length: int | None) -> str:
    digest, left = hashlib.blake2b(digest_size=16), length
    with open(file, "rb") as opened:
        opened.seek(start)
        while block := opened.read(2**22 if left is None else min(left, 2**22)):
            digest.update(block)
            left = None if left is None else left - len(block)
    return digest.hexdigest()


def _digest(content: bytes) -> str:
    return hashlib.blake2b(content, digest_size=16).hexdigest()


def _sync(file: BinaryIO) -> None:
    file.flush()
    os.fsync(file.fileno())
