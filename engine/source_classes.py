"""What the classes of a backbone's source head are called, where that is known, and which of them a task's classes are."""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Sequence
from functools import cache
from pathlib import Path

CLASSES = {
    "CIFAR-10 ": (
        "airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck",
    ),
}  # fmt: skip
"""Beginning of a card's source data -> the names of its classes, in the order of the source head's rows (the alphabet's, as in
the folders that the shipped weights were learned from)."""
IMAGENET = "ImageNet-1k"
"""Weights that were last learned on it have a head of its thousand classes; timm ships their names."""
SAME = {"car": "automobile", "plane": "airplane", "aeroplane": "airplane"}
"""Other words for a class; STL-10 says "car"."""
LISTED = 12
"""Names that are still listed one by one."""


def source_classes(source_data: str) -> tuple[str, ...]:
    """Names of the source head's classes, by what a card says of its source data; empty where they are not known here.

    Several names of one class (`tench, Tinca tinca`) have commas between them.
    """
    if source_data.rpartition(", then ")[2] == IMAGENET:
        return _imagenet()
    return next((names for begin, names in CLASSES.items() if source_data.startswith(begin)), ())


@cache
def _imagenet() -> tuple[str, ...]:
    """The thousand classes in the order of timm's heads, from the text files that timm ships: timm itself is not imported."""
    found = importlib.util.find_spec("timm")
    folder = Path(found.origin).parent / "data" / "_info" if found and found.origin else Path()
    order, called = folder / "imagenet_synsets.txt", folder / "imagenet_synset_to_lemma.txt"
    if not (order.is_file() and called.is_file()):  # of another version of timm
        return ()
    names = dict(line.split("\t", 1) for line in called.read_text(encoding="utf-8").splitlines() if "\t" in line)
    return tuple(names.get(synset, synset) for synset in order.read_text(encoding="utf-8").split())


def rows_of(source: Sequence[str], target: Sequence[str]) -> list[int] | None:
    """The source head's row of every target class, by name; None where one is missing or two are the same.

    Names are compared without case, spaces and signs; `SAME` holds other words for a class. A name that two classes of the source
    share (ImageNet's cranes) says neither.
    """
    places = _places(source)
    found = [places.get(_plain(name), -1) for name in target]
    return found if -1 not in found and len(set(found)) == len(found) else None


def missing(source: Sequence[str], target: Sequence[str]) -> list[str]:
    """The target's classes that the source does not name, or names twice."""
    known = _places(source)
    return [name for name in target if known.get(_plain(name), -1) == -1]


def listed(source: Sequence[str], source_data: str) -> str:
    """The source's classes in a few words."""
    if len(source) <= LISTED:
        return ", ".join(source)
    return f"the {len(source):,} classes of {source_data.rpartition(', then ')[2]} ({', '.join(source[:3])}, ...)"


def _places(source: Sequence[str]) -> dict[str, int]:
    places: dict[str, int] = {}
    for place, names in enumerate(source):
        for name in {_plain(one) for one in names.split(",")}:
            places[name] = place if name not in places else -1
    return places


def _plain(name: str) -> str:
    word = re.sub(r"[^a-z0-9]", "", name.lower())
    return SAME.get(word, word)
