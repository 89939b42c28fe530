"""Shared by the engine's tests: a home, a store, small specs and small folders of images; and what files beside this one hold."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from threadpoolctl import threadpool_limits

from engine.spec import ExperimentSpec, RunSpec, TrainSpec
from engine.store import Store
from tests.engine._hub import hub as hub
from tests.engine._pair import made_pair as made_pair
from tests.engine._pair import pair as pair
from tests.engine._tiny import tiny as tiny
from tests.engine._tiny import tiny_vit as tiny_vit


@pytest.fixture(autouse=True, scope="session")
def few_threads():
    """Small problems on shared cores: threads of linear algebra that wait for each other cost more than they give."""
    with threadpool_limits(1, user_api="blas"):
        yield


@pytest.fixture
def home(tmp_path: Path) -> Path:
    folder = tmp_path / "home"
    folder.mkdir()
    return folder


@pytest.fixture
def store(home: Path):
    opened = Store(home)
    yield opened
    opened.close()


@pytest.fixture
def make_run():
    """A RunSpec from the few fields a test is about."""

    def make(**changes: object) -> RunSpec:
        train = TrainSpec(**{"epochs": 1, "precision": "float32", **changes.pop("train", {})})
        plain = {"backbone": "resnet20_cifar10", "dataset": "digits", "strategy": "full_fine_tuning", "frozen_depth": 0}
        return RunSpec(**{**plain, "seed": 0, "weights": "random", "measures": (), "train": train, **changes})

    return make


@pytest.fixture
def make_spec():
    """An ExperimentSpec that needs no shipped weights and little time."""

    def make(**changes: object) -> ExperimentSpec:
        train = TrainSpec(**{"epochs": 1, "precision": "float32", **changes.pop("train", {})})
        plain = {"strategies": ("full_fine_tuning",), "seeds": (0,), "label_budgets": (20,), "measures": ()}
        return ExperimentSpec(**{**plain, "weights": "random", "train": train, **changes})

    return make


@pytest.fixture(scope="session")
def write_images():
    """Write n small images, each different, into a folder; classes differ in colour, so that they can be learned."""

    def write(
        folder: Path, n: int, colour: tuple[int, int, int] = (200, 40, 40), seed: int = 0, side: int = 16
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        draws = np.random.default_rng([seed, *colour])
        for place in range(n):
            noise = draws.integers(-30, 31, size=(side, side, 3))
            Image.fromarray((np.array(colour) + noise).clip(0, 255).astype(np.uint8)).save(folder / f"{place:03d}.png")

    return write


@pytest.fixture(scope="session")
def colours(tmp_path_factory: pytest.TempPathFactory, write_images) -> Path:
    """A folder of three classes with twelve images each."""
    root = tmp_path_factory.mktemp("data") / "colours"
    for name, colour in {"red": (200, 40, 40), "green": (40, 200, 40), "blue": (40, 40, 200)}.items():
        write_images(root / name, 12, colour)
    return root
