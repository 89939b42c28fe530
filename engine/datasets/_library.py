"""Imported datasets of a home: `datasets/imported/<id>/` with manifest.json, images.json and the images; names, trash.

The folder's name is a hash, because names are data and never paths. A name stays with its images for ever (also after a
rename, and in the trash): a run is identified by its dataset's name, and must not be taken for one on other images.
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import json
import os
import re
import shutil
import time
import unicodedata
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.durable import sync_folder
from engine.errors import DatasetError

PREFIX = "imported:"
MANIFEST, IMAGES, FILES = "manifest.json", "images.json", "images"
MAX_NAME = 80
_NOT_A_NAME = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")


@dataclass(frozen=True)
class Imported:
    """One imported dataset, as its manifest describes it."""

    folder: Path
    name: str
    former_names: tuple[str, ...]
    trashed: float | None
    """When it went to the trash (seconds, UTC)."""
    purged: bool
    """Whether its images were deleted for good; its names stay taken."""
    created: float
    source: str
    """File name of the zip, folder or table it came from."""
    class_names: tuple[str, ...]
    parts: dict[str, list[int]]
    """Images of each class, in order of the classes, by part: train, validation, test."""
    n_bytes: int
    images_sha: str
    fingerprint: str
    """Of contents, labels and parts: two imports of the same images share it."""
    grouped: bool
    report: dict[str, Any]
    """What the import found, see `engine.imports.build`."""

    @property
    def dataset(self) -> str:
        """The name by which runs take it."""
        return PREFIX + self.name

    @property
    def n_images(self) -> int:
        return sum(map(sum, self.parts.values()))


def root(home: Path) -> Path:
    """Where a home keeps imported datasets."""
    return home / "datasets" / "imported"


def checked_name(name: str) -> str:
    """A name as it is kept. Raises DatasetError where it is not one short line."""
    name = unicodedata.normalize("NFC", name).strip()
    if not name or len(name) > MAX_NAME or _NOT_A_NAME.search(name):
        raise DatasetError(
            f"{name[:MAX_NAME]!r} can be no name of a dataset: give one line of 1 to {MAX_NAME} characters."
        )
    return name


def key(name: str) -> str:
    """What names that differ in case or spelling only share."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


def place(home: Path, name: str) -> Path:
    """The folder of a dataset that is imported under a name."""
    return root(home) / hashlib.blake2b(key(name).encode(), digest_size=10).hexdigest()


def every(home: Path) -> list[Imported]:
    """All imported datasets, newest first, those in the trash too. Damaged ones are left out (`find` says why)."""
    found = []
    with contextlib.suppress(FileNotFoundError, NotADirectoryError):
        for entry in sorted(root(home).iterdir()):
            if not entry.name.startswith("."):
                with contextlib.suppress(DatasetError):
                    found.append(read(entry))
    return sorted(found, key=lambda one: -one.created)


def listed(home: Path) -> list[Imported]:
    """Those that can be used."""
    return [one for one in every(home) if one.trashed is None]


def in_trash(home: Path) -> list[Imported]:
    """Those that can be brought back."""
    return [one for one in every(home) if one.trashed is not None and not one.purged]


def find(home: Path, name: str) -> Imported:
    """The dataset of a name, or of one it had before. Raises DatasetError: none, in the trash, or damaged."""
    wanted = key(name.removeprefix(PREFIX))
    entry = place(home, name.removeprefix(PREFIX))
    candidates = [read(entry)] if entry.is_dir() else every(home)
    for one in candidates:
        if wanted in map(key, (one.name, *one.former_names)):
            if one.purged:
                raise DatasetError(
                    f"The dataset {one.name!r} was deleted for good. Import its images under another name."
                )
            if one.trashed is not None:
                raise DatasetError(f"The dataset {one.name!r} is in the trash: bring it back on the Data page.")
            return one
    known = ", ".join(repr(one.name) for one in listed(home)[:10]) or "none yet"
    raise DatasetError(f"There is no imported dataset {name.removeprefix(PREFIX)!r} (there are: {known}).")


