"""Your own images: `folder:PATH`, laid out as `class/*.jpg` or `train|val|test/class/*.jpg`."""

from __future__ import annotations

import hashlib
import os
import unicodedata
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from engine.datasets._base import DATASETS, TEST, TRAIN, VALIDATION, Dataset, DatasetInfo
from engine.datasets._decode import SUFFIXES
from engine.datasets._source import Source, refuse_broken
from engine.datasets._splits import hold_out, n_held_out
from engine.errors import DatasetError

PREFIX = "folder:"
PARTS = {"train": TRAIN, "val": VALIDATION, "valid": VALIDATION, "validation": VALIDATION, "test": TEST}
TEST_SHARE = 0.2
MAX_LISTED = 2_000_000
"""Files and folders that are looked at below one class folder."""
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


def scan(root: Path) -> Listing:
    """List a folder's images by part and class.

    Raises:
        DatasetError: no such folder, no images, fewer than two classes, or a class with too few images (each is named).
    """
    if not root.is_dir():
        raise DatasetError(f"There is no folder {root}. {LAYOUT}")
    try:
        found = _find(root)
    except OSError as error:
        raise DatasetError(f"{error.filename or root} cannot be read: {error.strerror or error}.") from error
    class_names = tuple(sorted({name for _, name, _ in found}))
    if not found:
        raise DatasetError(f"{root} holds no images ({', '.join(SUFFIXES)}) in class folders. {LAYOUT}")
    if len(class_names) < 2:
        raise DatasetError(f"{root} has one class only, {class_names[0]!r}; two or more are needed. {LAYOUT}")
    _refuse_twins(root, class_names)
    number = {name: label for label, name in enumerate(class_names)}
    labels = np.asarray([number[name] for _, name, _ in found], dtype=np.int64)
    parts = np.asarray([part for part, _, _ in found], dtype="<U10")
    few = too_few(labels, parts, class_names)
    if few:
        raise DatasetError(
            f"Too few images to train, validate and test on in {len(few)} of {len(class_names)} classes of {root}:"
            f" {', '.join(few[:10])}{' ...' if len(few) > 10 else ''}. Each class needs at least {needed(parts)}"
            f"{' outside the test folder' if TEST in parts else ''}. Add images, or remove the class folder."
        )
    return Listing([file for _, _, file in found], labels, parts, class_names)


def _refuse_twins(root: Path, class_names: tuple[str, ...]) -> None:
    """Raise DatasetError where two classes differ in case, or in how the same letters are written, only."""
    seen: dict[str, str] = {}
    for name in class_names:
        other = seen.setdefault(unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold()), name)
        if other != name:
            raise DatasetError(
                f"The classes {other!r} and {name!r} of {root} differ in upper and lower case only. If they are one class, put"
                " their images together; if not, give one another name."
            )


def _find(root: Path) -> list[tuple[str, str, Path]]:
    """(part, class, file) of every image."""
    top = _folders(root)
    names = {folder.name for folder in top}
    by_part = names == {"train"} or ("train" in names and len(names & PARTS.keys()) > 1)
    found = []
    for part_folder in top if by_part else [root]:
        inside = [
            (PARTS.get(part_folder.name, TRAIN) if by_part else TRAIN, class_folder.name, file)
            for class_folder in _folders(part_folder)
            for file in _images_below(class_folder)
        ]
        if by_part and inside and part_folder.name not in PARTS:
            raise DatasetError(
                f"{root} has the folder train beside {part_folder.name!r}, which holds images too: is {part_folder.name!r}"
                f" a class or a part? Parts are named {', '.join(PARTS)}; move anything else away. {LAYOUT}"
            )
        found += inside
    return found


def _folders(folder: Path) -> list[Path]:
    return sorted(
        entry
        for entry in folder.iterdir()
        if not entry.name.startswith(".") and not entry.is_symlink() and entry.is_dir()
    )


def _images_below(folder: Path) -> list[Path]:
    # Symbolic links are not followed: a dataset folder from elsewhere must not reach other files of this machine.
    # Hidden files are not images: macOS leaves `._1.jpg` beside every `1.jpg`.
    files = []
    looked_at = 0
    for directory, below, names in os.walk(folder, onerror=_raise, followlinks=False):
        looked_at += len(below) + len(names)
        if looked_at > MAX_LISTED:
            raise DatasetError(f"{folder} holds more than {MAX_LISTED:,} files and folders. Give a part of them.")
        below[:] = [name for name in below if not name.startswith(".")]
        for name in names:
            if not name.startswith(".") and name.lower().endswith(SUFFIXES) and not Path(directory, name).is_symlink():
                files.append(Path(directory, name))
    return sorted(files)


