"""What the Hugging Face hub's cache on this machine holds: read from its folders, without its client and without torch."""

from __future__ import annotations

import os
from pathlib import Path

FILENAME = "model.safetensors"


def cache_dir() -> Path:
    """The cache that all programs of this user share, as the hub's client finds it."""
    if given := os.environ.get("HF_HUB_CACHE") or os.environ.get("HUGGINGFACE_HUB_CACHE"):
        return Path(given).expanduser()
    if home := os.environ.get("HF_HOME"):
        return Path(home).expanduser() / "hub"
    base = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(base).expanduser() / "huggingface" / "hub"


def cached(repository: str, cache: Path | None = None, filename: str = FILENAME) -> Path | None:
    """A file of a repository in the cache, the weights where nothing is said, or None."""
    folder = (cache or cache_dir()) / f"models--{repository.replace('/', '--')}"
    main = folder / "refs" / "main"
    if not repository or not main.is_file():
        return None
    file = folder / "snapshots" / main.read_text(encoding="utf-8").strip() / filename
    return file if file.is_file() else None


def repositories(cache: Path | None = None) -> set[str]:
    """Repositories whose weights are in the cache."""
    cache = cache or cache_dir()
    names = (folder.name.removeprefix("models--").replace("--", "/") for folder in cache.glob("models--*--*"))
    return {name for name in names if cached(name, cache)}


def in_words(n_bytes: float) -> str:
    """Bytes as they are read: "300 kB", "46 MB", "1.2 GB"."""
    for unit, scale in (("GB", 1e9), ("MB", 1e6)):
        if n_bytes >= scale:
            return f"{n_bytes / scale:.1f} {unit}" if n_bytes < 10 * scale else f"{n_bytes / scale:,.0f} {unit}"
    return f"{max(1, round(n_bytes / 1e3))} kB"
