from __future__ import annotations

import copy
import dataclasses

import pytest
import timm
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from engine.backbones import Card, _timm, family_of
from engine.backbones._describe import describe
from engine.backbones._source_data import source_data
from engine.backbones._timm_card import measure
from engine.backbones._timm_network import ComposedTimm, GroupedTimm, group_names, group_owner, module_units
from engine.errors import BackboneError, UnknownNameError, WeightsError

COMPOSED = {
    "resnet10t": 64,
    "seresnet18": 64,
    "resnetv2_50": 64,
    "regnety_002": 64,
    "mobilenetv2_050": 64,
    "mobilenetv3_small_050": 64,
    "mobilenetv4_conv_small": 64,
    "efficientnet_b0": 64,
    "densenet121": 64,
    "convnextv2_atto": 64,
    "test_convnext": 64,
    "test_vit2": 160,
    "test_vit4": 160,
    "deit_tiny_distilled_patch16_224": 224,
    "swin_tiny_patch4_window7_224": 224,
}
"""One of every architecture that is composed, with an image side that is quick (some accept only their own)."""

GROUPED = {"test_mambaout": 64, "test_nfnet": 64, "test_vit_relpos": 160, "poolformerv2_s12": 64}


def network_of(name: str) -> _timm.TimmNetwork:
    torch.manual_seed(0)
    return _timm.build(f"timm:{name}")


@pytest.mark.parametrize(("name", "side"), COMPOSED.items())
@torch.inference_mode()
def test_the_composition_is_timms_own_forward_pass(name, side):
    network = network_of(name).eval()
    model, images = network.model, torch.randn(1, 3, side, side)
    expected = model.forward_head(model.forward_features(images), pre_logits=True)
    assert isinstance(network, ComposedTimm)
    middle = network.n_units // 2
    assert torch.equal(network.suffix(network.prefix(images, middle), middle), expected)
    features = network.features(images)
    assert torch.equal(features[-1], expected)
    assert all(taken is not None and taken.ndim == 2 for taken in features)


@pytest.mark.parametrize(("name", "side"), GROUPED.items())
@torch.inference_mode()
def test_a_grouped_network_is_timms_own_forward_pass(name, side):
    network = network_of(name).eval()
    model, images = network.model, torch.randn(1, 3, side, side)
    assert isinstance(network, GroupedTimm)
    expected = model.forward_head(model.forward_features(images), pre_logits=True)
    assert torch.equal(network.embed(images), expected)
    assert torch.equal(network.features(images)[-1], expected)
    assert not any(module._forward_hooks for module in network.modules())


@torch.inference_mode()
def test_groups_of_a_known_architecture_give_the_features_of_its_units():
    composed = network_of("regnetx_002").eval()
    grouped = GroupedTimm(composed.model).eval()
    images = torch.randn(2, 3, 64, 64)
    assert grouped.unit_names[1:3] == ["s1.b1", "s2.b1"]
    for unit, (one, other) in enumerate(zip(composed.features(images), grouped.features(images), strict=True)):
        assert [name for name, _ in composed.unit_tensors(unit)] == [name for name, _ in grouped.unit_tensors(unit)]
        torch.testing.assert_close(one, other)


def test_costs_by_groups_add_up_to_those_by_units():
    composed = network_of("test_resnet")
    size = tuple(composed.model.pretrained_cfg["input_size"])
    by_unit, by_group = measure(composed), measure(GroupedTimm(composed.model))
    assert [unit.parameters for unit in by_unit] == [unit.parameters for unit in by_group]
    assert [unit.flops for unit in by_unit] == [unit.flops for unit in by_group]
    # The images themselves and what crosses from one unit to the next are kept by both, but booked once.
    assert sum(u.activation_bytes for u in by_group) == pytest.approx(sum(u.activation_bytes for u in by_unit), rel=0.2)
    assert size == (3, 160, 160)


def test_resnet18_costs_what_is_published():
    card = describe("timm:resnet18")
    # He et al. 2016, table 1: 1.8e9 multiply-adds without the classifier's 0.5 M; torchvision counts 11,689,512
    # parameters with the 513,000 of the classifier.
    assert sum(unit.flops for unit in card.units) / 2 == pytest.approx(1.814e9, rel=0.01)
    assert card.parameters == 11_689_512 - 513_000
    assert [unit.n_features for unit in card.units] == [64, 64, 64, 128, 128, 256, 256, 512, 512]
    assert [unit.stage for unit in card.units] == ["stem", *(f"stage {stage}" for stage in (1, 1, 2, 2, 3, 3, 4, 4))]


def test_the_card_tells_what_timm_knows_of_the_weights():
    card = describe("timm:vit_tiny_patch16_224.augreg_in21k_ft_in1k")
    assert card.weights == "hub:timm/vit_tiny_patch16_224.augreg_in21k_ft_in1k"
    assert card.source_data == "ImageNet-21k, then ImageNet-1k"
    assert card.licence == "apache-2.0"
    assert (card.input_size, card.mean, card.std) == ((3, 224, 224), (0.5,) * 3, (0.5,) * 3)
    assert (card.interpolation, card.crop_fraction) == ("bicubic", 0.9)
    assert card.composable
    assert card.notes == ()
    assert [unit.name for unit in card.units] == ["stem", *(f"block {block}" for block in range(1, 13))]


