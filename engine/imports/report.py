"""What an import says of itself, in words and numbers."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import Any

from engine.datasets._base import VALIDATION
from engine.imports.copying import Kept
from engine.imports.images import ODD
from engine.imports.layout import NAMED, Rows


def split_words(found: Rows, pinned: bool, grouped: bool, seed: int) -> str:
    """How the images were divided into parts, in a sentence or two."""
    together = " Groups, and copies of one file, stay together." if grouped else ""
    if pinned:
        return "As the source pins it." + ("" if any(row.part == VALIDATION for row in found.rows) else
                                           " Validation images are drawn from train by each run.") + together  # fmt: skip
    return (
        f"A fifth of each class was held out for testing, drawn by content with seed {seed}; validation images are drawn from"
        f" the rest by each run.{together}"
    )


def duplicates(columns: dict[str, list[Any]], classes: tuple[str, ...]) -> dict[str, Any]:
    """Files with the same bytes: how many copies, and where copies differ in class or part."""
    places = defaultdict(list)
    for place, content in enumerate(columns["hash"]):
        places[content].append(place)
    sets = [same for same in places.values() if len(same) > 1]

    def differ(column: str) -> list[list[int]]:
        return [same for same in sets if len({columns[column][place] for place in same}) > 1]

    def names(found: list[list[int]]) -> list[list[str]]:
        return [[columns["name"][place] for place in same[:NAMED]] for same in found[:NAMED]]

    return {
        "n_copies": sum(len(same) - 1 for same in sets),
        "examples": names(sets),
        "n_across_classes": len(differ("label")),
        "across_classes": names(differ("label")),
        "n_across_parts": len(differ("part")),
        "across_parts": names(differ("part")),
    }


def odd_words(kept: list[Kept]) -> list[str]:
    """What is unusual about images that were kept all the same, with how many."""
    counts = Counter(name for one in kept for name in one.checked.odd)
    return [f"Images that {words}: {counts[name]:,}." for name, words in ODD.items() if counts[name]]
