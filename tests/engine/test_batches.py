"""Batches: each draw a function of its coordinates; shifts, mirrors and normalisation by hand."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.batches import Pixels, n_batches
from engine.spec import AUGMENTATIONS

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


def test_tiny_images_are_not_shifted_but_still_mirrored():
    data = np.arange(2 * 4 * 4 * 3, dtype=np.uint8).reshape(2, 4, 4, 3)
    pixels = Pixels.on(torch.device("cpu"), data, np.arange(2), MEAN, STD)
    for image in by_image(epoch(pixels, range(2))).values():
        assert image.shape == (3, 4, 4)


def test_images_that_stay_on_the_host_are_carried_over_by_batches(images):
    # No accelerator in a test: torch's meta device stands for one, where shapes and places are real and values are not.
    there = torch.device("meta")
    streamed = Pixels.on(there, images, np.arange(23), MEAN, STD, resident=False)
    assert streamed.data.device.type == "cpu"
    assert streamed.data.data_ptr() == images.ctypes.data
    for batch, labels in epoch(streamed, range(23), augmentation="crop_flip_colour"):
        assert batch.device == labels.device == there
        assert batch.shape[1:] == (3, SIDE, SIDE)


def test_only_the_images_asked_for_go_to_an_accelerator(images):
    resident = Pixels.on(torch.device("meta"), images, np.arange(23), MEAN, STD, rows=np.array([4, 9, 4]))
    assert resident.data.shape[0] == 2
    assert resident.row_of.shape == (23,)


def test_rows_find_their_images(pixels, images):
    row_of = torch.full((23,), -1)
    row_of[[3, 8, 17]] = torch.arange(3)
    few = Pixels(torch.tensor(images[[3, 8, 17]]), pixels.labels, pixels.mean, pixels.std, row_of)
    for one, two in zip(epoch(few, [17, 3, 8], size=2), epoch(pixels, [17, 3, 8], size=2), strict=True):
        assert torch.equal(one[0], two[0])
        assert torch.equal(one[1], two[1])


def test_images_that_share_the_rows_of_a_larger_array(pixels, images):
    rows = np.array([20, 3, 8, 17, 5])  # five images, of which three go to the accelerator
    cpu, there = torch.device("cpu"), torch.device("meta")
    shared = Pixels.on(cpu, images, rows, MEAN, STD, row_of=rows)
    (batch, labels), *_ = shared.in_order(np.arange(5), 5)
    assert torch.equal(batch, next(pixels.in_order(rows, 5))[0])
    assert labels.tolist() == rows.tolist()
    assert Pixels.on(there, images, rows, MEAN, STD, row_of=rows).data.shape[0] == 5
    streamed = Pixels.on(there, images, rows, MEAN, STD, row_of=rows, resident=False)
    assert streamed.data.data_ptr() == images.ctypes.data
    assert next(streamed.in_order(np.arange(5), 5))[0].shape[0] == 5
    carried = Pixels.on(cpu, images, rows, MEAN, STD, rows=np.array([4, 1]), row_of=rows)
    assert torch.equal(carried.taken(np.array([4, 1]))[0], torch.tensor(images[[5, 3]]))


@pytest.mark.parametrize("augmentation", [name for name in AUGMENTATIONS if name != "dataset"])
def test_a_mapped_file_gives_the_bits_of_memory(pixels, images, tmp_path, augmentation):
    (tmp_path / "pixels").write_bytes(images.tobytes())
    mapped = np.asarray(np.memmap(tmp_path / "pixels", np.uint8, "r", shape=images.shape))
    other = Pixels.on(torch.device("cpu"), mapped, np.arange(23), MEAN, STD)
    for one, two in zip(*(epoch(each, range(23), augmentation=augmentation) for each in (pixels, other)), strict=True):
        assert torch.equal(one[0], two[0])
