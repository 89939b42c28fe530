"""Are there images that look the same: stored anew, scaled, a little brighter?"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from engine.doctor._base import CHECKS, Check, Finding
from engine.doctor._copies import findings, group_of_equal
from engine.doctor._hashes import near_pairs
from engine.doctor._look import Evidence

MIN_CORRELATION = 0.98
"""Of the 16 x 16 colour thumbnails of two images that are taken for one."""
MAX_DIFFERENCE = 12.0
"""Mean difference of the thumbnails' colours (of 255), after each image's own mean is taken off."""
MIN_SPREAD = 2.0
"""Images with less contrast look alike whatever they show, and are left to the check of pixels."""


def look(evidence: Evidence) -> Iterator[Finding]:
    """Pairs whose hashes differ by at most 6 of 64 bits and whose thumbnails agree; exact copies are told elsewhere."""
    groups = group_of_equal(evidence.column("pixels"))
    once = np.unique(groups, return_index=True)[1] if len(groups) else np.empty(0, dtype=int)
    once = once[evidence.column("spread")[once] >= MIN_SPREAD] if len(once) else once
    rows, joined = alike(evidence, once)
    chosen = np.zeros(len(groups), dtype=bool)
    chosen[rows] = True
    # All else is a group of its own.
    numbers = np.arange(len(groups))
    numbers[rows] = len(groups) + joined
    numbers = group_of_equal(numbers)
    yield from findings(evidence, numbers, "near_duplicates", "near copies", certain=False)


def alike(evidence: Evidence, once: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(places, group of each place) of images that have near copies among `once`."""
    if not len(once):
        return once, once
    hashes = np.asarray([evidence.seen[place].perceptual for place in once], dtype=np.uint64)
    thumbs = np.stack([evidence.seen[place].thumb for place in once]).reshape(len(once), -1)
    pairs = near_pairs(hashes)
    pairs = pairs[_same_thumbnails(thumbs, pairs)]
    links = coo_array((np.ones(len(pairs)), (pairs[:, 0], pairs[:, 1])), shape=(len(once),) * 2)
    component = connected_components(links, directed=False)[1]
    linked = np.unique(pairs)
    return once[linked], component[linked]


def _same_thumbnails(thumbs: np.ndarray, pairs: np.ndarray) -> np.ndarray:
    same = np.zeros(len(pairs), dtype=bool)
    for start in range(0, len(pairs), 8192):
        some = pairs[start : start + 8192]
        one, two = (thumbs[some[:, side]].astype(np.float32) for side in (0, 1))
        one, two = one - one.mean(1, keepdims=True), two - two.mean(1, keepdims=True)
        norm = np.sqrt((one**2).sum(1) * (two**2).sum(1)) + 1e-6
        agrees = ((one * two).sum(1) / norm >= MIN_CORRELATION) & (np.abs(one - two).mean(1) <= MAX_DIFFERENCE)
        same[start : start + 8192] = agrees
    return same


CHECKS.register(Check("near_duplicates", "Images that look the same", look))
