"""LoRA, DoRA and IA3 against the formulas of their papers in float64, and that the library peft is what computes them."""

from __future__ import annotations

import copy
import sys
import types

import numpy as np
import pytest
import torch
from peft.tuners.ia3 import IA3Layer
from peft.tuners.lora import LoraLayer
from torch import nn
from torch.nn import functional

from engine import backbones
from engine.caches import Caches
from engine.control import Control
from engine.device import Device, cpu
from engine.errors import StrategyError
from engine.events import Started
from engine.networks import build_network
from engine.optimisers import decayed
from engine.prepare import prepare
from engine.strategies import STRATEGIES, _layers, settled
from engine.strategies.ia3 import targets
from engine.tuning import Setup, _peft, lora, make
from engine.tuning.dora import Decomposed

LAYERS = {
    "linear": (lambda: nn.Linear(6, 5), (2, 3, 6)),
    "fused qkv": (lambda: nn.Linear(6, 18), (2, 4, 6)),
    "conv": (lambda: nn.Conv2d(4, 6, 3, stride=2, padding=1), (2, 4, 7, 7)),
    "conv without bias": (lambda: nn.Conv2d(4, 6, (3, 1), bias=False), (2, 4, 7, 7)),
    "conv of one pixel": (lambda: nn.Conv2d(4, 6, 1), (2, 4, 5, 5)),
}
OURS = {
    "dilated": (lambda: nn.Conv2d(4, 6, 3, padding=2, dilation=2), (2, 4, 9, 9)),
    "reflected edges": (lambda: nn.Conv2d(4, 6, 3, padding=1, padding_mode="reflect"), (2, 4, 7, 7)),
}
ALPHA, RANK = 6.0, 3

every_layer = pytest.mark.parametrize("kind", LAYERS)
every_layer_of_ours = pytest.mark.parametrize("kind", OURS)


def given(kind):
    torch.manual_seed(0)
    build, shape = {**LAYERS, **OURS}[kind]
    return build().double(), torch.randn(shape, dtype=torch.float64)


def through(layer: nn.Module, weight: torch.Tensor, images: torch.Tensor) -> torch.Tensor:
    """The layer's own operation with another weight."""
    if isinstance(layer, nn.Linear):
        return functional.linear(images, weight, layer.bias)
    return layer._conv_forward(images, weight, layer.bias)


def learned(*parameters: torch.Tensor) -> None:
    """Values that training might have given."""
    with torch.no_grad():
        for parameter in parameters:
            parameter.add_(torch.rand_like(parameter) * 0.7)


def gradients(output: torch.Tensor, *of: torch.Tensor) -> tuple[torch.Tensor, ...]:
    torch.manual_seed(1)
    return torch.autograd.grad((output * torch.randn_like(output)).sum(), of)


def close(found, wanted) -> None:
    for one, other in zip(found, wanted, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-11, atol=1e-11)


@every_layer
def test_lora_is_section_4_1_of_hu(kind):
    layer, images = given(kind)
    weight = layer.weight.detach().clone()
    made = _peft.low_rank(layer, RANK, ALPHA, decomposed=False).double()
    assert isinstance(made, LoraLayer)
    a, b = made.lora_A["default"].weight, made.lora_B["default"].weight
    assert torch.equal(made(images), layer(images)), "B is zero at first"
    learned(a, b)
    update = ALPHA / RANK * (b.flatten(1) @ a.flatten(1)).view_as(weight)
    wanted = through(layer, weight + update, images)
    close([made(images)], [wanted])
    close(gradients(made(images), a, b), gradients(wanted, a, b))
    close([made.get_delta_weight("default")], [update])
    assert np.linalg.matrix_rank(update.detach().flatten(1).numpy()) == min(RANK, *weight.flatten(1).shape)
    tensors = {"at.weight": weight, **{f"added.at.{name}": one for name, one in made.state_dict().items()}}
    merged = lora.taken_in(tensors, "at")
    assert list(merged) == ["at.weight"]
    close([merged["at.weight"]], [weight + update])


