"""Folders of images: layouts, refusals that name what is wrong, and files of every odd kind."""

from __future__ import annotations

import os
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from engine.datasets import describe, load, make_split
from engine.errors import DatasetError

RED, GREEN, BLUE = (200, 40, 40), (40, 200, 40), (40, 40, 200)


@pytest.fixture
def root(tmp_path: Path, write_images) -> Path:
    """Two classes of ten images."""
    made = tmp_path / "pets"
    write_images(made / "cat", 10, RED)
    write_images(made / "dog", 10, BLUE)
    return made


def refused(path: Path, side: int = 8) -> str:
    with pytest.raises(DatasetError) as caught:
        load(f"folder:{path}", side)
    return str(caught.value)


def test_one_folder_per_class(root):
    images = load(f"folder:{root}", 8)
    assert images.info.class_names == ("cat", "dog")
    assert (images.info.n_pool, images.info.n_test) == (16, 4)
    red = images.pixels[images.labels == 0].mean(axis=(0, 1, 2))
    assert red[0] > 150 > red[2]


def test_train_validation_and_test_folders(tmp_path, write_images):
    for part, n in {"train": 5, "val": 2, "test": 3}.items():
        write_images(tmp_path / part / "cat", n, RED, seed=n)
        write_images(tmp_path / part / "dog", n, BLUE, seed=n)
    images = load(f"folder:{tmp_path}", 8)
    assert [int((images.parts == part).sum()) for part in ("train", "validation", "test")] == [10, 4, 6]
    assert describe(f"folder:{tmp_path}") == images.info
    split = make_split(images, 0)
    assert [len(part) for part in (split.train, split.validation, split.test)] == [10, 4, 6]


def test_train_and_test_folders_without_validation(tmp_path, write_images):
    for part in ("train", "test"):
        write_images(tmp_path / part / "cat", 2, RED)
        write_images(tmp_path / part / "dog", 2, BLUE)
    split = make_split(load(f"folder:{tmp_path}", 8), 0)
    assert [len(part) for part in (split.train, split.validation, split.test)] == [2, 2, 4]


def test_where_only_validation_is_pinned_the_test_part_comes_out_of_train(tmp_path, write_images):
    for name, colour in {"cat": RED, "dog": BLUE}.items():
        write_images(tmp_path / "train" / name, 2, colour)
        write_images(tmp_path / "val" / name, 10, colour, seed=1)
    images = load(f"folder:{tmp_path}", 8)
    split = make_split(images, 0)
    assert [len(part) for part in (split.train, split.validation, split.test)] == [2, 20, 2]
    for part in (split.train, split.test):
        assert set(images.labels[part].tolist()) == {0, 1}
    assert images.info.n_pool == 22


def test_a_class_that_is_only_validated_is_refused(tmp_path, write_images):
    for name, colour in {"cat": RED, "dog": BLUE}.items():
        write_images(tmp_path / "train" / name, 4, colour)
        write_images(tmp_path / "val" / name, 4, colour, seed=1)
    write_images(tmp_path / "val" / "hen", 9, GREEN)
    assert "'hen' (0 in train)" in refused(tmp_path)


def test_a_stray_folder_beside_the_parts_is_named(tmp_path, write_images):
    for part in ("train", "test"):
        write_images(tmp_path / part / "cat", 4, RED)
        write_images(tmp_path / part / "dog", 4, BLUE)
    (tmp_path / "documents").mkdir()
    assert load(f"folder:{tmp_path}", 8).info.class_names == ("cat", "dog")
    write_images(tmp_path / "extra" / "hen", 3, GREEN)
    assert "'extra'" in refused(tmp_path)


def test_a_class_may_be_called_train(tmp_path, write_images):
    for name in ("train", "car", "plane"):
        write_images(tmp_path / name, 3, RED, seed=len(name))
    assert load(f"folder:{tmp_path}", 8).info.class_names == ("car", "plane", "train")


def test_images_in_folders_below_a_class_belong_to_it(root, write_images):
    write_images(root / "cat" / "2024" / "may", 5, RED, seed=9)
    assert describe(f"folder:{root}").n_pool + describe(f"folder:{root}").n_test == 25


def test_no_folder_no_images_one_class(tmp_path, write_images):
    assert "There is no folder" in refused(tmp_path / "absent")
    assert "PATH/cat/1.jpg" in refused(tmp_path / "absent")
    (tmp_path / "file").write_text("")
    assert "There is no folder" in refused(tmp_path / "file")
    assert "holds no images (.jpg" in refused(tmp_path)
    write_images(tmp_path / "cat", 5)
    assert "has one class only, 'cat'" in refused(tmp_path)


