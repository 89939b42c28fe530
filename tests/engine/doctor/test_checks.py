"""Each check on data that were spoiled in one way: it finds that, with the right numbers, and the others stay silent."""

from __future__ import annotations

import shutil

import numpy as np
import pytest
from PIL import Image, ImageEnhance

from engine.backbones import card
from engine.doctor.class_names import plain
from engine.doctor.source_overlap import known


def test_a_copy_of_a_test_image_in_train_is_a_leak(root, look):
    shutil.copy(root / "test" / "cat" / "003.png", root / "train" / "cat" / "copy.png")
    (finding,) = look(root, "exact_duplicates")
    assert finding.severity == "severe"
    assert "1 test images (5.0%) have been seen in training" in finding.title
    assert finding.numbers == {"images": 1, "test_images": 1, "share_of_test": 0.05}
    assert {one.part for one in finding.examples} == {"train", "test"}
    assert all(one.thumbnail for one in finding.examples)
    assert look(root, "near_duplicates") == []


def test_the_same_pixels_in_another_format_are_the_same_image(root, look):
    Image.open(root / "train" / "dog" / "000.png").save(root / "train" / "dog" / "again.bmp")
    (finding,) = look(root, "exact_duplicates")
    assert finding.severity == "notice"
    assert finding.numbers == {"images": 1, "extra": 1}


def test_copies_with_another_label(root, look):
    shutil.copy(root / "train" / "cat" / "003.png", root / "train" / "dog" / "copy.png")
    (finding,) = look(root, "exact_duplicates")
    assert finding.severity == "warning"
    assert "with another label" in finding.title
    assert {one.label for one in finding.examples} == {"cat", "dog"}


@pytest.mark.parametrize(
    "change",
    [
        lambda image: image.resize((57, 57)),
        lambda image: image.resize((30, 30)),
        lambda image: ImageEnhance.Brightness(image).enhance(1.15),
        lambda image: ImageEnhance.Contrast(image).enhance(0.9),
    ],
)
def test_a_changed_copy_looks_the_same(root, look, change):
    change(Image.open(root / "test" / "cat" / "003.png")).save(root / "train" / "cat" / "again.jpg", quality=75)
    assert look(root, "exact_duplicates") == []
    (finding,) = look(root, "near_duplicates")
    assert finding.severity == "warning"
    assert [one.name.split("/")[-1].split("\\")[-1] for one in finding.examples] == ["003.png", "again.jpg"]
    assert "Look at the examples first" in finding.advice


def test_the_same_picture_in_other_colours_is_another(root, look):
    image = np.asarray(Image.open(root / "test" / "cat" / "003.png"))
    Image.fromarray(image[..., [2, 0, 1]].copy()).save(root / "train" / "cat" / "other.png")
    assert look(root, "near_duplicates") == []


def test_tiny_classes_and_few_test_images(root, look, draw):
    (root / "train" / "hen").mkdir()
    for place in range(3):
        draw(1000 + place).save(root / "train" / "hen" / f"{place}.png")
    tiny, untested, few = sorted(look(root, "class_counts"), key=lambda one: sorted(one.numbers)[0], reverse=True)[:3]
    found = {key: value for one in (tiny, untested, few) for key, value in one.numbers.items()}
    assert found == {"tiny": 1, "untested": 1, "test_images": 20}
    assert "'hen' (3)" in tiny.means + untested.means + few.means


def test_the_majority_baseline(root, look, draw):
    for place in range(300):
        draw(2000 + place).save(root / "train" / "dog" / f"more{place}.png")
    for place in range(20):
        draw(3000 + place).save(root / "test" / "dog" / f"more{place}.png")
    (finding,) = look(root, "imbalance")
    assert finding.severity == "warning"
    assert finding.title.startswith("Always answering 'dog' is right 75.0% of the time")
    assert finding.numbers == {"majority_class": "dog", "baseline": 0.75, "ratio": 13.0}


def test_broken_files_with_their_reasons(root, look):
    (root / "train" / "cat" / "empty.jpg").write_bytes(b"")
    (finding,) = look(root, "broken_files")
    assert finding.severity == "warning"
    assert finding.numbers["broken"] == 1
    assert "the file is empty (1)" in finding.means
    assert "empty.jpg: the file is empty" in finding.examples[0].name
    for place in range(10):
        (root / "train" / "cat" / f"{place}.jpg").write_bytes(b"no image")
    report = look(root)
    assert report.by_severity["severe"] == 2
    assert any("11 of 81 files" in one.means for one in report.findings if one.check == "class_counts")


def test_odd_files_are_named_by_kind(root, look, draw):
    cats, exif = root / "train" / "cat", Image.Exif()
    exif[0x0112] = 6
    draw(1).convert("CMYK").save(cats / "cmyk.jpg")
    Image.fromarray(np.arange(1600, dtype=np.uint16).reshape(40, 40) * 40).save(cats / "deep.png")
    draw(3).quantize(16).save(cats / "palette.png")
    draw(4).convert("RGBA").save(cats / "glass.png")
    draw(5).save(cats / "moving.webp", save_all=True, append_images=[draw(6)])
    draw(7).save(cats / "phone.jpg", exif=exif)
    draw(8).save(cats / "really.jpg", format="PNG")
    found = {one.numbers["kind"]: one.numbers["files"] for one in look(root, "odd_files")}
    assert found == dict.fromkeys(
        ("cmyk", "sixteen_bit", "palette", "transparent", "animated", "turned", "wrong_suffix"), 1
    )


