"""One file's look-through: it decodes as training will decode it, or there is a reason."""

from __future__ import annotations

import threading
from dataclasses import dataclass

from PIL import Image

from engine.datasets._decode import LARGE_PIXELS, content_hash, opened, upright_rgb

SUFFIX = {"JPEG": ".jpg", "PNG": ".png", "WEBP": ".webp", "BMP": ".bmp"}
ODD = {
    "animated": "are animated, of which the first frame is used",
    "turned": "are turned as their EXIF says",
    "cmyk": "are CMYK and are converted to RGB",
    "deep": "have 16 bits per channel and are scaled to 8",
    "transparent": "are transparent and are laid on white",
    "tiny": "have fewer than 8 pixels on a side",
}
TINY = 8
ORIENTATION = 0x0112
_few_large = threading.BoundedSemaphore(2)
"""An image of 40 million pixels takes half a gigabyte on its way."""


@dataclass(frozen=True)
class Checked:
    """What is known of a file that decodes."""

    suffix: str
    width: int
    height: int
    hash: str
    odd: tuple[str, ...]
    """Keys of `ODD`."""


def check(content: bytes) -> Checked:
    """Decode a file whole, as training does. Threads may call it inside one `bombs_refused`. Raises BrokenImage."""
    with opened(content) as image:
        odd = _odd(image)
        if image.width * image.height > LARGE_PIXELS:
            with _few_large:
                upright = upright_rgb(image)
        else:
            upright = upright_rgb(image)
        tiny = ("tiny",) if min(upright.size) < TINY else ()
        return Checked(SUFFIX[image.format], *upright.size, content_hash(content), odd + tiny)


def _odd(image: Image.Image) -> tuple[str, ...]:
    found = {
        "animated": getattr(image, "n_frames", 1) > 1,
        "turned": image.getexif().get(ORIENTATION, 1) not in (0, 1),
        "cmyk": image.mode == "CMYK",
        "deep": image.mode.startswith("I"),
        "transparent": image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info,
    }
    return tuple(name for name, there in found.items() if there)
