"""Which images of an import are tested on: by what the source pins, or by content, with groups kept together."""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from typing import Any

import numpy as np

from engine.datasets._base import TEST, TRAIN, unique_keys
from engine.datasets._groups import hold_out_groups, joined
from engine.errors import DatasetError
from engine.imports import layout
from engine.imports.copying import Kept
from engine.imports.limits import shown

TEST_SHARE, TEST_PURPOSE = 0.2, "folder test part"
"""As `folder:` holds out, so that a folder and its import have the same test images."""


def few(kept: list[Kept], classes: tuple[str, ...], pinned: bool) -> list[str]:
    """Classes with too few images left; where there are groups, with too few groups."""
    few = layout.too_few(((one.row.label, one.row.part) for one in kept), pinned)
    lost = sorted(set(classes) - {one.row.label for one in kept})
    return [f"{shown(name)} (0)" for name in lost] + few


def columns_of(
    kept: list[Kept], classes: tuple[str, ...], seed: int, pinned: bool
) -> tuple[dict[str, list[Any]], bool]:
    """images.json by columns, and whether groups matter."""
    number = {name: place for place, name in enumerate(classes)}
    hashes = [one.checked.hash for one in kept]
    labels = np.asarray([number[one.row.label] for one in kept], dtype=np.int64)
    parts = np.asarray([one.row.part or TRAIN for one in kept], dtype="<U10")
    asked = any(one.row.group is not None for one in kept)
    groups = joined([one.row.group for one in kept], hashes)
    grouped = asked or len(set(hashes)) < len(hashes)
    if asked:
        _refuse_torn([one.row.group for one in kept], parts)
    if not pinned:
        train = np.flatnonzero(parts == TRAIN)
        keys = unique_keys(hashes)
        held = hold_out_groups(labels[train], keys[train], groups[train], TEST_SHARE, seed, TEST_PURPOSE)
        parts[train[held]] = TEST
        _refuse_untested(labels, parts, groups, classes)
    return {
        "file": [one.file for one in kept],
        "name": [one.row.item.name for one in kept],
        "label": labels.tolist(),
        "part": parts.tolist(),
        "group": groups.tolist(),
        "hash": hashes,
        "width": [one.checked.width for one in kept],
        "height": [one.checked.height for one in kept],
    }, grouped


def _refuse_torn(groups: list[str | None], parts: np.ndarray) -> None:
    places = defaultdict(set)
    for group, part in zip(groups, parts.tolist(), strict=True):
        if group is not None:
            places[group].add(part)
    torn = sorted(group for group, there in places.items() if len(there) > 1)
    if torn:
        raise DatasetError(
            f"{len(torn)} groups lie in more than one part of the split that the source gives, for example {shown(torn[0])} in"
            f" {' and '.join(sorted(places[torn[0]]))}: images of one group would be trained on and tested on. Leave out the"
            " split, or the groups. Nothing was changed."
        )


def _refuse_untested(labels: np.ndarray, parts: np.ndarray, groups: np.ndarray, classes: tuple[str, ...]) -> None:
    tested, learned = set(labels[parts == TEST].tolist()), set(labels[parts == TRAIN].tolist())
    lost = [label for label in range(len(classes)) if label not in tested or label not in learned]
    if lost:
        n_groups = len(set(groups[labels == lost[0]].tolist()))
        raise DatasetError(
            f"{len(lost)} of {len(classes)} classes cannot be both trained on and tested on while groups (or copies of one file)"
            f" stay together, such as {shown(classes[lost[0]])} with {n_groups}. Each class"
            " needs images of at least two groups that can be parted. Add images, or give other groups. Nothing was changed."
        )


def fingerprint_of(columns: dict[str, list[Any]]) -> str:
    """Names the content, the classes and the parts, whatever the files are called."""
    rows = sorted(zip(columns["hash"], columns["label"], columns["part"], strict=True))
    return hashlib.sha256(json.dumps(rows).encode()).hexdigest()