def _raise(error: OSError) -> None:
    raise error


def needed(parts: np.ndarray) -> int:
    """Images a class needs outside the test part: one to train on, one to validate, one to test if that is not pinned."""
    return 2 if TEST in parts else 3


def too_few(labels: np.ndarray, parts: np.ndarray, class_names: tuple[str, ...]) -> list[str]:
    """Classes with too few images to train, validate and test on, each with its count."""
    few = []
    for label, name in enumerate(class_names):
        usable = int(((labels == label) & (parts != TEST)).sum())
        to_train = int(((labels == label) & (parts == TRAIN)).sum())
        if usable < needed(parts):
            few.append(f"{name!r} ({usable})")
        elif to_train < needed(parts) - 1:
            few.append(f"{name!r} ({to_train} in train)")
    return few


def _path(name: str) -> Path:
    given = Path(name.removeprefix(PREFIX))
    try:
        return given.expanduser()
    except RuntimeError as error:  # ~somebody whom this machine does not know
        raise DatasetError(f"There is no folder {given}: {error} {LAYOUT}") from error


def _info(name: str, labels: np.ndarray, parts: np.ndarray, class_names: tuple[str, ...]) -> DatasetInfo:
    root = _path(name)
    pool, test = (np.bincount(labels[there], minlength=len(class_names)) for there in (parts != TEST, parts == TEST))
    if not test.any():
        to_train = np.bincount(labels[parts == TRAIN], minlength=len(class_names))
        test = np.asarray([n_held_out(int(n), TEST_SHARE) for n in to_train])
        pool = pool - test
    n_test = int(test.sum())
    return DatasetInfo(
        name=name,
        label=root.name or str(root),
        summary=f"{len(labels):,} images in {len(class_names)} classes, from a folder on this machine.",
        source="your own folder",
        licence="yours",
        class_names=class_names,
        n_pool=len(labels) - n_test,
        n_test=n_test,
        size="sizes as in the files",
        augmentation="crop_flip",
        smallest_class=int(pool.min()),
        class_pool=tuple(pool.tolist()),
        class_test=tuple(test.tolist()),
    )


def describe(name: str, home: Path | None) -> DatasetInfo:
    """Count the images of a folder. Raises DatasetError."""
    listing = scan(_path(name))
    return _info(name, listing.labels, listing.parts, listing.class_names)


def signature(name: str, home: Path | None) -> str:
    """Hash of every file's name, size and time of change. Raises DatasetError."""
    digest = hashlib.blake2b(digest_size=8)
    for file in scan(_path(name)).files:
        facts = file.stat()
        digest.update(os.fsencode(f"{file}/{facts.st_size}/{facts.st_mtime_ns};"))
    return digest.hexdigest()


def open_source(name: str, home: Path | None) -> Source:
    """The images of a folder by number. Raises DatasetError as `scan`; while decoding, where 5 % or more are broken."""
    listing = scan(_path(name))

    def settle(
        labels: np.ndarray, parts: np.ndarray, keys: np.ndarray, skipped: tuple[str, ...]
    ) -> tuple[DatasetInfo, np.ndarray]:
        refuse_broken(str(_path(name)), len(listing.files), skipped, too_few(labels, parts, listing.class_names))
        return _info(name, labels, parts, listing.class_names), _with_test(labels, parts, keys)

    return Source(
        info=_info(name, listing.labels, listing.parts, listing.class_names),
        labels=listing.labels,
        parts=listing.parts,
        names=[str(file.relative_to(_path(name))) for file in listing.files],
        read=lambda index: listing.files[index].read_bytes(),
        settle=settle,
    )


def _with_test(labels: np.ndarray, parts: np.ndarray, keys: np.ndarray) -> np.ndarray:
    """The parts with a test part held out of train where the folder pins none."""
    if TEST in parts:
        return parts
    train = np.flatnonzero(parts == TRAIN)
    parts = parts.copy()
    parts[train[hold_out(labels[train], keys[train], TEST_SHARE, 0, "folder test part")]] = TEST
    return parts


DATASETS.register(
    Dataset(
        name="folder",
        label="Your own folder",
        summary="A folder on this machine with one folder of images per class.",
        accepts=lambda name: name.startswith(PREFIX) and len(name) > len(PREFIX),
        describe=describe,
        open=open_source,
        signature=signature,
        listed=False,
    )
)