def test_classes_with_too_few_images_are_named_with_their_count(root, write_images):
    write_images(root / "hen", 2, GREEN)
    write_images(root / "ant", 1, GREEN, seed=1)
    text = refused(root)
    assert "2 of 4 classes" in text
    assert "'ant' (1), 'hen' (2)" in text
    assert "at least 3" in text
    with pytest.raises(DatasetError, match="'hen'"):
        describe(f"folder:{root}")


BROKEN = {
    "empty.jpg": (b"", "the file is empty"),
    "text.jpg": (b"this is not an image", "not a JPEG, PNG, WEBP, BMP image"),
    "gif.png": (b"GIF89a" + b"\0" * 40, "not a JPEG, PNG, WEBP, BMP image"),
}


@pytest.mark.parametrize("file", BROKEN)
def test_a_broken_file_is_left_out_and_named_with_the_reason(root, file):
    content, reason = BROKEN[file]
    (root / "cat" / file).write_bytes(content)
    images = load(f"folder:{root}", 8)
    assert images.skipped == (f"{Path('cat') / file}: {reason}",)
    assert len(images.pixels) == 20


def test_a_truncated_file_is_named(root):
    content = (root / "dog" / "003.png").read_bytes()
    (root / "dog" / "003.png").write_bytes(content[: len(content) // 2])
    images = load(f"folder:{root}", 8)
    assert len(images.skipped) == 1
    assert images.skipped[0].startswith(f"{Path('dog') / '003.png'}: ")
    assert len(images.pixels) == len(images.labels) == len(images.keys) == 19
    assert images.info.n_pool + images.info.n_test == 19


def test_many_broken_files_stop_the_import(root):
    for n in range(3):
        (root / "cat" / f"00{n}.png").write_bytes(b"")
    text = refused(root)
    assert "3 of 20 files" in text
    for n in range(3):
        assert str(Path("cat") / f"00{n}.png") in text


def test_a_class_that_broken_files_empty_is_named(tmp_path, write_images):
    write_images(tmp_path / "cat", 60, RED)
    write_images(tmp_path / "dog", 3, BLUE)
    (tmp_path / "dog" / "000.png").write_bytes(b"")
    text = refused(tmp_path)
    assert str(Path("dog") / "000.png") in text
    assert "too few images are left in: 'dog' (2)" in text


def test_an_image_with_far_too_many_pixels_is_refused_before_it_is_decoded(root):
    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    for name, side in {"large.png": 7_000, "bomb.png": 60_000}.items():
        header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
        png = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")
        (root / "cat" / name).write_bytes(png)
    text = refused(root)
    assert "large.png: 7000x7000 pixels, more than 40 million" in text
    assert "bomb.png: far too many pixels" in text


def of(root: Path, name: str, side: int = 8) -> np.ndarray:
    """The decoded pixels of one file, by its bytes."""
    from engine.datasets._decode import content_hash

    images = load(f"folder:{root}", side)
    assert images.skipped == ()
    return images.pixels[images.keys.tolist().index(content_hash((root / name).read_bytes()) + "-1")]


def test_four_colour_printing_images(root):
    Image.new("CMYK", (9, 9), (0, 255, 255, 0)).save(root / "cat" / "print.jpg")
    assert np.abs(of(root, "cat/print.jpg").astype(int) - (254, 0, 0)).max() < 12


def test_sixteen_bit_grey_is_scaled_not_clipped(root):
    Image.fromarray(np.full((9, 9), 32_896, dtype=np.uint16)).save(root / "cat" / "deep.png")
    assert (of(root, "cat/deep.png") == 128).all()


def test_a_palette_with_transparency_lies_on_white(root):
    image = Image.new("P", (8, 8), 0)
    image.putpalette([10, 20, 30, 200, 0, 0])
    image.paste(1, (0, 0, 8, 4))
    image.save(root / "cat" / "palette.png", transparency=0)
    pixels = of(root, "cat/palette.png")
    assert (pixels[0, 0] == (200, 0, 0)).all()
    assert (pixels[7, 7] == 255).all()


def test_half_transparent_pixels_lie_on_white(root):
    Image.new("RGBA", (8, 8), (255, 0, 0, 128)).save(root / "cat" / "glass.png")
    Image.new("LA", (8, 8), (0, 0)).save(root / "cat" / "air.png")
    assert np.abs(of(root, "cat/glass.png").astype(int) - (255, 127, 127)).max() <= 1
    assert (of(root, "cat/air.png") == 255).all()


def test_turned_photographs_are_shown_upright(root):
    image = Image.new("RGB", (16, 16), "black")
    image.paste((255, 255, 255), (0, 0, 16, 4))
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by 90 degrees clockwise
    image.save(root / "cat" / "phone.jpg", exif=exif, quality=95)
    pixels = of(root, "cat/phone.jpg", 16)
    assert pixels[:, -2:].mean() > 200
    assert pixels[:, :8].mean() < 50


def test_one_pixel_and_long_strips(root):
    Image.new("RGB", (1, 1), (9, 8, 7)).save(root / "cat" / "dot.png")
    Image.new("1", (300, 2), 1).save(root / "cat" / "strip.bmp")
    assert (of(root, "cat/dot.png") == (9, 8, 7)).all()
    assert (of(root, "cat/strip.bmp") == 255).all()


def test_the_first_picture_of_an_animation_is_taken(root):
    frames = [Image.new("RGB", (8, 8), colour) for colour in ((250, 0, 0), (0, 250, 0))]
    frames[0].save(root / "cat" / "moving.webp", save_all=True, append_images=frames[1:], lossless=True)
    assert (of(root, "cat/moving.webp") == (250, 0, 0)).all()


def test_oblong_images_keep_their_proportions(root):
    image = Image.new("RGB", (40, 8), "black")
    image.paste((255, 255, 255), (16, 0, 24, 8))
    image.save(root / "cat" / "wide.png")
    assert (of(root, "cat/wide.png") == 255).all()


def test_links_are_not_followed(root, tmp_path, write_images):
    secret = tmp_path / "secret"
    write_images(secret / "hen", 5, GREEN)
    os.symlink(secret / "hen" / "000.png", root / "cat" / "link.png")
    os.symlink(secret / "hen", root / "cat" / "inside")
    os.symlink(secret / "hen", root / "hen")
    info = describe(f"folder:{root}")
    assert info.class_names == ("cat", "dog")
    assert info.n_pool + info.n_test == 20


def test_hidden_files_and_folders_are_not_images(root, write_images):
    write_images(root / ".trash", 5, GREEN)
    write_images(root / "cat" / ".thumbnails", 5, GREEN)
    (root / "cat" / "._001.png").write_bytes(b"resource fork")
    (root / "__MACOSX" / "cat").mkdir(parents=True)
    (root / "__MACOSX" / "cat" / "._001.png").write_bytes(b"resource fork")
    (root / "notes.txt").write_text("not an image")
    images = load(f"folder:{root}", 8)
    assert images.info.class_names == ("cat", "dog")
    assert len(images.pixels) == 20


def test_names_are_data(tmp_path, write_images):
    names = ["<b>Käse & Öl</b>", "=1+1", "猫 \N{CAT FACE}", "'; DROP TABLE run; --"]
    for place, name in enumerate(names):
        write_images(tmp_path / "ünï <i>" / name.replace("/", "\N{DIVISION SLASH}"), 3, RED, seed=place)
    images = load(f"folder:{tmp_path / 'ünï <i>'}", 8)
    assert len(images.info.class_names) == 4
    assert images.info.label == "ünï <i>"


def test_equal_images_are_told_apart(root):
    content = (root / "cat" / "000.png").read_bytes()
    for name in ("a.png", "b.png"):
        (root / "cat" / name).write_bytes(content)
    images = load(f"folder:{root}", 8)
    assert len(set(images.keys.tolist())) == 22


def test_suffixes_in_capitals(root):
    (root / "cat" / "000.png").rename(root / "cat" / "000.PNG")
    assert len(load(f"folder:{root}", 8).pixels) == 20


def test_reading_folders_leaves_the_filters_of_warnings_alone(root):
    import warnings

    before = list(warnings.filters)
    load(f"folder:{root}", 8)
    assert warnings.filters == before


def test_the_home_of_nobody_is_no_folder():
    with pytest.raises(DatasetError, match="There is no folder ~nobody-here-at-all"):
        describe("folder:~nobody-here-at-all/images")


def test_two_classes_that_differ_only_in_case_are_refused(root, write_images):
    write_images(root / "Cat", 5, GREEN)
    assert "'Cat' and 'cat'" in refused(root)


def test_a_folder_of_very_many_files_is_bounded(root, monkeypatch):
    monkeypatch.setattr("engine.datasets.folder.MAX_LISTED", 9)
    assert "more than 9 files and folders" in refused(root)