def test_the_card_tells_how_oblong_images_become_square():
    card = describe("timm:convnextv2_nano.fcmae_ft_in22k_in1k_384")
    assert (card.crop_mode, card.sizing["crop_mode"], card.sizing["fill"]) == ("squash", "squash", (0, 0, 0))
    assert card.notes == ()
    assert Card.from_json(card.to_json()) == card
    bordered = dataclasses.replace(card, crop_mode="border", mean=(0.485, 0.456, 0.406))
    assert bordered.sizing["fill"] == (124, 116, 104)  # as timm fills


def test_the_card_says_what_a_grouped_model_cannot_show(monkeypatch):
    monkeypatch.setattr(GroupedTimm, "_pooled", lambda self, output, n_images, pooling: None)
    card = describe("timm:test_nfnet")
    assert not card.composable
    assert "parameter groups" in card.notes[0]
    assert [unit.n_features > 0 for unit in card.units] == [False] * (card.n_units - 1) + [True]
    assert all(unit.name in card.notes[-1] for unit in card.units[:-1])


@pytest.mark.parametrize(
    ("output", "pooled"),
    [
        (torch.arange(2 * 3 * 4 * 4.0).reshape(2, 3, 4, 4), [7.5, 23.5, 39.5]),
        (torch.arange(2 * 3 * 4 * 4.0).reshape(2, 3, 4, 4).permute(0, 2, 3, 1), [7.5, 23.5, 39.5]),
        (torch.arange(2 * 4 * 3.0).reshape(2, 4, 3), [4.5, 5.5, 6.5]),
        (torch.arange(6.0).reshape(2, 3), [0.0, 1.0, 2.0]),
        ((torch.arange(6.0).reshape(2, 3), (7, 7)), [0.0, 1.0, 2.0]),
        ([torch.zeros(2, 5), torch.arange(6.0).reshape(2, 3), torch.zeros(8, 3)], [0.0, 1.0, 2.0]),
        (torch.zeros(8, 3), None),
        (torch.zeros(2, 3, 4, 4, 4), None),
        (torch.zeros(2, 3, dtype=torch.int64), None),
        (None, None),
    ],
    ids=["nchw", "nhwc", "tokens", "vectors", "with grid", "branches", "windows", "video", "indices", "nothing"],
)
def test_outputs_of_any_layout_are_pooled_over_positions(output, pooled):
    taken = network_of("test_nfnet")._pooled(output, 2)
    assert taken is None if pooled is None else taken[0].tolist() == pooled


def test_a_model_without_groups_of_its_own_is_split_at_its_blocks():
    network = network_of("pit_ti_224")
    assert not hasattr(network.model, "group_matcher")
    assert network.unit_names[:3] == ["stem", "transformers.0.blocks.0", "transformers.0.blocks.1"]
    assert {name for name, _ in network.unit_tensors(0)} >= {"model.pos_embed", "model.cls_token"}


@pytest.mark.parametrize(
    ("tag", "data"),
    [
        ("a1_in1k", "ImageNet-1k"),
        ("augreg_in21k_ft_in1k", "ImageNet-21k, then ImageNet-1k"),
        ("laion2b_ft_in12k_in1k", "LAION-2B, then ImageNet-12k, then ImageNet-1k"),
        ("untrained", ""),
        ("", ""),
    ],
)
def test_source_data_is_read_from_the_tag(tag, data):
    assert source_data(tag) == data


@pytest.mark.parametrize(("given_name", "near"), [("resnet_18", "timm:resnet18"), ("vit_tny_patch16_224", "vit_tiny")])
def test_an_unknown_model_is_answered_with_near_matches(given_name, near):
    name = f"timm:{given_name}"
    with pytest.raises(UnknownNameError, match=f"Did you mean .*{near}"):
        family_of(name).build(name)
    with pytest.raises(UnknownNameError, match=f"Did you mean .*{near}"):
        describe(name)


def test_an_unknown_tag_is_answered_with_the_tags_there_are():
    with pytest.raises(UnknownNameError, match=r"Known: timm:resnet18, .*timm:resnet18\.a1_in1k"):
        _timm.build("timm:resnet18.a9_in1k")


@pytest.mark.parametrize("name", ["timm:hf-hub:someone/model", "timm:local-dir:/tmp", "timm:../resnet18", "timm:"])
def test_addresses_and_folders_are_not_names(name):
    with pytest.raises(UnknownNameError):
        _timm.build(name)


