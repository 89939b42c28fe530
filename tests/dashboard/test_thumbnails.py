"""Thumbnails: of files and of pixels, upright, of one size; a broken file is said, not shown."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image

from dashboard.thumbnails import SIDE, open_source, sheet
from engine import datasets
from engine.datasets import Source

INFO = datasets.describe("digits")


def source(contents: list) -> Source:
    return Source(INFO, np.zeros(len(contents), dtype=np.int64), np.array(["train"] * len(contents)),
                  [f"n{place}" for place in range(len(contents))], contents.__getitem__)  # fmt: skip


def jpeg(size: tuple[int, int], orientation: int = 1) -> bytes:
    exif = Image.Exif()
    exif[0x0112] = orientation
    out = io.BytesIO()
    Image.new("RGB", size, (200, 0, 0)).save(out, "JPEG", exif=exif)
    return out.getvalue()


def test_every_picture_has_one_size_and_tiny_ones_whole_pixels():
    grey = np.arange(64, dtype=np.uint8).reshape(8, 8) * 4
    found = sheet(source([jpeg((900, 600)), jpeg((30, 20), 6), grey, jpeg((1, 1)), jpeg((4000, 3))]), 0, 0, 9)
    pictures = [Image.open(io.BytesIO(one.png)) for one in found.pictures]
    assert {picture.size for picture in pictures} == {(SIDE, SIDE)}
    turned = np.asarray(pictures[1].convert("RGB"))
    assert turned[0, SIDE // 2, 0] > 180  # upright: the red reaches the top,
    assert turned[SIDE // 2, 2, 0] < 150  # and grey is at its sides
    assert len(np.unique(np.asarray(pictures[2].convert("L")))) == 64


def test_a_broken_file_is_said():
    found = sheet(source([b"", jpeg((9, 9))]), 0, 0, 9)
    assert (found.pictures[0].png, found.pictures[0].problem) == (None, "the file is empty")
    assert found.pictures[1].png


def test_pages():
    found = sheet(source([jpeg((9, 9))] * 5), 0, 3, 3)
    assert (len(found.pictures), found.total, found.pictures[0].name) == (2, 5, "n3")


def test_of_pictures_that_are_drawn_one_by_one():
    found = sheet(open_source("shapes:0", 1, None), 1, 2, 3)
    assert [one.name for one in found.pictures] == ["picture 2", "picture 3", "picture 4"]
    assert len({one.png for one in found.pictures}) == 3


def test_of_a_dataset_that_is_opened_whole(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    for n in range(4):
        for name in "ab":
            (tmp_path / name / f"{n}.jpg").write_bytes(jpeg((9 + n, 9)))
    found = sheet(open_source(f"folder:{tmp_path}", 1, None), 1, 0, 9)
    assert [one.name for one in found.pictures] == [f"b/{n}.jpg" for n in range(4)]
