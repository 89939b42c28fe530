"""Decoded images, wherever they fit: in memory when small, in a memory-mapped file of the home when large."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from engine import limits
from engine.datasets import _cache
from engine.datasets._base import Images, find, unique_keys
from engine.datasets._decode import Sizing
from engine.datasets._fill import Tell, fill, silent
from engine.datasets._source import Source
from engine.errors import DatasetError

MAPPED_FROM = 64_000_000
"""Bytes of pixels from which they are kept on disk too: decoding that many takes longer than writing them."""


def open_source(name: str, home: Path | None = None) -> Source:
    """The images of a dataset by number, not decoded. Raises UnknownNameError or DatasetError."""
    return find(name).open(name, home)


def fetch(name: str, home: Path | None = None, tell: Tell = silent) -> None:
    """See that a dataset's files are on this machine: download them where it has to be, do nothing otherwise.

    Args:
        name: of a dataset.
        home: where it is kept.
        tell: told (phase, share done); what it raises stops the work, and nothing half-written stays.

    Raises:
        UnknownNameError: nothing has this name.
        DownloadError: no network, broken off, another file than was published, a full disk; the text says what to do.
    """
    dataset = find(name)
    if dataset.within is not None:
        fetch(dataset.within(name), home, tell)
    elif dataset.fetch is not None:
        dataset.fetch(name, home, tell)


def load(
    name: str,
    side: int,
    interpolation: str = "bicubic",
    home: Path | None = None,
    crop_fraction: float = 1.0,
    tell: Tell = silent,
    *,
    crop_mode: str = "center",
    fill: tuple[int, int, int] = (0, 0, 0),
) -> Images:
    """Decode a dataset at `side` x `side` pixels, or find it decoded.

    Args:
        name: of a dataset.
        side: pixels.
        interpolation: of the resize, as backbones name it.
        home: where large datasets are kept decoded; None keeps everything in memory.
        crop_fraction: share of the side that is kept, see `Sizing`.
        tell: told (phase, share done); what it raises stops the work, and nothing half-written stays.
        crop_mode, fill: how oblong images become square, see `Sizing`.

    Raises:
        UnknownNameError: nothing has this name.
        DatasetError: it cannot be used, or fits neither the bound of memory nor the disk; the text says the bounds.
    """
    dataset, sizing = find(name), Sizing(side, interpolation, crop_fraction, crop_mode, fill)
    if dataset.within is not None:
        whole = load(
            dataset.within(name), side, interpolation, home, crop_fraction, tell, crop_mode=crop_mode, fill=fill
        )
        return dataset.take(name, whole)
    kept = _cache.key(name, dataset.signature(name, home), sizing) if home else ""
    if home and (found := _cache.read(home, kept, tell)):
        return found
    source = dataset.open(name, home)
    needed = len(source.labels) * sizing.bytes_per_image
    if home is None or needed < MAPPED_FROM:
        return in_memory(source, sizing, home, tell)
    try:
        _cache.write(home, kept, source, sizing, tell)
        found = _cache.read(home, kept, silent)
        why = "the decoded images did not read back as they were written"
    except _cache.NoRoom as error:
        found, why = None, str(error)
    except OSError as error:
        found, why = None, f"the cache in {home} cannot be written: {error.strerror or error}"
    return found or in_memory(source, sizing, home, tell, why)


def in_memory(source: Source, sizing: Sizing, home: Path | None, tell: Tell = silent, why_not_disk: str = "") -> Images:
    """Decode a source into memory. Raises DatasetError where it needs more than the bound."""
    needed, bound = len(source.labels) * sizing.bytes_per_image, limits.image_memory(home)
    if needed > bound:
        disk = f" They were not put on disk either: {why_not_disk}." if why_not_disk else ""
        raise DatasetError(
            f"{source.info.name}: {len(source.labels):,} images at {sizing.side}x{sizing.side} pixels need"
            f" {needed / 1e9:.1f} GB, and decoded images may take {bound / 1e9:.1f} GB of memory (half of what is free, or"
            f" {limits.MEMORY_VARIABLE}).{disk} Use a part of the images, a backbone with a smaller input, or free memory"
            f"{' or disk' if disk else ''}."
        )
    pixels = np.empty((len(source.labels), sizing.side, sizing.side, 3), dtype=np.uint8)
    at = 0

    def write(block: np.ndarray) -> None:
        nonlocal at
        pixels[at : at + len(block)] = block
        at += len(block)

    filled = fill(source, sizing, write, tell)
    keys, labels = unique_keys(filled.hashes), source.labels[filled.kept]
    info, parts = source.settled(labels, source.parts[filled.kept], keys, filled.skipped)
    pixels = pixels[:at]
    pixels.setflags(write=False)
    groups = None if source.groups is None else source.groups[filled.kept]
    return Images(info, pixels, labels, parts, keys, filled.skipped, groups)
