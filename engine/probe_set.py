"""The fixed images on which networks are compared with themselves: stratified, seeded, of the training part, named by a hash."""

from __future__ import annotations

import hashlib

import numpy as np

from engine.datasets import Images
from engine.scores import _folds
from engine.seeding import derive


def choose(images: Images, among: np.ndarray, limit: int, seed: int) -> np.ndarray:
    """At most `limit` of some images (indices, int64), each class in proportion; all of them where there are no more."""
    _, classes = np.unique(images.labels[among], return_inverse=True)
    return among[_folds.subset(classes, limit, derive(seed, "probe set"))]


def name(images: Images, rows: np.ndarray) -> str:
    """A hash of the images' contents, in order: two measurements on the same set share it."""
    return hashlib.blake2b("/".join(str(key) for key in images.keys[rows]).encode(), digest_size=8).hexdigest()
