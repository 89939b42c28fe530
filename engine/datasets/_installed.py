"""Downloaded datasets in the home: `datasets/NAME/` with the files as torchvision lays them out, an index and a manifest.

The manifest is written last, into a folder under another name that is renamed when complete: what has a manifest is whole.
"""

from __future__ import annotations

import dataclasses
import hashlib
import io
import json
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from engine.datasets import _arrays, _trees
from engine.datasets._base import TEST, TRAIN, DatasetInfo
from engine.datasets._decode import content_hash
from engine.datasets._known import Known, known
from engine.datasets._source import Source
from engine.datasets._splits import hold_out, rank
from engine.datasets._tables import Table
from engine.errors import DatasetError

VERSION = 1
"""Raised when files are read or split differently, so that what was measured before is not mixed with it."""
MANIFEST, INDEX, FILES = "dataset.json", "index.npz", "files"
PIECE = 16 << 20
HASHED_UP_TO = 2_000_000_000
"""Bytes of arrays that are compared with their hash when they are opened; larger ones would take minutes each time."""

READERS: dict[str, Callable[[Path, Known], Table]] = {
    "cifar": _arrays.cifar,
    "idx": _arrays.idx,
    "emnist": _arrays.emnist,
    "svhn": _arrays.svhn,
    "stl10": _arrays.stl10,
    "usps": _arrays.usps,
    "pcam": _arrays.pcam,
    "eurosat": _trees.eurosat,
    "country211": _trees.country211,
    "imagenette": _trees.imagenette,
    "caltech101": _trees.caltech101,
    "caltech256": _trees.caltech256,
    "omniglot": _trees.omniglot,
    "gtsrb": _trees.gtsrb,
    "flowers102": _trees.flowers102,
    "pets": _trees.pets,
    "food101": _trees.food101,
    "aircraft": _trees.aircraft,
    "dtd": _trees.dtd,
    "sun397": _trees.sun397,
}

Tell = Callable[[float], None]


def folder(home: Path, name: str) -> Path:
    """Where a downloaded dataset is, or would be."""
    return home / "datasets" / name


def manifest(home: Path | None, name: str) -> dict[str, Any] | None:
    """What was recorded of a downloaded dataset; None where it is not on this machine."""
    if home is None:
        return None
    try:
        found = json.loads((folder(home, name) / MANIFEST).read_text("utf-8"))
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) and found.get("version") == VERSION else None


def signature(name: str, home: Path | None) -> str:
    """Changes when the dataset is downloaded, or downloaded anew."""
    found = manifest(home, name)
    return hashlib.blake2b(json.dumps(found, sort_keys=True).encode(), digest_size=8).hexdigest() if found else ""


def describe(name: str, home: Path | None) -> DatasetInfo:
    """The card of a dataset: what its page says, and what its files say once they are here."""
    facts, found = known()[name], manifest(home, name)
    info = DatasetInfo(
        name=name,
        label=facts.label,
        summary=facts.summary,
        source=facts.citation,
        licence=facts.licence,
        class_names=facts.class_names,
        n_pool=facts.train + facts.validation,
        n_test=facts.test,
        size=facts.size,
        download_bytes=facts.bytes,
        augmentation=facts.augmentation,
        notes=(f"Parts: {facts.split}.", *facts.notes),
        group=facts.group,
        page=facts.page,
    )
    if found is None:
        return info
    names, pool, test = (tuple(found[key]) for key in ("class_names", "class_pool", "class_test"))
    counts = {
        "n_pool": sum(pool),
        "n_test": sum(test),
        "smallest_class": min(pool),
        "class_pool": pool,
        "class_test": test,
    }
    return dataclasses.replace(info, class_names=names, download_bytes=0, **counts)


def complete(place: Path, facts: Known, fetched: list[dict[str, Any]], tell: Tell) -> None:
    """Index the files of a dataset that was unpacked into `place`/files, and write its manifest.

    Raises:
        DatasetError: the files are not what the dataset's reader expects.
    """
    root = place / FILES
    try:
        table = READERS[facts.format](root, facts)
    except (OSError, KeyError, ValueError, IndexError) as error:
        raise DatasetError(
            f"The files of {facts.label} are not as its reader expects: {error}. Nothing was kept; try again, and if it"
            f" happens again, please report it with the name {facts.name}."
        ) from error
    _check(table, facts)
    if table.files:
        table = _index(place, root, table, facts, tell)
        hashed = {INDEX: _hash(place / INDEX)}
    else:
        files, hashed = sorted(file for file in root.rglob("*") if file.is_file()), {}
        for done, file in enumerate(files):
            share = done / len(files)
            hashed[f"{FILES}/{file.relative_to(root).as_posix()}"] = _hash(file, lambda share=share: tell(share))
    in_pool = table.parts != TEST
    record = {
        "version": VERSION,
        "name": facts.name,
        "class_names": list(table.class_names),
        "class_pool": np.bincount(table.labels[in_pool], minlength=len(table.class_names)).tolist(),
        "class_test": np.bincount(table.labels[~in_pool], minlength=len(table.class_names)).tolist(),
        "fetched": fetched,
        "hashes": hashed,
    }
    with (place / MANIFEST).open("w", encoding="utf-8") as file:
        json.dump(record, file, indent=1)
        file.flush()
        os.fsync(file.fileno())


