"""Splits: the test part is sealed, label budgets are nested, every draw is stratified and depends on content and seed."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np

from engine.datasets._base import TEST, TRAIN, VALIDATION, Images
from engine.errors import DatasetError

VALIDATION_SHARE = 0.2
MAX_VALIDATION = 5_000
"""Beyond this, more validation images would only take training images away (He et al. 2016 hold out 5,000 of 50,000)."""


@dataclass(frozen=True)
class Split:
    """Indices into the images of one dataset; the three do not overlap."""

    train: np.ndarray
    validation: np.ndarray
    test: np.ndarray


def validation_images(n_labelled: int) -> int:
    """How many of the labelled images are held out for validation, before rounding within classes."""
    return min(round(VALIDATION_SHARE * n_labelled), MAX_VALIDATION)


def rank(keys: np.ndarray, seed: int, purpose: str) -> np.ndarray:
    """A random order of images that depends on each image's content only: int64 (n,), the places of the images."""
    hashes = [hashlib.blake2b(f"{seed}/{purpose}/{key}".encode(), digest_size=8).digest() for key in keys.tolist()]
    order = sorted(range(len(hashes)), key=hashes.__getitem__)
    places = np.empty(len(hashes), dtype=np.int64)
    places[order] = np.arange(len(hashes))
    return places


def hold_out(labels: np.ndarray, keys: np.ndarray, share: float, seed: int, purpose: str) -> np.ndarray:
    """A stratified random part: bool (n,), true for about `share` of each class, at least one image and never all."""
    chosen = np.zeros(len(labels), dtype=bool)
    places = rank(keys, seed, purpose)
    for label in np.unique(labels):
        members = np.flatnonzero(labels == label)
        chosen[members[np.argsort(places[members])[: n_held_out(len(members), share)]]] = True
    return chosen


def n_held_out(n_members: int, share: float) -> int:
    """How many images of a class `hold_out` takes: about `share` of them, at least one and never all."""
    return min(max(round(share * n_members), 1), n_members - 1)


def make_split(images: Images, seed: int, label_budget: int | None = None) -> Split:
    """Choose the images of one run.

    A label budget counts training and validation images together (validation labels are labels too). Budgets of one
    seed are nested: the images of a smaller one are among those of a larger one. Where the source pins a validation
    part, all labels means that part as it is; under a budget both parts are drawn from together, so that the number of
    labels used is the number stated.

    Raises:
        DatasetError: the budget exceeds the images there are, or leaves a class with fewer than two images.
    """
    test = np.flatnonzero(images.parts == TEST)
    pinned = np.flatnonzero(images.parts == VALIDATION)
    pool = np.flatnonzero(images.parts != TEST)
    if label_budget is None and len(pinned):
        return Split(np.flatnonzero(images.parts == TRAIN), pinned, test)
    chosen = pool if label_budget is None else pool[_budget(images, pool, seed, label_budget)]
    share = validation_images(len(chosen)) / len(chosen)
    held = hold_out(images.labels[chosen], images.keys[chosen], share, seed, "validation")
    return Split(chosen[~held], chosen[held], test)


def _budget(images: Images, pool: np.ndarray, seed: int, budget: int) -> np.ndarray:
    labels, keys = images.labels[pool], images.keys[pool]
    n_classes = images.info.n_classes
    if budget > len(pool):
        raise DatasetError(
            f"A label budget of {budget} was given, and {images.info.name} has {len(pool)} images outside its test part."
            f" Choose at most {len(pool)}, or leave the budget out to use all of them."
        )
    if budget < 2 * n_classes:
        raise DatasetError(
            f"A label budget of {budget} leaves fewer than 2 images for each of the {n_classes} classes of"
            f" {images.info.name} (one to train on, one to validate). Choose at least {2 * n_classes}."
        )
    # Rounds: first every class's first image, then every second one, ...; cutting this order anywhere is stratified
    # as evenly as it can be, and a larger budget contains the smaller.
    places = rank(keys, seed, "budget")
    within = np.empty(len(pool), dtype=np.int64)
    for label in np.unique(labels):
        members = np.flatnonzero(labels == label)
        within[members[np.argsort(places[members])]] = np.arange(len(members))
    return np.sort(np.lexsort((places, within))[:budget])