def of(home: Path, name: str) -> Imported | None:
    """The imported dataset that a name of any dataset means, or None."""
    if not name.startswith(PREFIX):
        return None
    try:
        return find(home, name)
    except DatasetError:
        return None


def read(folder: Path) -> Imported:
    """The manifest in a folder. Raises DatasetError where it is missing or damaged."""
    try:
        values = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        fields = {field.name: values[field.name] for field in dataclasses.fields(Imported) if field.name != "folder"}
        fields |= {name: tuple(fields[name]) for name in ("former_names", "class_names")}
        return Imported(folder, **fields)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DatasetError(
            f"The imported dataset in {folder} is damaged ({type(error).__name__}). Remove that folder, and import it again."
        ) from error


def write(imported: Imported) -> None:
    """Write a manifest so that there is always a whole one: beside, synced, renamed. Raises OSError."""
    values = dataclasses.asdict(imported)
    del values["folder"]
    part = imported.folder / f".{MANIFEST}.{os.getpid()}.part"
    try:
        with open(part, "w", encoding="utf-8") as stream:
            json.dump(values, stream, indent=1)
            stream.flush()
            os.fsync(stream.fileno())
        part.replace(imported.folder / MANIFEST)
    finally:
        part.unlink(missing_ok=True)
    sync_folder(imported.folder)


def rows(imported: Imported) -> dict[str, list[Any]]:
    """images.json by columns: file, name (in the source), label, part, group and hash of every image.

    Raises:
        DatasetError: it is not what was written.
    """
    try:
        content = (imported.folder / IMAGES).read_bytes()
    except OSError as error:
        raise DatasetError(f"The dataset {imported.name!r} cannot be read: {error.strerror or error}.") from error
    if hashlib.sha256(content).hexdigest() != imported.images_sha:
        raise DatasetError(
            f"The dataset {imported.name!r} is damaged: {IMAGES} is not what was written. Import it again."
        )
    return json.loads(content)


# What people do with them ----------------------------------------------------------------------------------------------


def taken(home: Path, name: str) -> Imported | None:
    """Who has a name, or had it."""
    wanted = key(name)
    return next((one for one in every(home) if wanted in map(key, (one.name, *one.former_names))), None)


def rename(home: Path, name: str, to: str) -> Imported:
    """Give a dataset another name; the old one still finds it. Raises DatasetError where the new one is or was another's."""
    one, to = find(home, name), checked_name(to)
    other = taken(home, to)
    if other is not None and other.folder != one.folder:
        raise DatasetError(f"{to!r} is or was the name of another dataset. Choose another name.")
    former = tuple(before for before in dict.fromkeys([*one.former_names, one.name]) if before != to)
    return _changed(one, name=to, former_names=former)


def trash(home: Path, name: str) -> Imported:
    """Put a dataset into the trash: nothing is deleted, and `restore` undoes it. Raises DatasetError."""
    return _changed(find(home, name), trashed=time.time())


def restore(home: Path, name: str) -> Imported:
    """Bring a dataset back from the trash. Raises DatasetError where it is not there."""
    return _changed(_trashed(home, name), trashed=None)


def purge(home: Path, name: str) -> None:
    """Delete the images of a dataset in the trash for good; its names stay taken. Raises DatasetError."""
    one = _changed(_trashed(home, name), purged=True)
    shutil.rmtree(one.folder / FILES, ignore_errors=True)
    (one.folder / IMAGES).unlink(missing_ok=True)


def _trashed(home: Path, name: str) -> Imported:
    wanted = key(name.removeprefix(PREFIX))
    for one in in_trash(home):
        if wanted == key(one.name):
            return one
    raise DatasetError(f"There is no dataset {name.removeprefix(PREFIX)!r} in the trash.")


def _changed(one: Imported, **changes: Any) -> Imported:
    changed = dataclasses.replace(one, **changes)
    try:
        write(changed)
    except OSError as error:
        raise DatasetError(f"The dataset {one.name!r} cannot be changed: {error.strerror or error}.") from error
    return changed
