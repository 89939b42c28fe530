"""Splits that keep groups together: all images of a patient, a scene, or of one file's copies lie in one part."""

from __future__ import annotations

import hashlib
from collections import Counter

import numpy as np


def hold_out_groups(
    labels: np.ndarray, keys: np.ndarray, groups: np.ndarray, share: float, seed: int, purpose: str
) -> np.ndarray:
    """A random part made of whole groups: bool (n,), true for about `share` of each class, never all of a class.

    Groups come in a random order that depends on their images' content only; each is taken while that brings the classes
    nearer to their share. Where every image is its own group, this is `_splits.hold_out`. A class whose images are all in
    one group has none here.

    Args:
        labels: int64 (n,).
        keys: content hashes, str (n,).
        groups: (n,), whatever can be compared; equal ones belong together.
        share: 0..1.
        seed, purpose: of the draw.
    """
    from engine.datasets._splits import n_held_out

    order = [hashlib.blake2b(f"{seed}/{purpose}/{key}".encode(), digest_size=8).digest() for key in keys.tolist()]
    members: dict[object, list[int]] = {}
    for place, group in enumerate(groups.tolist()):
        members.setdefault(group, []).append(place)
    counts = {group: Counter(labels[places].tolist()) for group, places in members.items()}
    total = Counter(labels.tolist())
    wanted = {label: n_held_out(n, share) if n > 1 else 0 for label, n in total.items()}
    held: Counter[int] = Counter()
    chosen: set[object] = set()

    def spares(group: object) -> bool:
        return all(held[label] + n < total[label] for label, n in counts[group].items())

    def over(group: object) -> int:
        """How far taking a group moves the classes from their shares; below 0 is nearer."""
        return sum(
            abs(wanted[label] - held[label] - n) - abs(wanted[label] - held[label])
            for label, n in counts[group].items()
        )

    def take(group: object) -> None:
        chosen.add(group)
        held.update(counts[group])

    ranked = sorted(members, key=lambda group: min(order[place] for place in members[group]))
    for group in ranked:
        if over(group) < 0 and spares(group):
            take(group)
    for label in sorted(total):
        if held[label] == 0:  # its groups are all too large for its share: one of them is taken all the same
            fits = [group for group in ranked if group not in chosen and counts[group][label] and spares(group)]
            if fits:
                take(min(fits, key=over))
    return np.asarray([group in chosen for group in groups.tolist()], dtype=bool)


def joined(groups: list[str | None], contents: list[str]) -> np.ndarray:
    """Groups in which images of the same content are together too: int64 (n,).

    Args:
        groups: of each image, None for an image that has none.
        contents: content hash of each image.
    """
    parent: dict[tuple[str, str], tuple[str, str]] = {}

    def root(node: tuple[str, str]) -> tuple[str, str]:
        while parent.setdefault(node, node) != node:
            parent[node] = parent[parent[node]]
            node = parent[node]
        return node

    for group, content in zip(groups, contents, strict=True):
        first = root(("content", content))
        if group is not None:
            parent[root(("group", group))] = first
    numbers: dict[tuple[str, str], int] = {}
    return np.asarray([numbers.setdefault(root(("content", content)), len(numbers)) for content in contents], np.int64)
