"""Pixels in: files to uint8 arrays of one size, with the limits that keep a hostile or broken image harmless."""

from __future__ import annotations

import contextlib
import hashlib
import io
import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import psutil
from PIL import Image, ImageOps

from engine.errors import DatasetError

FORMATS = ("JPEG", "PNG", "WEBP", "BMP")
SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".bmp")
MAX_PIXELS = 40_000_000

RESAMPLING = {
    "nearest": Image.Resampling.NEAREST,
    "bilinear": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
    "lanczos": Image.Resampling.LANCZOS,
}


class BrokenImage(Exception):
    """A file is not an image that can be used; the text is the reason."""


def room_for(name: str, n_images: int, side: int) -> None:
    """Refuse to decode more than half of the memory that is free.

    Raises:
        DatasetError: the images would not fit; says how much they need and what to do.
    """
    needed, free = n_images * side * side * 3, psutil.virtual_memory().available
    if needed > free / 2:
        raise DatasetError(
            f"{name}: {n_images:,} images at {side}x{side} pixels need {needed / 1e9:.1f} GB, and {free / 1e9:.1f} GB of memory"
            " are free (half of it may be used). Use a part of the images, a backbone with a smaller input, or free memory."
        )


def resize(image: Image.Image, side: int, interpolation: str) -> np.ndarray:
    """Shorter side to `side`, then the centre square: uint8 (side, side, 3)."""
    return np.asarray(ImageOps.fit(image, (side, side), method=RESAMPLING.get(interpolation, Image.Resampling.BICUBIC)))


def resize_all(pixels: np.ndarray, side: int, interpolation: str) -> np.ndarray:
    """Resize uint8 (n, h, w, 3) to read-only uint8 (n, side, side, 3)."""
    out = np.stack([resize(Image.fromarray(image), side, interpolation) for image in pixels])
    out.setflags(write=False)
    return out


def read_image(path: Path, side: int, interpolation: str) -> tuple[np.ndarray, str]:
    """Decode one file: uint8 (side, side, 3), and the hash of the file's bytes (the same at every size).

    Threads may call it inside one `bombs_refused`.

    Raises:
        BrokenImage: empty, truncated, of another format, or with more than 40 million pixels.
    """
    content = b""
    try:
        content = path.read_bytes()
        with Image.open(io.BytesIO(content), formats=FORMATS) as image:
            if image.width * image.height > MAX_PIXELS:
                raise BrokenImage(f"{image.width}x{image.height} pixels, more than {MAX_PIXELS // 1_000_000} million")
            return resize(_upright_rgb(image), side, interpolation), content_hash(content)
    except BrokenImage:
        raise
    except (
        Exception
    ) as error:  # Pillow's decoders raise many kinds (OSError, SyntaxError, struct.error, ...) on bad bytes
        raise BrokenImage(_reason(content, error)) from error


@contextlib.contextmanager
def bombs_refused() -> Iterator[None]:
    """Make Pillow's warnings about decompression bombs errors; for the whole process, so not once per thread."""
    with warnings.catch_warnings():
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        yield


def content_hash(content: bytes) -> str:
    """Sixteen hexadecimal digits that name these bytes."""
    return hashlib.blake2b(content, digest_size=8).hexdigest()


def _upright_rgb(image: Image.Image) -> Image.Image:
    image = ImageOps.exif_transpose(image)
    if image.mode.startswith("I;16") or image.mode == "I":
        # 16-bit grey: Pillow's own conversion clips at 255 instead of scaling.
        image = Image.fromarray((np.asarray(image, dtype=np.float64) / 257).clip(0, 255).astype(np.uint8))
    if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image.convert("RGBA"))
    return image.convert("RGB")


def _reason(content: bytes, error: Exception) -> str:
    if isinstance(error, OSError) and error.errno is not None:
        return error.strerror or str(error)
    if not content:
        return "the file is empty"
    if isinstance(error, Image.UnidentifiedImageError):
        return f"not a {', '.join(FORMATS)} image"
    if isinstance(error, Image.DecompressionBombError | Image.DecompressionBombWarning):
        return "far too many pixels"
    return str(error) or type(error).__name__
