"""Pixels in: files to uint8 arrays of one size, with the limits that keep a hostile or broken image harmless."""

from __future__ import annotations

import contextlib
import hashlib
import io
import threading
import warnings
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageOps

FORMATS = ("JPEG", "PNG", "WEBP", "BMP")
SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".bmp")
MAX_PIXELS = 40_000_000
DRAFT_GAP = 2
"""A JPEG is decoded at 1/2, 1/4 or 1/8 where that leaves at least this many times the side wanted: 2 to 4 times faster
on photographs, and the resized image differs from that of the whole one by less than 2 of 255 in the mean (tested)."""
LARGE_PIXELS = 8_000_000
_few_large = threading.BoundedSemaphore(2)
"""So many images of more than `LARGE_PIXELS` are in memory at once (each may take 500 MB), however many threads decode."""

RESAMPLING = {
    "nearest": Image.Resampling.NEAREST,
    "bilinear": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
    "lanczos": Image.Resampling.LANCZOS,
}


class BrokenImage(Exception):
    """A file is not an image that can be used; the text is the reason."""


@dataclass(frozen=True)
class Sizing:
    """How images are brought to one size; what a backbone was trained with."""

    side: int
    """Pixels; images become side x side."""
    interpolation: str = "bicubic"
    crop_fraction: float = 1.0
    """Side of the central square that is kept, as a share of the side it is cut from, above 0 and at most 1."""
    crop_mode: str = "center"
    """What becomes a square of `before_crop` pixels: `center` of the image, all of it with `squash`, or all of it and a
    `border` of `fill` beside the shorter side; as timm names and does it."""
    fill: tuple[int, int, int] = (0, 0, 0)
    """Colour of the border."""

    @property
    def before_crop(self) -> int:
        """Side that the image is resized to before the central square is cut out, as timm does."""
        return max(self.side, int(self.side / self.crop_fraction))

    @property
    def bytes_per_image(self) -> int:
        return self.side * self.side * 3


def resize(image: Image.Image, sizing: Sizing) -> np.ndarray:
    """An RGB image as a square of `before_crop`, then the central square of `side`: uint8 (side, side, 3).

    These are the bits of timm's transform; but for oblong images in the mode `center` Pillow's `fit` cuts the square out
    first, which differs by a part of a pixel in place.
    """
    full, method = sizing.before_crop, RESAMPLING.get(sizing.interpolation, Image.Resampling.BICUBIC)
    if sizing.crop_mode == "border":
        return np.asarray(_bordered(image, sizing, method))
    if sizing.crop_mode == "squash":
        square = image.resize((full, full), method)
    else:
        square = ImageOps.fit(image, (full, full), method=method)
    edge = round((full - sizing.side) / 2)
    return np.asarray(square)[edge : edge + sizing.side, edge : edge + sizing.side]


def _bordered(image: Image.Image, sizing: Sizing, method: Image.Resampling) -> Image.Image:
    """The longer side to `before_crop`, then cut or filled up around the centre to a square of `side`."""
    scale = sizing.before_crop / max(image.size)
    sides = [max(1, round(edge * scale)) for edge in image.size]
    square = Image.new("RGB", (sizing.side, sizing.side), sizing.fill)
    free = [sizing.side - edge for edge in sides]
    square.paste(image.resize(tuple(sides), method), tuple(gap // 2 if gap > 0 else -round(-gap / 2) for gap in free))
    return square


def to_pixels(content: bytes | np.ndarray, sizing: Sizing) -> np.ndarray:
    """Decode and resize one image, uint8 (side, side, 3).

    Threads may call it inside one `bombs_refused`.

    Args:
        content: the bytes of a file, or pixels as uint8 (height, width, 3) or (height, width) for grey.

    Raises:
        BrokenImage: empty, truncated, of another format, or with more than 40 million pixels.
    """
    if isinstance(content, np.ndarray):
        return resize(Image.fromarray(content).convert("RGB"), sizing)
    with opened(content) as image:
        if image.format == "JPEG":
            image.draft(None, (DRAFT_GAP * sizing.before_crop,) * 2)
        with _few_large if image.width * image.height > LARGE_PIXELS else contextlib.nullcontext():
            return resize(upright_rgb(image), sizing)


@contextlib.contextmanager
def opened(content: bytes) -> Iterator[Image.Image]:
    """A file's image, not decoded yet; whatever goes wrong inside becomes a BrokenImage with a plain reason."""
    try:
        with Image.open(io.BytesIO(content), formats=FORMATS) as image:
            if image.width * image.height > MAX_PIXELS:
                raise BrokenImage(f"{image.width}x{image.height} pixels, more than {MAX_PIXELS // 1_000_000} million")
            yield image
    except BrokenImage:
        raise
    # Pillow's decoders raise many kinds (OSError, SyntaxError, struct.error, ...) on bad bytes.
    except Exception as error:
        raise BrokenImage(reason(content, error)) from error


@contextlib.contextmanager
def bombs_refused() -> Iterator[None]:
    """Make Pillow's warnings about decompression bombs errors; for the whole process, so not once per thread."""
    with warnings.catch_warnings():
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        yield


def content_hash(content: bytes) -> str:
    """Sixteen hexadecimal digits that name these bytes."""
    return hashlib.blake2b(content, digest_size=8).hexdigest()


def upright_rgb(image: Image.Image) -> Image.Image:
    """As people see it: turned as its EXIF says, on white where transparent, three colours of 8 bits."""
    image = ImageOps.exif_transpose(image)
    if image.mode.startswith("I;16") or image.mode == "I":
        # 16-bit grey: Pillow's own conversion clips at 255 instead of scaling.
        image = Image.fromarray((np.asarray(image, dtype=np.float64) / 257).clip(0, 255).astype(np.uint8))
    if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image.convert("RGBA"))
    return image.convert("RGB")


def reason(content: bytes, error: Exception) -> str:
    """Why a file cannot be used, in plain words."""
    if isinstance(error, OSError) and error.errno is not None:
        return error.strerror or str(error)
    if not content:
        return "the file is empty"
    if isinstance(error, Image.UnidentifiedImageError):
        return f"not a {', '.join(FORMATS)} image"
    if isinstance(error, Image.DecompressionBombError | Image.DecompressionBombWarning):
        return "far too many pixels"
    return str(error) or type(error).__name__
