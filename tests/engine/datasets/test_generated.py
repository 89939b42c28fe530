"""Generated tasks: the same bits everywhere, each image a function of its own number, and no clue but the intended one."""

from __future__ import annotations

import numpy as np
import pytest

from engine.datasets import DATASETS, Images, describe, load, signature
from engine.datasets._base import Dataset
from engine.datasets._drawing import SIDE, Draws, edge, grid, sine, soft_noise, streaks
from engine.datasets._figures import FIGURES
from engine.datasets.generated import BATCH, POOL_PER_CLASS, TASKS, TEST_PER_CLASS, VERSION, draw
from engine.errors import UnknownNameError

NAMES = [task.name for task in TASKS]
BY_SHAPE = [name for name in NAMES if name.startswith("shapes:")]
FINGERPRINTS = {
    "shapes:0": "c9abd698d05bcac2",
    "shapes:1": "9550022542a64966",
    "shapes:2": "0ea74f9a4b1ce7e0",
    "shapes:3": "b1b791c8b47090b3",
    "shapes:4": "431b2aab767d91af",
    "textures": "b3b4d40470358e94",
    "colours": "2596847857185fda",
    "rotations": "115ba6a9305be43f",
    "noise": "05be30dc1ac484ff",
}


@pytest.fixture(scope="module", params=NAMES)
def images(request: pytest.FixtureRequest) -> Images:
    return load(request.param, SIDE, "nearest")


def test_the_same_bits_in_every_version_and_on_every_machine(images: Images) -> None:
    # Recorded on 2026-11-21. Another picture needs a new VERSION, or what was measured on the old one would be reused.
    assert images.fingerprint == FINGERPRINTS[images.info.name]


def test_parts_are_pinned_and_classes_even(images: Images) -> None:
    for part, n in (("train", POOL_PER_CLASS), ("test", TEST_PER_CLASS)):
        assert np.bincount(images.labels[images.parts == part]).tolist() == [n] * images.info.n_classes
    # No image twice, so none of the test part can have been learned from.
    assert len({image.tobytes() for image in images.pixels}) == len(images.pixels)


def test_the_order_of_the_images_says_nothing_about_their_classes(images: Images) -> None:
    repeats = (images.labels[1:] == images.labels[:-1]).mean()
    assert 0.05 < repeats < 0.15
    for part in np.array_split(images.labels, 4):
        assert np.bincount(part, minlength=images.info.n_classes).min() > 20


def nearest_mean(features: np.ndarray, images: Images) -> float:
    """Accuracy on the test part of the nearest class mean of the pool."""
    test = images.parts == "test"
    means = np.stack([features[~test & (images.labels == k)].mean(axis=0) for k in range(images.info.n_classes)])
    distance = ((features[test, None] - means[None]) ** 2).sum(axis=2)
    return float((distance.argmin(axis=1) == images.labels[test]).mean())


def test_brightness_and_colour_tell_the_class_only_where_colour_is_the_class(images: Images) -> None:
    pixels = images.pixels.astype(np.float64)
    mean, spread = pixels.mean(axis=(1, 2)), pixels.std(axis=(1, 2))
    if images.info.name == "colours":
        chroma = mean - mean.mean(axis=1, keepdims=True)
        assert nearest_mean(chroma / np.linalg.norm(chroma, axis=1, keepdims=True), images) > 0.8
    else:
        assert nearest_mean(mean, images) < 0.15
        assert nearest_mean(mean.mean(axis=1, keepdims=True), images) < 0.15
        assert nearest_mean(spread, images) < 0.2


def test_no_pixel_alone_tells_the_class(images: Images) -> None:
    for row, column in ((32, 32), (20, 32), (32, 44), (5, 5)):
        assert nearest_mean(images.pixels[:, row, column].astype(np.float64), images) < 0.45


@pytest.mark.parametrize("name", NAMES)
def test_an_image_depends_on_its_own_number_only(name: str) -> None:
    batch = draw(name, 3, range(BATCH - 2, BATCH + 2))
    for place, number in enumerate(range(BATCH - 2, BATCH + 2)):
        np.testing.assert_array_equal(draw(name, 3, range(number, number + 1))[0], batch[place])
    assert (draw(name, 4, range(2)) != draw(name, 3, range(2))).any(axis=(1, 2, 3)).all()


