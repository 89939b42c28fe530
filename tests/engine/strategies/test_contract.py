"""The contract of every strategy, by enumeration: what is frozen keeps its bits, what trains moves, seeds decide."""

from __future__ import annotations

import functools

import pytest
import torch

from engine import backbones
from engine.backbones._weights import tensors_sha256
from engine.device import cpu
from engine.events import Event, FreezeChecked, Started
from engine.execute import build_network, execute
from engine.spec import RunSpec, TrainSpec
from engine.strategies import STRATEGIES

N_UNITS = 4
MIDDLE = 2
HEAD = (16 + 1) * 3
BUDGET = 21

every_strategy = pytest.mark.parametrize("name", STRATEGIES.names())


@pytest.fixture(scope="module")
def compute(colours, tiny):
    """Events, network and the starting network of a strategy at a depth; the same question is computed once."""

    @functools.cache
    def act(name: str, depth: int, seed: int = 0):
        train = TrainSpec(epochs=1, batch_size=8, precision="float32", weight_decay=0.1)
        run = RunSpec(tiny, f"folder:{colours}", name, depth, seed, BUDGET, "pretrained", (), train)
        events, work = [], execute(run, cpu())
        while True:
            try:
                item = next(work)
            except StopIteration as done:
                began, _ = build_network(run, STRATEGIES[name].weights or run.weights, None)
                return events, done.value, began
            if isinstance(item, Event):
                events.append(item)

    return act


def depths(name: str) -> tuple[int, ...]:
    return STRATEGIES[name].depths(N_UNITS, (MIDDLE,))


def of(kind, events):
    return next(event for event in events if isinstance(event, kind))


@every_strategy
def test_it_says_what_it_is(name):
    strategy = STRATEGIES[name]
    assert strategy.label
    assert strategy.summary
    assert strategy.source
    assert strategy.weights in (None, "random")
    for asked in ((), (0,), (0, 3, N_UNITS), tuple(range(N_UNITS + 1))):
        assert all(0 <= depth <= N_UNITS for depth in strategy.depths(N_UNITS, asked))


@every_strategy
def test_what_is_frozen_keeps_its_bits_running_statistics_included(name, compute):
    for depth in depths(name):
        events, after, before = compute(name, depth)
        frozen = [key for unit in range(depth) for key, _ in before.unit_tensors(unit)]
        for key in frozen:
            assert torch.equal(after.state_dict()[key], before.state_dict()[key]), key
        assert depth == 0 or any("running_var" in key for key in frozen)
        proof = of(FreezeChecked, events)
        assert proof.frozen_tensors == len(frozen)
        assert proof.before == proof.after
        assert proof.changed == []


@every_strategy
def test_what_trains_moves(name, compute):
    for depth in depths(name):
        _, after, before = compute(name, depth)
        for unit in range(depth, N_UNITS):
            moved = [
                key for key, tensor in before.unit_tensors(unit) if not torch.equal(after.state_dict()[key], tensor)
            ]
            assert len(moved) == len(list(before.unit_tensors(unit))), f"unit {unit}: only {moved} moved"
        assert after.head.weight.abs().sum() > 0


@every_strategy
def test_trainable_parameters_are_those_of_the_formula(name, compute, tiny):
    units = backbones.card(tiny).units
    for depth in depths(name):
        started = of(Started, compute(name, depth)[0])
        assert started.trainable_parameters == sum(unit.parameters for unit in units[depth:]) + HEAD
        assert started.total_parameters == sum(unit.parameters for unit in units) + HEAD


@every_strategy
def test_it_starts_from_the_weights_of_its_definition(name, compute):
    depth = depths(name)[0]
    started = of(Started, compute(name, depth)[0])
    if STRATEGIES[name].weights == "random":
        assert started.weights == "random, seed 0"
    else:
        assert "tiny.safetensors sha256:" in started.weights


@every_strategy
def test_the_same_seed_gives_the_same_bits_and_another_seed_others(name, compute):
    depth = depths(name)[0]
    first, network, _ = compute(name, depth)
    again, other_network, _ = compute.__wrapped__(name, depth)
    assert [event.body() for event in first] == [event.body() for event in again]
    assert tensors_sha256(network.state_dict()) == tensors_sha256(other_network.state_dict())
    _, other_seed, _ = compute(name, depth, 1)
    assert tensors_sha256(network.state_dict()) != tensors_sha256(other_seed.state_dict())


def test_strategies_of_one_seed_see_the_same_images(compute):
    seen = {name: of(Started, compute(name, depths(name)[0])[0]) for name in STRATEGIES.names()}
    assert len({started.dataset_fingerprint for started in seen.values()}) == 1
    assert len({(started.n_train, started.n_validation, started.n_test) for started in seen.values()}) == 1
