"""The contract of every strategy, by enumeration: what must not move keeps its bits, what must move does, seeds decide."""

from __future__ import annotations

import re

import pytest
import torch

from engine import backbones, cost, mistakes
from engine.backbones._weights import tensors_sha256
from engine.course import schedule_table
from engine.events import FreezeChecked, Interpolated, Started
from engine.layer_transfer import CURVES
from engine.plan import plan
from engine.spec import ExperimentSpec
from engine.strategies import GROUPS, STRATEGIES, is_part, own, settled

BACKBONES = ("tiny", "tiny_vit")

every_strategy = pytest.mark.parametrize("name", STRATEGIES.names())
every_backbone = pytest.mark.parametrize("backbone", BACKBONES)


def of(kind, events):
    return next(event for event in events if isinstance(event, kind))


def of_best(line):
    return max(line, key=lambda one: (one.validation_accuracy, -one.validation_loss, one.alpha))


def state(network):
    """Everything that the network holds, buffers that are not saved included."""
    return {name: tensor for named in (network.named_parameters(), network.named_buffers()) for name, tensor in named}


@pytest.fixture
def done(request, run_of, computed, name, backbone):
    run = run_of(name, backbone)
    if run is None:
        pytest.skip(f"{name} refuses {backbone}, with a reason: see test_refusals")
    return computed(run)


@every_strategy
def test_it_says_what_it_is(name):
    strategy = STRATEGIES[name]
    assert strategy.label
    assert strategy.summary.endswith(".")
    assert len(strategy.summary) <= 120, "one line"
    assert strategy.source
    assert strategy.group in GROUPS
    assert strategy.weights in (None, "random")
    assert len(strategy.settings) <= 4, "the few that matter"
    for setting in strategy.settings:
        assert setting.label
        assert setting.summary.endswith(".")
        assert setting.checked(name, setting.default) == setting.default
    for asked in ((), (0,), (0, 3, 4), tuple(range(5))):
        assert all(0 <= depth <= 4 for depth in strategy.depths(4, asked))


@every_strategy
def test_it_can_be_used_on_a_tiny_network_or_says_what_is_missing(name, run_of):
    if all(run_of(name, backbone) is None for backbone in BACKBONES):
        card = backbones.card("tiny")
        reason = STRATEGIES[name].refuses(card, settled(STRATEGIES[name], {}))
        assert any(word in reason for word in ("bitsandbytes", "runs", "source classes")), reason


@every_strategy
@every_backbone
def test_a_refusal_comes_with_the_plan_and_names_the_reason(name, backbone, run_of, colours, tiny, tiny_vit):
    data = f"folder:{colours}"
    settings = {name: {one.name: data for one in STRATEGIES[name].settings if one.name == "source"}}
    spec = ExperimentSpec((backbone,), (data,), (name,), (2,), (0,), settings=settings)
    own_base = name in CURVES and CURVES[name].source == "own"  # without halves of the classes there is none
    if run_of(name, backbone) is not None and not own_base:
        assert plan(spec)
        return
    with pytest.raises(Exception, match=re.escape(f"{STRATEGIES[name].label} cannot be used here: ")) as refused:
        plan(spec)
    assert type(refused.value).__name__ == "SpecError"


@every_strategy
@every_backbone
def test_what_must_not_move_does_not(name, backbone, done):
    strategy, network, began = STRATEGIES[name], done.network, state(done.began)
    moves = strategy.moves(backbones.card(backbone), done.run.frozen_depth, settled(strategy, done.run.settings or {}))
    card = {weight.name: weight for unit in backbones.card(backbone).units for weight in unit.weights}
    fixed = []
    for unit in set(range(network.n_units)) - {*moves.units}:
        for key, _ in done.began.unit_tensors(unit):
            beside = f"{key.rpartition('.')[0]}.weight"  # what a buffer belongs to
            if moves.parts == "norm" and key not in card:
                part = beside in card and is_part(card[beside], "norm")
            else:
                part = key in card and is_part(card[key], moves.parts)
            if not part:
                fixed.append(key)
    after = state(network)
    # A mistake that is shown on purpose moves running statistics, all of them and nothing else, and its proof lists them.
    astray = [key for key in fixed if strategy.statistics_move and key.rpartition(".")[2] in mistakes.STATISTICS]
    for key in fixed:
        assert torch.equal(after[key], began[key]) == (key not in astray), key
    proof = of(FreezeChecked, done.events)
    assert proof.frozen_tensors == len(fixed)
    assert sorted(proof.changed) == sorted(astray)
    assert (proof.before == proof.after) == (astray == [])
    assert mistakes.proof_of(name, proof.changed) == ("mistake" if astray else "held")


