"""Between weights: the line of WiSE-FT, soups of runs, merged updates of low rank."""

from __future__ import annotations

import pytest
import torch

from engine import backbones, run_weights
from engine.backbones._weights import read_safetensors
from engine.device import cpu
from engine.errors import StrategyError, WeightsError
from engine.events import Event, FreezeChecked, Interpolated, Notice
from engine.execute import execute
from engine.run_weights import path
from engine.strategies._layers import layers
from engine.tuning._base import key


def done(run, home):
    events, work = [], execute(run, cpu(), home=home)
    while True:
        try:
            item = next(work)
        except StopIteration as ended:
            return events, ended.value
        if isinstance(item, Event):
            events.append(item)


def mix_of(run_of, name, runs, **settings):
    return run_of(name, settings={"runs": ", ".join(run.run_id for run in runs), **settings})


@pytest.fixture(scope="module")
def kept(run_of, tmp_path_factory):
    """A home with the weights of two seeds of a strategy."""
    home = tmp_path_factory.mktemp("kept")

    def make(name: str):
        runs = [run_of(name, seed=seed, keep_weights=True) for seed in (0, 1)]
        for run in runs:
            if not path(home, run.run_id).is_file():
                done(run, home)
        return home, runs

    return make


def test_the_line_from_before_to_after_is_judged_on_validation(computed, run_of):
    events = computed(run_of("wise_ft")).events
    line = [event for event in events if isinstance(event, Interpolated)]
    assert [event.alpha for event in line] == [step / 10 for step in range(11)]
    best = max(line, key=lambda one: (one.validation_accuracy, -one.validation_loss, one.alpha))
    (tested,) = (event for event in events if event.kind == "tested")
    assert tested.validation_accuracy == best.validation_accuracy


def test_both_ends_of_the_line_are_what_was_there(computed, run_of):
    line = [event for event in computed(run_of("wise_ft")).events if isinstance(event, Interpolated)]
    plain = computed(run_of("lp_ft")).events
    epochs = [event for event in plain if event.kind == "epoch"]
    assert line[0].validation_loss == pytest.approx(epochs[0].validation_loss, abs=1e-6)
    assert line[-1].validation_loss == pytest.approx(epochs[-1].validation_loss, abs=1e-6)


def test_a_soup_is_the_mean_of_what_its_runs_learned(kept, run_of):
    home, runs = kept("full_fine_tuning")
    events, network = done(mix_of(run_of, "soup", runs), home)
    one, other = (read_safetensors(path(home, run.run_id)) for run in runs)
    for name, tensor in network.state_dict().items():
        if tensor.is_floating_point():
            assert torch.allclose(tensor, (one[name] + other[name]) / 2, atol=1e-6), name
    (proof,) = (event for event in events if isinstance(event, FreezeChecked))
    assert not proof.changed
    assert any("mix of runs" in event.text for event in events if isinstance(event, Notice))


def test_a_soup_of_one_run_twice_over_is_refused_and_of_updates_is_one_of_weights(kept, run_of):
    home, runs = kept("lora")
    assert mix_of(run_of, "soup", runs[:1] * 2) is None
    _, network = done(mix_of(run_of, "adapter_merging", runs, share=0.25), home)
    began = backbones.family_of("tiny").build("tiny")
    backbones.family_of("tiny").load(began, "tiny", None)
    one, other = (read_safetensors(path(home, run.run_id)) for run in runs)

    def update(tensors, module, like):
        up, down = (tensors[f"added.{key(module)}.lora_{part}.default.weight"].flatten(1) for part in ("B", "A"))
        return tensors[f"added.{key(module)}.scale"] * (up @ down).view_as(like)

    for layer in layers(backbones.card("tiny")):
        before = began.get_submodule(layer.module).weight
        wanted = before + 0.25 * update(one, layer.module, before) + 0.75 * update(other, layer.module, before)
        assert torch.allclose(network.get_submodule(layer.module).weight, wanted, atol=1e-6)
    assert torch.allclose(network.head.weight, 0.25 * one["head.weight"] + 0.75 * other["head.weight"], atol=1e-6)


def test_what_cannot_be_mixed_is_refused(kept, run_of):
    home, plain = kept("full_fine_tuning")
    _, adapted = kept("adapters")
    with pytest.raises(StrategyError, match="no update of low rank"):
        done(mix_of(run_of, "adapter_merging", plain), home)
    with pytest.raises(StrategyError, match="which is no part of its weights"):
        done(mix_of(run_of, "soup", adapted), home)
    with pytest.raises(WeightsError, match="has left no weights here"):
        done(mix_of(run_of, "soup", [run_of("full_fine_tuning", seed=seed) for seed in (5, 6)]), home)
    network = backbones.family_of("tiny").build("tiny")
    with pytest.raises(WeightsError, match="nothing can start from those"):
        run_weights.load(network, home, f"run:{adapted[0].run_id}")
