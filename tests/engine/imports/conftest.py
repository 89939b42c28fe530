"""Sources to import: images in memory, zips of them, and a call that imports in this process."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from engine.imports.build import Request, build
from engine.imports.limits import LIMITS, Limits
from engine.tasks import TaskContext


@pytest.fixture(scope="session")
def png() -> Callable[..., bytes]:
    """The bytes of a small image, different for every seed."""

    def make(seed: int = 0, side: int = 12, form: str = "PNG") -> bytes:
        pixels = np.random.default_rng(seed).integers(0, 256, size=(side, side, 3), dtype=np.uint8)
        out = io.BytesIO()
        Image.fromarray(pixels).save(out, form)
        return out.getvalue()

    return make


@pytest.fixture
def pets(png) -> dict[str, bytes]:
    """Two classes of ten images."""
    return {f"{name}/{n}.png": png(100 * place + n) for place, name in enumerate(("cat", "dog")) for n in range(10)}


@pytest.fixture
def zipped(tmp_path: Path) -> Callable[..., Path]:
    """A zip of files: `zipped({"cat/1.png": b"..."})`; names may be ZipInfo too."""

    def make(files: dict, name: str = "pets.zip", method: int = zipfile.ZIP_DEFLATED) -> Path:
        path = tmp_path / name
        with zipfile.ZipFile(path, "w", method) as archive:
            for entry, content in files.items():
                archive.writestr(entry, content)
        return path

    return make


@pytest.fixture
def unpacked(tmp_path: Path) -> Callable[..., Path]:
    """A folder of files."""

    def make(files: dict[str, bytes], name: str = "pets") -> Path:
        for entry, content in files.items():
            path = tmp_path / name / entry
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        return tmp_path / name

    return make


@pytest.fixture
def do(home) -> Callable[..., dict]:
    """Import in this process: `do(path, name="x", limits=...)` gives the report."""

    def act(path: Path, name: str = "", limits: Limits = LIMITS, say: Callable | None = None, **options) -> dict:
        return build(Request(Path(path), name, **options), home, TaskContext({}, home, say=say), limits)

    return act


@pytest.fixture
def nothing_left(home) -> Callable[[], bool]:
    """Whether the home holds no dataset and nothing half-written."""
    return lambda: not any(path for path in home.rglob("*") if path.is_file() and "sqlite" not in path.name)
