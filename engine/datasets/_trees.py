"""Readers of datasets that are published as folders of image files, with or without lists."""

from __future__ import annotations

import csv
import dataclasses
import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from engine.datasets._known import Known
from engine.datasets._tables import TEST, TRAIN, VALIDATION, Table, below, of_files
from engine.errors import DatasetError

VALIDATION_SIGNS = 0.2
"""Share of each class's traffic signs whose pictures validate."""


def _folders(folder: Path) -> list[Path]:
    return sorted(entry for entry in folder.iterdir() if entry.is_dir() and not entry.name.startswith("."))


def _images(folder: Path, *suffixes: str) -> Iterator[Path]:
    for file in folder.rglob("*"):
        if file.suffix.lower() in suffixes and not file.name.startswith(".") and file.is_file():
            yield file


def _classes(root: Path, parts: dict[str, Path], suffix: str, names: Sequence[str] | None = None) -> Table:
    """A folder per class below a folder per part; classes in the order of their folders' names."""
    folders = sorted({one.name for place in parts.values() for one in _folders(place)})
    rows = [
        (below(root, file), label, part)
        for part, place in parts.items()
        for label, name in enumerate(folders)
        for file in _images(place / name, suffix)
    ]
    return of_files(rows, names or folders)


def eurosat(root: Path, known: Known) -> Table:
    """EuroSAT: a folder per class, no parts."""
    return _classes(root, {TRAIN: root / "eurosat" / "2750"}, ".jpg")


def country211(root: Path, known: Known) -> Table:
    """Country-211: parts, then a folder per country code."""
    folder = root / "country211"
    return _classes(root, {TRAIN: folder / "train", VALIDATION: folder / "valid", TEST: folder / "test"}, ".jpg")


def imagenette(root: Path, known: Known) -> Table:
    """Imagenette: train and val, then a folder per WordNet id, in the order of the ids."""
    folder = root / "imagenette2-320"
    return _classes(root, {TRAIN: folder / "train", TEST: folder / "val"}, ".jpeg", known.class_names)


def caltech101(root: Path, known: Known) -> Table:
    """Caltech-101: a folder per class; the background is no class."""
    folder = root / "caltech101" / "101_ObjectCategories"
    names = [one.name for one in _folders(folder) if one.name != "BACKGROUND_Google"]
    rows = [
        (below(root, file), label, TRAIN) for label, name in enumerate(names) for file in _images(folder / name, ".jpg")
    ]
    return of_files(rows, names)


def caltech256(root: Path, known: Known) -> Table:
    """Caltech-256: a folder per class, named 001.ak47 and so on."""
    table = _classes(root, {TRAIN: root / "caltech256" / "256_ObjectCategories"}, ".jpg")
    return Table(table.labels, table.parts, tuple(name.partition(".")[2] for name in table.class_names), table.files)


def omniglot(root: Path, known: Known) -> Table:
    """Omniglot: alphabets, then characters; the two sets share none."""
    folder, rows = root / "omniglot-py", []
    characters = [
        character
        for part in ("images_background", "images_evaluation")
        for alphabet in _folders(folder / part)
        for character in _folders(alphabet)
    ]
    for label, character in enumerate(characters):
        rows += [(below(root, file), label, TRAIN) for file in _images(character, ".png")]
    return of_files(rows, [f"{one.parent.name} {one.name}" for one in characters])


def gtsrb(root: Path, known: Known) -> Table:
    """GTSRB: training pictures of one sign, filmed many times, begin with the same five digits and are one group."""
    from engine.datasets._splits import rank

    folder, rows = root / "gtsrb", []
    for label, place in enumerate(_folders(folder / "GTSRB" / "Training")):
        files = sorted(_images(place, ".ppm"))
        signs = sorted({file.name.partition("_")[0] for file in files})
        places = rank(np.asarray([f"{place.name}/{sign}" for sign in signs]), 0, "gtsrb validation signs")
        n_held = min(max(round(VALIDATION_SIGNS * len(signs)), 1), len(signs) - 1)
        held = {signs[at] for at in np.argsort(places)[:n_held]}
        for file in files:
            rows.append((below(root, file), label, VALIDATION if file.name.partition("_")[0] in held else TRAIN))
    with (folder / "GT-final_test.csv").open(encoding="utf-8", newline="") as table:
        for row in csv.DictReader(table, delimiter=";", skipinitialspace=True):
            rows.append((f"gtsrb/GTSRB/Final_Test/Images/{row['Filename']}", int(row["ClassId"]), TEST))
    found = of_files(rows, known.class_names)
    signs = [
        name.rpartition("_")[0] if part != TEST else name for name, part in zip(found.files, found.parts, strict=True)
    ]
    return dataclasses.replace(found, groups=np.unique(signs, return_inverse=True)[1].astype(np.int64))


