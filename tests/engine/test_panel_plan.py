"""When a panel looks: what was asked for, or what stays within its share of the training by counts."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine import backbones, cost, datasets, panel_plan
from engine.panel_plan import Looks, epochs, looks, spread
from engine.plan import PlannedRun
from engine.spec import RunSpec, TrainSpec


@pytest.fixture(scope="module")
def planned():
    card, info = backbones.card("resnet20_cifar10"), datasets.describe("digits")

    def make(n_epochs: int, strategy: str = "full_fine_tuning", depth: int = 0) -> PlannedRun:
        run = RunSpec("resnet20_cifar10", "digits", strategy, depth, 0, train=TrainSpec(epochs=n_epochs))
        return PlannedRun(run, card, info)

    return make


def test_what_was_asked_for_wins_whatever_it_costs(planned):
    assert looks("every 5", planned(12), 8, 2, 40, "cpu") == Looks(frozenset({0, 5, 10, 12}))
    assert looks((0, 3, 40), planned(12), 8, 2, 40, "cpu") == Looks(frozenset({0, 3}))
    assert epochs("every 5", 12) == {0, 5, 10, 12}


def test_a_short_training_is_looked_at_lightly_a_long_one_often(planned):
    short, middle, long = (looks("auto", planned(n), *counts, 40, "cpu") for n, counts in (
        (20, (40, 10)), (100, (160, 40)), (100, (4_000, 1_000)),
    ))  # fmt: skip
    assert short == Looks(frozenset({0, 20}), light=True)
    assert not middle.light
    assert 2 <= len(middle.epochs) < len(long.epochs)
    assert {0, 100} <= middle.epochs & long.epochs


def test_what_is_planned_stays_below_the_aim_by_counts(planned):
    one = planned(50)
    found = looks("auto", one, 1_000, 200, 50, "cpu")
    forward = sum(unit.flops for unit in one.card.units)
    training = 50 * (1_000 * (forward + cost.backward_flops(one)) + 200 * forward) / panel_plan.SPEEDS["cpu"]
    solving = panel_plan.solving_seconds(one, 50)
    watching = len(found.epochs) * (50 * forward / panel_plan.SPEEDS["cpu"] + solving) + panel_plan.GRID_LOOKS * solving
    assert 0 < watching <= panel_plan.AIM * training


def test_where_not_even_two_looks_fit_there_is_none_and_the_reason(planned):
    found = looks("auto", planned(4), 40, 10, 40, "cpu")
    assert found.epochs == frozenset()
    assert "4 epochs of 40 images" in found.refused
    assert "give the epochs (for example 0 and 4)" in found.refused
    share = int(found.refused.split("up to ")[1].split(" %")[0])
    one = planned(4)
    forward = sum(unit.flops for unit in one.card.units)
    passes = 2 * 40 * forward / (4 * (40 * (forward + cost.backward_flops(one)) + 10 * forward))
    assert share >= round(100 * passes) > 100 * panel_plan.AIM


@given(st.integers(1, 300), st.integers(8, 5_000))
def test_never_more_than_the_aim_and_a_reason_where_there_is_none(planned, n_epochs: int, n_train: int):
    one, n_probe = planned(n_epochs), min(n_train, 40)
    found = looks("auto", one, n_train, n_train // 4, n_probe, "cpu")
    assert bool(found.epochs) != bool(found.refused)
    forward = sum(unit.flops for unit in one.card.units) / panel_plan.SPEEDS["cpu"]
    training = (
        n_epochs * (n_train * 3 + n_train // 4) * forward
    )  # at most: gradients of the lowest unit's input are not needed
    assert len(found.epochs) * n_probe * forward <= panel_plan.AIM * training
    assert len(found.epochs) != 1


def test_the_same_on_the_same_device_kind_and_fewer_where_training_is_quicker(planned):
    frozen = looks("auto", planned(50, "partial_fine_tuning", 9), 1_000, 200, 50, "cpu")
    assert len(frozen.epochs) <= len(looks("auto", planned(50), 1_000, 200, 50, "cpu").epochs)
    threaded = looks("auto", planned(50), 1_000, 200, 50, "cpu", 4)
    assert len(threaded.epochs) < len(looks("auto", planned(50), 1_000, 200, 50, "cpu").epochs)
    quick = looks("auto", planned(50), 1_000, 200, 50, "cuda")
    assert quick == looks("auto", planned(50), 1_000, 200, 50, "cuda", 4)  # threads say nothing of another device
    assert len(quick.epochs) <= len(looks("auto", planned(50), 1_000, 200, 50, "cpu").epochs)
    assert dataclasses.replace(quick) == quick


def test_passes_are_dearer_than_a_training_in_fewer_bits(planned):
    whole, half = (looks("auto", planned(50), 1_000, 200, 50, "cpu", 1, precision) for precision in panel_plan.PASS)
    assert 2 <= len(half.epochs) < len(whole.epochs)
    refused = looks("auto", planned(8), 40, 10, 40, "cpu", 1, "bfloat16").refused
    assert refused != looks("auto", planned(8), 40, 10, 40, "cpu").refused


def test_solving_is_counted_by_the_size_of_what_is_solved(planned):
    one = planned(4)
    assert panel_plan.solving_seconds(one, 40, light=True) < panel_plan.solving_seconds(one, 40) / 3
    assert one.info.n_classes == 10
    rows = [(40, min(40, unit.n_features), unit.n_features) for unit in one.card.units]
    wanted = sum(0.0022 + 0.5e-9 * n * d * least + 15e-9 * n * n + 24e-9 * n * least * 10 for n, least, d in rows)
    assert panel_plan.solving_seconds(one, 40) == pytest.approx(wanted)


@given(st.integers(1, 200), st.integers(0, 300))
def test_spread_begins_at_0_ends_at_the_last_and_has_as_many_as_there_are(n: int, last: int):
    found = spread(n, last)
    assert 0 in found
    assert max(found) <= last
    assert len(found) == min(n, last + 1)
    if n > 1:
        assert last in found
