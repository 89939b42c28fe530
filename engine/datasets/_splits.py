"""Splits: the test part is sealed, label budgets are nested, every draw is stratified and depends on content and seed."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np

from engine import budgets
from engine.budgets import Budget
from engine.datasets._base import TEST, TRAIN, VALIDATION, Images
from engine.datasets._groups import hold_out_groups
from engine.errors import DatasetError


@dataclass(frozen=True)
class Split:
    """Indices into the images of one dataset; the three do not overlap."""

    train: np.ndarray
    validation: np.ndarray
    test: np.ndarray


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


def hold_out_exactly(labels: np.ndarray, keys: np.ndarray, n: int, seed: int, purpose: str) -> np.ndarray:
    """A random part of exactly n images: bool (n_images,), as stratified as n allows, never all of a class.

    Raises:
        ValueError: n exceeds what is left when every class keeps an image (a mistake of ours).
    """
    places, within = rank(keys, seed, purpose), np.zeros(len(labels), dtype=np.int64)
    sizes = np.bincount(labels)[labels]
    for label in np.unique(labels):
        members = np.flatnonzero(labels == label)
        within[members[np.argsort(places[members])]] = np.arange(len(members))
    free = np.flatnonzero(within < sizes - 1)
    if n > len(free):
        raise ValueError(f"{n} of {len(labels)} images cannot be held out: every class keeps one")
    # The i-th of a class's m images stands at (i + 1/2) / m: taking the lowest takes the same share of every class.
    order = free[np.lexsort((places[free], (within[free] + 0.5) / sizes[free]))]
    chosen = np.zeros(len(labels), dtype=bool)
    chosen[order[:n]] = True
    return chosen


def make_split(images: Images, seed: int, label_budget: Budget | None = None) -> Split:
    """Choose the images of one run.

    A label budget counts training and validation images together (validation labels are labels too). All budgets of one
    seed cut one order: the images of a smaller one are among those of a larger one of the same kind, and of any kind
    where the classes are of equal size. Where the source pins a validation part, all labels means that part as it is;
    under a budget both parts are drawn from together, so that the number of labels used is the number stated.

    Args:
        images: the dataset.
        seed: of the run.
        label_budget: as in `engine.budgets`; None = all labels.

    Raises:
        DatasetError: the budget exceeds the images there are, or leaves a class with too few.
    """
    test = np.flatnonzero(images.parts == TEST)
    pinned = np.flatnonzero(images.parts == VALIDATION)
    pool = np.flatnonzero(images.parts != TEST)
    if label_budget is None and len(pinned):
        return Split(np.flatnonzero(images.parts == TRAIN), pinned, test)
    chosen = pool if label_budget is None else pool[_within_budget(images, pool, seed, label_budget)]
    labels, keys = images.labels[chosen], images.keys[chosen]
    n_held = budgets.n_validation(label_budget, images.info.n_classes, len(chosen))
    if images.groups is not None:  # groups before exact numbers: a patient's images must not be on both sides
        held = hold_out_groups(labels, keys, images.groups[chosen], n_held / len(chosen), seed, "validation")
    elif label_budget == budgets.VTAB or budgets.shots(label_budget):
        held = hold_out_exactly(labels, keys, n_held, seed, "validation")
    else:
        held = hold_out(labels, keys, n_held / len(chosen), seed, "validation")
    return Split(chosen[~held], chosen[held], test)


def _within_budget(images: Images, pool: np.ndarray, seed: int, budget: Budget) -> np.ndarray:
    """Which images of the pool are within a budget: sorted indices into it."""
    labels, keys, info = images.labels[pool], images.keys[pool], images.info
    counts = np.bincount(labels, minlength=info.n_classes)
    if why := budgets.refusal(budget, info.name, info.n_classes, len(pool), int(counts.min())):
        raise DatasetError(why)
    # Rounds: first every class's first image, then every second one, ...; cutting this order anywhere is stratified
    # as evenly as it can be, and a larger budget contains the smaller.
    places = rank(keys, seed, "budget")
    within = np.empty(len(pool), dtype=np.int64)
    for label in np.unique(labels):
        members = np.flatnonzero(labels == label)
        within[members[np.argsort(places[members])]] = np.arange(len(members))
    return np.sort(np.lexsort((places, within))[: budgets.n_images(budget, info.n_classes, len(pool))])
