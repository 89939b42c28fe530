"""Backbones of four units for tests: `execute` in milliseconds. Their fixtures are known through `conftest.py`."""

from __future__ import annotations

import itertools

import pytest

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


@pytest.fixture(scope="session")
def tiny(tmp_path_factory):
    """The tiny backbone's name. Its pretrained weights are other than any seed's own."""
    import torch

    from engine.backbones import BACKBONES, Card, Family
    from engine.backbones._unit_costs import describe_units
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
    from engine.backbones._unit_costs import describe_units
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
