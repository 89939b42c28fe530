"""Poolings: what each takes from a unit's output, and that none disturbs the pass."""

from __future__ import annotations

import pytest
import torch

from engine.backbones import _timm, family_of
from engine.backbones._composition import Composition
from engine.backbones._pooling import Layout, of_tokens, pooled
from engine.errors import BackboneError
from engine.spec import POOLINGS


def test_tokens_are_laid_out_as_their_square_of_patches():
    hidden = torch.randn(2, 1 + 9, 4)
    layout = of_tokens(hidden, 1)
    assert layout.map.shape == (2, 4, 3, 3)
    assert torch.equal(layout.map[:, :, 1, 2], hidden[:, 1 + 5])
    assert torch.equal(pooled("class_token", layout), hidden[:, 0])
    assert torch.allclose(pooled("patch_mean", layout), hidden[:, 1:].mean(1))
    assert of_tokens(hidden, 0).map.shape == (2, 4, 1, 10)


@pytest.mark.parametrize(
    ("channels", "side", "width"), [(16, 32, 9216), (128, 4, 2048), (64, 56, 9216), (9000, 7, 9000)]
)
def test_adaptive_pooling_gives_about_nine_thousand_numbers_where_there_are_as_many(channels, side, width):
    assert pooled("adaptive_9k", Layout(torch.randn(1, channels, side, side))).shape == (1, width)


def test_adaptive_pooling_averages_cells():
    map_ = torch.arange(16.0).reshape(1, 1, 4, 4).expand(1, 2250, 4, 4)
    assert torch.equal(pooled("adaptive_9k", Layout(map_))[0, :4], torch.tensor([2.5, 4.5, 10.5, 12.5]))


@pytest.mark.parametrize("pooling", ["class_token", "patch_mean"])
def test_pooling_of_tokens_is_refused_where_there_are_none(pooling):
    network = family_of("resnet20_cifar10").build("resnet20_cifar10").eval()
    with pytest.raises(BackboneError, match="has none: use 'global_average'"):
        network.pooled(torch.randn(2, 3, 32, 32), pooling)


@pytest.mark.parametrize("name", ["resnet20_cifar10", "timm:resnet10t", "timm:test_vit", "timm:test_vit_relpos"])
@torch.inference_mode()
def test_every_pooling_reads_the_same_pass(name):
    network = family_of(name).build(name).eval()
    images = torch.randn(2, 3, *(160, 160) if "vit" in name else (32, 32))
    embedded = network.embed(images)
    usual, head = network.pooled(images, "global_average")
    assert torch.equal(head, embedded)
    assert all(torch.equal(one, other) for one, other in zip(usual, network.features(images), strict=True))
    for pooling in POOLINGS:
        try:
            taken, head = network.pooled(images, pooling)
        except BackboneError:
            assert pooling in ("class_token", "patch_mean")
            continue
        assert torch.equal(head, embedded)
        assert len(taken) == network.n_units
        assert all(rows is None or (rows.ndim == 2 and len(rows) == 2) for rows in taken)


@torch.inference_mode()
def test_a_transformers_last_unit_is_pooled_after_its_normalisation():
    network = _timm.build("timm:test_vit").eval()
    assert isinstance(network, Composition)
    images = torch.randn(2, 3, 160, 160)
    tokens = network.model.forward_features(images)
    assert torch.equal(network.pooled(images, "class_token")[0][-1], tokens[:, 0])
    assert torch.allclose(network.pooled(images, "patch_mean")[0][-1], tokens[:, 1:].mean(1), atol=1e-6)
