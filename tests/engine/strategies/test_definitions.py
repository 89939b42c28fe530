"""What strategies compute, by hand: rates of schedules, penalties."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
import torch
from torch import nn

from engine import backbones
from engine.course import Course, course, plateaus, schedule_table
from engine.strategies import Phase
from engine.strategies._phases import groups
from engine.tuning import Setup, make
from engine.tuning.head2toe import relevance

N_UNITS = 4


def ends(run, backbone="tiny", epochs=40):
    run = dataclasses.replace(
        run, train=dataclasses.replace(run.train, epochs=epochs, learning_rate=1.0, schedule="constant")
    )
    return course(run, backbones.card(backbone))


def test_groups_are_stages_or_equal_runs_of_units(tiny):
    assert groups(backbones.card("resnet20_cifar10")) == [(0,), (1,), (2, 3), (4, 5, 6), (7, 8, 9)]
    assert groups(backbones.card(tiny)) == [(0,), (1,), (2,), (3,)]


def test_discriminative_rates_fall_by_the_factor(run_of):
    rates = ends(run_of("discriminative_rates")).rates(0.5)
    assert rates == pytest.approx((2.6**-4, 2.6**-3, 2.6**-2, 2.6**-1, 1.0))


def test_layer_decay_falls_unit_by_unit(run_of):
    assert ends(run_of("layer_decay")).rates(0.5) == pytest.approx((0.75**4, 0.75**3, 0.75**2, 0.75, 1.0))


def test_gradual_unfreezing_adds_groups_from_the_top(run_of):
    plan = ends(run_of("gradual_unfreezing"))
    # Half of the training is shared by four groups: one more every eighth of the steps.
    for done, learning in ((0.0, 0), (0.12, 0), (0.126, 1), (0.26, 2), (0.38, 3), (0.5, 4), (0.99, 4)):
        rates = plan.rates(done)
        assert [rate > 0 for rate in rates] == [place >= N_UNITS - learning for place in range(N_UNITS)] + [True]
        assert rates[-1] == 1.0


def test_a_plateau_adds_the_next_group(run_of):
    plan = ends(run_of("gradual_unfreezing", settings={"when": "plateau"}))
    falls, stalls = [1.0, 0.9, 0.8], [0.8, 0.8]
    assert [rate > 0 for rate in plan.rates(0.9, falls)] == [False] * 4 + [True]
    assert [rate > 0 for rate in plan.rates(0.1, falls + stalls)] == [False] * 3 + [True] * 2
    assert plateaus(falls + stalls * 2) == 1  # the new phase has its own lowest loss
    assert plateaus([1.0] * 7) == 2


def test_chained_thaw_trains_one_group_at_a_time_and_ends_with_all(run_of):
    plan = ends(run_of("chained_thaw"))
    learning = [tuple(rate > 0 for rate in phase.rates) for phase in plan.phases]
    alone = [tuple(place == at for place in range(5)) for at in (4, 0, 1, 2, 3)]
    assert learning == [*alone, (True,) * 5]
    assert [phase.end for phase in plan.phases] == pytest.approx([0.12, 0.24, 0.36, 0.48, 0.6, 1.0])


def test_fastai_s_recipe(run_of):
    plan = ends(run_of("freeze_then_fine_tune"), epochs=10)
    peaks = [phase.rates for phase in plan.phases]
    assert plan.phases[0].end == 0.1
    assert peaks[0] == (0.0, 0.0, 0.0, 0.0, 1.0)
    assert peaks[1][0] == pytest.approx(0.5 / 100)  # slice(base / 200, base / 2)
    assert peaks[1][-1] == 0.5
    ratios = np.divide(peaks[1][1:], peaks[1][:-1])
    assert ratios == pytest.approx([100**0.25] * 4)


def test_a_curve_of_a_phase_begins_anew_in_it():
    plan = Course((Phase(0.5, (1.0,), "cosine"), Phase(1.0, (0.5,), "cosine")), 2.0, "constant", 1)
    assert plan.rates(0.0) == (2.0,)
    assert plan.rates(0.25) == pytest.approx((1.0,))
    assert plan.rates(0.5) == (1.0,)
    assert plan.rates(0.75) == pytest.approx((0.5,))


def test_the_table_shows_what_rests(run_of):
    rows = schedule_table(run_of("surgical"), backbones.card("tiny"), samples=3)
    assert {row.name for row in rows if row.trainable} == {"unit 2", "head"}
    assert [row.share for row in rows[:: N_UNITS + 1]] == [0.0, 0.5, 1.0]


class Plain(nn.Module):
    """Two features of an image, and what the tunings ask of a network."""

    n_units = 1

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.tensor([1.0, 2.0]))

    def unit_parameters(self, unit):
        return [self.weight]


def setup(network, **settings):
    return Setup(network, None, settings, 0, None, np.arange(4), 3)


def test_l2_sp_by_hand():
    network = Plain()
    tuning = make("l2_sp", setup(network, strength=0.5))
    tuning.prepare()
    with torch.no_grad():
        network.weight += torch.tensor([1.0, -3.0])
    assert tuning.penalty(None, None).item() == pytest.approx(0.5 / 2 * (1 + 9))
    assert tuning.replaces_decay


def test_bss_is_the_squares_of_the_smallest_singular_values():
    features = torch.diag(torch.tensor([3.0, 2.0, 1.0]))
    for directions, value in ((1, 1.0), (2, 5.0)):
        tuning = make("bss", setup(Plain(), strength=0.1, directions=directions))
        assert tuning.penalty(None, features).item() == pytest.approx(0.1 * value)


@pytest.mark.parametrize("name", ["mixup", "cutmix"])
def test_mixed_labels_say_how_much_of_each_image_is_there(name):
    images = torch.stack([torch.full((3, 8, 8), float(place)) for place in range(3)])
    tuning = make(name, setup(Plain(), alpha=1.0))
    for step in range(5):
        mixed, targets = tuning.batch(images, torch.arange(3), 1, step)
        # Image i has the value i everywhere, so its mean is the labels' expectation.
        assert mixed.mean(dim=(1, 2, 3)) == pytest.approx((targets * torch.arange(3.0)).sum(1), abs=1e-5)
        assert targets.sum(1) == pytest.approx(torch.ones(3), abs=1e-6)
        again, _ = tuning.batch(images, torch.arange(3), 1, step)
        assert torch.equal(again, mixed)


def test_early_stopping_waits_from_the_lowest_loss():
    tuning = make("early_stopping", setup(Plain(), patience=2))
    assert not tuning.stops([])
    assert not tuning.stops([1.0, 0.5, 0.6])
    assert tuning.stops([1.0, 0.5, 0.6, 0.7])
    assert not tuning.stops([1.0, 0.5, 0.6, 0.4])


def test_the_group_lasso_finds_the_features_that_carry_the_classes():
    draws = np.random.default_rng(0)
    labels = np.arange(120) % 3
    noise = draws.normal(size=(120, 20))
    useful = np.eye(3)[labels] + 0.3 * draws.normal(size=(120, 3))
    score = relevance(np.concatenate([noise, useful, np.ones((120, 1))], axis=1), labels, 3, 0.3)
    assert score[20:23].min() > score[:20].max()
    assert score[23] == 0
    assert relevance(np.concatenate([noise, useful], axis=1), labels, 3, 1.0).max() == pytest.approx(0, abs=1e-9)


def test_ewc_measures_on_the_source_and_its_mean_is_one(run_of, computed, tiny, monkeypatch):
    from engine.batches import Pixels
    from engine.networks import build_network

    run = run_of("ewc")
    network, _ = build_network(run, "pretrained", None)
    network.reset_head(3)
    draws = np.random.default_rng(1)
    data = draws.integers(0, 255, size=(12, 12, 12, 3)).astype(np.uint8)
    pixels = Pixels.on(torch.device("cpu"), data, np.arange(12) % 3, (0.5,) * 3, (0.25,) * 3)
    given = {"source": "given", "strength": 2.0, "images": 12}
    work = Setup(network, backbones.card(tiny), given, 0, pixels, np.arange(4), 3, lambda name: (pixels, np.arange(12)))
    tuning = make("ewc", work)
    tuning.prepare()
    shares = torch.cat([share.flatten() for _, _, share in tuning.triples])
    assert shares.min() >= 0
    assert shares.mean().item() == pytest.approx(1, rel=1e-4)
    assert tuning.penalty(None, None).item() == 0
    with torch.no_grad():
        for now, _, _ in tuning.triples:
            now += 0.1
    assert tuning.penalty(None, None).item() == pytest.approx(2.0 / 2 * 0.01 * shares.sum().item(), rel=1e-3)
    assert math.isfinite(tuning.penalty(None, None).item())
    # A weight that matters more than so many times the mean would be pulled harder than steps can follow.
    monkeypatch.setattr("engine.tuning.ewc.MOST", 0.75 * shares.max().item())
    with torch.no_grad():
        for now, then, _ in tuning.triples:
            now.copy_(then)
    again = make("ewc", work)
    again.prepare()
    cut = torch.cat([share.flatten() for _, _, share in again.triples])
    torch.testing.assert_close(cut, shares.clamp_max(0.75 * shares.max()))
