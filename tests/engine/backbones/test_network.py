from __future__ import annotations

import copy

import pytest
import torch
from torch import nn

from engine.backbones._composition import ComposedNetwork, GlobalAverage
from engine.backbones._network import Network
from engine.backbones._unit_costs import describe_units
from engine.errors import BackboneError


class PooledNorm(nn.Module):
    """An end with weights and running statistics of its own, as timm's heads have."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm = nn.BatchNorm1d(width)

    def forward(self, hidden: torch.Tensor) -> torch.Tensor:
        return self.norm(hidden.mean(dim=(2, 3)))


def small(final: nn.Module | None = None) -> ComposedNetwork:
    torch.manual_seed(0)
    stem = nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), nn.BatchNorm2d(4), nn.Dropout(0.5))
    block = nn.Sequential(nn.Conv2d(4, 8, 3, stride=2, padding=1, bias=False), nn.BatchNorm2d(8), nn.ReLU())
    return ComposedNetwork([("stem", "stem", stem), ("block", "stage 1", block)], 8, final)


def test_costs_are_those_worked_out_by_hand():
    stem, block = describe_units(small(), (3, 8, 8))
    # A multiply-add counts two: 2 * k*k*in*out * height*width.
    assert stem.flops == 2 * 9 * 3 * 4 * 64
    assert block.flops == 2 * 9 * 4 * 8 * 16
    assert stem.parameters == 9 * 3 * 4 + 4 + 2 * 4
    assert block.parameters == 9 * 4 * 8 + 2 * 8
    assert (stem.n_features, block.n_features) == (4, 8)
    assert (block.name, block.stage) == ("block", "stage 1")
    # Kept at the block: its input, the convolution's output and the ReLU's, in float32; plus two numbers per channel
    # that batch normalisation shares between the images of a batch.
    assert 4 * (4 * 64 + 8 * 16 + 8 * 16) <= block.activation_bytes <= 4 * (4 * 64 + 8 * 16 + 8 * 16 + 2 * 8)


def test_costs_on_the_meta_device_are_those_on_the_processor():
    with torch.device("meta"):
        assert describe_units(small(), (3, 8, 8)) == describe_units_on_cpu()


def describe_units_on_cpu() -> tuple:
    with torch.device("cpu"):
        return describe_units(small(), (3, 8, 8))


def test_what_comes_after_the_last_unit_is_frozen_with_it():
    network = small(PooledNorm(8))
    network.freeze(1)
    network.train()
    assert network.final.norm.training
    network.freeze(2)
    assert not network.final.norm.training
    assert "final.norm.running_mean" in network.frozen_tensors()
    assert not any(parameter.requires_grad for parameter in network.final.parameters())


def test_frozen_units_stay_in_eval_mode_whatever_is_asked_of_the_network():
    network = small()
    network.freeze(1)
    network.eval()
    network.train()
    assert [unit.training for unit in network.units] == [False, True]
    assert not any(module.training for module in network.units[0].modules())


def test_a_new_head_is_zero_so_the_first_logits_depend_on_no_draw():
    network = small()
    network.reset_head(5)
    assert network(torch.randn(2, 3, 8, 8)).eq(0).all()
    assert network.head.out_features == 5


def test_the_backbone_state_is_everything_but_the_head():
    network = small()
    assert set(network.state_dict()) - set(network.backbone_state()) == {"head.weight", "head.bias"}


@pytest.mark.parametrize("depth", [-1, 3])
def test_a_depth_beyond_the_network_is_refused_and_changes_nothing(depth):
    network = small()
    network.freeze(1)
    with pytest.raises(BackboneError, match=f"depth {depth} .* 2 units"):
        network.freeze(depth)
    assert network.frozen_depth == 1


def test_a_copy_runs_on_its_own_weights():
    network = small()
    twin = copy.deepcopy(network)
    with torch.no_grad():
        network.units[0][0].weight.zero_()
    images = torch.randn(2, 3, 8, 8)
    assert not torch.equal(network.eval().embed(images), twin.eval().embed(images))


def test_global_average_is_the_mean_over_positions():
    assert GlobalAverage()(torch.arange(8.0).reshape(1, 2, 2, 2)).tolist() == [[1.5, 5.5]]


def test_the_base_class_says_what_a_family_forgot():
    bare = Network(["only"], ["only"], 2, "none")
    for call in (bare.embed, bare.features):
        with pytest.raises(TypeError, match="does not define"):
            call(torch.zeros(1, 3, 4, 4))


def test_statistics_that_are_left_to_move_do_in_training_and_the_weights_beside_them_do_not():
    network = small()
    network.freeze(1)
    network.move_statistics()
    network.train()
    norm, dropout = network.units[0][1], network.units[0][2]
    assert norm.training
    assert not dropout.training, "only the statistics are left on"
    assert not norm.weight.requires_grad
    drifting = {f"units.0.1.{name}" for name in ("running_mean", "running_var", "num_batches_tracked")}
    assert network.drifting() == drifting
    before = {name: tensor.clone() for name, tensor in network.frozen_tensors().items()}
    network(torch.randn(4, 3, 8, 8))
    assert {
        name for name, tensor in network.frozen_tensors().items() if not torch.equal(tensor, before[name])
    } == drifting
    network.eval()
    after = copy.deepcopy(network.state_dict())
    network(torch.randn(4, 3, 8, 8))
    assert all(torch.equal(tensor, after[name]) for name, tensor in network.state_dict().items())
    network.freeze(1)
    network.train()
    assert network.drifting() == set()
    assert not norm.training, "freezing anew is proper freezing"


def test_where_no_statistics_are_kept_none_can_be_left_to_move():
    plain = ComposedNetwork([("stem", "stem", nn.Conv2d(3, 4, 3))], 4, GlobalAverage())
    plain.freeze(1)
    with pytest.raises(BackboneError, match="keep no running statistics"):
        plain.move_statistics()
