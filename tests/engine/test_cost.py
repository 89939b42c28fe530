"""Costs, by hand."""

from __future__ import annotations

import dataclasses

import pytest

from engine import cost
from engine.backbones import Card, Unit
from engine.datasets import DatasetInfo
from engine.plan import PlannedRun, plan
from engine.presets import PRESETS
from engine.spec import RunSpec, TrainSpec

UNITS = (Unit("stem", "stem", 100, 1_000, 40, 4), Unit("block", "stage", 300, 2_000, 80, 8))
CARD = Card("net", "net", "", "family", "", (3, 4, 4), (0.5,) * 3, (0.5,) * 3, "bicubic", UNITS)
INFO = DatasetInfo("data", "data", "", "", "", ("a", "b"), 100, 50, "")


def run(strategy: str, depth: int, budget: int | None = None, **train: object) -> PlannedRun:
    spec = RunSpec(
        "net", "data", strategy, depth, 0, budget, train=TrainSpec(**{"epochs": 3, "batch_size": 10, **train})
    )
    return PlannedRun(spec, CARD, INFO)


def test_a_label_budget_counts_training_and_validation():
    assert cost.images_used(run("full_fine_tuning", 0)) == (80, 20, 50)
    assert cost.images_used(run("full_fine_tuning", 0, 10)) == (8, 2, 50)
    assert cost.images_used(run("full_fine_tuning", 0, "4/class")) == (8, 2, 50)
    assert cost.images_used(run("full_fine_tuning", 0, "10%")) == (8, 2, 50)


def test_operations_of_a_training():
    # forward 3000 per image, backward twice that of what trains; every epoch trains on 80 and validates on 20; then one
    # test pass and one pass over all 150 images for the depths.
    full = 3 * (80 * (3_000 + 6_000) + 20 * 3_000) + 50 * 3_000 + 150 * 3_000
    assert cost.run_flops(run("full_fine_tuning", 0)) == full
    partial = 3 * (80 * (3_000 + 4_000) + 20 * 3_000) + 50 * 3_000 + 150 * 3_000
    assert cost.run_flops(run("partial_fine_tuning", 1)) == partial


def test_a_solved_head_needs_one_pass():
    assert cost.run_flops(run("linear_probe", 2)) == 150 * 3_000


def test_parameters_with_the_head():
    assert cost.parameters_of(run("full_fine_tuning", 0)) == (400 + 18, 400 + 18)
    assert cost.parameters_of(run("partial_fine_tuning", 1)) == (418, 300 + 18)
    assert cost.parameters_of(run("linear_probe", 2)) == (418, 18)


def test_memory_of_a_training():
    images = 150 * 3 * 4 * 4
    full = cost.BASE_MEMORY + 4 * (418 + 2 * 418) + 120 * 10 + images
    assert cost.run_memory(run("full_fine_tuning", 0)) == full
    # A batch is never larger than the training part.
    assert cost.run_memory(run("full_fine_tuning", 0, 10)) == cost.BASE_MEMORY + 4 * 3 * 418 + 120 * 8 + images


def test_images_are_counted_whole_and_not_at_all_where_they_are_mapped(monkeypatch):
    small, whole = run("full_fine_tuning", 0, 10), 150 * 3 * 4 * 4
    assert cost.decoded_bytes(small) == whole
    total = cost.estimate([small])
    assert (total.images_bytes, total.images_mapped) == (whole, False)
    before = cost.run_memory(small)
    monkeypatch.setattr(cost, "MAPPED_FROM", whole)
    assert cost.estimate([small]).images_mapped
    assert cost.run_memory(small) == before - whole


def test_sums_over_runs_and_the_largest_memory():
    runs = [run("full_fine_tuning", 0), run("linear_probe", 2)]
    total = cost.estimate(runs, speed=1e6, correction=2.0)
    flops = cost.run_flops(runs[0]) + cost.run_flops(runs[1])
    assert total.runs == 2
    assert total.flops == flops
    assert total.seconds == pytest.approx(flops / 1e6 * 2 + 2 * cost.RUN_OVERHEAD_SECONDS)
    assert total.memory_bytes == cost.run_memory(runs[0])
    assert total.total_parameters == 418
    assert total.trainable_parameters == (18, 418)
    assert total.measured


def test_an_unmeasured_machine_is_said_to_be():
    assert not cost.estimate([run("linear_probe", 2)]).measured
    assert cost.estimate([]).seconds == 0


def test_the_correction_is_the_median_ratio():
    assert cost.learned_correction([]) == 1.0
    assert cost.learned_correction([(2.0, 1.0), (30.0, 1.0), (1.0, 1.0)]) == 2.0


def test_a_dataset_is_downloaded_once_for_all_runs():
    far = [
        dataclasses.replace(one, info=dataclasses.replace(INFO, name=name, label=name, download_bytes=n_bytes))
        for one in (run("linear_probe", 2), run("full_fine_tuning", 0))
        for name, n_bytes in (("a", 100), ("b", 7), ("here", 0))
    ]
    assert cost.estimate(far).download_bytes == 107
    assert cost.estimate([run("linear_probe", 2)]).download_bytes == 0


def test_the_halves_of_a_dataset_are_one_download():
    planned = plan(dataclasses.replace(PRESETS["layer_transfer_cifar10"].spec, class_splits=(0, 1)))
    assert len({one.info.name for one in planned}) == 4
    assert cost.estimate(planned).download_bytes == next(one.info.download_bytes for one in planned) > 0
    assert list(cost.downloads(planned)) == ["CIFAR-10"]


def test_intervals_are_priced_and_shared_units_are_counted_once():
    def asked(strategy: str, depth: int) -> PlannedRun:
        plain = RunSpec("net", "data", strategy, depth, 0, 40, measures=("knn", "logme"), train=TrainSpec(epochs=30))
        spec = dataclasses.replace(plain, score_intervals=100)
        return PlannedRun(spec, CARD, INFO)

    # 32 training images, of which a resample has 24: 1 ms and 24 D min(24, D) half nanoseconds, D = 4 and 8.
    unit = [100 * (1e-3 + 5e-10 * 24 * d * d) for d in (4, 8)]
    assert cost.interval_seconds([asked("linear_probe", 2)]) == pytest.approx(sum(unit))
    both = [asked("linear_probe", 2), asked("partial_fine_tuning", 1)]
    assert cost.interval_seconds(both) == pytest.approx(sum(unit) + unit[1])
    plain = [run("linear_probe", 2, 40)]
    assert cost.interval_seconds(plain) == 0
    assert cost.estimate(both).seconds - cost.estimate(both).interval_seconds == pytest.approx(
        sum(map(cost.run_flops, both)) / cost.NOMINAL_SPEED + 2 * cost.RUN_OVERHEAD_SECONDS
    )
