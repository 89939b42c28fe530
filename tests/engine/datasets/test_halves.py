"""Halves of a dataset's classes: disjoint, complete, repeatable, and honest about what does not fit."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from engine.batches import Pixels
from engine.datasets import _load, describe, halves, load, make_split
from engine.datasets.halves import classes_of, half_name, parts_of, split_key
from engine.errors import DatasetError

DIGITS = describe("digits")


@given(seed=st.integers(0, 10_000))
def test_halves_of_any_seed_are_disjoint_and_complete(seed):
    first, second = (classes_of(half, str(seed), DIGITS) for half in "AB")
    assert sorted(first + second) == list(range(10))
    assert len(first) == len(second) == 5
    assert first == sorted(first)


def test_seeds_differ():
    assert len({tuple(classes_of("A", str(seed), DIGITS)) for seed in range(20)}) > 10


@pytest.mark.parametrize("half", ["A", "B"])
def test_a_half_holds_the_images_of_its_classes_with_labels_counted_anew(half):
    whole, name = load("digits", 8), half_name(half, "3", "digits")
    images = load(name, 8)
    chosen = classes_of(half, "3", DIGITS)
    rows = np.flatnonzero(np.isin(whole.labels, chosen))
    np.testing.assert_array_equal(images.pixels, whole.pixels[rows])
    np.testing.assert_array_equal(np.asarray(chosen)[images.labels], whole.labels[rows])
    np.testing.assert_array_equal(images.parts, whole.parts[rows])
    assert images.info.class_names == tuple(str(place) for place in chosen)
    assert describe(name) == images.info
    assert not images.pixels.flags.writeable


def test_halves_of_a_mapped_dataset_copy_nothing(home, monkeypatch):
    monkeypatch.setattr(_load, "MAPPED_FROM", 1)
    whole, name = load("digits", 8, home=home), half_name("A", "3", "digits")
    images, plain = load(name, 8, home=home), load(name, 8)
    assert images.mapped
    assert isinstance(images.pixels.base, np.memmap)
    assert images.pixels.shape == whole.pixels.shape
    np.testing.assert_array_equal(images.pixels[images.rows], plain.pixels)
    assert (images.info, images.fingerprint) == (plain.info, plain.fingerprint)
    split = make_split(images, seed=1, label_budget=60)
    cpu, scale = torch.device("cpu"), ((0.5,) * 3, (0.2,) * 3)
    shared = Pixels.on(cpu, images.pixels, images.labels, *scale, row_of=images.rows)
    copied = Pixels.on(cpu, plain.pixels, plain.labels, *scale)
    assert shared.data.data_ptr() == images.pixels.ctypes.data
    for one, two in zip(shared.in_order(split.train, 16), copied.in_order(split.train, 16), strict=True):
        assert torch.equal(one[0], two[0])
        assert torch.equal(one[1], two[1])


def test_halves_of_a_dataset_that_is_large_in_memory_share_it(monkeypatch):
    monkeypatch.setattr(halves, "COPIED_TO", 1)
    whole = load("digits", 8)
    first, second = (halves.take(half_name(half, "3", "digits"), whole) for half in "AB")
    assert first.pixels is second.pixels is whole.pixels
    assert sorted([*first.rows.tolist(), *second.rows.tolist()]) == list(range(len(whole.labels)))


def test_groups_of_images_stay_with_their_images():
    whole = load("digits", 8)
    grouped = dataclasses.replace(whole, groups=np.arange(len(whole.labels)) // 3)
    half = halves.take(half_name("B", "3", "digits"), grouped)
    assert half.groups is not None
    rows = np.flatnonzero(np.isin(whole.labels, classes_of("B", "3", DIGITS)))
    np.testing.assert_array_equal(half.groups, rows // 3)


def test_labels_are_drawn_from_a_half_as_from_any_dataset():
    images = load(half_name("B", "0", "digits"), 8)
    split = make_split(images, seed=0, label_budget=50)
    assert len(split.train) + len(split.validation) == 50
    assert set(images.labels[split.train]) == set(range(5))


def test_a_grouping_by_names():
    key = split_key("1, 7,4", DIGITS)
    assert key == "1+4+7"
    assert classes_of("A", key, DIGITS) == [1, 4, 7]
    assert classes_of("B", key, DIGITS) == [0, 2, 3, 5, 6, 8, 9]
    assert parts_of(half_name("A", key, "folder:/x:y")) == ("A", "1+4+7", "folder:/x:y")
    assert parts_of("digits") == ("", "", "digits")


@pytest.mark.parametrize(
    ("group", "words"),
    [
        ("1, x", "has no class 'x'"),
        ("3", "into 1 and 9"),
        (",".join("012345678"), "into 9 and 1"),
        ("", "into 0 and 10"),
    ],
)
def test_groupings_that_do_not_fit_say_so(group, words):
    with pytest.raises(DatasetError, match=words):
        split_key(group, DIGITS)


def test_three_classes_cannot_be_split(colours):
    with pytest.raises(DatasetError, match="takes four or more"):
        split_key(0, describe(f"folder:{colours}"))


@pytest.mark.parametrize("name", ["half:", "half:C:0:digits", "half:A:x:digits", "half:A:0", "half:A:1+12:digits"])
def test_malformed_names_say_what_to_write(name):
    with pytest.raises(DatasetError, match=r"Write half:A:SEED:DATASET|not 12"):
        describe(name)


def test_the_counts_of_digits_are_those_of_its_images():
    images = load("digits", 8)
    for counts, there in ((DIGITS.class_pool, images.parts != "test"), (DIGITS.class_test, images.parts == "test")):
        assert counts == tuple(np.bincount(images.labels[there]).tolist())
    assert min(DIGITS.class_pool) == DIGITS.smallest_class
