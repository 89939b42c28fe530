"""Near duplicates: a 64-bit hash of how an image looks, and all pairs within a few bits without comparing all with all."""

from __future__ import annotations

import itertools
from functools import cache

import numpy as np

SIDE = 32
"""Images are made this large, grey, before they are hashed."""
NEAR_BITS = 6
"""Hashes that differ in at most so many of 64 bits are of images that may be the same."""
MAX_PAIRS = 500_000


@cache
def _cosines() -> np.ndarray:
    """The eight lowest frequencies of the discrete cosine transform, float32 (8, 32)."""
    frequency, place = np.arange(8)[:, None], np.arange(SIDE)[None]
    return np.cos(np.pi * frequency * (2 * place + 1) / (2 * SIDE)).astype(np.float32)


def perceptual_hash(grey: np.ndarray) -> int:
    """64 bits that hardly change when an image is stored anew, scaled or made brighter.

    The signs of the 8 x 8 lowest frequencies against their median (Zauner 2010, "Implementation and Benchmarking of
    Perceptual Image Hash Functions", the DCT hash), the constant part counted as 0.

    Args:
        grey: float32 (32, 32), 0..255.
    """
    low = _cosines() @ grey @ _cosines().T
    low[0, 0] = 0.0
    bits = (low > np.median(low)).ravel()
    return int.from_bytes(np.packbits(bits).tobytes(), "big")


def near_pairs(hashes: np.ndarray, most: int = NEAR_BITS) -> np.ndarray:
    """All pairs of hashes that differ in at most `most` bits.

    Hashes are cut into `most` + 1 bands: two that differ in `most` bits agree in one band at least, so only those that
    share a band's value are compared. Pairs are found exactly; 50,000 random hashes take about a second.

    Args:
        hashes: uint64 (n,), best without repeats.
        most: bits, 0..63.

    Returns:
        int64 (n_pairs, 2), the first smaller than the second, sorted; at most `MAX_PAIRS`.
    """
    n_bands = most + 1
    edges = np.linspace(0, 64, n_bands + 1).astype(int)
    found = [np.empty((0, 2), dtype=np.int64)]
    total = 0
    for begin, end in itertools.pairwise(edges):
        values = (hashes >> np.uint64(begin)) & np.uint64((1 << int(end - begin)) - 1)
        order = np.argsort(values, kind="stable")
        values, ordered = values[order], hashes[order]
        # Neighbours in this order at distance 1, 2, ... as long as they share the band: one vector step for each distance.
        left, step = np.arange(len(values)), 1
        while len(left) and total < MAX_PAIRS:
            left = left[left + step < len(values)]
            left = left[values[left] == values[left + step]]
            near = np.bitwise_count(ordered[left] ^ ordered[left + step]) <= most
            if near.any():
                pairs = np.column_stack([order[left[near]], order[left[near] + step]])
                found.append(np.sort(pairs, axis=1))
                total += len(pairs)
            step += 1
    return np.unique(np.concatenate(found), axis=0)[:MAX_PAIRS]
