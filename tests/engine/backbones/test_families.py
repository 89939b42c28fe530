"""One small member, with random weights, of every family of architectures that is cut into units exactly."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import pytest
import timm
import torch
from timm.models.convmixer import ConvMixer
from timm.models.inception_resnet_v2 import InceptionResnetV2
from timm.models.mlp_mixer import MlpMixer
from timm.models.vgg import VGG
from torch import Tensor, nn

from engine.backbones._timm_network import ComposedTimm
from engine.backbones._timm_units import composed
from engine.backbones._unit_costs import describe_units
from engine.backbones._weights import tensors_sha256
from engine.errors import BackboneError

FOUR = (1, 1, 1, 1)
TINY = {"depth": 2, "embed_dim": 48, "num_heads": 3}
SWIN = {"depths": (1, 2, 1, 1), "embed_dim": 12, "num_heads": (1, 1, 2, 2), "window_size": 4, "img_size": 64}


def of_timm(name: str, **options: object) -> Callable[[], nn.Module]:
    return lambda: timm.create_model(name, pretrained=False, num_classes=0, **options)


def inception_resnet_v2() -> nn.Module:
    model = InceptionResnetV2(num_classes=0)  # takes no depth: 40 blocks that are alike
    for name in ("repeat", "repeat_1", "repeat_2"):
        setattr(model, name, getattr(model, name)[:1])
    return model


def inception_v4() -> nn.Module:
    model = timm.create_model("inception_v4", num_classes=0)
    alike = {7, 8, 9, 12, 13, 14, 15, 16, 17}
    model.features = nn.Sequential(*(block for place, block in enumerate(model.features) if place not in alike))
    return model


def vgg(**options: object) -> Callable[[], nn.Module]:
    # The first fully connected layer of the real ones has a hundred million parameters.
    return lambda: VGG([4, "M", 8, 8, "M", 8, "M"], num_classes=0, mlp_ratio=0.01, **options)


MEMBERS: dict[str, tuple[Callable[[], nn.Module], int, int]] = {
    "ResNet": (of_timm("test_resnet"), 64, 5),
    "ResNet, plain blocks": (of_timm("resnet18", layers=FOUR, channels=(8, 16, 24, 32)), 64, 5),
    "ResNeXt": (of_timm("resnext50_32x4d", layers=FOUR, channels=(32, 32, 64, 64)), 64, 5),
    "wide ResNet": (of_timm("wide_resnet50_2", layers=FOUR, channels=(8, 16, 24, 32)), 64, 5),
    "SE-ResNet": (of_timm("seresnet18", layers=FOUR, channels=(16, 16, 24, 32)), 64, 5),
    "SENet": (of_timm("legacy_seresnet18", layers=FOUR), 64, 5),
    "ResNet v2": (of_timm("resnetv2_50", layers=FOUR, channels=(32, 32, 64, 64)), 64, 5),
    "RegNet": (of_timm("regnety_002"), 64, 14),
    "ConvNeXt": (of_timm("test_convnext"), 64, 10),
    "ConvNeXt v2": (of_timm("convnextv2_atto", depths=FOUR, dims=(8, 16, 24, 32)), 64, 5),
    "DenseNet": (of_timm("densenet121", block_config=(2, 2, 2, 2), growth_rate=8, bn_size=2), 64, 9),
    "VGG": (vgg(), 64, 6),
    "VGG with normalisation": (vgg(norm_layer=nn.BatchNorm2d), 64, 6),
    "Inception v3": (of_timm("inception_v3"), 75, 13),
    "Inception v4": (inception_v4, 75, 11),
    "Inception-ResNet v2": (inception_resnet_v2, 75, 10),
    "EfficientNet": (of_timm("test_efficientnet"), 64, 7),
    "EfficientNet v2": (of_timm("tf_efficientnetv2_b0"), 32, 23),
    "MobileNet v2": (of_timm("mobilenetv2_035"), 64, 19),
    "MobileNet v3": (of_timm("mobilenetv3_small_050"), 64, 14),
    "MobileNet v4": (of_timm("mobilenetv4_conv_small_035"), 64, 19),
    "MobileViT": (of_timm("mobilevit_xxs"), 64, 11),
    "MobileViT v2": (of_timm("mobilevitv2_050"), 64, 10),
    "ViT": (of_timm("vit_tiny_patch16_224", img_size=32, **TINY), 32, 3),
    "DeiT": (of_timm("deit_tiny_distilled_patch16_224", img_size=32, **TINY), 32, 3),
    "DeiT III": (of_timm("deit3_small_patch16_224", img_size=32, **TINY), 32, 3),
    "DINOv2": (of_timm("vit_small_patch14_dinov2", img_size=28, **TINY), 28, 3),
    "DINOv2 with registers": (of_timm("vit_small_patch14_reg4_dinov2", img_size=28, **TINY), 28, 3),
    "DINOv3": (of_timm("vit_small_patch16_dinov3", img_size=32, **TINY), 32, 3),
    "CLIP": (of_timm("vit_base_patch16_clip_224", img_size=32, **TINY), 32, 3),
    "SigLIP": (of_timm("vit_base_patch16_siglip_224", img_size=32, **TINY), 32, 3),
    "MAE": (of_timm("vit_base_patch16_224.mae", img_size=32, **TINY), 32, 3),
    "Swin": (of_timm("swin_tiny_patch4_window7_224", **SWIN), 64, 6),
    "Swin v2": (of_timm("swinv2_tiny_window8_256", **SWIN), 64, 6),
    "BEiT": (of_timm("beit_base_patch16_224", img_size=32, **TINY), 32, 3),
    "BEiT v2": (of_timm("beitv2_base_patch16_224", img_size=32, **TINY), 32, 3),
    "EVA": (of_timm("eva_giant_patch14_224", img_size=28, **TINY), 28, 3),
    "EVA-02": (of_timm("eva02_tiny_patch14_224", img_size=28, **TINY), 28, 3),
    "rotary positions, learned": (of_timm("vit_small_patch16_rope_mixed_224", img_size=32, **TINY), 32, 3),
    "MLP-Mixer": (lambda: MlpMixer(num_classes=0, img_size=32, num_blocks=2, embed_dim=48), 32, 3),
    "ConvMixer": (lambda: ConvMixer(dim=16, depth=2, num_classes=0), 64, 3),
}
"""What builds the member, the image side that is quick, and how many units it has (stem, blocks, head convolution)."""

every_family = pytest.mark.parametrize("family", MEMBERS)


@cache
def built(family: str) -> ComposedTimm:
    torch.manual_seed(0)
    model = MEMBERS[family][0]()
    steps = composed(model)
    assert steps is not None
    return ComposedTimm(model, steps)


@pytest.fixture
def network(family: str) -> ComposedTimm:
    fresh = built(family)
    fresh.reset_head(3)
    fresh.freeze(0)
    return fresh


def images_of(family: str, n: int) -> Tensor:
    side = MEMBERS[family][1]
    return torch.randn(n, 3, side, side, generator=torch.Generator().manual_seed(1))


@every_family
@torch.inference_mode()
def test_units_compose_to_timms_own_forward_pass_and_can_be_cut_anywhere(family, network):
    network.eval()
    model, images = network.model, images_of(family, 2)
    expected = model.forward_head(model.forward_features(images), pre_logits=True)
    assert network.n_units == MEMBERS[family][2]
    for depth in range(network.n_units + 1):
        assert torch.equal(network.suffix(network.prefix(images, depth), depth), expected)


@every_family
def test_every_unit_has_features_of_the_stated_shape(family, network):
    side = MEMBERS[family][1]
    stated = [unit.n_features for unit in describe_units(network, (3, side, side))]
    with torch.inference_mode():
        features = network.eval().features(images_of(family, 2))
    assert [tuple(rows.shape) for rows in features] == [(2, width) for width in stated]
    assert all(rows.isfinite().all() for rows in features)
    assert stated[-1] == network.n_features


@every_family
def test_freezing_fixes_exactly_the_units_that_were_asked_for(family, network):
    images, labels = images_of(family, 3), torch.arange(3)
    for depth in sorted({1, network.n_units // 2, network.n_units}):
        network.reset_head(3)
        network.freeze(depth)
        frozen = tensors_sha256(network.frozen_tensors())
        before = {name: tensor.detach().clone() for name, tensor in network.state_dict().items()}
        learning = [tensor for tensor in network.parameters() if tensor.requires_grad]
        optimiser = torch.optim.SGD(learning, lr=0.05, momentum=0.9, weight_decay=0.01)
        network.train()
        for _ in range(2):
            optimiser.zero_grad()
            nn.functional.cross_entropy(network(images), labels).backward()
            optimiser.step()
        assert tensors_sha256(network.frozen_tensors()) == frozen
        moved = {name for name, tensor in network.state_dict().items() if not torch.equal(tensor, before[name])}
        for unit in range(depth, network.n_units):
            assert moved & {name for name, _ in network.unit_tensors(unit)}, network.unit_names[unit]


def test_rotary_positions_of_an_oblong_grid_are_refused():
    network = built("DINOv3").eval()
    with pytest.raises(BackboneError, match="square images only"):
        network.embed(torch.randn(1, 3, 32, 48))


def test_coordinates_are_not_drawn_at_random_while_training():
    model = timm.create_model(
        "vit_small_patch16_dinov3", num_classes=0, img_size=32, rope_rescale_coords=2.0, **TINY
    ).train()
    assert model.rope.aug_active
    network, images = ComposedTimm(model, composed(model)), torch.randn(2, 3, 32, 32)
    assert torch.equal(network.embed(images), network.embed(images))


def test_a_table_shared_by_all_blocks_is_not_cut_into_units():
    options = {"use_rel_pos_bias": False, "use_shared_rel_pos_bias": True, "img_size": 32, **TINY}
    assert composed(timm.create_model("beit_base_patch16_224", num_classes=0, **options)) is None
