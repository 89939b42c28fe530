"""What a reader of a dataset's files gives: labels, parts, names, and where each image is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from engine.datasets._base import TEST, TRAIN, VALIDATION


class Pixels(Protocol):
    """Images as arrays by number: uint8 (height, width, 3), or (height, width) for grey."""

    def __getitem__(self, index: int, /) -> np.ndarray: ...


@dataclass(frozen=True)
class Table:
    """The images of an unpacked dataset; either `files` or `pixels` says how to get at one."""

    labels: np.ndarray
    """int64, (n_images,)"""
    parts: np.ndarray
    """str, (n_images,)"""
    class_names: tuple[str, ...]
    files: tuple[str, ...] = ()
    """Paths below the dataset's folder."""
    pixels: Pixels | None = None
    groups: np.ndarray | None = None
    """int64, (n_images,): images that belong together, as in `Images.groups`; None: no groups."""


def of_files(rows: Sequence[tuple[str, int, str]], class_names: Sequence[str]) -> Table:
    """A table from (file below the folder, label, part)."""
    rows = sorted(rows)
    return Table(
        labels=np.asarray([label for _, label, _ in rows], dtype=np.int64),
        parts=np.asarray([part for _, _, part in rows], dtype="<U10"),
        class_names=tuple(class_names),
        files=tuple(file for file, _, _ in rows),
    )


def of_arrays(parts: Sequence[tuple[str, Pixels, np.ndarray]], class_names: Sequence[str]) -> Table:
    """A table from (part, images, labels), part by part."""
    return Table(
        labels=np.concatenate([labels for _, _, labels in parts]).astype(np.int64),
        parts=np.concatenate([np.full(len(labels), part, dtype="<U10") for part, _, labels in parts]),
        class_names=tuple(class_names),
        pixels=Joined([(images, len(labels)) for _, images, labels in parts]),
    )


class Joined:
    """Several stacks of images as one, without copying them."""

    def __init__(self, stacks: Sequence[tuple[Pixels, int]]) -> None:
        self.stacks = [images for images, _ in stacks]
        self.ends = np.cumsum([n for _, n in stacks])

    def __getitem__(self, index: int) -> np.ndarray:
        stack = int(np.searchsorted(self.ends, index, side="right"))
        return np.asarray(self.stacks[stack][index - (int(self.ends[stack - 1]) if stack else 0)])


def below(root: Path, file: Path) -> str:
    """A file's path below a folder, written with slashes."""
    return file.relative_to(root).as_posix()


__all__ = ["TEST", "TRAIN", "VALIDATION", "Joined", "Pixels", "Table", "below", "of_arrays", "of_files"]
