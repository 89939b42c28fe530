"""Backbones of four units for tests: `execute` in milliseconds. Their fixtures are known through `conftest.py`."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from engine.backbones._network import Network

TINY = "tiny"
"""A backbone of four units for images of 12 x 12, registered while a test asks for it: `execute` in milliseconds."""


def build_tiny(name: str = TINY):
    from torch import nn

    from engine.backbones._composition import ComposedNetwork

    widths = (3, 8, 8, 12, 16)
    units = [
        (f"unit {n}", "stage", nn.Sequential(nn.Conv2d(a, b, 3, padding=1, bias=False), nn.BatchNorm2d(b), nn.ReLU()))
        for n, (a, b) in enumerate(itertools.pairwise(widths), start=1)
    ]
    return ComposedNetwork(units, widths[-1])


@contextlib.contextmanager
def registered(name: str, label: str, build: Callable[[], Network], folder: Path, seed: int) -> Iterator[str]:
    """Within it there is a backbone of this name, with pretrained weights that are other than any seed's own."""
    import torch

    from engine.backbones import BACKBONES, Card, Family
    from engine.backbones._unit_costs import describe_units
    from engine.backbones._weights import load_file, save_backbone

    file = folder / f"{name}.safetensors"
    torch.manual_seed(seed)
    save_backbone(build(), file, {})
    size, colours = (3, 12, 12), ((0.5,) * 3, (0.25,) * 3)
    units = describe_units(build(), size)
    card = Card(name, label, "Four units.", name, "made up", size, *colours, "bilinear", units)
    BACKBONES.load()
    BACKBONES.register(
        Family(
            name=name,
            label=label,
            summary="Four units.",
            source="made up",
            names=lambda: [name],
            accepts=lambda asked: asked == name,
            build=lambda asked: build(),
            load=lambda network, asked, home: load_file(network, asked, file),
            card=lambda asked: card,
        )
    )
    yield name
    del BACKBONES._entries[name]


@pytest.fixture(scope="session")
def tiny(tmp_path_factory):
    """The tiny backbone's name."""
    with registered(TINY, "Tiny", build_tiny, tmp_path_factory.mktemp("weights"), 12345) as name:
        yield name


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
    """The tiny transformer's name."""
    with registered(TINY_VIT, "Tiny ViT", build_tiny_vit, tmp_path_factory.mktemp("weights"), 54321) as name:
        yield name
