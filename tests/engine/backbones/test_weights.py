from __future__ import annotations

from pathlib import Path

import psutil
import pytest
import safetensors.torch
import timm
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from engine.backbones import _weights, family_of
from engine.backbones._network import Network
from engine.backbones._weights import load_backbone, load_file, read_safetensors, save_backbone, tensors_sha256
from engine.errors import WeightsError

CIFAR = "resnet20_cifar10"
TIMM = "timm:test_resnet"


def network_of(name: str, seed: int = 0) -> Network:
    torch.manual_seed(seed)
    return family_of(name).build(name)


def written(tmp_path: Path, tensors: dict[str, Tensor]) -> Path:
    path = tmp_path / "weights.safetensors"
    safetensors.torch.save_file(tensors, path)
    return path


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(WeightsError, match=r"no weights file .*missing\.safetensors"):
        read_safetensors(tmp_path / "missing.safetensors")


def test_a_pickle_with_another_name_is_refused_unopened(tmp_path):
    class Trap:
        def __reduce__(self) -> tuple:
            return (Path.touch, (tmp_path / "opened",))

    torch.save({"weight": Trap()}, tmp_path / "weights.safetensors")
    with pytest.raises(WeightsError, match="Only safetensors are read"):
        read_safetensors(tmp_path / "weights.safetensors")
    assert not (tmp_path / "opened").exists()


@pytest.mark.parametrize("kept", [0, 4, 20, 200])
def test_a_truncated_file_is_refused(tmp_path, kept):
    path = written(tmp_path, {"weight": torch.ones(100)})
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(WeightsError, match="is not a safetensors file"):
        read_safetensors(path)


def test_a_header_beyond_bounds_is_refused_before_it_is_read(tmp_path):
    path = tmp_path / "weights.safetensors"
    with path.open("wb") as stream:
        stream.write((_weights.MAX_HEADER_BYTES + 1).to_bytes(8, "little"))
        stream.truncate(_weights.MAX_HEADER_BYTES * 2)  # a hole: nothing is on the disk
    with pytest.raises(WeightsError, match=r"not a safetensors file \(its header would have 16,000,001 bytes\)"):
        read_safetensors(path)


def test_a_file_larger_than_half_of_the_memory_is_refused(tmp_path):
    path = written(tmp_path, {"weight": torch.ones(10)})
    with path.open("r+b") as stream:
        stream.truncate(psutil.virtual_memory().total)
    with pytest.raises(WeightsError, match="of memory are free"):
        read_safetensors(path)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_values_that_are_not_finite_are_named(tmp_path, value):
    path = written(tmp_path, {"good": torch.ones(2), "bad.weight": torch.tensor([1.0, value])})
    with pytest.raises(WeightsError, match=r"not finite in: bad\.weight"):
        read_safetensors(path)


def test_everything_that_does_not_fit_is_listed_at_once_and_nothing_is_loaded():
    network = network_of(CIFAR)
    before = tensors_sha256(network.state_dict())
    tensors = {name: tensor + 1 for name, tensor in network.backbone_state().items()}
    tensors["units.0.0.weight"] = torch.zeros(1, 2, 3)
    tensors["surplus"] = tensors.pop("units.1.conv1.weight")
    with pytest.raises(WeightsError) as caught:
        load_backbone(network, tensors, "test")
    message = str(caught.value)
    assert "1 missing: units.1.conv1.weight" in message
    assert "1 not in this backbone: surplus" in message
    assert "units.0.0.weight (1, 2, 3) instead of (16, 3, 3, 3)" in message
    assert tensors_sha256(network.state_dict()) == before


def test_a_long_list_of_names_is_cut_with_its_count():
    network = network_of(CIFAR)
    with pytest.raises(WeightsError, match=rf"and {len(network.backbone_state()) - 6} more"):
        load_backbone(network, {}, "test")


def test_a_file_with_timms_own_names_is_taken_without_its_classifier(tmp_path):
    torch.manual_seed(1)
    source = timm.create_model("test_resnet", num_classes=7)
    path = written(tmp_path, source.state_dict())
    network = network_of(TIMM)
    origin = load_file(network, TIMM, path)
    assert origin.startswith(f"{path} sha256:")
    images = torch.randn(2, 3, 64, 64)
    expected = source.eval().forward_head(source.forward_features(images), pre_logits=True)
    assert torch.equal(network.eval().embed(images), expected)
    assert network.head.out_features == 1


def test_half_precision_weights_are_taken(tmp_path):
    halves = {
        name: tensor.half() if tensor.is_floating_point() else tensor
        for name, tensor in network_of(CIFAR, 1).backbone_state().items()
    }
    network = network_of(CIFAR)
    load_file(network, CIFAR, written(tmp_path, halves))
    assert {tensor.dtype for tensor in network.parameters()} == {torch.float32}
    assert torch.equal(network.units[0][0].weight.half(), halves["units.0.0.weight"])


@pytest.mark.parametrize("name", [CIFAR, TIMM])
def test_a_file_of_another_architecture_is_refused_with_names(tmp_path, name):
    path = written(tmp_path, timm.create_model("test_vit", num_classes=0).state_dict())
    with pytest.raises(
        WeightsError, match=r"weights\.safetensors do not fit this backbone.*missing: .*not in this backbone"
    ):
        load_file(network_of(name), name, path)


def test_a_file_with_one_tensor_too_few_is_refused(tmp_path):
    state = timm.create_model("test_resnet").state_dict()
    del state["layer1.0.bn1.running_mean"]
    with pytest.raises(WeightsError, match=r"1 missing: model\.layer1\.0\.bn1\.running_mean\."):
        load_file(network_of(TIMM), TIMM, written(tmp_path, state))


def test_an_empty_file_is_refused(tmp_path):
    with pytest.raises(WeightsError, match="missing"):
        load_file(network_of(TIMM), TIMM, written(tmp_path, {}))


def test_saving_leaves_no_part_behind(tmp_path):
    save_backbone(network_of(CIFAR), tmp_path / "saved.safetensors", {"seed": "0"})
    assert [file.name for file in tmp_path.iterdir()] == ["saved.safetensors"]


@given(position=st.integers(0, 5), bit=st.integers(0, 31))
def test_one_flipped_bit_changes_the_hash(position, bit):
    tensors = {"a": torch.arange(6, dtype=torch.float32), "b": torch.zeros(1)}
    flipped = tensors["a"].clone().view(torch.int32)
    flipped[position] ^= -(2**31) if bit == 31 else 1 << bit
    assert tensors_sha256(tensors) != tensors_sha256(tensors | {"a": flipped.view(torch.float32)})


def test_the_hash_depends_on_names_shapes_and_types_but_not_on_order_or_layout():
    one = {"a": torch.arange(6.0), "b": torch.zeros(1)}
    assert tensors_sha256(one) == tensors_sha256(dict(reversed(one.items())))
    assert tensors_sha256(one) != tensors_sha256({"c": one["a"], "b": one["b"]})
    assert tensors_sha256(one) != tensors_sha256(one | {"a": one["a"].reshape(2, 3)})
    image = torch.arange(16.0).reshape(1, 2, 2, 4)
    assert tensors_sha256({"a": image}) == tensors_sha256({"a": image.to(memory_format=torch.channels_last)})
