"""Small pictures of a dataset's images, made with Pillow in the server's own process: no torch, few at a time."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from engine import datasets
from engine.datasets import Source
from engine.datasets._decode import BrokenImage, bombs_refused, opened, upright_rgb

SIDE = 112
"""Pixels; shown at about this size, sharp on dense screens where the source allows."""


@dataclass(frozen=True)
class Thumbnail:
    """One picture: PNG bytes, None where the image cannot be decoded, and what the image is called."""

    png: bytes | None
    name: str
    part: str
    problem: str = ""


@dataclass(frozen=True)
class Sheet:
    """One page of a gallery."""

    pictures: tuple[Thumbnail, ...]
    total: int
    """Images of the class."""


def sheet(source: Source, label: int, start: int, most: int) -> Sheet:
    """Pictures of a class, from its image `start` on, in the order of the source."""
    members = np.flatnonzero(source.labels == label)
    with bombs_refused():
        pictures = tuple(_one(source, index) for index in members[start : start + most].tolist())
    return Sheet(pictures, len(members))


def open_source(name: str, label: int, home: Path | None) -> Source:
    """A dataset's images by number, at least those of one class. Raises TransferscopeError."""
    peek = datasets.find(name).peek
    return datasets.open_source(name, home) if peek is None else peek(name, label)


def _one(source: Source, index: int) -> Thumbnail:
    name, part = source.names[index], str(source.parts[index])
    try:
        content = source.read(index)
        if isinstance(content, bytes):
            with opened(content) as image:
                image.draft("RGB", (2 * SIDE, 2 * SIDE))
                picture = upright_rgb(image)
        else:
            picture = Image.fromarray(content).convert("RGB")
    except (BrokenImage, OSError) as error:
        return Thumbnail(None, name, part, str(error))
    if max(picture.size) <= SIDE // 2:  # tiny ones in whole steps, so that every pixel is seen
        picture = picture.resize(
            (picture.width * (SIDE // max(picture.size)), picture.height * (SIDE // max(picture.size))), 0
        )
    out = io.BytesIO()
    ImageOps.pad(picture, (SIDE, SIDE), color=(127, 127, 127)).save(out, "PNG", compress_level=1)
    return Thumbnail(out.getvalue(), name, part)
