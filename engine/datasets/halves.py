"""Two halves of the classes of any dataset, as tasks of their own: `half:A:KEY:NAME` and `half:B:KEY:NAME`.

The split of Yosinski, Clune, Bengio, Lipson, "How transferable are features in deep neural networks?", NIPS 2014, section
2: the classes are divided into two disjoint groups, and a network is trained on each. KEY is a whole number, the seed of a
random split (half A has the odd class more), or the places of half A's classes joined by `+`, for example `0+2+5`, which
is how a grouping by meaning (natural against man-made, their section 4.3) is written. `split_key` makes one from names.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from engine import seeding
from engine.datasets._base import DATASETS, TEST, Dataset, DatasetInfo, Images, describe, find, signature
from engine.datasets._source import Source, counted
from engine.errors import DatasetError

PREFIX = "half:"
_NAME = re.compile(r"half:([AB]):(\d+(?:\+\d+)*):(.+)", re.DOTALL)


def half_name(half: str, key: str, base: str) -> str:
    """The name of half `A` or `B` of a dataset under a split."""
    return f"{PREFIX}{half}:{key}:{base}"


def split_key(group: int | str, info: DatasetInfo) -> str:
    """The key of a split: a seed as it is, or class names of half A, separated by commas.

    Raises:
        DatasetError: a name is no class of the dataset, or a half would have fewer than two classes.
    """
    if isinstance(group, int):
        if info.n_classes < 4:
            raise DatasetError(
                f"{info.name} has {info.n_classes} classes; splitting them into two tasks takes four or more."
            )
        return str(group)
    named = [name.strip() for name in group.split(",") if name.strip()]
    unknown = [name for name in named if name not in info.class_names]
    if unknown:
        raise DatasetError(
            f"{info.name} has no class {', '.join(map(repr, unknown[:5]))}. Its classes are:"
            f" {', '.join(info.class_names[:40])}{' ...' if info.n_classes > 40 else ''}."
        )
    places = sorted({info.class_names.index(name) for name in named})
    _large_enough(info, places)
    return "+".join(map(str, places))


def classes_of(half: str, key: str, info: DatasetInfo) -> list[int]:
    """Places of a half's classes in the whole dataset, ascending. Raises DatasetError where the key does not fit."""
    if "+" in key:
        first = sorted({int(place) for place in key.split("+")})
        if first[-1] >= info.n_classes:
            raise DatasetError(
                f"{info.name} has {info.n_classes} classes (0 to {info.n_classes - 1}), not {first[-1]}."
            )
    else:
        order = seeding.generator(int(key), "class halves").permutation(info.n_classes)
        first = sorted(order[: (info.n_classes + 1) // 2].tolist())
    _large_enough(info, first)
    return first if half == "A" else [place for place in range(info.n_classes) if place not in set(first)]


def _large_enough(info: DatasetInfo, first: Sequence[int]) -> None:
    if not 2 <= len(first) <= info.n_classes - 2:
        raise DatasetError(
            f"A split of the {info.n_classes} classes of {info.name} into {len(first)} and {info.n_classes - len(first)}"
            " was asked for; each half needs two classes or more."
        )


def parts_of(name: str) -> tuple[str, str, str]:
    """(half, key of the split, whole dataset) of any dataset's name; ("", "", name) for one that is no half."""
    found = _NAME.fullmatch(name)
    return (found[1], found[2], found[3]) if found else ("", "", name)


def source_label(info: DatasetInfo) -> str:
    """Label of the dataset that a half is taken from; of any other dataset its own."""
    return info.label.rpartition(", half ")[0] if info.name.startswith(PREFIX) else info.label


def _parse(name: str) -> tuple[str, str, str]:
    found = _NAME.fullmatch(name)
    if found is None:
        raise DatasetError(
            f"{name!r} is no half of a dataset. Write half:A:SEED:DATASET, for example half:A:0:digits, or the places of"
            " half A's classes instead of the seed, half:A:0+2+5:digits."
        )
    return found[1], found[2], found[3]


def _info(name: str, whole: DatasetInfo) -> tuple[DatasetInfo, list[int]]:
    half, key, _ = _parse(name)
    chosen = classes_of(half, key, whole)
    split = f"split {key}" if "+" not in key else "a chosen split"
    names = tuple(whole.class_names[place] for place in chosen)
    shown = ", ".join(names[:6]) + (" ..." if len(names) > 6 else "")
    half_info = dataclasses.replace(
        whole,
        name=name,
        label=f"{whole.label}, half {half} of {split}",
        summary=f"{len(names)} of the {whole.n_classes} classes of {whole.label}: {shown}.",
        class_names=names,
        n_pool=whole.n_pool * len(names) // whole.n_classes,
        n_test=whole.n_test * len(names) // whole.n_classes,
        notes=(*whole.notes, *(() if whole.class_pool else ("Numbers of images are estimates until it was decoded.",))),
    )
    if not whole.class_pool:
        return half_info, chosen
    pool, test = (np.asarray(counts)[chosen] for counts in (whole.class_pool, whole.class_test))
    return counted(half_info, pool, test), chosen


def _describe(name: str, home: Path | None) -> DatasetInfo:
    return _info(name, describe(_parse(name)[2], home))[0]


COPIED_TO = 64_000_000
"""Bytes of a whole dataset's pixels up to which a half is copied out; both halves of a larger one share them."""


def take(name: str, whole: Images) -> Images:
    """The images of one half; those of a large dataset stay where they are, in its mapped file or memory.

    Raises:
        DatasetError: the name does not fit the dataset.
    """
    info, chosen = _info(name, whole.info)
    rows, labels = _rows(whole.labels, chosen, whole.info.n_classes)
    parts, pixels = whole.parts[rows], whole.pixels
    shared = whole.mapped or pixels.nbytes > COPIED_TO
    if not shared:
        pixels = pixels[rows]
        pixels.setflags(write=False)
    pool, test = (np.bincount(labels[there], minlength=len(chosen)) for there in (parts != TEST, parts == TEST))
    return dataclasses.replace(
        whole,
        info=counted(info, pool, test),
        pixels=pixels,
        labels=labels,
        parts=parts,
        keys=whole.keys[rows],
        groups=None if whole.groups is None else whole.groups[rows],
        rows=rows if shared else None,
    )


def _rows(labels: np.ndarray, chosen: list[int], n_classes: int) -> tuple[np.ndarray, np.ndarray]:
    """Rows of the chosen classes, and their labels counted anew."""
    place_of = np.full(n_classes, -1, dtype=np.int64)
    place_of[chosen] = np.arange(len(chosen))
    rows = np.flatnonzero(place_of[labels] >= 0)
    return rows, place_of[labels[rows]]


def _open(name: str, home: Path | None) -> Source:
    base = _parse(name)[2]
    whole = find(base).open(base, home)
    info, chosen = _info(name, whole.info)
    rows, labels = _rows(whole.labels, chosen, whole.info.n_classes)
    names = [whole.names[row] for row in rows.tolist()]
    return Source(info, labels, whole.parts[rows], names, lambda index: whole.read(int(rows[index])))


DATASETS.register(
    Dataset(
        name="half",
        label="Half of the classes of a dataset",
        summary="Two disjoint halves of the classes, each a task: for the study of which layers transfer.",
        accepts=lambda name: name.startswith(PREFIX),
        describe=_describe,
        open=_open,
        within=lambda name: _parse(name)[2],
        take=take,
        signature=lambda name, home: signature(_parse(name)[2], home),
        listed=False,
    )
)