def test_a_tag_chooses_the_weights_but_not_the_architecture():
    plain, tagged = network_of("resnet18"), network_of("resnet18.tv_in1k")
    assert tagged.model.pretrained_cfg["hf_hub_id"] == "timm/resnet18.tv_in1k"
    assert plain.backbone_state().keys() == tagged.backbone_state().keys()


def test_every_popular_name_is_one_of_timms():
    names = family_of("timm:resnet18").names()
    assert [_timm.check(name) for name in names] == [name.removeprefix("timm:") for name in names]


def test_models_whose_blocks_share_tensors_are_refused():
    with pytest.raises(BackboneError, match="share tensors"):
        _timm.build("timm:coat_lite_tiny")


def test_models_without_pooled_features_are_refused_when_they_are_used():
    network = network_of("test_nfnet")
    network.n_features += 1
    with pytest.raises(BackboneError, match="does not end in"):
        network.embed(torch.randn(1, 3, 64, 64))


def test_original_names_are_converted_as_timm_does():
    network = network_of("convnext_atto")
    renamed = {}
    for name, tensor in network.model.state_dict().items():  # names of the paper's repository
        name = name.replace("stem.", "downsample_layers.0.").replace("head.norm.", "norm.")
        name = name.replace(".conv_dw.", ".dwconv.").replace(".mlp.fc1.", ".pwconv1.").replace(".mlp.fc2.", ".pwconv2.")
        for stage in range(4):
            name = name.replace(f"stages.{stage}.downsample.", f"downsample_layers.{stage}.")
            name = name.replace(f"stages.{stage}.blocks.", f"stages.{stage}.")
        renamed[name] = tensor
    assert _timm.rename(network, renamed).keys() == network.backbone_state().keys()


def test_all_of_a_classifier_is_left_out():
    source = timm.create_model("levit_128s").state_dict()  # its classifier has a normalisation beside the linear layer
    network = network_of("levit_128s")
    assert "head.bn.weight" in source
    assert _timm.rename(network, source).keys() == network.backbone_state().keys()


def test_a_conversion_that_fails_is_told_as_an_error_about_the_weights():
    network = network_of("convnext_atto")
    with pytest.raises(WeightsError, match=r"tensors are missing.*conversion"):
        _timm.rename(network, {"downsample_layers.0.0.weight": None, "head.weight": None, "dwconv.grn": None})


def test_a_copy_runs_on_its_own_weights():
    for name in ("test_resnet", "test_nfnet"):
        network = network_of(name).eval()
        twin = copy.deepcopy(network)
        twin.freeze(twin.n_units)
        with torch.no_grad():
            for parameter in network.parameters():
                parameter.zero_()
        images = torch.randn(1, 3, 64, 64)
        assert network.features(images)[0].abs().sum() != twin.features(images)[0].abs().sum()
        assert all(parameter.requires_grad for parameter in network.model.parameters())


def test_group_names_are_what_tensors_have_in_common():
    owner = {"conv.weight": 0, "bn.weight": 0, "stages.0.1.a.weight": 1, "stages.0.1.b.weight": 1, "norm.weight": 2}
    assert group_names(owner) == ["stem", "stages.0.1", "norm"]


def test_a_group_of_buffers_alone_joins_the_one_before():
    class Model(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.stem, self.norm = nn.Linear(2, 2), nn.Linear(2, 2)
            self.register_buffer("table", torch.zeros(2))

        def group_matcher(self, coarse: bool) -> dict[str, str]:
            return {"stem": "^stem", "table": "^table", "norm": "^norm"}

    owner = group_owner(Model())
    assert (owner["stem.weight"], owner["table"], owner["norm.bias"]) == (0, 0, 1)


class Tree(nn.Module):
    """Nested modules; a leaf holds one parameter or nothing."""

    def __init__(self, shape: list | bool) -> None:
        super().__init__()
        if shape is True:
            self.weight = nn.Parameter(torch.zeros(1))
        elif shape:
            self.children_ = nn.ModuleList(Tree(child) for child in shape)

    def forward(self, hidden: Tensor) -> Tensor:
        return hidden


trees = st.recursive(st.booleans(), lambda inner: st.lists(inner, max_size=4), max_leaves=12)


@settings(deadline=None)
@given(shape=trees, data=st.data())
def test_every_module_is_in_training_mode_exactly_while_something_in_it_learns(shape, data):
    tree = Tree(shape)
    names = [name for name, _ in tree.named_parameters()]
    n_units = 4
    units = sorted(data.draw(st.lists(st.integers(0, n_units - 1), min_size=len(names), max_size=len(names))))
    owner = dict(zip(names, units, strict=True))
    modules = module_units(tree, owner, n_units)
    assert sum(module is tree for unit in modules for module in unit) == 1
    for depth in range(n_units + 1):
        tree.train()
        for unit in range(depth):
            for module in modules[unit]:
                module.eval()
        for name, module in tree.named_modules():
            held = [unit for tensor, unit in owner.items() if f".{tensor}".startswith(f".{name}." if name else ".")]
            if held:
                assert module.training == (max(held) >= depth)
