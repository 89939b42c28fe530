"""What the classes of a backbone's source head are called, where that is known, and which of them a task's classes are."""

from __future__ import annotations

import re
from collections.abc import Sequence

CLASSES = {
    "CIFAR-10 ": (
        "airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck",
    ),
}  # fmt: skip
"""Beginning of a card's source data -> the names of its classes, in the order of the source head's rows (the alphabet's, as in
the folders that the shipped weights were learned from)."""
SAME = {"car": "automobile", "plane": "airplane", "aeroplane": "airplane"}
"""Other words for a class; STL-10 says "car"."""


def source_classes(source_data: str) -> tuple[str, ...]:
    """Names of the source head's classes, by what a card says of its source data; empty where they are not known here."""
    return next((names for begin, names in CLASSES.items() if source_data.startswith(begin)), ())


def rows_of(source: Sequence[str], target: Sequence[str]) -> list[int] | None:
    """The source head's row of every target class, by name; None where one is missing or two are the same.

    Names are compared without case, spaces and signs; `SAME` holds other words for a class.
    """
    places = {_plain(name): place for place, name in enumerate(source)}
    found = [places.get(_plain(name), -1) for name in target]
    return found if -1 not in found and len(set(found)) == len(found) else None


def missing(source: Sequence[str], target: Sequence[str]) -> list[str]:
    """The target's classes that the source does not name."""
    known = {_plain(name) for name in source}
    return [name for name in target if _plain(name) not in known]


def _plain(name: str) -> str:
    word = re.sub(r"[^a-z0-9]", "", name.lower())
    return SAME.get(word, word)