def _check(table: Table, facts: Known) -> None:
    n = len(table.class_names)
    for part in (TRAIN,) if facts.rule else (TRAIN, TEST):
        present = set(table.labels[table.parts == part].tolist())
        if present != set(range(n)):
            raise DatasetError(
                f"{facts.label} should have images of {n} classes in its {part} part, and the files hold {len(present)}:"
                " the archive is not complete. Nothing was kept; download it again."
            )


def _index(place: Path, root: Path, table: Table, facts: Known, tell: Tell) -> Table:
    """Hash every image, draw a test part where none is pinned, and write both down."""
    hashes = []
    for done, file in enumerate(table.files):
        if done % 64 == 0:
            tell(done / len(table.files))
        try:
            hashes.append(content_hash((root / file).read_bytes()))
        except OSError as error:
            raise DatasetError(f"{facts.label} lists the image {file}, which the archive does not hold.") from error
    parts = drawn(table, np.asarray(hashes), facts)
    columns = {"files": np.asarray(table.files), "labels": table.labels, "parts": parts, "hashes": np.asarray(hashes)}
    np.savez(place / INDEX, **columns, **({} if table.groups is None else {"groups": table.groups}))
    return dataclasses.replace(table, parts=parts)


def drawn(table: Table, hashes: np.ndarray, facts: Known) -> np.ndarray:
    """The parts, with a test part drawn by content where none is pinned; copies of an image go to one part together."""
    if not facts.rule:
        return table.parts
    parts, purpose = table.parts.copy(), f"{facts.name} test part"
    ((how, amount),) = facts.rule.items()
    if how == "test_share":
        parts[hold_out(table.labels, hashes, amount, 0, purpose)] = TEST
        return parts
    places = rank(hashes, 0, purpose)
    for label in range(len(table.class_names)):
        members = np.flatnonzero(table.labels == label)
        members = members[np.argsort(places[members], kind="stable")]
        if how == "test_per_class":
            parts[members[: min(int(amount), len(members) // 2)]] = TEST
        else:
            parts[members[min(int(amount), len(members) - 1) :]] = TEST
    return parts


def open_source(name: str, home: Path | None) -> Source:
    """A downloaded dataset by number. Raises DatasetError where it is not on this machine, or is damaged."""
    found = manifest(home, name)
    if home is None or found is None:
        raise DatasetError(
            f"{known()[name].label} is not on this machine yet. Download it with `python -m engine fetch {name}`, or start a"
            " run with it: the worker downloads it first."
        )
    place, info = folder(home, name), describe(name, home)
    if INDEX in found["hashes"]:
        return _from_files(place, info, found)
    with _checking:  # the same answer for every thread: a file is hashed once
        for file, expected in found["hashes"].items():
            _prove(place, file, expected)
    table = READERS[known()[name].format](place / FILES, known()[name])
    names = range(len(table.labels))
    return Source(info, table.labels, table.parts, [f"image {n}" for n in names], table.pixels.__getitem__)


def _from_files(place: Path, info: DatasetInfo, found: dict[str, Any]) -> Source:
    _prove(place, INDEX, found["hashes"][INDEX])
    with np.load(place / INDEX, allow_pickle=False) as index:
        files, labels, parts, hashes = (index[key] for key in ("files", "labels", "parts", "hashes"))
        groups = index.get("groups")

    def read(index: int) -> bytes | np.ndarray:
        content = (place / FILES / str(files[index])).read_bytes()
        if content_hash(content) != hashes[index]:
            raise OSError("the file has changed since it was downloaded")
        return _ppm(content) if content[:2] == b"P6" else content

    return Source(info, labels, parts, files.tolist(), read, groups=groups)


def _ppm(content: bytes) -> np.ndarray:
    """Traffic signs are published as PPM, which no upload may be."""
    from PIL import Image

    with Image.open(io.BytesIO(content), formats=["PPM"]) as image:
        return np.asarray(image.convert("RGB"))


_checking = threading.Lock()
_proved: set[tuple[str, int, int, str]] = set()


def _prove(place: Path, below: str, expected: str) -> None:
    """Compare a file with its recorded hash, once for as long as its size and time stay."""
    file = place / below
    try:
        facts = file.stat()
        key = (str(file), facts.st_size, facts.st_mtime_ns, expected)
        if key in _proved or facts.st_size > HASHED_UP_TO:
            return
        good = _hash(file) == expected
    except OSError:
        good = False
    if not good:
        raise DatasetError(
            f"{below} of {place.name} is damaged or missing: it is not the file that was downloaded. Remove the folder"
            f" {place} and download it again (python -m engine fetch {place.name})."
        )
    _proved.add(key)


def _hash(file: Path, look: Callable[[], None] = lambda: None) -> str:
    digest = hashlib.blake2b(digest_size=16)
    with file.open("rb") as content:
        while piece := content.read(PIECE):
            look()
            digest.update(piece)
    return digest.hexdigest()