def test_the_figure_stays_where_it_is_at_every_distance() -> None:
    # Cut paper shows the figure as a mask; the dot plate must have another hue inside it.
    for label in range(len(FIGURES)):
        paper = draw("shapes:1", label, range(4)).astype(int)
        mask = np.abs(paper - paper[:, :1, :1]).sum(axis=3) > 20
        plate = draw("shapes:3", label, range(4)).astype(np.float64)
        chroma = plate[..., 0] - plate[..., 2], plate[..., 1] - plate[..., 0]
        apart = [max(abs(one[i][mask[i]].mean() - one[i][~mask[i]].mean()) for one in chroma) for i in range(4)]
        assert min(apart) > 15


@pytest.mark.parametrize("figure", FIGURES)
def test_figures_have_area_one_and_lie_around_their_middle(figure: str) -> None:
    steps = ((np.arange(500) - 249.5) / 200).astype(np.float32)
    v, u = np.meshgrid(steps, steps, indexing="ij")
    distance = FIGURES[figure](u, v)
    inside = distance < 0
    assert distance.dtype == np.float32
    assert inside.mean() * 2.5**2 == pytest.approx(1, abs=0.01)
    assert (u[inside].mean(), v[inside].mean()) == pytest.approx((0, 0), abs=0.01)
    assert np.sqrt((u * u + v * v)[inside]).max() < 0.9
    # A distance changes by no more than the way there, or edges would not be one pixel wide.
    assert np.abs(np.diff(distance, axis=0)).max() <= (steps[1] - steps[0]) * 1.01


def test_sine_is_the_sine() -> None:
    turns = np.linspace(-3, 3, 1001)
    np.testing.assert_allclose(sine(turns), np.sin(2 * np.pi * turns), atol=4e-6, rtol=0)


def test_noise_is_soft_and_centred() -> None:
    draws = Draws("test", 0, range(40))
    soft, streaked = soft_noise(draws, 6), streaks(draws, draws.numbers(0, 1), draws.numbers(3, 4))
    for field in (soft, streaked):
        assert field.dtype == np.float32
        assert 0 <= field.min() < 0.25 < 0.75 < field.max() <= 1
        assert field.mean() == pytest.approx(0.5, abs=0.02)
    assert np.abs(np.diff(soft, axis=1)).max() < 0.2


def test_random_numbers_are_even_and_whole_numbers_in_range() -> None:
    draws = Draws("test", 1, range(2000))
    assert draws.numbers(2, 4).mean() == pytest.approx(3, abs=0.05)
    assert np.bincount(draws.choices(5)).tolist() == pytest.approx([400] * 5, rel=0.2)
    assert set(draws.signs().tolist()) == {-1.0, 1.0}
    assert edge(grid()[0])[0, 0].tolist() == [1.0] * 32 + [0.0] * 32


@pytest.mark.parametrize("name", NAMES)
def test_each_is_listed_by_its_name_with_what_the_screen_needs(name: str) -> None:
    entry, info = DATASETS[name], describe(name)
    assert isinstance(entry, Dataset)
    assert entry.listed
    assert (entry.label, entry.summary) == (info.label, info.summary)
    assert len(info.class_names) == info.n_classes == 10
    assert "Geirhos" in info.source
    assert info.download_bytes == 0
    assert signature(name) == VERSION


def test_no_class_is_mirrored_into_another_and_all_tasks_are_trained_alike() -> None:
    assert {describe(name).augmentation for name in NAMES} == {"crop"}


def test_beyond_the_dial_there_is_nothing() -> None:
    with pytest.raises(UnknownNameError, match="shapes:4"):
        describe("shapes:5")


def test_the_dial_is_one_family() -> None:
    assert len(BY_SHAPE) == 5
    assert {describe(name).class_names for name in BY_SHAPE} == {tuple(FIGURES)}


def test_a_peek_gives_the_pictures_of_the_whole_task_one_by_one():
    from engine.datasets import find, open_source

    whole, one = open_source("noise"), find("noise").peek("noise", 1)
    drawn = {whole.read(place).tobytes() for place in np.flatnonzero(whole.labels == 1)}
    assert len(one.labels) == len(drawn)
    assert all(one.read(number).tobytes() in drawn for number in range(0, len(one.labels), 97))
