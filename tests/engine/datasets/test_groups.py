"""Splits by groups: whole, stratified, by content; the plain split where every image is its own group."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.datasets._groups import hold_out_groups, joined
from engine.datasets._splits import hold_out


@st.composite
def grouped(draw):
    n = draw(st.integers(4, 60))
    labels = np.asarray(draw(st.lists(st.integers(0, 3), min_size=n, max_size=n)), dtype=np.int64)
    groups = np.asarray(draw(st.lists(st.integers(0, 12), min_size=n, max_size=n)), dtype=np.int64)
    return labels, groups, draw(st.floats(0.05, 0.6)), draw(st.integers(0, 5))


@settings(max_examples=150, deadline=None)
@given(grouped())
def test_groups_are_whole_and_no_class_is_emptied(case):
    labels, groups, share, seed = case
    keys = np.asarray([f"{n:04d}-1" for n in range(len(labels))])
    held = hold_out_groups(labels, keys, groups, share, seed, "test")
    for group in set(groups.tolist()):
        assert len(set(held[groups == group].tolist())) == 1
    for label in set(labels.tolist()):
        assert not held[labels == label].all()
    # The order of the images and the names of the groups do not matter.
    turned = np.random.default_rng(seed).permutation(len(labels))
    again = hold_out_groups(labels[turned], keys[turned], 100 - groups[turned], share, seed, "test")
    assert (again == held[turned]).all()


@settings(max_examples=60, deadline=None)
@given(grouped())
def test_alone_in_their_groups_images_are_split_as_without(case):
    labels, _, share, seed = case
    labels = np.concatenate([labels, labels])  # no class with a single image
    keys = np.asarray([f"{n:04d}-1" for n in range(len(labels))])
    alone = np.arange(len(labels))
    expected = hold_out(labels, keys, share, seed, "test")
    assert (hold_out_groups(labels, keys, alone, share, seed, "test") == expected).all()


def test_the_share_is_met_where_groups_allow_it():
    labels = np.repeat([0, 1], 200)
    groups = np.arange(400) // 4
    keys = np.asarray([f"{n:04d}-1" for n in range(400)])
    held = hold_out_groups(labels, keys, groups, 0.2, 0, "test")
    assert [held[labels == label].sum() for label in (0, 1)] == [40, 40]


def test_two_large_groups_are_parted():
    labels, groups = np.zeros(20, dtype=np.int64), np.repeat([7, 9], 10)
    held = hold_out_groups(labels, np.asarray([f"{n}-1" for n in range(20)]), groups, 0.2, 0, "test")
    assert held.sum() == 10


def test_copies_join_their_groups():
    assert joined([None, None, None], ["a", "b", "a"]).tolist() == [0, 1, 0]
    assert joined(["g", None, "h", "g", "i"], ["a", "b", "b", "c", "d"]).tolist() == [0, 1, 1, 0, 2]
    assert joined(["g", "h", "h", "i"], ["a", "a", "b", "c"]).tolist() == [0, 0, 0, 1]