def flowers102(root: Path, known: Known) -> Table:
    """Flowers: labels and parts in .mat files, both counted from 1."""
    from scipy.io import loadmat

    folder = root / "flowers-102"
    labels = loadmat(folder / "imagelabels.mat")["labels"].ravel().astype(np.int64) - 1
    ids, rows = loadmat(folder / "setid.mat"), []
    for part, key in ((TRAIN, "trnid"), (VALIDATION, "valid"), (TEST, "tstid")):
        rows += [(f"flowers-102/jpg/image_{n:05d}.jpg", int(labels[n - 1]), part) for n in ids[key].ravel().tolist()]
    return of_files(rows, known.class_names)


def pets(root: Path, known: Known) -> Table:
    """Oxford-IIIT Pet: lines of `image class species breed`; the class's name is the beginning of the image's."""
    folder, rows, names = root / "oxford-iiit-pet", [], {}
    for part, name in ((TRAIN, "trainval"), (TEST, "test")):
        for line in _lines(folder / "annotations" / f"{name}.txt"):
            image, label = line.split()[:2]
            names[int(label) - 1] = image.rpartition("_")[0].replace("_", " ").title()
            rows.append((f"oxford-iiit-pet/images/{image}.jpg", int(label) - 1, part))
    return of_files(rows, [names[label] for label in sorted(names)])


def food101(root: Path, known: Known) -> Table:
    """Food-101: meta/train.json and meta/test.json, class -> images."""
    folder, rows = root / "food-101", []
    lists = {part: json.loads((folder / "meta" / f"{part}.json").read_text("utf-8")) for part in (TRAIN, TEST)}
    names = sorted(lists[TRAIN])
    for part, found in lists.items():
        for name, images in found.items():
            rows += [(f"food-101/images/{image}.jpg", names.index(name), part) for image in images]
    return of_files(rows, names)


def aircraft(root: Path, known: Known) -> Table:
    """FGVC-Aircraft by variant: lines of `image variant`; variants hold spaces."""
    folder = root / "fgvc-aircraft-2013b" / "data"
    names, rows = _lines(folder / "variants.txt"), []
    for part, word in ((TRAIN, "train"), (VALIDATION, "val"), (TEST, "test")):
        for line in _lines(folder / f"images_variant_{word}.txt"):
            image, _, name = line.partition(" ")
            rows.append((f"fgvc-aircraft-2013b/data/images/{image}.jpg", names.index(name), part))
    return of_files(rows, names)


def dtd(root: Path, known: Known) -> Table:
    """DTD, partition 1: lines of `class/image`."""
    folder, found = root / "dtd" / "dtd", []
    for part, word in ((TRAIN, "train"), (VALIDATION, "val"), (TEST, "test")):
        found += [(line, part) for line in _lines(folder / "labels" / f"{word}1.txt")]
    names = sorted({line.partition("/")[0] for line, _ in found})
    rows = [(f"dtd/dtd/images/{line}", names.index(line.partition("/")[0]), part) for line, part in found]
    return of_files(rows, names)


def sun397(root: Path, known: Known) -> Table:
    """SUN397: ClassName.txt lists /a/abbey and so on; the folders are the classes."""
    folder = root / "SUN397"
    names = [line[3:] for line in _lines(folder / "ClassName.txt")]
    rows = [
        (below(root, file), label, TRAIN)
        for label, name in enumerate(names)
        for file in (folder / name[0] / name).glob("sun_*.jpg")
    ]
    return of_files(rows, names)


def _lines(file: Path) -> list[str]:
    try:
        return [line.strip() for line in file.read_text("utf-8").splitlines() if line.strip()]
    except OSError as error:
        raise DatasetError(f"{file.name} is missing in the dataset's files: {error.strerror or error}.") from error