@every_layer
def test_dora_is_equation_5_of_liu_with_a_norm_that_gets_no_gradient(kind):
    layer, images = given(kind)
    weight = layer.weight.detach().clone()
    made = _peft.low_rank(layer, RANK, ALPHA, decomposed=True).double()
    _peft.lay_out(made)
    a, b = made.lora_A["default"].weight, made.lora_B["default"].weight
    magnitude = made.lora_magnitude_vector["default"].weight
    close([made(images)], [layer(images)])
    learned(a, b, magnitude)
    turned = weight + ALPHA / RANK * (b.flatten(1) @ a.flatten(1)).view_as(weight)
    by_row = (-1, *[1] * (weight.ndim - 1))
    length = turned.flatten(1).norm(dim=1).detach()  # section 4.3
    wanted = through(layer, (magnitude.flatten() / length).view(by_row) * turned, images)
    close([made(images)], [wanted])
    close(gradients(made(images), a, b, magnitude), gradients(wanted, a, b, magnitude))
    assert magnitude.numel() == len(weight)
    assert [len(group["params"]) for group in decayed([a, b, magnitude], 0.1)] == [2, 1], "no decay of magnitudes"


@pytest.mark.parametrize(("kind", "on_input"), [*((kind, False) for kind in LAYERS), ("linear", True)])
def test_ia3_multiplies_what_section_3_3_says(kind, on_input):
    layer, images = given(kind)
    made = _peft.factors(layer, on_input=on_input).double()
    assert isinstance(made, IA3Layer)
    factors = made.ia3_l["default"]
    assert torch.equal(made(images), layer(images)), "1 at first"
    learned(factors)
    by_axis = factors.view(-1, 1, 1) if isinstance(layer, nn.Conv2d) else factors.flatten()
    wanted = layer(by_axis * images) if on_input else by_axis * layer(images)
    close([made(images)], [wanted])
    close(gradients(made(images), factors), gradients(wanted, factors))


@every_layer_of_ours
@pytest.mark.parametrize("decomposed", [False, True])
def test_what_peft_cannot_do_is_ours_and_the_same_formula(kind, decomposed):
    layer, images = given(kind)
    assert not _peft.takes(layer)
    extra = (Decomposed if decomposed else lora.LowRank)(layer, RANK, ALPHA).double()
    learned(*extra.parameters())
    weight = layer.weight + extra.update(layer.weight)
    if decomposed:
        rows = weight.flatten(1)
        weight = (rows / rows.norm(dim=1, keepdim=True) * extra.magnitude[:, None]).view_as(weight)
    act = make("dora" if decomposed else "lora", Setup(*[None] * 6, 3)).act
    close([act(extra, images, layer(images))], [through(layer, weight, images)])
    tensors = {"at.weight": layer.weight, **{f"added.at.{name}": one for name, one in extra.state_dict().items()}}
    merged = lora.taken_in(tensors, "at")
    close([merged["at.weight"]], [layer.weight if decomposed else weight])


@every_layer_of_ours
def test_peft_cannot_do_it_still(kind):
    """Where this fails, peft has learned it, and `_peft.takes` may say so."""
    layer, images = given(kind)
    made = _peft.low_rank(layer, RANK, ALPHA, decomposed=False).double()
    a, b = made.lora_A["default"].weight, made.lora_B["default"].weight
    learned(a, b)
    wanted = through(layer, layer.weight + made.get_delta_weight("default"), images)
    if kind == "dilated":
        with pytest.raises(RuntimeError, match="must match"):
            made(images)
    else:
        assert not torch.allclose(made(images), wanted)


def test_peft_s_dora_cannot_read_a_kernel_with_channels_last():
    layer, images = given("conv")
    made = _peft.low_rank(layer, RANK, ALPHA, decomposed=True).double().to(memory_format=torch.channels_last)
    with pytest.raises(RuntimeError, match="view"):
        made(images)
    _peft.lay_out(made)
    close([made(images)], [layer(images)])


@pytest.mark.parametrize("name", ["lora", "dora", "ia3"])
@pytest.mark.parametrize("backbone", ["tiny", "tiny_vit"])
def test_peft_s_layers_compute_in_the_network_and_its_names_stay(name, backbone, run_of, computed):
    run = run_of(name, backbone)
    done = computed(run)
    network, made = copy.deepcopy(done.began), done.network.added
    if name == "ia3":
        expected = [target.module for target in targets(backbones.card(backbone)) if not target.skipped]
    else:
        expected = [layer.module for layer in _layers.layers(backbones.card(backbone))]
    of_peft = {key: layer for key, layer in made.items() if isinstance(layer, LoraLayer | IA3Layer)}
    assert set(of_peft) == {module.replace(".", "_") for module in expected}
    assert len(of_peft) == len(made) or (name, backbone) == ("ia3", "tiny_vit")
    network.head = done.network.head
    network.to(memory_format=torch.channels_last)
    images = torch.rand(4, 3, 12, 12)
    with torch.no_grad():
        with_it, before = done.network.eval()(images), network.eval()(images)
        assert not torch.allclose(with_it, before)
        if len(of_peft) == len(made):
            for layer in of_peft.values():
                layer.enable_adapters(False)
            assert torch.equal(done.network(images), before)
            for layer in of_peft.values():
                layer.enable_adapters(True)
            assert torch.equal(done.network(images), with_it)
    names = [key for key in done.network.state_dict() if not key.startswith("added.")]
    assert names == list(network.state_dict())
    assert not [key for key in done.network.state_dict() if "base_layer" in key]
    for module in expected:
        held = made[module.replace(".", "_")].base_layer
        assert held.weight is done.network.get_submodule(module).weight
    (started,) = (event for event in done.events if isinstance(event, Started))
    assert started.versions["peft"].split(".") >= ["0", "21"]


