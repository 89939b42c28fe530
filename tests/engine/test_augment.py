"""Augmentation: shifts, mirrors, squares and colours by hand; every draw a function of its coordinates."""

from __future__ import annotations

import re

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torchvision.transforms.v2.functional import adjust_brightness, adjust_contrast, adjust_saturation

from engine.augment import Draws, cut, draw, erased, recoloured
from engine.datasets import DATASETS, describe
from engine.spec import AUGMENTATIONS

FILL = np.array([128, 64, 191], dtype=np.uint8)
SIDE = 16


@pytest.fixture(scope="module")
def images() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, size=(23, SIDE, SIDE, 3), dtype=np.uint8)


def shifted(image: np.ndarray, down: int, right: int, fill: np.ndarray) -> np.ndarray:
    """The image seen through a window moved by (down, right): np.roll with what comes in at the edge filled."""
    out = np.roll(image, (-down, -right), axis=(0, 1)).copy()
    if down > 0:
        out[-down:] = fill
    elif down < 0:
        out[:-down] = fill
    if right > 0:
        out[:, -right:] = fill
    elif right < 0:
        out[:, :-right] = fill
    return out


@pytest.mark.parametrize(("down", "right"), [(0, 0), (2, 0), (-2, 1), (1, -2), (-1, -1), (2, 2)])
@pytest.mark.parametrize("mirror", [False, True])
def test_shifts_and_mirrors_by_hand(images, down, right, mirror):
    seen = cut(torch.tensor(images[:1]), np.array([[down, right]]), np.array([mirror]), torch.tensor(FILL))
    wanted = shifted(images[0], down, right, FILL)
    np.testing.assert_array_equal(seen[0].numpy(), wanted[:, ::-1] if mirror else wanted)


def draws(augmentation: str, seed: int = 0, epoch: int = 1, n: int = 23) -> Draws:
    return draw(n, SIDE, SIDE, seed=seed, epoch=epoch, augmentation=augmentation)


def test_shifts_reach_an_eighth_in_every_direction():
    shifts = np.concatenate([draws("crop", epoch=n).shifts for n in range(20)])
    assert set(shifts.ravel().tolist()) == {-2, -1, 0, 1, 2}
    assert shifts.shape == (20 * 23, 2)
    assert 0 < draws("crop_flip").mirrored.sum() < 23
    assert not draws("crop").mirrored.any()


@pytest.mark.parametrize("name", [name for name in AUGMENTATIONS if name != "dataset"])
def test_a_name_says_what_is_drawn_and_a_draw_is_a_function_of_its_coordinates(name):
    one, again, other = draws(name), draws(name), draws(name, epoch=2)
    asked = {"shifts": "crop", "squares": "erase", "factors": "colour"}
    for field, change in asked.items():
        assert (getattr(one, field) is not None) == (change in name)
        if change in name:
            np.testing.assert_array_equal(getattr(one, field), getattr(again, field))
            assert not np.array_equal(getattr(one, field), getattr(other, field))
    assert name == "none" or bool(one.mirrored.any()) == ("flip" in name)
    if "crop" in name:  # the same shifts whatever comes on top: augmentations can be compared image by image
        np.testing.assert_array_equal(one.shifts, draws("crop").shifts)


def test_no_dataset_with_letters_or_digits_is_mirrored():
    for dataset in DATASETS:
        signs = re.search("digit|letter|mnist|omniglot|svhn|usps|gtsrb", dataset.name, re.IGNORECASE)
        if dataset.listed and signs and dataset.name != "fashion_mnist":  # clothes have no side
            assert "flip" not in describe(dataset.name).augmentation, dataset.name


@given(st.lists(st.floats(0.6, 1.4), min_size=3, max_size=3), st.integers(0, 2**32 - 1))
@settings(max_examples=40, deadline=None)
def test_colours_change_as_torchvision_changes_them(factors, seed):
    image = np.random.default_rng(seed).integers(0, 256, (1, 9, 7, 3), dtype=np.uint8)
    ours = recoloured(torch.tensor(image), torch.tensor([factors], dtype=torch.float32))[0].permute(2, 0, 1)
    theirs = torch.tensor(image[0]).permute(2, 0, 1).float() / 255
    for change, factor in zip((adjust_brightness, adjust_contrast, adjust_saturation), factors, strict=True):
        theirs = change(theirs, factor)
    assert (ours.float() - 255 * theirs).abs().max() < 1.0  # theirs has weights of three digits, and is not rounded


def test_a_factor_of_one_changes_no_colour(images):
    same = recoloured(torch.tensor(images), torch.ones(len(images), 3))
    np.testing.assert_array_equal(same.numpy(), images)


def test_a_square_is_erased_by_hand(images):
    squares = np.array([[5, 6, 4], [0, 0, 3], [2, 2, 0]])
    without = erased(torch.tensor(images[:3]), squares, torch.tensor(FILL)).numpy()
    wanted = images[:3].copy()
    wanted[0, 3:7, 4:8] = FILL
    wanted[1, 0:2, 0:2] = FILL  # from -1: what lies outside is cut off
    np.testing.assert_array_equal(without, wanted)


def test_half_of_the_images_lose_a_square_of_at_most_half_the_side():
    squares = np.concatenate([draws("crop_flip_erase", epoch=n).squares for n in range(40)])
    sides = squares[:, 2]
    assert 0.4 < (sides > 0).mean() < 0.6
    assert sides.max() <= SIDE // 2
