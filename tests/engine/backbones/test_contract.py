"""The contract of every backbone family, by enumeration of the registry: a family added is a family tested."""

from __future__ import annotations

import subprocess
import sys
from functools import cache

import pytest
import torch
from torch import Tensor, nn

from engine.backbones import BACKBONES, Card, family_of
from engine.backbones._composition import Composition
from engine.backbones._describe import describe
from engine.backbones._network import Network
from engine.backbones._weights import load_file, save_backbone, tensors_sha256
from engine.errors import BackboneError, UnknownNameError

# Small members that stand for a family whose own names are large models; other families are tested with all of theirs.
SMALL = {
    "timm": [
        "timm:test_resnet",
        "timm:test_vit",
        "timm:test_convnext",
        "timm:test_efficientnet",
        "timm:test_nfnet",
        "timm:mobilenetv3_small_050",
    ],
}
NAMES = [name for family in BACKBONES for name in SMALL.get(family.name, family.names())]
TRAINED_AT = 64
"""Image side for training steps where the architecture lets us choose."""

every_backbone = pytest.mark.parametrize("name", NAMES)


def network_of(name: str, seed: int = 0) -> Network:
    torch.manual_seed(seed)
    network = family_of(name).build(name)
    network.reset_head(3)
    return network


@cache
def card_of(name: str) -> Card:
    return describe(name)


def images_for(name: str, n: int, small: bool = False) -> Tensor:
    channels, side, _ = card_of(name).input_size
    if small and "vit" not in name:
        side = min(side, TRAINED_AT)
    return torch.randn(n, channels, side, side, generator=torch.Generator().manual_seed(1))


def copies(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name: tensor.detach().clone() for name, tensor in tensors.items()}


def train_a_little(network: Network, images: Tensor) -> None:
    optimiser = torch.optim.SGD(
        [tensor for tensor in network.parameters() if tensor.requires_grad], lr=0.1, momentum=0.9, weight_decay=0.01
    )
    labels = torch.arange(len(images)) % 3
    network.train()
    for _ in range(3):
        optimiser.zero_grad()
        nn.functional.cross_entropy(network(images), labels).backward()
        optimiser.step()


@pytest.mark.parametrize("family", list(BACKBONES), ids=lambda family: family.name)
def test_a_family_offers_names_that_it_accepts_and_can_describe_them(family):
    assert family.label
    assert family.summary
    assert family.source
    assert family.names()
    for name in family.names():
        assert family_of(name) is family
        assert family.describe is not None or family.card(name) is not None


def test_listing_backbones_loads_no_torch():
    code = "import sys; from engine.backbones import BACKBONES; [f.names() for f in BACKBONES]; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_an_unknown_backbone_is_answered_with_near_matches():
    with pytest.raises(UnknownNameError, match="resnet20_cifar10"):
        family_of("resnet20_cifar")


@every_backbone
def test_every_tensor_belongs_to_exactly_one_unit(name):
    network = network_of(name)
    owned = [tensor_name for unit in range(network.n_units) for tensor_name, _ in network.unit_tensors(unit)]
    assert len(owned) == len(set(owned))
    assert set(network.backbone_state()) <= set(owned)
    assert {n for n, _ in network.named_parameters()} - {"head.weight", "head.bias"} <= set(owned)
    assert all(network.unit_parameters(unit) for unit in range(network.n_units))


@every_backbone
def test_the_same_seed_draws_the_same_network(name):
    assert tensors_sha256(network_of(name).state_dict()) == tensors_sha256(network_of(name).state_dict())
    assert tensors_sha256(network_of(name).state_dict()) != tensors_sha256(network_of(name, seed=1).state_dict())


@every_backbone
@torch.inference_mode()
def test_features_have_the_shapes_that_the_card_says(name):
    network, card = network_of(name).eval(), card_of(name)
    images = images_for(name, 2)
    features = network.features(images)
    assert [unit.n_features for unit in card.units] == [0 if f is None else f.shape[1] for f in features]
    assert all(f is None or len(f) == 2 for f in features)
    assert torch.equal(features[-1], network.embed(images))
    assert network.embed(images).shape == (2, network.n_features)
    assert network(images).shape == (2, 3)


@every_backbone
@torch.inference_mode()
def test_prefix_and_suffix_compose_to_the_network_at_every_depth(name):
    network = network_of(name).eval()
    assert isinstance(network, Composition) == card_of(name).composable
    if isinstance(network, Composition):
        images = images_for(name, 2)
        for depth in range(network.n_units + 1):
            assert torch.equal(network.suffix(network.prefix(images, depth), depth), network.embed(images))


@every_backbone
def test_frozen_units_stay_bit_identical_and_the_others_learn_at_every_depth(name):
    images = images_for(name, 6, small=True)
    for depth in range(card_of(name).n_units + 1):
        network = network_of(name)
        network.freeze(depth)
        frozen, before = copies(network.frozen_tensors()), copies(network.state_dict())
        train_a_little(network, images)
        assert tensors_sha256(network.frozen_tensors()) == tensors_sha256(frozen)
        moved = {key for key, tensor in network.state_dict().items() if not torch.equal(tensor, before[key])}
        assert "head.weight" in moved
        for unit in range(depth, network.n_units):
            assert moved & {key for key, _ in network.unit_tensors(unit)}, f"unit {unit} did not learn"


@every_backbone
def test_no_module_that_is_wholly_frozen_is_left_in_training_mode(name):
    network = network_of(name)
    for depth in range(network.n_units + 1):
        network.freeze(depth)
        network.train()
        frozen = {id(tensor) for tensor in network.frozen_tensors().values()}
        for module in network.modules():
            held = [id(tensor) for tensor in (*module.parameters(), *module.buffers())]
            if held and module is not network and not isinstance(module, nn.ModuleList):  # a list computes nothing
                assert module.training == (not frozen.issuperset(held))


@every_backbone
def test_freezing_more_units_than_there_are_is_refused(name):
    network = network_of(name)
    for depth in (-1, network.n_units + 1):
        with pytest.raises(BackboneError, match=f"{network.n_units} units"):
            network.freeze(depth)


@every_backbone
def test_thawing_gives_every_parameter_its_gradient_back(name):
    network = network_of(name)
    network.freeze(network.n_units)
    network.freeze(0)
    assert all(parameter.requires_grad for parameter in network.parameters())


@every_backbone
def test_the_card_is_complete_and_survives_json(name):
    card, network = card_of(name), network_of(name)
    assert Card.from_json(card.to_json()) == card
    assert card.name == name
    assert card.family == family_of(name).name
    assert [unit.name for unit in card.units] == network.unit_names
    assert [unit.stage for unit in card.units] == network.stages
    assert len(set(network.unit_names)) == network.n_units
    assert card.parameters == sum(p.numel() for p in network.parameters()) - 3 * network.n_features - 3
    assert all(unit.flops > 0 and unit.activation_bytes > 0 for unit in card.units)
    assert card.summary
    assert card.source
    assert card.interpolation in ("bilinear", "bicubic")


@every_backbone
def test_a_saved_backbone_loads_again_bit_for_bit(name, tmp_path):
    saved, other = network_of(name), network_of(name, seed=1)
    save_backbone(saved, tmp_path / "saved.safetensors", {})
    origin = load_file(other, name, tmp_path / "saved.safetensors")
    assert "saved.safetensors" in origin
    assert tensors_sha256(other.backbone_state()) == tensors_sha256(saved.backbone_state())
