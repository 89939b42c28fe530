"""One pass over the images: sizes, modes, hashes, brightness. Everything that the checks need, and nothing decoded is kept."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from engine.datasets import DatasetInfo, Source
from engine.datasets._base import unique_keys
from engine.datasets._decode import BrokenImage, bombs_refused, content_hash, opened, reason, upright_rgb
from engine.datasets._fill import GROUP, Tell, in_order
from engine.doctor._base import MAX_EXAMPLES, Example
from engine.doctor._hashes import SIDE, perceptual_hash
from engine.errors import DatasetError

if TYPE_CHECKING:
    from engine.backbones import Card

DRAFT_SIDE = 128
"""Large JPEGs are decoded at part of their size, not below this."""
THUMB = 16
EXIF_ORIENTATION = 0x0112
GREY_SPREAD = 10
"""Colours whose channels differ by at most this much (of 255) are grey: JPEG colours grey pictures a little."""


@dataclass(frozen=True)
class Seen:
    """What was seen of one image."""

    width: int
    height: int
    """As people see it: after turning."""
    oddities: tuple[str, ...]
    """What its file does unlike a plain 8-bit RGB or grey picture, see `check odd_files`."""
    content: str
    pixels: str
    """Hashes of the file's bytes, and of the decoded pixels."""
    perceptual: int
    thumb: np.ndarray
    """uint8, (16, 16, 3)"""
    mean: float
    spread: float
    """Mean and standard deviation of brightness, 0..255."""
    border: float
    """Mean brightness of the outermost ring."""
    constant: bool
    """All pixels are the same."""
    grey: bool


@dataclass(frozen=True)
class Evidence:
    """What the checks look at; arrays are over the images that could be read."""

    info: DatasetInfo
    card: Card | None
    """Of the backbone that will be trained, where it is known."""
    n_images: int
    n_looked: int
    """Images that were opened, with the broken ones."""
    index: np.ndarray
    """int64: numbers in the source."""
    names: Sequence[str]
    """Of all images of the source."""
    labels: np.ndarray
    parts: np.ndarray
    """As they will be trained with: a test part held out where the source pins none."""
    all_labels: np.ndarray
    all_parts: np.ndarray
    """Of all images of the source, read or not (parts as pinned)."""
    seen: tuple[Seen, ...]
    broken: tuple[tuple[int, str], ...]
    """(number, reason) of the others."""
    refused: str
    """Why the dataset cannot be trained on as it is; empty where it can."""

    def column(self, field: str) -> np.ndarray:
        """One field of all that was seen."""
        return np.asarray([getattr(one, field) for one in self.seen])

    def examples(self, places: Iterable[int], group: int = 0) -> tuple[Example, ...]:
        """A few images by their place in the arrays."""
        return tuple(
            Example(
                int(self.index[place]),
                str(self.names[int(self.index[place])]),
                self.info.class_names[int(self.labels[place])],
                str(self.parts[place]),
                group,
            )
            for place in list(places)[:MAX_EXAMPLES]
        )


def gather(source: Source, card: Card | None, limit: int, tell: Tell) -> Evidence:
    """Look at the images of a source, at `limit` of them evenly spread where there are more; `tell` may stop it."""
    n_images = len(source.labels)
    chosen = np.arange(n_images)
    if n_images > limit:
        chosen = np.unique(np.linspace(0, n_images - 1, limit).astype(np.int64))

    def some(start: int) -> list[Seen | str]:
        return [_see(source, int(index)) for index in chosen[start : start + GROUP]]

    found: list[Seen | str] = []
    with bombs_refused():
        for group in in_order(some, range(0, len(chosen), GROUP)):
            found += group
            tell("looking at images", len(found) / max(1, len(chosen)))
    good = np.asarray([isinstance(one, Seen) for one in found], dtype=bool)
    seen = tuple(one for one in found if isinstance(one, Seen))
    broken = tuple((int(index), one) for index, one in zip(chosen, found, strict=True) if isinstance(one, str))
    index = chosen[good]
    labels, parts, refused = source.labels[index], source.parts[index], ""
    skipped = tuple(f"{source.names[at]}: {why}" for at, why in broken)
    try:
        keys = unique_keys(one.content for one in seen)
        info, parts = source.settled(labels, parts, keys, skipped)
    except DatasetError as error:
        info, refused = source.info, str(error)
    return Evidence(
        info, card, n_images, len(chosen), index, source.names, labels, parts, source.labels, source.parts, seen, broken,
        refused,
    )  # fmt: skip


def _see(source: Source, index: int) -> Seen | str:
    try:
        content = source.read(index)
        if isinstance(content, bytes):
            with opened(content) as image:
                oddities = _oddities(image, str(source.names[index]))
                width, height = image.size
                if image.format == "JPEG":
                    image.draft(None, (DRAFT_SIDE, DRAFT_SIDE))
                turned = image.getexif().get(EXIF_ORIENTATION, 1) in (5, 6, 7, 8)
                rgb = upright_rgb(image)
            return _measure(rgb, (height, width) if turned else (width, height), oddities, content_hash(content))
        image = Image.fromarray(content)
        raw = np.ascontiguousarray(content).tobytes()
        return _measure(image.convert("RGB"), image.size, (), content_hash(raw))
    except BrokenImage as error:
        return str(error)
    except OSError as error:
        return reason(b"?", error)


def _measure(rgb: Image.Image, size: tuple[int, int], oddities: tuple[str, ...], content: str) -> Seen:
    small = np.asarray(rgb.resize((SIDE, SIDE), Image.Resampling.BILINEAR), dtype=np.float32)
    grey = small @ np.array([0.299, 0.587, 0.114], dtype=np.float32)
    ring = np.concatenate([grey[0], grey[-1], grey[1:-1, 0], grey[1:-1, -1]])
    thumb = small.reshape(THUMB, 2, THUMB, 2, 3).mean((1, 3)).round().astype(np.uint8)
    return Seen(
        width=size[0],
        height=size[1],
        oddities=oddities,
        content=content,
        pixels=hashlib.blake2b(rgb.tobytes(), digest_size=8, person=f"{rgb.width}x{rgb.height}".encode()).hexdigest(),
        perceptual=perceptual_hash(grey),
        thumb=thumb,
        mean=float(grey.mean()),
        spread=float(grey.std()),
        border=float(ring.mean()),
        constant=all(low == high for low, high in rgb.getextrema()),
        grey=float(np.ptp(small, axis=2).max()) <= GREY_SPREAD,
    )


def _oddities(image: Image.Image, name: str) -> tuple[str, ...]:
    suffixes = {"JPEG": (".jpg", ".jpeg"), "PNG": (".png",), "WEBP": (".webp",), "BMP": (".bmp",)}
    suffix = name[name.rfind(".") :].lower() if "." in name else ""
    there = {
        "cmyk": image.mode == "CMYK",
        "sixteen_bit": image.mode.startswith("I"),
        "palette": image.mode in ("P", "PA"),
        "transparent": image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info,
        "animated": getattr(image, "n_frames", 1) > 1,
        "turned": image.getexif().get(EXIF_ORIENTATION, 1) in range(2, 9),
        "wrong_suffix": bool(suffix) and suffix not in suffixes.get(image.format or "", (suffix,)),
    }
    return tuple(kind for kind, is_so in there.items() if is_so)
