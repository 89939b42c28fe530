"""Counter-based randomness: every random choice is a function of (seed, purpose, epoch, ...), never of a generator's past.

Resuming, caching and reordering therefore need no generator state: the same coordinates give the same draw.
"""

from __future__ import annotations

import hashlib

import numpy as np


def derive(seed: int, *coordinates: str | int) -> int:
    """A 63-bit seed for one purpose, for example `derive(run_seed, "augment", epoch)`."""
    text = "/".join(str(part) for part in (seed, *coordinates))
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big") >> 1


def generator(seed: int, *coordinates: str | int) -> np.random.Generator:
    """A NumPy generator for one purpose (Philox, which is itself counter-based)."""
    return np.random.Generator(np.random.Philox(derive(seed, *coordinates)))
