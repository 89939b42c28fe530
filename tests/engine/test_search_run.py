"""A searched run on a tiny network: what it tries, what it reads, what it chooses, and that it resumes to the same bits."""

import copy
import dataclasses

import pytest
import torch

from engine import events as told
from engine.device import cpu
from engine.errors import StrategyError
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


HALVING = {"method": "halving", "settings": 4, "search": {"reduction": 2}}


def trainings(monkeypatch):
    """Every training that is begun from now on, by its epochs."""
    from engine import train

    begun, original = [], train.fit
    monkeypatch.setattr(
        train, "fit", lambda task, resume=None: begun.append(task.spec.epochs) or original(task, resume)
    )
    return begun


@pytest.mark.parametrize(
    ("strategy", "how"),
    [(name, {}) for name in ("full_fine_tuning", "lora", "lp_ft", "early_stopping", "head_dropout")]
    + [(name, HALVING) for name in ("l2_sp", "wise_ft")],
)
def test_what_the_best_trial_learned_is_what_the_ordinary_run_that_asks_for_it_learns(run, strategy, how, monkeypatch):
    """The kept training against training anew: the same events, selected epoch, measures, proof and bits; and trained once."""
    train = dataclasses.replace(TRAIN, epochs=4)
    begun = trainings(monkeypatch)
    asked = run(strategy, **how, train=train, measures=("logme", "cka_matrix"))
    events, network, _ = compute(asked)
    assert begun == ([1] * 4 + [2] * 2 + [4] if how else [4] * 3), "no training beyond the trials"
    (chosen,) = of(told.SettingChosen, events)
    plain = dataclasses.replace(
        asked,
        train=dataclasses.replace(train, learning_rate=chosen.learning_rate),
        settings=chosen.settings or None,
        search=None,
    )
    other_events, other, _ = compute(plain)
    assert events[events.index(chosen) + 1 :] == other_events
    assert len(of(told.EpochEnded, other_events)) > 2
    for name, tensor in network.state_dict().items():
        assert torch.equal(tensor, other.state_dict()[name]), name


def test_where_a_panel_looks_on_the_chosen_setting_trains_once_more(run, monkeypatch):
    begun = trainings(monkeypatch)
    asked = run(settings=2, panel_epochs=(0, 2))
    events, _, saved = compute(asked)
    assert begun == [2, 2, 2]
    assert {one.epoch for one in of(told.PanelMeasured, events)} == {0, 2}
    assert all(state["kept"] is None for state, _ in saved)
    again, _, _ = compute(asked, resume=saved[-1][0])
    assert [*events[: saved[-1][1]], *again] == events


def test_the_freeze_proof_is_of_the_network_that_was_trained(run, monkeypatch):
    """A trial that moves what must not move is found out, although its network is built anew before the proof is taken."""
    from engine import train

    original = train.fit

    def careless(task, resume=None):
        found = yield from original(task, resume)
        next(iter(task.network.frozen_tensors().values())).add_(1.0)
        return found

    monkeypatch.setattr(train, "fit", careless)
    asked = dataclasses.replace(run(settings=2), strategy="partial_fine_tuning", frozen_depth=2)
    (proof,) = of(told.FreezeChecked, compute(asked)[0])
    assert len(proof.changed) == 1


@pytest.mark.parametrize("again", [False, True], ids=["kept", "trained again"])
def test_the_cost_is_whole_and_says_what_finding_the_setting_took(run, again):
    from engine.control import Control

    def cost_of(asked):
        control = Control()
        events, _, _ = compute(asked, control=control)
        return events, control.progress.to_dict()["cost"]

    asked = run(settings=3, panel_epochs=(2,) if again else None)
    events, cost = cost_of(asked)
    (chosen,), trials = of(told.SettingChosen, events), of(told.TrialEnded, events)
    _, alone = cost_of(
        dataclasses.replace(asked, train=dataclasses.replace(TRAIN, learning_rate=chosen.learning_rate), search=None)
    )
    others = [one for one in trials if again or one.trial != chosen.trial]
    assert cost["search_flops"] == sum(one.flops for one in others)
    assert cost["flops"] == alone["flops"] + cost["search_flops"]
    # 6 test images, one forward pass each, are all that a trial does less than a run
    assert trials[0].flops < alone["flops"] < 2 * trials[0].flops
    assert cost["search_seconds"] == pytest.approx(sum(one.seconds for one in others))
    assert cost["search_energy_joules"] == pytest.approx(sum(one.energy_joules for one in others))
    assert cost["energy_joules"] > sum(one.energy_joules for one in trials)
    assert cost["energy_source"] == alone["energy_source"]
    assert cost["peak_memory_bytes"] > 50e6
    assert cost["train_images_per_second"] > 0


def test_of_a_resumed_search_the_operations_are_whole_and_the_energy_is_not_known(run):
    from engine.control import Control

    asked = run(settings=3)
    whole = Control()
    _, _, saved = compute(asked, control=whole)
    for place in (2, 3):  # between two trials, and within one
        part = Control()
        events, _, _ = compute(asked, resume=saved[place][0], control=part)
        assert part.progress.cost["flops"] == whole.progress.cost["flops"]
        assert "energy_joules" not in part.progress.cost
        resumed = [one for one in of(told.TrialEnded, events) if one.seconds is None]
        assert len(resumed) == (place == 3)


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
    prepare = search_run.prepare
    monkeypatch.setattr(
        search_run, "prepare", lambda *given: ready.append(prepare(*given)) or ready[-1]
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
    kinds = [(len(state["search"]), state["inner"] is not None, state["kept"] is not None) for state, _ in saved]
    assert kinds == [
        (0, True, False), (0, True, False), (1, False, True), (1, True, True), (1, True, True), (2, False, True),
    ]  # fmt: skip
    for state, before in saved:
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
    read, ordinal, damage = checkpoints.newest(tmp_path, lease)
    assert (ordinal, damage) == (before, "")
    assert (read["search"], read["inner"], read["final"]) == (state["search"], None, None)
    events, network, _ = compute(asked, resume=read)
    other_events, other, _ = compute(asked)
    assert events == other_events[before:]
    assert all(torch.equal(one, other.state_dict()[name]) for name, one in network.state_dict().items())


def test_a_checkpoint_of_an_earlier_version_is_refused_with_what_to_do(run):
    with pytest.raises(StrategyError, match=r"earlier version.*Run it again"):
        compute(run(settings=2), resume={"search": [], "inner": None, "final": None})


def test_weights_are_kept_under_the_id_of_the_searched_run(run, tmp_path):
    from engine import run_weights

    asked = run(settings=2, keep_weights=True)
    compute(asked, home=tmp_path)
    assert [one.name for one in (tmp_path / "weights").iterdir()] == [run_weights.path(tmp_path, asked.run_id).name]


def test_measures_are_those_of_the_chosen_network(run):
    events, _, _ = compute(run(settings=2, measures=("logme",)))
    assert len({one.unit for one in of(told.DepthMeasured, events)}) == len(of(told.DepthMeasured, events))
