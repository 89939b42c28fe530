"""The training loop on a network of three small units: schedule, selection, resume, divergence, stop."""

from __future__ import annotations

import copy
import itertools
import math

import numpy as np
import pytest
import torch
from torch import nn

from engine import optimisers, train
from engine.backbones._composition import ComposedNetwork
from engine.backbones._weights import tensors_sha256
from engine.batches import Pixels
from engine.control import Cancelled, Control
from engine.errors import WeightsError
from engine.events import Diverged, EpochEnded, Notice
from engine.spec import TrainSpec
from engine.train import Best, Savepoint, Task


def network(seed: int = 0) -> ComposedNetwork:
    torch.manual_seed(seed)
    widths = (3, 8, 8, 16)
    units = [
        (f"unit {n}", "stage", nn.Sequential(nn.Conv2d(a, b, 3, padding=1, bias=False), nn.BatchNorm2d(b), nn.ReLU()))
        for n, (a, b) in enumerate(itertools.pairwise(widths))
    ]
    units.append(("drop", "end", nn.Sequential(nn.Conv2d(16, 16, 1), nn.Dropout(0.2))))
    made = ComposedNetwork(units, 16)
    made.reset_head(3)
    return made.to(memory_format=torch.channels_last)


def task(depth: int = 0, seed: int = 0, **changes: object) -> Task:
    plain = {"epochs": 4, "batch_size": 8, "learning_rate": 0.05, "optimizer": "sgd", "precision": "float32"}
    spec = TrainSpec(**{**plain, **changes})
    draws = np.random.default_rng(5)
    labels = np.arange(48) % 3
    images = (draws.integers(0, 100, size=(48, 8, 8, 3)) + labels[:, None, None, None] * 60).astype(np.uint8)
    pixels = Pixels.on(torch.device("cpu"), images, labels, (0.5,) * 3, (0.25,) * 3)
    made = network()
    made.freeze(depth)
    return Task(made, pixels, np.arange(30), np.arange(30, 48), spec, seed, "crop_flip", "float32", Control())


def run(work) -> tuple[list, Best | None]:
    items = []
    while True:
        try:
            items.append(next(work))
        except StopIteration as done:
            return items, done.value


def bodies(items: list) -> list[str]:
    return [item.body() for item in items if not isinstance(item, Savepoint)]


def test_the_rate_of_each_epoch_is_that_of_its_last_step():
    items, _ = run(train.fit(task(schedule="cosine")))
    rates = [item.learning_rate for item in items if isinstance(item, EpochEnded)]
    # 30 images in batches of 8: 4 steps an epoch, 16 in all; the last step of epoch n begins at (4n - 1) / 16.
    assert rates[0] is None
    assert rates[1:] == [0.05 * 0.5 * (1 + math.cos(math.pi * (4 * n - 1) / 16)) for n in (1, 2, 3, 4)]


def test_events_and_savepoints_in_order():
    items, best = run(train.fit(task()))
    assert [type(item) for item in items] == [EpochEnded, *[EpochEnded, Savepoint] * 4]
    assert [item.epoch for item in items] == [0, 1, 1, 2, 2, 3, 3, 4, 4]
    assert 1 <= best.epoch <= 4


def test_it_learns_and_the_first_loss_is_that_of_a_zero_head():
    items, best = run(train.fit(task(epochs=8)))
    epochs = [item for item in items if isinstance(item, EpochEnded)]
    assert epochs[0].validation_loss == pytest.approx(math.log(3), abs=1e-6)
    assert epochs[-1].train_loss < 0.7 * epochs[1].train_loss
    assert best.accuracy > 0.6


@pytest.mark.parametrize("selection", ["best_validation", "last_epoch"])
def test_the_network_ends_with_the_selected_weights(selection):
    work = task(selection=selection, learning_rate=0.3, epochs=5)
    states, items = {}, []
    for item in (generator := train.fit(work)):
        items.append(item)
        if isinstance(item, Savepoint):
            states[item.epoch] = copy.deepcopy(work.network.state_dict())
    epochs = [item for item in items if isinstance(item, EpochEnded) and item.epoch]
    wanted = max(epochs, key=lambda e: (e.validation_accuracy, -e.validation_loss)).epoch
    wanted = 5 if selection == "last_epoch" else wanted
    assert tensors_sha256(work.network.state_dict()) == tensors_sha256(states[wanted])
    generator.close()


