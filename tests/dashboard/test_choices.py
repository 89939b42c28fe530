"""The choices of the Lab stand for one experiment, whichever it is."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from dashboard import choices, recipe
from engine.errors import SpecError
from engine.presets import PRESETS
from engine.spec import ExperimentSpec, TrainSpec
from engine.strategies import GROUPS

SPECS = [
    recipe.START,
    *(
        preset.spec for preset in PRESETS if len(preset.spec.datasets) == len(preset.spec.backbones) == 1
    ),  # the Lab takes one, and says so
    ExperimentSpec(),
    ExperimentSpec(
        backbones=("timm:resnet18",),
        datasets=("folder:~/my, pictures",),
        strategies=("partial_fine_tuning", "from_scratch"),
        frozen_depths=(0, 3),
        seeds=(7, 3, 4, 5),
        label_budgets=(20, "5/class", "10%"),
        weights="file:/w.safetensors",
        measures=("forgetting",),
        source_data="folder:/photographs",
        pooling="adaptive_9k",
        panel_epochs="every 5",
        score_intervals=200,
        controls=False,
        train=TrainSpec(epochs=3, learning_rate=0.1, optimizer="adamw"),
        name="mine",
    ),
    ExperimentSpec(
        strategies=("lora", "from_scratch", "gradual_unfreezing", "ewc"),
        settings={
            "lora": {"rank": 4, "where": "attention"},
            "gradual_unfreezing": {"factor": 2.0},
            "ewc": {"source": "a b"},
        },
        name="settings",
    ),
]
GROUP_KEYS = [f"strategies-{group}" for group in GROUPS]


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.name or "unnamed")
def test_choices_give_the_spec_back(spec: ExperimentSpec) -> None:
    assert ExperimentSpec(**choices.fields(choices.of_spec(spec))) == spec


def changed(**given: Any) -> dict[str, Any]:
    chosen = choices.of_spec(recipe.START)
    named = {name if name in chosen else name.replace("_", "-"): value for name, value in given.items()}
    assert named.keys() <= chosen.keys()
    return chosen | named


@pytest.mark.parametrize(
    ("chosen", "told"),
    [
        (changed() | {key: [] for key in GROUP_KEYS}, "choose at least one"),
        (changed(data="folder:", folder=" "), "path of your folder"),
        (changed(backbone=None), "Choose a backbone"),
        (changed(backbone="x" * 300), "too long"),
        (changed(data="folder:", folder="a\0b"), "cannot be typed"),
        (changed(weights="file", weights_file=""), ".safetensors"),
        (changed(labels=["many"]), "'many' cannot be used.*5/class"),
        (changed(labels=["1"]), "label_budgets is 1"),
        (changed(depth_mode="several", depths=[]), "No depth is chosen"),
        (changed(seed_list="0-"), "neither a whole number nor a range"),
        (changed(learning_rate=0.0), "learning_rate is 0"),
    ],
)
def test_what_stands_for_no_experiment_says_why(chosen: dict[str, Any], told: str) -> None:
    with pytest.raises(SpecError, match=told):
        ExperimentSpec(**choices.fields(chosen))


def test_a_name_without_a_family_is_one_of_timm() -> None:
    assert choices.fields(changed(backbone="resnet18.a1_in1k"))["backbones"] == ("timm:resnet18.a1_in1k",)
    assert choices.fields(changed(backbone="resnet20_cifar10"))["backbones"] == ("resnet20_cifar10",)


def test_typed_label_budgets_may_have_commas_and_are_sorted() -> None:
    assert choices.fields(changed(labels=["1,000", "50"]))["label_budgets"] == (50, 1000)
    mixed = changed(labels=["vtab", "10 %", "5/class", "20"])
    assert choices.fields(mixed)["label_budgets"] == (20, "vtab", "5/class", "10%")


def test_several_without_a_depth_is_fine_where_no_strategy_uses_one() -> None:
    chosen = changed(depth_mode="several", depths=[]) | {"strategies-freezing": ["linear_probe"]}
    assert choices.fields(chosen)["frozen_depths"] == ()


def test_every_setting_of_training_is_among_the_choices() -> None:
    assert {field.name for field in dataclasses.fields(TrainSpec)} <= choices.of_spec(recipe.START).keys()
