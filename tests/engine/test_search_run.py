"""A searched run on a tiny network: what it tries, what it reads, what it chooses, and that it resumes to the same bits."""

import copy
import dataclasses

import pytest
import torch

from engine import events as told
from engine.device import cpu
from engine.execute import execute
from engine.spec import RunSpec, TrainSpec
from engine.train import Savepoint

TRAIN = TrainSpec(epochs=2, batch_size=4, optimizer="sgd", learning_rate=0.02, precision="float32", augmentation="none")


@pytest.fixture
def run(colours, tiny):
    def make(strategy="full_fine_tuning", method="random", settings=3, **changes):
        asked = {"method": method, "settings": settings, **changes.pop("search", {})}
        plain = {"label_budget": 21, "measures": (), "train": TRAIN, "search": asked} | changes
        return RunSpec(tiny, f"folder:{colours}", strategy, 0, 0, **plain)

    return make


def compute(run, resume=None, **options):
    """Events, the final network, and every savepoint with the number of events before it."""
    events, saved, work = [], [], execute(run, cpu(), resume=resume, **options)
    while True:
        try:
            item = next(work)
        except StopIteration as done:
            return events, done.value, saved
        if isinstance(item, Savepoint):
            saved.append((copy.deepcopy(item.state()), len(events)))
        else:
            events.append(item)


def of(kind, events):
    return [event for event in events if isinstance(event, kind)]


def test_every_trial_is_validated_and_only_the_chosen_one_is_tested(run):
    events, _, _ = compute(run())
    trials, (chosen,) = of(told.TrialEnded, events), of(told.SettingChosen, events)
    assert [(one.trial, one.rung, one.epochs) for one in trials] == [(1, 0, 2), (2, 0, 2), (3, 0, 2)]
    assert trials[0].learning_rate == TRAIN.learning_rate
    best = max(trials, key=lambda one: (one.validation_accuracy, -one.validation_loss))
    assert (chosen.trial, chosen.validation_accuracy) == (best.trial, best.validation_accuracy)
    (tested,) = of(told.Tested, events)
    assert tested.validation_accuracy == chosen.validation_accuracy, "the same training again"
    assert [one.epoch for one in of(told.EpochEnded, events)] == [0, 1, 2], "trials keep their curves to themselves"
    assert events.index(chosen) < events.index(of(told.Started, events)[0])


def test_the_chosen_setting_ends_as_the_ordinary_run_that_asks_for_it(run):
    events, network, _ = compute(run())
    (chosen,) = of(told.SettingChosen, events)
    train = dataclasses.replace(TRAIN, learning_rate=chosen.learning_rate)
    plain = dataclasses.replace(run(), train=train, search=None)
    other_events, other, _ = compute(plain)
    assert of(told.Tested, events) == of(told.Tested, other_events)
    for name, tensor in network.state_dict().items():
        assert torch.equal(tensor, other.state_dict()[name]), name


def test_no_test_image_is_read_by_a_trial(run, monkeypatch):
    from engine import search_run, train

    seen = []
    original = train.evaluate

    def watched(network, pixels, indices, control):
        seen.append(set(indices.tolist()))
        return original(network, pixels, indices, control)

    monkeypatch.setattr(train, "evaluate", watched)
    work = execute(run("lp_ft"), cpu())
    ready = []
    prepare = search_run.execute.prepare
    monkeypatch.setattr(
        search_run.execute, "prepare", lambda *given: ready.append(prepare(*given)) or ready[-1]
    )  # the splits of every trial
    for item in work:
        if isinstance(item, told.SettingChosen):
            break
    tests = set().union(*(one[0].split.test.tolist() for one in ready))
    assert seen
    assert tests
    assert not any(rows & tests for rows in seen)
    assert all(one[0].features is None for one in ready), "no features of any depth were read"


def test_halving_trains_the_survivors_longer(run):
    train = dataclasses.replace(TRAIN, epochs=4, batch_size=8)
    events, _, _ = compute(run(method="halving", settings=4, search={"reduction": 2}, train=train))
    trials = of(told.TrialEnded, events)
    assert [(one.rung, one.epochs) for one in trials] == [(0, 1)] * 4 + [(1, 2)] * 2 + [(2, 4)]
    first = sorted(trials[:4], key=lambda one: (-one.validation_accuracy, one.validation_loss, one.trial))
    assert [one.trial for one in trials[4:6]] == [one.trial for one in first[:2]]
    assert of(told.SettingChosen, events)[0].trial == trials[6].trial


def test_it_resumes_from_every_savepoint_to_the_same_bits(run, tmp_path):
    asked = run("lora", settings=2)
    events, network, saved = compute(asked)
    kinds = [(len(state["search"]), state["inner"] is not None, state["final"] is not None) for state, _ in saved]
    assert kinds == [
        (0, True, False), (0, True, False), (1, False, False), (1, True, False), (1, True, False), (2, False, False),
        (2, False, True), (2, False, True),
    ]  # fmt: skip
    for state, before in saved[1::2]:
        again, other, _ = compute(asked, resume=state)
        assert [*events[:before], *again] == events
        assert all(torch.equal(one, other.state_dict()[name]) for name, one in network.state_dict().items())


def test_the_state_between_trials_can_be_a_checkpoint(run, tmp_path):
    from engine import checkpoints
    from engine.leases import Lease

    asked = run(settings=2)
    _, _, saved = compute(asked)
    state, before = saved[2]
    lease = Lease(asked, 1, 1)
    checkpoints.save(tmp_path, lease, state, before)
    assert checkpoints.newest(tmp_path, lease) == (state, before, "")


def test_weights_are_kept_under_the_id_of_the_searched_run(run, tmp_path):
    from engine import run_weights

    asked = run(settings=2, keep_weights=True)
    compute(asked, home=tmp_path)
    assert [one.name for one in (tmp_path / "weights").iterdir()] == [run_weights.path(tmp_path, asked.run_id).name]


def test_measures_are_those_of_the_chosen_network(run):
    events, _, _ = compute(run(settings=2, measures=("logme",)))
    assert len({one.unit for one in of(told.DepthMeasured, events)}) == len(of(told.DepthMeasured, events))
