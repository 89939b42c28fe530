"""How much memory and disk decoded images and features may take: stated bounds, which the user can set."""

from __future__ import annotations

import os
import re
import tomllib
from pathlib import Path

import psutil

from engine.errors import SpecError

MEMORY_VARIABLE, DISK_VARIABLE = "TRANSFERSCOPE_IMAGE_MEMORY", "TRANSFERSCOPE_CACHE_DISK"
FEATURES_VARIABLE = "TRANSFERSCOPE_FEATURE_MEMORY"
CONFIG = "config.toml"
"""In the home directory; its table `[limits]` may hold `image_memory` and `cache_disk`, as text like "4 GB"."""
MEMORY_SHARE = 0.5
"""Of the memory that is free now: what decoded images may take where nothing else is set."""
CACHE_DISK = 20_000_000_000
HIGH_WATER = 0.85
"""Share of a disk that may be in use after a cache was written to it."""
_UNITS = {"": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12}


def image_memory(home: Path | None = None) -> int:
    """Bytes of memory that decoded images may take in this process: as set, else half of what is free now.

    Raises:
        SpecError: the setting is not a size such as "4 GB".
    """
    chosen = _chosen(MEMORY_VARIABLE, "image_memory", home)
    return int(psutil.virtual_memory().available * MEMORY_SHARE) if chosen is None else chosen


def feature_memory() -> int:
    """Bytes of memory that the features of one pass may take: as set, else half of what is free now. Raises SpecError."""
    chosen = _chosen(FEATURES_VARIABLE, "feature_memory", None)
    return int(psutil.virtual_memory().available * MEMORY_SHARE) if chosen is None else chosen


def cache_disk(home: Path | None = None) -> int:
    """Bytes of disk that all decoded images of a home may take: as set, else 20 GB. Raises SpecError."""
    chosen = _chosen(DISK_VARIABLE, "cache_disk", home)
    return CACHE_DISK if chosen is None else chosen


def parse_size(text: str, where: str) -> int:
    """Bytes from text like `4 GB`, `500MB` or `0`. Raises SpecError naming where the text stands."""
    found = re.fullmatch(r"\s*(\d{1,9}(?:\.\d{1,6})?)\s*([KMGT]?B)?\s*", str(text), re.IGNORECASE)
    if not found:
        raise SpecError(f"{where} is {text!r}; give a size such as '4 GB' or '500 MB'.")
    return int(float(found[1]) * _UNITS[(found[2] or "").upper().removeprefix("B")])


def size_words(n_bytes: float) -> str:
    """`1.2 GB` or `46 MB`."""
    return f"{n_bytes / 1e9:.1f} GB" if n_bytes >= 1e9 else f"{n_bytes / 1e6:.0f} MB"


def _chosen(variable: str, key: str, home: Path | None) -> int | None:
    if text := os.environ.get(variable):
        return parse_size(text, f"The environment variable {variable}")
    file = home / CONFIG if home else None
    if file is None or not file.is_file():
        return None
    try:
        limits = tomllib.loads(file.read_text(encoding="utf-8")).get("limits", {})
    except (OSError, ValueError) as error:
        raise SpecError(f"{file} cannot be read as TOML: {error}.") from error
    return parse_size(limits[key], f"{key} in {file}") if isinstance(limits, dict) and key in limits else None