@every_strategy
@every_backbone
def test_what_must_move_does(name, backbone, done):
    after, began = state(done.network), state(done.began)
    fixed = done.network.frozen_tensors().keys() - done.network.drifting()
    free = began.keys() - fixed - {"head.weight", "head.bias"}
    same = [key for key in sorted(free) if torch.equal(after[key], began[key])]
    line = [event for event in done.events if isinstance(event, Interpolated)]
    if line and of_best(line).alpha == 0:
        assert same == sorted(free)  # validation preferred the weights before training, and those are the very bits
    else:
        assert same == []
    assert done.network.head.weight.abs().sum() > 0
    assert all(bool(tensor.abs().sum() > 0) for tensor in done.network.added.state_dict().values())


@every_strategy
@every_backbone
def test_parameters_are_those_of_the_formula(name, backbone, done, planned):
    started = of(Started, done.events)
    assert (started.total_parameters, started.trainable_parameters) == cost.parameters_of(planned(done.run))
    assert cost.run_flops(planned(done.run)) > 0
    assert cost.run_memory(planned(done.run)) > cost.BASE_MEMORY


@every_strategy
@every_backbone
def test_it_starts_from_the_weights_of_its_definition(name, backbone, done):
    started = of(Started, done.events)
    random = STRATEGIES[name].weights == "random"
    assert started.weights == "random, seed 0" if random else f"{backbone}.safetensors sha256:" in started.weights


@every_strategy
@every_backbone
def test_a_run_that_resumes_ends_with_the_same_bits(name, backbone, done, compute):
    if STRATEGIES[name].solves_head:
        again = compute(done.run)  # there is nothing to resume from: it begins anew
        assert [event.body() for event in again.events] == [event.body() for event in done.events]
    else:
        again = compute(done.run, resume=done.savepoint)
        assert [event.body() for event in again.events] == [event.body() for event in done.events[done.before :]]
    assert tensors_sha256(again.network.state_dict()) == tensors_sha256(done.network.state_dict())


@every_strategy
def test_another_seed_gives_other_bits(name, run_of, computed):
    backbone = next((one for one in BACKBONES if run_of(name, one)), None)
    if backbone is None:
        pytest.skip("refused everywhere")
    one, other = (computed(run_of(name, backbone, seed)).network.state_dict() for seed in (0, 1))
    assert tensors_sha256(one) != tensors_sha256(other)


@every_strategy
@every_backbone
def test_the_schedule_can_be_drawn_before_running_and_is_what_runs(name, backbone, done):
    card = backbones.card(backbone)
    rows = schedule_table(done.run, card, samples=11)
    assert len(rows) == 11 * (card.n_units + 1)
    assert [row.name for row in rows[: card.n_units + 1]] == [*(unit.name for unit in card.units), "head"]
    ever = {row.unit for row in rows if row.trainable}
    moves = STRATEGIES[name].moves(card, done.run.frozen_depth, settled(STRATEGIES[name], done.run.settings or {}))
    learning = {unit + 1 for unit in moves.units} | (set(range(1, card.n_units + 1)) if moves.parts else set())
    assert ever == (set() if STRATEGIES[name].solves_head else learning | {card.n_units + 1})
    assert all((row.rate > 0) == row.trainable for row in rows)


def test_strategies_of_one_seed_see_the_same_images(run_of, computed):
    runs = [run_of(name, "tiny") for name in STRATEGIES.names()]
    seen = [of(Started, computed(run).events) for run in runs if run is not None]
    assert len({started.dataset_fingerprint for started in seen}) == 1
    assert len({(started.n_train, started.n_validation, started.n_test) for started in seen}) == 1


@every_strategy
def test_defaults_are_no_settings_of_their_own(name):
    strategy = STRATEGIES[name]
    usual = {setting.name: setting.default for setting in strategy.settings}
    assert own(strategy, usual) == {}
    assert settled(strategy, {}) == usual
