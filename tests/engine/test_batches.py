"""Batches: each draw a function of its coordinates; shifts, mirrors and normalisation by hand."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.batches import Pixels, n_batches

MEAN, STD = (0.5, 0.25, 0.75), (0.2, 0.3, 0.4)
SIDE = 16


@pytest.fixture(scope="module")
def images() -> np.ndarray:
    pixels = np.random.default_rng(0).integers(0, 256, size=(23, SIDE, SIDE, 3), dtype=np.uint8)
    pixels.setflags(write=False)
    return pixels


@pytest.fixture(scope="module")
def pixels(images) -> Pixels:
    return Pixels.on(torch.device("cpu"), images, np.arange(23), MEAN, STD)


def epoch(pixels: Pixels, indices, seed=0, epoch=1, augmentation="crop_flip", size=5):
    return list(pixels.shuffled(np.asarray(indices), size, seed=seed, epoch=epoch, augmentation=augmentation))


def by_image(batches) -> dict[int, torch.Tensor]:
    return {int(label): image for images, labels in batches for image, label in zip(images, labels, strict=True)}


def test_normalised_by_hand(pixels, images):
    (batch, labels), *_ = pixels.in_order(np.array([4, 2]), 2)
    wanted = ((images[[4, 2]] / 255 - np.array(MEAN)) / np.array(STD)).transpose(0, 3, 1, 2)
    np.testing.assert_allclose(batch.numpy(), wanted, atol=2e-6)
    assert labels.tolist() == [4, 2]
    assert batch.dtype == torch.float32
    assert batch.is_contiguous(memory_format=torch.channels_last)


def test_the_memory_of_decoded_images_is_shared(pixels, images):
    assert pixels.data.data_ptr() == images.ctypes.data


def test_in_order_covers_everything_once(pixels):
    labels = torch.cat([labels for _, labels in pixels.in_order(np.arange(23), 10)])
    assert labels.tolist() == list(range(23))


def test_an_epoch_covers_everything_once_in_another_order(pixels):
    orders = [torch.cat([labels for _, labels in epoch(pixels, range(23), epoch=n)]).tolist() for n in (1, 2)]
    assert sorted(orders[0]) == sorted(orders[1]) == list(range(23))
    assert orders[0] != orders[1]
    assert orders[0] != list(range(23))


@given(st.integers(1, 500), st.integers(1, 100))
@settings(max_examples=60, deadline=None)
def test_batches_differ_by_one_at_most(n, size):
    pixels = Pixels.on(torch.device("cpu"), np.zeros((n, 1, 1, 3), dtype=np.uint8), np.arange(n), MEAN, STD)
    sizes = [len(labels) for _, labels in epoch(pixels, range(n), size=size, augmentation="none")]
    assert sum(sizes) == n
    assert max(sizes) <= size
    assert max(sizes) - min(sizes) <= 1
    assert len(sizes) == n_batches(n, size)


def test_the_same_seed_and_epoch_give_the_same_batches(pixels):
    epoch(pixels, range(23), epoch=9)
    for one, two in zip(epoch(pixels, range(23)), epoch(pixels, range(23)), strict=True):
        assert torch.equal(one[0], two[0])
        assert torch.equal(one[1], two[1])


def test_an_images_draw_does_not_depend_on_the_others(pixels):
    everyone, few = by_image(epoch(pixels, range(23))), by_image(epoch(pixels, [3, 17, 8], size=2))
    for label in (3, 17, 8):
        assert torch.equal(everyone[label], few[label])
    changed = by_image(epoch(pixels, range(23), epoch=2))
    assert any(not torch.equal(everyone[label], changed[label]) for label in range(23))


def test_cropping_draws_the_same_shifts_with_and_without_mirroring(pixels):
    plain, mirrored = by_image(epoch(pixels, range(23), augmentation="crop")), by_image(epoch(pixels, range(23)))
    same = sum(torch.equal(plain[label], mirrored[label]) for label in range(23))
    flipped = [label for label in range(23) if not torch.equal(plain[label], mirrored[label])]
    assert 0 < same < 23
    assert len(flipped) == 23 - same


def test_without_augmentation_images_are_as_they_are(pixels):
    plain = {int(label): image for image, label in zip(*next(pixels.in_order(np.arange(23), 23)), strict=True)}
    for label, image in by_image(epoch(pixels, range(23), augmentation="none")).items():
        assert torch.equal(image, plain[label])


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
def test_shifts_and_mirrors_by_hand(pixels, images, down, right, mirror):
    cut = pixels._cut(torch.tensor(images[:1]), np.array([[down, right]]), np.array([mirror]))
    fill = np.array([round(255 * value) for value in MEAN], dtype=np.uint8)
    wanted = shifted(images[0], down, right, fill)
    np.testing.assert_array_equal(cut[0].numpy(), wanted[:, ::-1] if mirror else wanted)


def test_shifts_reach_an_eighth_in_every_direction(pixels):
    shifts, mirrored = pixels._draws(0, 1, "crop_flip")
    draws = np.concatenate([pixels._draws(0, n, "crop")[0] for n in range(20)])
    assert set(draws.ravel().tolist()) == {-2, -1, 0, 1, 2}
    assert shifts.shape == (23, 2)
    assert 0 < mirrored.sum() < 23
    assert not pixels._draws(0, 1, "crop")[1].any()


def test_tiny_images_are_not_shifted_but_still_mirrored():
    data = np.arange(2 * 4 * 4 * 3, dtype=np.uint8).reshape(2, 4, 4, 3)
    pixels = Pixels.on(torch.device("cpu"), data, np.arange(2), MEAN, STD)
    for image in by_image(epoch(pixels, range(2))).values():
        assert image.shape == (3, 4, 4)


def test_a_square_is_erased_by_hand(pixels, images):
    erased = pixels._erased(torch.tensor(images[:3]), np.array([[5, 6, 4], [0, 0, 3], [2, 2, 0]])).numpy()
    fill = np.array([round(255 * value) for value in MEAN], dtype=np.uint8)
    wanted = images[:3].copy()
    wanted[0, 3:7, 4:8] = fill
    wanted[1, 0:2, 0:2] = fill  # from -1: what lies outside is cut off
    np.testing.assert_array_equal(erased, wanted)


def test_half_of_the_images_lose_a_square_of_at_most_half_the_side(pixels):
    squares = np.concatenate([pixels._squares(0, n) for n in range(40)])
    sides = squares[:, 2]
    assert 0.4 < (sides > 0).mean() < 0.6
    assert sides.max() <= pixels.data.shape[1] // 2
    np.testing.assert_array_equal(pixels._squares(7, 3), pixels._squares(7, 3))
