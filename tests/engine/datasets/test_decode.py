"""One image in: the resize of timm and torchvision, JPEGs decoded at part of their size, odd and hostile files."""

from __future__ import annotations

import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw
from timm.data.transforms_factory import transforms_imagenet_eval
from torchvision.transforms import v2

from engine.datasets import Source, _decode
from engine.datasets._decode import BrokenImage, Sizing, bombs_refused, to_pixels
from engine.datasets._fill import GROUP, fill
from engine.datasets._load import in_memory
from engine.errors import DatasetError


def photograph(width: int, height: int, seed: int = 0) -> Image.Image:
    """Smooth colours, edges and grain: what JPEG and resizing treat differently."""
    draws = np.random.default_rng(seed)
    small = draws.integers(0, 256, (6, 8, 3), dtype=np.uint8)
    image = Image.fromarray(small).resize((width, height), Image.Resampling.BICUBIC)
    pen = ImageDraw.Draw(image)
    for _ in range(30):
        x, y, r = draws.integers(0, width), draws.integers(0, height), draws.integers(3, max(4, width // 10))
        pen.ellipse((x, y, x + r, y + r // 2), fill=tuple(draws.integers(0, 256, 3).tolist()))
    grain = draws.normal(0, 6, (height, width, 1))
    return Image.fromarray((np.asarray(image) + grain).clip(0, 255).astype(np.uint8))


def encoded(image: Image.Image, form: str = "PNG", **options) -> bytes:
    file = io.BytesIO()
    image.save(file, form, **options)
    return file.getvalue()


@pytest.mark.parametrize(("side", "crop"), [(32, 1.0), (56, 0.875), (24, 0.9), (60, 0.95), (33, 0.77)])
@pytest.mark.parametrize("name", ["bilinear", "bicubic"])
def test_square_images_are_resized_and_cut_as_torchvision_does(side, crop, name):
    image = photograph(96, 96)
    usual = v2.Compose([v2.Resize(int(side / crop), v2.InterpolationMode(name)), v2.CenterCrop(side)])
    np.testing.assert_array_equal(to_pixels(encoded(image), Sizing(side, name, crop)), np.asarray(usual(image)))


def test_oblong_images_differ_by_less_than_a_pixel_in_place():
    image = photograph(131, 90)
    usual = v2.Compose([v2.Resize(64, v2.InterpolationMode.BICUBIC), v2.CenterCrop(56)])(image)
    ours = to_pixels(encoded(image), Sizing(56, "bicubic", 0.875)).astype(int)
    assert np.abs(ours - np.asarray(usual)).mean() < 8  # half a pixel across sharp edges
    moved = np.abs(ours[:, 2:] - np.asarray(usual).astype(int)[:, :-2]).mean()
    assert np.abs(ours - np.asarray(usual)).mean() < moved / 2


@pytest.mark.parametrize("size", [(131, 90), (90, 131), (40, 300), (33, 32), (64, 64), (20, 900)])
@pytest.mark.parametrize(("side", "crop"), [(56, 0.875), (56, 1.0), (33, 0.77)])
@pytest.mark.parametrize("mode", ["squash", "border"])
def test_squashed_and_bordered_images_are_those_of_timm(size, side, crop, mode):
    image, mean = photograph(*size), (0.485, 0.456, 0.406)
    usual = transforms_imagenet_eval(
        side, crop_pct=crop, crop_mode=mode, interpolation="bicubic", mean=mean, use_prefetcher=True
    )(image)
    ours = to_pixels(encoded(image), Sizing(side, "bicubic", crop, mode, (124, 116, 104)))
    np.testing.assert_array_equal(ours, np.asarray(usual).transpose(1, 2, 0))


@settings(max_examples=60, deadline=None)
@given(
    width=st.integers(1, 300), height=st.integers(1, 300), side=st.integers(1, 40), crop=st.floats(0.3, 1.0),
    mode=st.sampled_from(["center", "squash", "border"]),
)  # fmt: skip
def test_every_image_becomes_a_square_of_the_side_asked_for(width, height, side, crop, mode):
    pixels = to_pixels(np.zeros((height, width, 3), np.uint8), Sizing(side, "bilinear", crop, mode, (1, 2, 3)))
    assert pixels.shape == (side, side, 3)


@pytest.mark.parametrize(("width", "height"), [(1600, 1200), (900, 2000), (1000, 1000)])
@pytest.mark.parametrize("side", [32, 64, 112])
def test_a_jpeg_decoded_at_part_of_its_size_gives_nearly_the_same(width, height, side, monkeypatch):
    content = encoded(photograph(width, height, side), "JPEG", quality=90)
    part = to_pixels(content, Sizing(side)).astype(int)
    monkeypatch.setattr(_decode, "DRAFT_GAP", 10_000)
    whole = to_pixels(content, Sizing(side)).astype(int)
    assert np.abs(part - whole).mean() < 2.0
    assert np.percentile(np.abs(part - whole), 99) <= 8


def test_a_small_jpeg_is_decoded_whole(monkeypatch):
    content = encoded(photograph(100, 80), "JPEG")
    one = to_pixels(content, Sizing(64))
    monkeypatch.setattr(_decode, "DRAFT_GAP", 10_000)
    np.testing.assert_array_equal(one, to_pixels(content, Sizing(64)))


def test_a_turned_jpeg_decoded_at_part_of_its_size_stands_upright():
    image = Image.new("RGB", (1600, 800), "black")
    image.paste((255, 255, 255), (0, 0, 1600, 200))
    exif = Image.Exif()
    exif[0x0112] = 6
    pixels = to_pixels(encoded(image, "JPEG", exif=exif), Sizing(32))
    assert pixels[:, -6:].mean() > 200
    assert pixels[:, :20].mean() < 50


def test_very_long_and_very_large_images():
    with bombs_refused():
        for size in ((20_000, 1), (1, 20_000), (20_000, 20)):
            assert (to_pixels(encoded(Image.new("RGB", size, (9, 8, 7))), Sizing(16)) == (9, 8, 7)).all()
        with pytest.raises(BrokenImage, match="far too many pixels"):
            to_pixels(encoded(Image.new("1", (20_000, 20_000))), Sizing(16))


@given(st.binary(max_size=200), st.sampled_from(["JPEG", "PNG", "WEBP", "BMP"]), st.integers(0, 2**20))
@settings(max_examples=150, deadline=None)
def test_bytes_in_any_disorder_are_an_image_or_a_reason(noise, form, at):
    content = bytearray(encoded(Image.new("RGB", (5, 4), "red"), form))
    at %= len(content)
    content[at : at + len(noise)] = noise
    for candidate in (noise, bytes(content), bytes(content[:at])):
        try:
            found = to_pixels(candidate, Sizing(4))
        except BrokenImage as error:
            found, why = None, str(error)
        assert why if found is None else found.shape == (4, 4, 3)


def test_grey_and_colour_arrays():
    grey = np.arange(64, dtype=np.uint8).reshape(8, 8)
    np.testing.assert_array_equal(to_pixels(grey, Sizing(8)), np.repeat(grey[..., None], 3, 2))
    colour = np.random.default_rng(0).integers(0, 256, (8, 8, 3), dtype=np.uint8)
    np.testing.assert_array_equal(to_pixels(colour, Sizing(8)), colour)


def source(n: int, read) -> Source:
    from engine.datasets import describe

    labels = np.arange(n) % 10
    return Source(describe("digits"), labels, np.full(n, "train"), [f"image {place}" for place in range(n)], read)


def test_threads_keep_the_order():
    blocks: list[np.ndarray] = []
    told: list[float] = []
    n = 5 * GROUP + 3
    made = source(n, lambda index: np.full((4, 4), index % 256, dtype=np.uint8))
    filled = fill(made, Sizing(4), blocks.append, lambda phase, share: told.append(share))
    assert np.concatenate(blocks)[:, 0, 0, 0].tolist() == [index % 256 for index in range(n)]
    assert filled.kept.tolist() == list(range(n))
    assert told == sorted(told)
    assert told[-1] == 1.0


def test_a_file_that_cannot_be_read_is_named_and_left_out():
    def read(index: int):
        if index == 7:
            raise PermissionError(13, "Permission denied")
        return np.zeros((4, 4), dtype=np.uint8)

    images = in_memory(source(40, read), Sizing(4), None)
    assert images.skipped == ("image 7: Permission denied",)
    assert len(images.pixels) == len(images.labels) == 39
    assert images.info.n_pool == 39
    assert images.info.class_pool == (4, 4, 4, 4, 4, 4, 4, 3, 4, 4)
    assert images.info.class_test == (0,) * 10
    assert images.info.smallest_class == 3


def test_a_class_that_broken_files_leave_with_one_image_stops_the_import():
    def read(index: int):
        return b"" if index == 7 else np.zeros((4, 4), dtype=np.uint8)

    with pytest.raises(DatasetError, match=r"1 of 20 files of digits .* too few images are left in: 7\."):
        in_memory(source(20, read), Sizing(4), None)


def test_many_broken_images_stop_the_import_whatever_the_source():
    with pytest.raises(DatasetError, match="40 of 40 files of digits cannot be read: image 0: the file is empty"):
        in_memory(source(40, lambda index: b""), Sizing(4), None)