def test_one_kind_of_file_for_each_class_is_a_shortcut(root, look):
    for file in (root / "train" / "dog").iterdir():
        Image.open(file).convert("RGBA").save(file)
    (finding,) = look(root, "odd_files")
    assert "a network may learn the kind of file instead" in finding.means


def test_plain_and_dark_images(root, look, draw):
    Image.new("RGB", (40, 40), (90, 20, 20)).save(root / "train" / "cat" / "plain.png")
    dark = ImageEnhance.Brightness(draw(5)).enhance(0.02)
    dark.save(root / "train" / "cat" / "night.png")
    plain_one, dark_one = look(root, "pixel_values")
    assert plain_one.severity == "warning"
    assert "1 of 72 images are of one plain colour" in plain_one.title
    assert "1 of 72 images are almost black" in dark_one.title


def test_grey_images_of_one_class_give_it_away(root, look):
    for file in root.glob("*/dog/*.png"):
        Image.open(file).convert("L").save(file)
    (finding,) = look(root, "pixel_values")
    assert finding.severity == "warning"
    assert "100% of 'dog' are grey and 0% of 'cat'" in finding.means


def sign(seed: int, inverted: bool) -> Image.Image:
    draws = np.random.default_rng(seed)
    image = np.full((40, 40), 250, dtype=np.uint8)
    for _ in range(4):
        row, column = draws.integers(6, 26, 2)
        image[row : row + 8, column : column + 8] = draws.integers(0, 60)
    return Image.fromarray(255 - image if inverted else image)


def test_negatives_among_drawings(root, look):
    for place, file in enumerate(sorted(root.rglob("*.png"))):
        sign(place, place % 7 == 0).save(file)
    found = [one.title for one in look(root, "pixel_values")]
    assert "10 grey images are on a dark ground, most are not" in found


def test_oblong_images(root, look, draw):
    draw(9).resize((120, 40)).save(root / "train" / "cat" / "wide.png")
    (finding,) = look(root, "image_sizes")
    assert "1 of 71 images are at least twice as long as wide" in finding.title


def test_images_far_smaller_than_the_input(root, look):
    for file in root.rglob("*.png"):
        Image.open(file).resize((6, 6)).save(file)
    assert look(root, "image_sizes") == []
    (finding,) = look(root, "image_sizes", backbone="resnet20_cifar10")
    assert finding.severity == "warning"
    assert "100% of the images are less than half as large as the backbone's input of 32 x 32" in finding.title
    assert "5.3 times" in finding.means


@pytest.mark.parametrize(
    ("one", "two"),
    [("Cat", "cat"), ("ice cream", "ice_cream"), ("café", "cafe\u0301"), ("dog", " dog."), ("A-1", "a1")],
)
def test_names_that_differ_in_spelling_only(one, two):
    assert plain(one) == plain(two)
    assert plain("cat") != plain("cats")


def test_class_names(root, look, draw):
    for name in ("cat_", "New folder (2)"):  # names that differ in case alone are refused before any look
        (root / "train" / name).mkdir()
        for place in range(3):
            draw(ord(name[0]) * 100 + place).save(root / "train" / name / f"{place}.png")
    twins, odd = look(root, "class_names")
    assert "'cat' and 'cat_'" in twins.means
    assert "'New folder (2)'" in odd.means


@pytest.mark.parametrize(
    ("data", "source", "severity"),
    [
        ("cifar10", "CIFAR-10 (Krizhevsky 2009), 10 classes of photographs", "severe"),
        ("folder:/home/me/CIFAR-10", "CIFAR-10", "severe"),
        ("half:A:0:cifar10", "CIFAR-10", "severe"),
        ("cifar100", "CIFAR-10", "notice"),
        ("cifar10", "ImageNet-1k", "notice"),
        ("imagenette", "ImageNet-21k, then ImageNet-1k", "severe"),
        ("stl10", "ImageNet-1k", "severe"),
        ("oxford_iiit_pet", "ImageNet-1k", "warning"),
        ("flowers102", "ImageNet-21k", "notice"),
        ("dtd", "LAION-2B", "notice"),
        ("dtd", "ImageNet-1k", None),
        ("cifar10", "", None),
        ("petshop", "CIFAR-10", None),
    ],
)
def test_known_overlaps(data, source, severity):
    case = known(data, source)
    assert (case.severity if case else None) == severity


def test_the_backbones_own_data_are_named(root, look):
    seen = root.parent / "cifar10"
    root.rename(seen)
    (finding,) = look(seen, "source_overlap", backbone="resnet20_cifar10")
    assert finding.severity == "severe"
    assert card("resnet20_cifar10").source_data in finding.title
