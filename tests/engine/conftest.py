"""Shared by the engine's tests: a home, a store, small specs and small folders of images."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from threadpoolctl import threadpool_limits

from engine.spec import ExperimentSpec, RunSpec, TrainSpec
from engine.store import Store


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


TINY = "tiny"
"""A backbone of four units for images of 12 x 12, registered while a test asks for it: `execute` in milliseconds."""


def build_tiny(name: str = TINY):
    from torch import nn

    from engine.backbones._network import ComposedNetwork

    widths = (3, 8, 8, 12, 16)
    units = [
        (f"unit {n}", "stage", nn.Sequential(nn.Conv2d(a, b, 3, padding=1, bias=False), nn.BatchNorm2d(b), nn.ReLU()))
        for n, (a, b) in enumerate(itertools.pairwise(widths), start=1)
    ]
    return ComposedNetwork(units, widths[-1])


@pytest.fixture(scope="session")
def tiny(tmp_path_factory):
    """The tiny backbone's name. Its pretrained weights are other than any seed's own."""
    import torch

    from engine.backbones import BACKBONES, Card, Family
    from engine.backbones._network import describe_units
    from engine.backbones._weights import load_file, save_backbone

    file = tmp_path_factory.mktemp("weights") / "tiny.safetensors"
    torch.manual_seed(12345)
    save_backbone(build_tiny(), file, {})
    size = (3, 12, 12)
    units = describe_units(build_tiny(), size)
    card = Card(TINY, "Tiny", "Four units.", TINY, "made up", size, (0.5,) * 3, (0.25,) * 3, "bilinear", units)
    BACKBONES.load()
    BACKBONES.register(
        Family(
            name=TINY,
            label="Tiny",
            summary="Four units.",
            source="made up",
            names=lambda: [TINY],
            accepts=lambda name: name == TINY,
            build=build_tiny,
            load=lambda network, name, home: load_file(network, name, file),
            card=lambda name: card,
        )
    )
    yield TINY
    del BACKBONES._entries[TINY]


TINY_VIT = "tiny_vit"
"""A transformer of a stem and three blocks for the same images."""


def build_tiny_vit(name: str = TINY_VIT):
    from timm.models.vision_transformer import VisionTransformer

    from engine.backbones._timm_network import ComposedTimm
    from engine.backbones._timm_units import composed

    model = VisionTransformer(img_size=12, patch_size=4, embed_dim=16, depth=3, num_heads=2, mlp_ratio=2, num_classes=0)
    return ComposedTimm(model, composed(model))


@pytest.fixture(scope="session")
def tiny_vit(tmp_path_factory):
    """The tiny transformer's name. Its pretrained weights are other than any seed's own."""
    import torch

    from engine.backbones import BACKBONES, Card, Family
    from engine.backbones._network import describe_units
    from engine.backbones._weights import load_file, save_backbone

    file = tmp_path_factory.mktemp("weights") / "tiny_vit.safetensors"
    torch.manual_seed(54321)
    save_backbone(build_tiny_vit(), file, {})
    size = (3, 12, 12)
    units = describe_units(build_tiny_vit(), size)
    card = Card(
        TINY_VIT, "Tiny ViT", "Four units.", TINY_VIT, "made up", size, (0.5,) * 3, (0.25,) * 3, "bilinear", units
    )
    BACKBONES.load()
    BACKBONES.register(
        Family(
            name=TINY_VIT,
            label="Tiny ViT",
            summary="Four units.",
            source="made up",
            names=lambda: [TINY_VIT],
            accepts=lambda name: name == TINY_VIT,
            build=build_tiny_vit,
            load=lambda network, name, home: load_file(network, name, file),
            card=lambda name: card,
        )
    )
    yield TINY_VIT
    del BACKBONES._entries[TINY_VIT]
