"""Your own images: `folder:PATH`, laid out as `class/*.jpg` or `train|val|test/class/*.jpg`."""

from __future__ import annotations

import os
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from engine.datasets._base import DATASETS, TEST, TRAIN, VALIDATION, Dataset, DatasetInfo, Images, unique_keys
from engine.datasets._decode import SUFFIXES, BrokenImage, read_image
from engine.datasets._splits import hold_out
from engine.errors import DatasetError

PREFIX = "folder:"
PARTS = {"train": TRAIN, "val": VALIDATION, "valid": VALIDATION, "validation": VALIDATION, "test": TEST}
MIN_PER_CLASS = 3
"""One image each to train on, to validate and to test."""
TEST_SHARE = 0.2
MAX_BROKEN_SHARE = 0.05
"""More broken files than this stop the import: the folder is probably not what its owner thinks it is."""
LAYOUT = (
    "Put images into one folder per class: PATH/cat/1.jpg, PATH/dog/1.jpg (or PATH/train/cat/1.jpg, PATH/test/...)."
)


@dataclass(frozen=True)
class Listing:
    """The files of a folder, without looking into them."""

    files: list[Path]
    labels: np.ndarray
    parts: np.ndarray
    class_names: tuple[str, ...]
    pinned: frozenset[str]


def scan(root: Path) -> Listing:
    """List a folder's images by part and class.

    Raises:
        DatasetError: no such folder, no images, fewer than two classes, or a class with too few images (each is named).
    """
    if not root.is_dir():
        raise DatasetError(f"There is no folder {root}. {LAYOUT}")
    top = sorted(entry for entry in root.iterdir() if entry.is_dir() and not entry.name.startswith("."))
    by_part = bool(top) and "train" in {entry.name for entry in top} and all(entry.name in PARTS for entry in top)
    found: list[tuple[str, str, Path]] = []
    for part_folder in top if by_part else [root]:
        part = PARTS[part_folder.name] if by_part else TRAIN
        for class_folder in sorted(entry for entry in part_folder.iterdir() if entry.is_dir()):
            if not class_folder.name.startswith("."):
                found += [(part, class_folder.name, file) for file in _images_below(class_folder)]
    class_names = tuple(sorted({name for _, name, _ in found}))
    _check_classes(root, found, class_names)
    number = {name: label for label, name in enumerate(class_names)}
    return Listing(
        files=[file for _, _, file in found],
        labels=np.asarray([number[name] for _, name, _ in found], dtype=np.int64),
        parts=np.asarray([part for part, _, _ in found], dtype="<U10"),
        class_names=class_names,
        pinned=frozenset(part for part, _, _ in found),
    )


def _images_below(folder: Path) -> list[Path]:
    # Symbolic links are not followed: a dataset folder from elsewhere must not reach other files of this machine.
    return sorted(
        Path(directory) / name
        for directory, _, names in os.walk(folder, followlinks=False)
        for name in names
        if name.lower().endswith(SUFFIXES) and not Path(directory, name).is_symlink()
    )


def _check_classes(root: Path, found: list[tuple[str, str, Path]], class_names: tuple[str, ...]) -> None:
    if not found:
        raise DatasetError(f"{root} holds no images ({', '.join(SUFFIXES)}) in class folders. {LAYOUT}")
    if len(class_names) < 2:
        raise DatasetError(f"{root} has one class only, {class_names[0]!r}; two or more are needed. {LAYOUT}")
    usable = Counter(name for part, name, _ in found if part != TEST)
    pinned_test = any(part == TEST for part, _, _ in found)
    need = MIN_PER_CLASS - 1 if pinned_test else MIN_PER_CLASS
    few = [f"{name!r} ({usable[name]})" for name in class_names if usable[name] < need]
    if few:
        raise DatasetError(
            f"Too few images to train, validate and test on in {len(few)} of {len(class_names)} classes of {root}:"
            f" {', '.join(few[:10])}{' ...' if len(few) > 10 else ''}. Each class needs at least {need}"
            f"{' outside the test folder' if pinned_test else ''}. Add images, or remove the class folder."
        )


def _path(name: str) -> Path:
    return Path(name.removeprefix(PREFIX)).expanduser()


def _info(name: str, listing: Listing, notes: tuple[str, ...] = ()) -> DatasetInfo:
    root = _path(name)
    n_test = int((listing.parts == TEST).sum())
    if not n_test:
        n_test = round(TEST_SHARE * len(listing.files))
    return DatasetInfo(
        name=name,
        label=root.name or str(root),
        summary=f"{len(listing.files):,} images in {len(listing.class_names)} classes, from a folder on this machine.",
        source="your own folder",
        licence="yours",
        class_names=listing.class_names,
        n_pool=len(listing.files) - n_test,
        n_test=n_test,
        size="as in the files",
        augmentation="crop_flip",
        notes=notes,
    )


def describe(name: str, home: Path | None) -> DatasetInfo:
    """Count the images of a folder. Raises DatasetError."""
    return _info(name, scan(_path(name)))


def decode(name: str, side: int, interpolation: str, home: Path | None) -> Images:
    """Read every image of a folder at side x side.

    Raises:
        DatasetError: as `scan`, or more than 5 % of the files are broken, or leaving them out leaves too few in a class.
    """
    listing = scan(_path(name))
    pixels = np.empty((len(listing.files), side, side, 3), dtype=np.uint8)
    hashes = [""] * len(listing.files)
    broken: dict[int, str] = {}

    def read(index: int) -> None:
        try:
            pixels[index], hashes[index] = read_image(listing.files[index], side, interpolation)
        except BrokenImage as error:
            broken[index] = f"{listing.files[index].relative_to(_path(name))}: {error}"

    with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        list(pool.map(read, range(len(listing.files)), chunksize=64))
    skipped = tuple(broken[index] for index in sorted(broken))
    good = np.asarray([index not in broken for index in range(len(listing.files))], dtype=bool)
    _check_broken(name, listing, good, skipped)
    pixels, labels, parts = pixels[good], listing.labels[good], listing.parts[good]
    pixels.setflags(write=False)
    keys = unique_keys(content for content, kept in zip(hashes, good.tolist(), strict=True) if kept)
    if TEST not in listing.pinned:
        parts = np.where(hold_out(labels, keys, TEST_SHARE, 0, "folder test part") & (parts == TRAIN), TEST, parts)
    return Images(_info(name, listing), pixels, labels, parts, keys, skipped)


def _check_broken(name: str, listing: Listing, good: np.ndarray, skipped: tuple[str, ...]) -> None:
    if not skipped:
        return
    named = "; ".join(skipped[:10]) + (f"; and {len(skipped) - 10} more" if len(skipped) > 10 else "")
    usable = Counter(listing.labels[good & (listing.parts != TEST)].tolist())
    few = [listing.class_names[label] for label in range(len(listing.class_names)) if usable[label] < MIN_PER_CLASS]
    if len(skipped) > MAX_BROKEN_SHARE * len(good) or few:
        raise DatasetError(
            f"{len(skipped)} of {len(good)} files of {_path(name)} cannot be read: {named}."
            f"{' Without them too few images are left in: ' + ', '.join(few) + '.' if few else ''}"
            " Repair or remove these files, then try again."
        )


DATASETS.register(
    Dataset(
        name="folder",
        label="Your own folder",
        summary="A folder on this machine with one folder of images per class.",
        accepts=lambda name: name.startswith(PREFIX) and len(name) > len(PREFIX),
        describe=describe,
        decode=decode,
        listed=False,
    )
)