def test_ties_go_to_the_lower_loss_and_then_to_the_earlier_epoch():
    so_far = Best(0.8, 0.5, 3)
    assert train.better("best_validation", 0.81, 9.0, so_far)
    assert train.better("best_validation", 0.8, 0.4, so_far)
    assert not train.better("best_validation", 0.8, 0.5, so_far)
    assert not train.better("best_validation", 0.79, 0.0, so_far)
    assert train.better("last_epoch", 0.1, 9.0, so_far)
    assert train.better("best_validation", 0.0, 9.0, Best())


@pytest.mark.parametrize("optimizer", ["sgd", "adamw"])
@pytest.mark.parametrize("through_disk", [False, True])
def test_resuming_gives_the_same_bits(optimizer, through_disk, home, make_run):
    from engine import checkpoints
    from engine.leases import Lease

    def fresh(depth=1):
        return task(depth, optimizer=optimizer, learning_rate=0.02)

    whole_task = fresh()
    whole, best = run(train.fit(whole_task))
    lease = Lease(make_run(), 1, 1)
    for stop in (1, 3):
        begun = fresh()
        first, state = [], None
        for item in (generator := train.fit(begun)):
            first.append(item)
            if isinstance(item, Savepoint) and item.epoch == stop:
                if through_disk:
                    checkpoints.save(home, lease, item.state(), stop)
                    state = checkpoints.newest(home, lease)[0]
                else:
                    state = copy.deepcopy(item.state())
                break
        generator.close()
        resumed = fresh()
        second, chosen = run(train.fit(resumed, state))
        assert bodies(first) + bodies(second) == bodies(whole)
        assert tensors_sha256(resumed.network.state_dict()) == tensors_sha256(whole_task.network.state_dict())
        assert (chosen.accuracy, chosen.loss, chosen.epoch) == (best.accuracy, best.loss, best.epoch)


def test_restored_optimiser_tensors_lie_in_memory_like_their_parameters():
    parameter = nn.Parameter(torch.randn(4, 3, 3, 3).to(memory_format=torch.channels_last))
    optimiser = optimisers.make_optimiser([parameter], TrainSpec(optimizer="adamw", learning_rate=0.02))
    parameter.grad = torch.ones_like(parameter)
    optimiser.step()
    state = optimiser.state_dict()
    for values in state["state"].values():
        values["exp_avg"] = values["exp_avg"].contiguous()
    optimiser.load_state_dict(state)
    optimisers.lay_out(optimiser)
    assert optimiser.state[parameter]["exp_avg"].stride() == parameter.stride()
    assert optimiser.state[parameter]["step"].shape == ()


@pytest.mark.parametrize("seed", [0, 1])
def test_a_seed_is_a_training(seed):
    one, two, other = (task(seed=n) for n in (seed, seed, seed + 1))
    events = [bodies(run(train.fit(each))[0]) for each in (one, two, other)]
    assert events[0] == events[1] != events[2]
    assert tensors_sha256(one.network.state_dict()) == tensors_sha256(two.network.state_dict())
    assert tensors_sha256(one.network.state_dict()) != tensors_sha256(other.network.state_dict())


def test_a_loss_that_is_not_a_number_ends_the_training_and_the_curve_stays():
    work = task()
    items = []
    for item in train.fit(work):
        items.append(item)
        if isinstance(item, Savepoint) and item.epoch == 2:
            with torch.no_grad():
                work.network.head.weight[0, 0] = math.nan
    kinds = [type(item) for item in items]
    assert kinds == [EpochEnded, EpochEnded, Savepoint, EpochEnded, Savepoint, Diverged]
    assert (items[-1].epoch, items[-1].step) == (3, 0)
    assert items[-1].reason == "the loss was not a number in epoch 3, step 1 of 4"


def test_weights_broken_by_the_very_last_step_are_not_tested(monkeypatch):
    work = task(epochs=1)
    step = torch.optim.SGD.step
    taken = []

    def poison(self, *args, **kwargs):
        step(self, *args, **kwargs)
        taken.append(1)
        if len(taken) == 4:
            with torch.no_grad():
                work.network.head.bias[0] = math.inf

    monkeypatch.setattr(torch.optim.SGD, "step", poison)
    items, best = run(train.fit(work))
    assert best is None
    assert isinstance(items[-1], Diverged)
    assert "validation loss" in items[-1].reason
    assert isinstance(items[-2], EpochEnded)
    assert items[-2].train_loss is not None


