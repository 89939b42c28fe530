"""The contract of datasets: a source that can be described cheaply and decoded once."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from engine.errors import UnknownNameError
from engine.registry import Registry

if TYPE_CHECKING:
    from engine.datasets._source import Source

TRAIN, VALIDATION, TEST = "train", "validation", "test"


@dataclass(frozen=True)
class DatasetInfo:
    """What the plan and the screen know of a dataset before its images are decoded."""

    name: str
    label: str
    summary: str
    source: str
    licence: str
    class_names: tuple[str, ...]
    n_pool: int
    """Images that may be used for training and validation."""
    n_test: int
    size: str
    """Native image size in words, for example `8x8 grey`."""
    download_bytes: int = 0
    """0 where everything is on this machine already."""
    augmentation: str = "crop"
    """What `augmentation = "dataset"` means here: one of the spec's others; without a flip where that mirrors signs."""
    notes: tuple[str, ...] = ()
    smallest_class: int = 0
    """Images outside the test part in the class that has fewest; 0 where that is not known before decoding."""
    class_pool: tuple[int, ...] = ()
    """Images outside the test part per class; empty where that is not known before decoding."""
    class_test: tuple[int, ...] = ()
    """Images of the test part per class; empty where that is not known before decoding."""
    group: str = ""
    """What it shows, for lists of many datasets."""
    page: str = ""
    """Address of the page that publishes it."""

    @property
    def n_classes(self) -> int:
        return len(self.class_names)


@dataclass(frozen=True)
class Images:
    """Decoded images at one size, with labels and the part each image belongs to."""

    info: DatasetInfo
    pixels: np.ndarray
    """uint8, (n_rows, height, width, 3); read-only. Row i is image i, unless `rows` says otherwise."""
    labels: np.ndarray
    """int64, (n_images,), 0..n_classes-1."""
    parts: np.ndarray
    """str, (n_images,): train, validation or test as the source pinned them; train where it pinned only the test part."""
    keys: np.ndarray
    """str, (n_images,): content hashes, by which subsets are drawn, so that file order and names do not matter."""
    skipped: tuple[str, ...] = field(default_factory=tuple)
    """Files that were left out, each with its reason."""
    groups: np.ndarray | None = None
    """int64, (n_images,): images of one group are never parted between train, validation and test; None: no groups."""
    rows: np.ndarray | None = None
    """int64, (n_images,): the row of `pixels` that holds each image, where a part of a large dataset shares its pixels."""
    mapped: bool = False
    """Whether the pixels are a file that is read page by page, so that they take no memory of their own."""

    @property
    def fingerprint(self) -> str:
        """Hash of what was decoded: the same images, labels and parts give the same one."""
        digest = hashlib.blake2b(digest_size=8)
        for key, label, part in sorted(zip(self.keys.tolist(), self.labels.tolist(), self.parts.tolist(), strict=True)):
            digest.update(f"{key}/{label}/{part};".encode())
        return digest.hexdigest()


@dataclass(frozen=True)
class Dataset:
    """A source of images: one name, or all names with a prefix such as `folder:`."""

    name: str
    accepts: Callable[[str], bool]
    describe: Callable[[str, Path | None], DatasetInfo]
    """Cheap; raises DatasetError where the source cannot be used."""
    open: Callable[[str, Path | None], Source]
    """(name, home) -> its images by number, not decoded; raises DatasetError."""
    label: str = ""
    summary: str = ""
    listed: bool = True
    """Whether the name alone can be picked from a list."""
    within: Callable[[str], str] | None = None
    """name -> the dataset whose images it selects from: that one is decoded, once, and `take` selects."""
    take: Callable[[str, Images], Images] | None = None
    """(name, all images of the other dataset) -> its own; raises DatasetError."""
    signature: Callable[[str, Path | None], str] = lambda name, home: ""
    """(name, home) -> text that changes when the source's files do; found without decoding them."""
    names: Callable[[Path | None], dict[str, str]] | None = None
    """(home) -> the names that a home has of it, with their labels, for lists; None: its own name, where `listed`."""
    peek: Callable[[str, int], Source] | None = None
    """(name, class) -> the images of one class, made only as they are read; where `open` makes them all."""
    fetch: Callable[[str, Path | None, Callable[[str, float], None]], None] | None = None
    """(name, home, tell) sees that its files are on this machine; None where they always are. `tell` is told (phase, share
    done), and may raise to stop. Raises DownloadError or DatasetError, and leaves nothing half-written."""


DATASETS: Registry[Dataset] = Registry("dataset", __name__.rpartition(".")[0])


def find(name: str) -> Dataset:
    """The dataset that accepts a name. Raises UnknownNameError, which lists the near matches."""
    for dataset in DATASETS:
        if dataset.accepts(name):
            return dataset
    listed = [dataset.name for dataset in DATASETS if dataset.listed]
    raise UnknownNameError(
        "dataset", name, listed, "Your own images: 'folder:PATH' of a folder with one folder per class."
    )


def names(home: Path | None = None) -> dict[str, str]:
    """Names that can be picked from a list, with their labels: those of every source, and those of this home."""
    found = {}
    for dataset in DATASETS:
        if dataset.names is not None:
            found |= dataset.names(home)
        elif dataset.listed:
            found[dataset.name] = dataset.label
    return found


def describe(name: str, home: Path | None = None) -> DatasetInfo:
    """What is known of a dataset without decoding it.

    Raises:
        UnknownNameError: nothing has this name.
        DatasetError: it cannot be used; every class or file at fault is named.
    """
    return find(name).describe(name, home)


def signature(name: str, home: Path | None = None) -> str:
    """Text that changes when a dataset's files do: decoded images may be kept while it stays. Raises as `describe`."""
    return find(name).signature(name, home)


def unique_keys(hashes: Iterable[str]) -> np.ndarray:
    """Content hashes as keys, str (n,): repeats of an image are told apart by their count."""
    seen: Counter[str] = Counter()
    keys = []
    for content in hashes:
        seen[content] += 1
        keys.append(f"{content}-{seen[content]}")
    return np.asarray(keys)