def test_draws_of_others_do_not_change(run_of):
    network, _ = build_network(run_of("lora"), "pretrained", None)
    card, found = backbones.card("tiny"), []
    for seed in (3, 3, 4):
        torch.manual_seed(7)
        tuning = make("lora", Setup(copy.deepcopy(network), card, settled(STRATEGIES["lora"], {}), seed, None, (), 3))
        tuning.put_in()
        found.append([layer.lora_A["default"].weight for layer in tuning.network.added.values()])
        assert torch.equal(torch.rand(3), torch.rand(3, generator=torch.Generator().manual_seed(7)))
    assert all(torch.equal(one, other) for one, other in zip(found[0], found[1], strict=True))
    assert not any(torch.equal(one, other) for one, other in zip(found[0], found[2], strict=True))


def test_qlora_s_updates_stand_beside_weights_in_few_bits(run_of, monkeypatch):
    """With a quantiser of 8 bits of our own in place of bitsandbytes, which needs CUDA: the rounded weight is what counts."""

    def quantised(weight):
        step = weight.abs().max() / 127
        return torch.round(weight / step).to(torch.int8), step

    functional_ = types.SimpleNamespace(
        quantize_blockwise=quantised, dequantize_blockwise=lambda held, step: held.float() * step
    )
    monkeypatch.setitem(sys.modules, "bitsandbytes", types.SimpleNamespace(functional=functional_))
    ready, _, _ = prepare(run_of("full_fine_tuning", "tiny_vit"), cpu(), None, Control(), Caches())
    network, card = ready.network, backbones.card("tiny_vit")
    plain, rounded = copy.deepcopy(network), copy.deepcopy(network)
    device = Device("cuda:0", "not here", 0)
    work = {"rank": 4, "alpha": 8.0, "bits": "8"}
    tuning = make("qlora", Setup(network, card, work, 0, ready.pixels, ready.split.train, 3, device=device))
    tuning.put_in()
    tuning.prepare()
    images = torch.rand(4, 3, 12, 12)
    with torch.no_grad():
        for layer in _layers.layers(card):
            if layer.kind == "linear":
                held, step = quantised(rounded.get_submodule(layer.module).weight)
                rounded.get_submodule(layer.module).weight.copy_(held * step)
        torch.testing.assert_close(network.eval().read(images), rounded.eval().read(images))
        assert not torch.allclose(network.read(images), plain.eval().read(images), atol=1e-5)
        for layer in _layers.layers(card):
            made = network.added[layer.module.replace(".", "_")]
            learned(made.lora_B["default"].weight)
            rounded.get_submodule(layer.module).weight.add_(made.get_delta_weight("default"))
        torch.testing.assert_close(network.read(images), rounded.read(images), rtol=1e-4, atol=1e-4)
    own, before = network.backbone_state(), plain.backbone_state()
    assert own.keys() == before.keys()
    assert all(torch.equal(own[key], before[key]) for key in own), "what the proof compares is the weight itself"


def test_without_the_library_the_reason_is_said_before_and_in_a_run(monkeypatch, run_of):
    card = backbones.card("tiny_vit")
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    _layers.peft_missing.cache_clear()
    for name in ("lora", "dora", "ia3"):
        assert "pip install peft" in STRATEGIES[name].refuses(card, settled(STRATEGIES[name], {}))
    monkeypatch.undo()
    _layers.peft_missing.cache_clear()
    monkeypatch.setitem(sys.modules, "peft", None)
    with pytest.raises(StrategyError, match=r"by the library peft, which cannot be imported here .*pip install"):
        _peft.library()