def test_a_hopeless_learning_rate_diverges():
    items, best = run(train.fit(task(learning_rate=100, weight_decay=1, epochs=300, schedule="constant")))
    assert best is None
    assert isinstance(items[-1], Diverged)


def test_a_stop_acts_between_two_steps():
    work = task()
    generator = train.fit(work)
    next(generator)
    original = work.control.step
    steps = []

    def count():
        steps.append(1)
        work.control.stop = len(steps) == 2
        original()

    work.control.step = count
    before = copy.deepcopy(work.network.state_dict())
    with pytest.raises(Cancelled):
        next(generator)
    assert tensors_sha256(before) != tensors_sha256(work.network.state_dict())


def test_frozen_tensors_are_not_in_the_optimiser_and_do_not_move(monkeypatch):
    made = []
    original = optimisers.make_optimiser
    monkeypatch.setattr(optimisers, "make_optimiser", lambda *args: made.append(original(*args)) or made[0])
    work = task(depth=2, weight_decay=0.5)
    frozen = {id(tensor) for tensor in work.network.frozen_tensors().values()}
    before = tensors_sha256(work.network.frozen_tensors())
    run(train.fit(work))
    held = {id(parameter) for group in made[0].param_groups for parameter in group["params"]}
    assert frozen
    assert not held & frozen
    assert held == {id(parameter) for parameter in work.network.parameters()} - frozen
    assert tensors_sha256(work.network.frozen_tensors()) == before
    assert not work.network.frozen_tensors().keys() & train.trained_state(work.network).keys()


def test_weight_decay_is_for_matrices_and_kernels():
    spec = TrainSpec(optimizer="sgd", learning_rate=0.02, weight_decay=0.1)
    groups = optimisers.make_optimiser(list(network().parameters()), spec).param_groups
    assert [group["weight_decay"] for group in groups] == [0.1, 0.0]
    assert all(parameter.ndim > 1 for parameter in groups[0]["params"])
    assert all(parameter.ndim == 1 for parameter in groups[1]["params"])


def test_one_step_of_sgd_by_hand():
    parameter = nn.Parameter(torch.tensor([[1.0]]))
    optimiser = optimisers.make_optimiser([parameter], TrainSpec(optimizer="sgd", learning_rate=0.1, weight_decay=0.5))
    parameter.grad = torch.tensor([[2.0]])
    optimiser.step()
    # Nesterov's first step: gradient with decay g = 2 + 0.5; g + 0.9 g = 1.9 g.
    assert parameter.item() == pytest.approx(1 - 0.1 * 1.9 * 2.5)


def test_progress_goes_from_its_begin_to_its_end():
    work = task()
    work.share = (0.2, 0.6)
    seen = [work.control.progress.done for item in train.fit(work) if isinstance(item, Savepoint)]
    assert seen == pytest.approx([0.3, 0.4, 0.5, 0.6])
    assert work.control.progress.images == 4 * 30


def test_an_observer_is_asked_after_every_evaluation_and_changes_nothing():
    plain, watched = task(), task()
    modes = []

    def observe(epoch):
        modes.append((epoch, watched.network.training))
        torch.randn(3)  # whatever an observer draws, the next epoch's randomness is its own
        yield Notice(f"looked after epoch {epoch}")

    watched.at_epoch = observe
    items, _ = run(train.fit(watched))
    run(train.fit(plain))
    assert modes == [(epoch, False) for epoch in range(5)]
    events = [item for item in items if not isinstance(item, Savepoint)]
    assert [event.kind for event in events] == ["epoch", "notice"] * 5
    assert tensors_sha256(watched.network.state_dict()) == tensors_sha256(plain.network.state_dict())


def test_what_is_left_at_auto_is_not_trained_by_guess():
    for open_ended in ({"optimizer": "sgd"}, {"learning_rate": 0.1}):
        with pytest.raises(ValueError, match="still 'auto'"):
            optimisers.make_optimiser(list(network().parameters()), TrainSpec(**open_ended))


def test_a_checkpoint_of_another_layout_is_refused_with_what_to_do():
    work = train.fit(task(epochs=2))
    state = copy.deepcopy(next(item for item in work if isinstance(item, Savepoint)).state())
    for change in ({"added.head.down.weight": torch.ones(2)}, {"head.weight": torch.ones(1, 16)}):
        other = {**state, "network": state["network"] | change}
        with pytest.raises(WeightsError, match=r"other tensors than its network \('.*another version.*Run it again"):
            next(train.fit(task(epochs=2), other))
