"""From the files of a source to labelled images: by folders (`class/*`, `train|val|test/class/*`) or by a table (CSV)."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from engine.datasets._base import TEST, TRAIN, VALIDATION
from engine.datasets._decode import SUFFIXES
from engine.errors import DatasetError
from engine.imports.limits import CONTROL, Item, folded, normal, shown

PARTS = {"train": TRAIN, "val": VALIDATION, "valid": VALIDATION, "validation": VALIDATION, "test": TEST}
LAYOUT = (
    "Lay them out as cat/1.jpg, dog/1.jpg (one folder per class), or as train/cat/1.jpg, val/..., test/..., or add a CSV with"
    " the columns file and label."
)
MAX_CLASS_NAME = 200
MAX_PATTERN = 200
NAMED = 20
"""Files that an error or a report names; the others are counted."""


@dataclass(frozen=True)
class Row:
    """An image with its label, before anybody has looked into it."""

    item: Item
    label: str
    part: str | None
    """train, validation or test where the source pins it."""
    group: str | None = None
    """Images with the same group must lie in one part."""


@dataclass
class Rows:
    """What a source holds."""

    rows: list[Row]
    bad: list[str] = field(default_factory=list)
    """What was left out, each with its reason."""
    notes: list[str] = field(default_factory=list)
    layout: str = ""
    """In words."""


def is_image(item: Item) -> bool:
    """Whether a file's name is that of an image, and not of a hidden one or of what macOS adds to a zip."""
    hidden = any(part.startswith(".") for part in item.parts) or "__MACOSX" in item.parts
    return not hidden and item.name.lower().endswith(SUFFIXES)


def by_folders(items: Iterable[Item], source: str) -> Rows:
    """Take classes, and parts where there are some, from the folders.

    Raises:
        DatasetError: no images, or folders that may be classes or parts; the text says which layouts there are.
    """
    images = [item for item in items if is_image(item)]
    if not images:
        raise DatasetError(f"{source} holds no images ({', '.join(SUFFIXES)}). {LAYOUT} Nothing was changed.")
    paths = {item.name: item.parts for item in images}
    _strip_wrappers(paths)
    tops = {parts[0] for parts in paths.values() if len(parts) > 1}
    pinned = {top for top in tops if top.casefold() in PARTS}
    by_part = "train" in {top.casefold() for top in pinned} and (len(pinned) > 1 or pinned == tops)
    if by_part and (odd := sorted(tops - pinned)):
        raise DatasetError(
            f"{source} has a train folder beside {shown(odd[0])}, which holds images too: is {shown(odd[0])} a class or a part?"
            f" Parts are named {', '.join(PARTS)}; move anything else away. Nothing was changed."
        )
    depth = 2 if by_part else 1
    found = Rows([], layout="train, val and test folders" if by_part else "one folder per class")
    for item in images:
        parts = paths[item.name]
        if len(parts) <= depth:
            found.bad.append(f"{item.name}: not in a class folder")
            continue
        found.rows.append(Row(item, parts[depth - 1], PARTS[parts[0].casefold()] if by_part else None))
    return found


def _strip_wrappers(paths: dict[str, list[str]]) -> None:
    """Drop folders around everything, such as the `pets/` of a pets.zip, while class folders remain below them."""
    while all(len(parts) > 2 for parts in paths.values()) and len({parts[0] for parts in paths.values()}) == 1:
        if next(iter(paths.values()))[0].casefold() in PARTS:
            return
        for name, parts in paths.items():
            paths[name] = parts[1:]


def with_groups(found: Rows, pattern: str | None) -> Rows:
    """Take each image's group from its file name, where a pattern is given. Raises DatasetError where none fits."""
    if not pattern:
        return found
    matcher = compiled(pattern)
    rows, without = [], 0
    for row in found.rows:
        fits = matcher.search(row.item.parts[-1])
        without += fits is None
        rows.append(replace(row, group=fits.group(1) if fits else None))
    if without == len(rows):
        first = shown(rows[0].item.parts[-1]) if rows else ""
        raise DatasetError(f"The group pattern {pattern!r} fits none of the file names, for example not {first}.")
    if without:
        found.notes.append(f"Images whose file name does not fit the group pattern, each its own group: {without:,}.")
    return replace(found, rows=rows)


def compiled(pattern: str) -> re.Pattern[str]:
    """A group pattern. Raises DatasetError where it is no regular expression with exactly one group."""
    try:
        matcher = re.compile(pattern)
    except (re.error, RecursionError, OverflowError) as error:
        raise DatasetError(f"The group pattern {pattern!r} is no regular expression: {error}.") from error
    if matcher.groups != 1 or len(pattern) > MAX_PATTERN:
        raise DatasetError(
            f"The group pattern {pattern[:MAX_PATTERN]!r} has {matcher.groups} groups, and exactly one is needed, for example"
            r" 'patient(\d+)_' for patient12_3.jpg."
        )
    return matcher


def checked_classes(found: Rows) -> tuple[Rows, tuple[str, ...]]:
    """Class names in one spelling, and those that can be no name refused.

    Raises:
        DatasetError: fewer than two classes, names that differ in upper and lower case only, or too long or odd ones.
    """
    rows = [replace(row, label=normal(row.label).strip()) for row in found.rows]
    names = sorted({row.label for row in rows})
    for name in names:
        if not name or len(name) > MAX_CLASS_NAME or CONTROL.search(name):
            raise DatasetError(
                f"{shown(name)} can be no class: a name is one line of 1 to {MAX_CLASS_NAME} characters. Nothing was changed."
            )
    same: dict[str, str] = {}
    for name in names:
        other = same.setdefault(folded(name), name)
        if other != name:
            raise DatasetError(
                f"The classes {shown(other)} and {shown(name)} differ in upper and lower case only. If they are one class, put"
                " their images together; if not, give one another name. Nothing was changed."
            )
    if len(names) < 2:
        one = f"one class only, {shown(names[0])}" if names else "no labelled images"
        why = (
            f" ({found.bad[0]}{f', and {len(found.bad) - 1} more' if len(found.bad) > 1 else ''})" if found.bad else ""
        )
        raise DatasetError(f"There is {one}{why}; two or more classes are needed. {LAYOUT} Nothing was changed.")
    return replace(found, rows=rows), tuple(names)


def too_few(rows: Iterable[tuple[str, str | None]], pinned_test: bool) -> list[str]:
    """Classes with too few images to train, validate and test on, each with its count.

    Args:
        rows: (class, part) of every image.
        pinned_test: whether the source has a test part of its own.
    """
    needed = 2 if pinned_test else 3
    usable: Counter[str] = Counter()
    to_train: Counter[str] = Counter()
    names = set()
    for label, part in rows:
        names.add(label)
        usable[label] += part != TEST
        to_train[label] += part in (None, TRAIN)
    few = []
    for name in sorted(names):
        if usable[name] < needed:
            few.append(f"{shown(name)} ({usable[name]})")
        elif to_train[name] < needed - 1:
            few.append(f"{shown(name)} ({to_train[name]} in train)")
    return few


def refuse_few(few: list[str], n_classes: int, pinned_test: bool, why: str = "") -> None:
    """Raise DatasetError where classes have too few images; up to ten are named with their counts."""
    if few:
        raise DatasetError(
            f"Too few images to train, validate and test on in {len(few)} of {n_classes} classes{why}: {', '.join(few[:10])}"
            f"{' ...' if len(few) > 10 else ''}. Each class needs at least {2 if pinned_test else 3}"
            f"{' outside the test part' if pinned_test else ''}. Add images, or leave the class out. Nothing was changed."
        )
