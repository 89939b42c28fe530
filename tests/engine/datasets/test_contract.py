"""The contract of every dataset, by enumeration of the registry: a source that is added is tested the same day."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from timm.data import create_transform

from engine import task_queue
from engine.datasets import DATASETS, Images, describe, load, make_split, signature
from engine.errors import UnknownNameError

PARTS = {"train", "validation", "test"}


@pytest.fixture(scope="module", params=[dataset.name for dataset in DATASETS])
def name(request: pytest.FixtureRequest, colours: Path, imported: str) -> str:
    """A name of each source: its own, or with a fixture behind it."""
    behind = {"folder": f"folder:{colours}", "half": "half:A:0:digits", "imported": imported}
    return behind.get(request.param, request.param)


@pytest.fixture(scope="module")
def imported(colours: Path, tmp_path_factory: pytest.TempPathFactory):
    """An imported dataset, in the home of this machine's user for as long as the tests of this file run."""
    home = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TRANSFERSCOPE_HOME", str(home))
        yield task_queue.run_here("import", {"path": str(colours), "name": "colours"}, home)["dataset"]


@pytest.fixture(scope="module")
def home(name: str, request: pytest.FixtureRequest) -> Path | None:
    """Where a dataset that must be downloaded is."""
    fetched = any(dataset.name == name and dataset.fetch for dataset in DATASETS)
    return request.getfixturevalue("downloaded") if fetched else None


@pytest.fixture(scope="module")
def images(name: str, home: Path | None) -> Images:
    return load(name, 12, home=home)


def test_pixels_are_bytes_of_the_size_asked_for_and_cannot_be_written(images):
    assert images.pixels.dtype == np.uint8
    assert images.pixels.shape[1:] == (12, 12, 3)
    assert not images.pixels.flags.writeable
    assert images.pixels.std() > 1


def test_every_class_has_images_to_train_and_test(images):
    assert images.labels.dtype == np.int64
    assert set(images.labels.tolist()) == set(range(images.info.n_classes))
    for label in range(images.info.n_classes):
        assert set(images.parts[images.labels == label].tolist()) >= {"train", "test"}
    assert set(images.parts.tolist()) <= PARTS


def test_the_description_is_what_decoding_gives(name, home, images):
    info = describe(name, home)
    assert info == images.info
    assert info.n_test == (images.parts == "test").sum()
    assert info.n_pool == (images.parts != "test").sum()
    assert info.smallest_class == np.bincount(images.labels[images.parts != "test"]).min()
    assert len(images.pixels) == len(images.labels) == len(images.parts) == len(images.keys)
    for text in (info.label, info.summary, info.source, info.licence, info.size):
        assert text.strip()


def test_keys_are_unique_and_the_same_at_every_size(name, home, images):
    assert len(set(images.keys.tolist())) == len(images.keys)
    larger = load(name, 20, "bilinear", home)
    assert larger.pixels.shape[1:] == (20, 20, 3)
    np.testing.assert_array_equal(larger.keys, images.keys)
    assert larger.fingerprint == images.fingerprint


def test_decoding_twice_gives_the_same(name, home, images):
    again = load(name, 12, home=home)
    np.testing.assert_array_equal(again.pixels, images.pixels)
    np.testing.assert_array_equal(again.parts, images.parts)
    assert signature(name, home) == signature(name, home)


def test_a_run_can_be_split_from_it(images):
    split = make_split(images, 0, 2 * images.info.n_classes)
    assert len(split.train) + len(split.validation) == 2 * images.info.n_classes


def test_unknown_names_are_refused_with_near_matches():
    for act in (describe, signature, lambda name: load(name, 8)):
        with pytest.raises(UnknownNameError, match=r"'digits'.*folder:PATH"):
            act("digit")


def test_digits_as_pinned():
    # Recorded on 2026-11-21: the same images must be sealed in every version.
    images = load("digits", 8, "nearest")
    assert images.fingerprint == "405769bebdfd90d6"
    assert (images.info.n_pool, images.info.n_test) == (1007, 790)
    assert np.bincount(images.labels[images.parts == "test"]).tolist() == [79] * 10
    assert images.pixels.max() == 255


def test_file_names_and_their_order_do_not_matter(colours, tmp_path):
    turned = tmp_path / "turned"
    for place, file in enumerate(sorted(colours.glob("*/*.png"), reverse=True)):
        (turned / file.parent.name).mkdir(parents=True, exist_ok=True)
        shutil.copy(file, turned / file.parent.name / f"{place}.png")
    one, two = load(f"folder:{colours}", 8), load(f"folder:{turned}", 8)
    assert one.fingerprint == two.fingerprint
    part_of = dict(zip(one.keys.tolist(), one.parts.tolist(), strict=True))
    assert part_of == dict(zip(two.keys.tolist(), two.parts.tolist(), strict=True))
    for seed in (0, 1):
        a, b = (make_split(images, seed, 9) for images in (one, two))
        assert set(one.keys[a.train].tolist()) == set(two.keys[b.train].tolist())


def test_the_signature_changes_when_a_file_does(colours, tmp_path):
    copy = tmp_path / "copy"
    shutil.copytree(colours, copy)
    before = signature(f"folder:{copy}")
    shutil.copy(copy / "red" / "000.png", copy / "red" / "new.png")
    assert signature(f"folder:{copy}") != before


# Of an oblong image, the width is rounded before the cut there and not here: up to half a pixel.
@pytest.mark.parametrize(("width", "height", "tolerance"), [(90, 90, 0.0), (120, 90, 3.0)])
def test_the_part_of_an_image_that_is_seen_is_that_of_the_backbones_own_preprocessing(
    width, height, tolerance, colours, tmp_path
):
    shutil.copytree(colours, tmp_path / "own")
    noise = np.random.default_rng(0).integers(0, 256, (height // 10, width // 10, 3), dtype=np.uint8)
    picture = Image.fromarray(noise).resize((width, height))
    chosen = next(file for file in sorted((tmp_path / "own").rglob("*")) if file.is_file())
    picture.save(chosen.with_suffix(".png"))
    if chosen.suffix != ".png":
        chosen.unlink()
    images = load(f"folder:{tmp_path / 'own'}", 28, "bicubic", crop_fraction=0.875)
    transform = create_transform((3, 28, 28), interpolation="bicubic", mean=(0,) * 3, std=(1,) * 3, crop_pct=0.875)
    expected = transform(picture).permute(1, 2, 0).numpy() * 255
    differences = np.abs(images.pixels.astype(float) - expected).mean(axis=(1, 2, 3))
    assert images.pixels.shape[1:] == (28, 28, 3)
    assert not images.pixels.flags.writeable
    assert differences.min() <= tolerance + 1e-3
