"""What `auto` stands for, by strategy and backbone; what is given holds; every planned run says what it got."""

from __future__ import annotations

import dataclasses

import pytest

from engine import backbones
from engine.course import course, schedule_table
from engine.plan import plan
from engine.recipes import FULL_RATE, attends, resolved, summary
from engine.spec import AUTO, ExperimentSpec, RunSpec, TrainSpec
from engine.strategies import STRATEGIES

RESNET, PLAIN, VIT = "resnet20_cifar10", "plain8_cifar10", "vit_cifar10"


def of(strategy: str, backbone: str, **train) -> tuple[str, float]:
    settled = resolved(TrainSpec(**train), strategy, backbones.card(backbone), 1_000)
    return settled.optimizer, settled.learning_rate


def test_networks_with_attention_are_told_by_their_weights():
    assert [attends(backbones.card(name)) for name in (RESNET, PLAIN, VIT)] == [False, False, True]


@pytest.mark.parametrize("name", ["full_fine_tuning", "partial_fine_tuning", "from_scratch", "l2_sp"])
def test_whole_units_follow_the_backbone(name):
    assert of(name, RESNET) == ("sgd", 0.02)
    assert of(name, PLAIN) == ("sgd", 0.01)  # it has no normalisation
    assert of(name, VIT) == ("adamw", 0.001)


@pytest.mark.parametrize("name", ["lp_ft", "wise_ft"])
def test_what_begins_from_a_solved_head_steps_less_without_attention(name):
    assert [of(name, one) for one in (RESNET, PLAIN, VIT)] == [("sgd", 0.004), ("sgd", 0.002), ("adamw", 0.001)]


def test_what_is_given_holds_for_every_strategy():
    for one in STRATEGIES:
        for backbone in (RESNET, VIT):
            assert of(one.name, backbone, optimizer="sgd", learning_rate=0.3) == ("sgd", 0.3)
            assert of(one.name, backbone, learning_rate=0.3)[1] == 0.3
            factor = one.rate_factors[backbone == VIT]
            assert of(one.name, backbone, optimizer="sgd") == ("sgd", FULL_RATE["sgd"] * factor)


def test_few_parameters_take_larger_steps():
    few = [one for one in STRATEGIES if one.group == "parameter-efficient"]
    assert len(few) > 8
    for one in few:
        assert min(one.rate_factors) > 1
        assert one.optimizer == "adamw"
    assert of("lora", RESNET) == ("adamw", 0.003)
    assert of("lora", VIT) == ("adamw", 0.01)
    assert of("bitfit", VIT) == ("adamw", 0.03)
    assert of("vpt_deep", VIT) == ("adamw", 0.1)


def test_a_plan_leaves_nothing_at_auto_and_the_same_numbers_given_are_the_same_runs():
    spec = ExperimentSpec(strategies=("full_fine_tuning", "lora"), seeds=(0,), label_budgets=(50,), controls=False)
    full, lora = (one.run for one in plan(spec))
    assert (full.train.optimizer, full.train.learning_rate) == ("sgd", 0.02)
    assert lora.train.learning_rate != full.train.learning_rate
    train = TrainSpec(optimizer="sgd", learning_rate=0.02, epochs=100)
    explicit = dataclasses.replace(spec, strategies=("full_fine_tuning",), train=train)
    assert [one.run.run_id for one in plan(explicit)] == [full.run_id]
    assert explicit.experiment_id != spec.experiment_id


@pytest.mark.parametrize(
    ("n_train", "batch", "wanted"),
    [(40, 32, 100), (32, 32, 200), (1, 32, 200), (80, 32, 67), (224, 32, 30), (4_000, 32, 30)],
)
def test_with_few_images_there_are_as_many_epochs_as_make_200_steps(n_train, batch, wanted):
    got = resolved(TrainSpec(batch_size=batch), "full_fine_tuning", backbones.card(RESNET), n_train).epochs
    assert got == wanted
    assert got * -(-n_train // batch) >= 200
    given = resolved(TrainSpec(batch_size=batch, epochs=3), "full_fine_tuning", backbones.card(RESNET), n_train)
    assert given.epochs == 3


def test_every_label_budget_gets_its_own_epochs_and_strategies_share_them():
    spec = ExperimentSpec(strategies=("full_fine_tuning", "lora", "linear_probe"), seeds=(0,), label_budgets=(50, 500))
    found = {(one.run.label_budget, one.run.train.epochs) for one in plan(spec)}
    assert found == {(50, 100), (500, 30)}


def test_all_runs_of_a_layer_transfer_study_train_alike():
    spec = ExperimentSpec(
        (VIT,), strategies=("selffer", "transfer_plus"), frozen_depths=(2,), seeds=(0,), class_splits=(0,)
    )
    assert {(one.run.train.optimizer, one.run.train.learning_rate) for one in plan(spec)} == {("adamw", 0.001)}


def test_the_course_and_its_picture_show_the_rate_that_is_trained_at():
    card = backbones.card(VIT)
    run = RunSpec(VIT, "digits", "full_fine_tuning", 0, 0, train=TrainSpec(epochs=10))
    assert course(run, card).learning_rate == 0.001
    assert max(row.rate for row in schedule_table(run, card)) == pytest.approx(0.001, rel=0.01)


def test_the_summary_names_each_recipe_once():
    spec = ExperimentSpec(
        (RESNET, VIT), strategies=("linear_probe", "full_fine_tuning", "early_stopping"), seeds=(0, 1), controls=False
    )
    assert summary(one.run for one in plan(spec)) == [
        f"{RESNET}, sgd at a peak rate of 0.02, 30 epochs: full_fine_tuning, early_stopping",
        f"{VIT}, adamw at a peak rate of 0.001, 30 epochs: full_fine_tuning, early_stopping",
    ]
    unplanned = f"{RESNET}, {AUTO} at a peak rate of {AUTO}, {AUTO} epochs: lora"
    assert summary([RunSpec(RESNET, "digits", "lora", 0, 0)]) == [unplanned]
