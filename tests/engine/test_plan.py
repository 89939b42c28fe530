"""The plan: pure, each cell once, seeds outermost; what cannot run is refused before anything is recorded."""

from __future__ import annotations

import dataclasses

import pytest

from engine.backbones import Card, Unit
from engine.cells import cells
from engine.datasets import DatasetInfo
from engine.errors import DatasetError, SpecError, UnknownNameError
from engine.layer_transfer import CURVES
from engine.left_out import left_out, left_out_words
from engine.plan import plan
from engine.presets import PRESETS
from engine.spec import ExperimentSpec
from engine.strategies import STRATEGIES

UNITS = 4


def card(name: str = "net", home: object = None) -> Card:
    units = tuple(Unit(f"unit {n}", "stage", 10 * (n + 1), 1000, 400, 8) for n in range(UNITS))
    return Card(name, name, "", "family", "", (3, 32, 32), (0.5,) * 3, (0.5,) * 3, "bicubic", units)


def info(name: str = "data", home: object = None) -> DatasetInfo:
    return DatasetInfo(name, name, "", "", "", ("a", "b", "c"), 100, 50, "")


def planned(**changes: object) -> list[tuple]:
    fixed = {"backbones": ["net"], "datasets": ["data"], "seeds": [0], "controls": False}
    spec = ExperimentSpec(**fixed | changes)
    return [(p.run.strategy, p.run.frozen_depth, p.run.weights) for p in plan(spec, card=card, describe=info)]


def test_depth_zero_is_full_fine_tuning_and_the_last_is_the_linear_probe():
    found = planned(strategies=["partial_fine_tuning"])
    assert found == [
        ("full_fine_tuning", 0, "pretrained"),
        ("partial_fine_tuning", 1, "pretrained"),
        ("partial_fine_tuning", 2, "pretrained"),
        ("partial_fine_tuning", 3, "pretrained"),
        ("linear_probe", 4, "pretrained"),
    ]


def test_no_cell_is_planned_twice_whatever_it_is_called():
    found = planned(
        strategies=["linear_probe", "full_fine_tuning", "partial_fine_tuning", "from_scratch"], frozen_depths=[0, 2, 4]
    )
    assert found == [
        ("linear_probe", 4, "pretrained"),
        ("full_fine_tuning", 0, "pretrained"),
        ("partial_fine_tuning", 2, "pretrained"),
        ("from_scratch", 0, "random"),
    ]


def test_full_fine_tuning_of_random_weights_is_training_from_scratch():
    found = planned(strategies=["full_fine_tuning", "from_scratch", "partial_fine_tuning"], weights="random")
    assert found[0] == ("from_scratch", 0, "random")
    assert [depth for _, depth, _ in found] == [0, 1, 2, 3, 4]


def test_equal_cells_of_two_experiments_are_one_run():
    few = ExperimentSpec(backbones=["net"], datasets=["data"], strategies=["linear_probe"], name="few")
    many = ExperimentSpec(backbones=["net"], datasets=["data"], strategies=["partial_fine_tuning"])
    assert {p.run.run_id for p in plan(few, card=card, describe=info)} < {
        p.run.run_id for p in plan(many, card=card, describe=info)
    }


def test_seeds_are_outermost_so_that_whole_curves_appear_early():
    spec = ExperimentSpec(
        backbones=["net", "other"], datasets=["data", "more"], seeds=[7, 3], label_budgets=[6, 12], frozen_depths=[2]
    )
    runs = [p.run for p in plan(spec, card=card, describe=info)]
    assert len(runs) == 2 * 2 * 2 * 2 * 4
    assert [run.seed for run in runs] == [7] * 32 + [3] * 32
    coordinates = [(run.seed, run.dataset, run.backbone, run.label_budget) for run in runs]
    assert coordinates[:32:4] == [(7, d, b, n) for d in ("data", "more") for b in ("net", "other") for n in (6, 12)]
    assert len({run.run_id for run in runs}) == len(runs)


def test_planning_twice_gives_the_same_and_everything_is_carried_over():
    spec = ExperimentSpec(backbones=["net"], datasets=["data"], measures=["knn"], train={"epochs": 3})
    assert plan(spec, card=card, describe=info) == plan(spec, card=card, describe=info)
    for one in plan(spec, card=card, describe=info):
        assert one.run.measures == ("knn",)
        assert one.run.train.epochs == 3
        assert one.card.name == one.run.backbone
        assert one.info.name == one.run.dataset


def test_no_budget_means_all_labels():
    spec = ExperimentSpec(backbones=["net"], datasets=["data"])
    assert {p.run.label_budget for p in plan(spec, card=card, describe=info)} == {None}


@pytest.mark.parametrize("depths", [[5], [0, 99]])
def test_a_depth_beyond_the_network_is_refused(depths):
    with pytest.raises(SpecError, match=rf"Frozen depth {depths[-1]} is beyond net, which has 4 units.*from 0 .* to 4"):
        planned(frozen_depths=depths)


@pytest.mark.parametrize("budget", [2, 5, 101])
def test_a_budget_out_of_range_is_refused(budget):
    with pytest.raises(DatasetError, match=rf"budget of {budget} was given; data allows 6 .* to 100"):
        planned(label_budgets=[budget])
    assert planned(label_budgets=[6, 100])


def test_nothing_to_run_is_refused():
    with pytest.raises(SpecError, match="plans no runs"):
        planned(strategies=["partial_fine_tuning"], frozen_depths=[])


@pytest.mark.parametrize(
    ("change", "near"),
    [
        ({"strategies": ["linear_prob"]}, "linear_probe"),
        ({"backbones": ["resnet20_cifar"]}, "resnet20_cifar10"),
        ({"datasets": ["digit"]}, "digits"),
    ],
)
def test_unknown_names_are_answered_with_near_matches(change, near):
    with pytest.raises(UnknownNameError, match=f"Did you mean '{near}'"):
        plan(ExperimentSpec(**change))


def test_own_images_are_offered_where_a_dataset_is_unknown():
    with pytest.raises(UnknownNameError, match="folder:PATH"):
        plan(ExperimentSpec(datasets=["my photos"]))


def test_every_preset_can_be_planned():
    from engine.presets import PRESETS

    for preset in PRESETS:
        runs = plan(preset.spec)
        assert runs
        assert preset.label
        assert preset.question


def test_cells_of_a_network_of_one_unit():
    single = dataclasses.replace(card(), units=card().units[:1])
    found = cells(ExperimentSpec(strategies=["partial_fine_tuning", "linear_probe"]), single)
    assert found == [("full_fine_tuning", 0, "pretrained", None), ("linear_probe", 1, "pretrained", None)]


def test_what_a_backbone_refuses_is_left_out_where_that_is_asked_for_and_the_reason_is_told():
    asked = {"strategies": ["linear_probe", "vpt_deep", "soup"]}
    with pytest.raises(SpecError, match="cannot be used here"):
        planned(**asked)
    assert planned(**asked, leave_out_refused=True) == [("linear_probe", UNITS, "pretrained")]
    spec = ExperimentSpec(
        backbones=["net", "other"], datasets=["data"], strategies=["linear_probe", "vpt_deep"], leave_out_refused=True
    )
    assert [(one.strategy, one.backbone) for one in left_out(spec, card=card)] == [
        ("vpt_deep", "net"),
        ("vpt_deep", "other"),
    ]
    (sentence,) = left_out_words(left_out(spec, card=card))
    assert sentence.startswith("Prompt tuning, deep is left out on net, other: it needs a plain vision transformer")
    assert left_out(dataclasses.replace(spec, leave_out_refused=None), card=card) == []


def test_leaving_out_everything_is_refused():
    with pytest.raises(SpecError, match="plans no runs"):
        planned(strategies=["vpt_deep"], leave_out_refused=True)


def test_every_strategy_is_in_the_preset_of_all_of_them_or_left_out_with_a_reason():
    spec = PRESETS["all_strategies"].spec
    runs = [one.run for one in plan(spec)]
    assert {run.backbone for run in runs} == set(spec.backbones)
    assert {run.seed for run in runs} == set(range(6))
    merged = [run for run in runs if run.strategy == "adapter_merging"]
    assert [run.seed for run in merged] == [0, 2, 4] * 3
    assert (len(runs) - len(merged)) % 6 == 0
    assert {run.train.optimizer for run in runs} == {"sgd", "adamw"}
    ran = {run.strategy for run in runs}
    same = {"top_n", "one_cycle"}  # by definition partial fine-tuning, and full fine-tuning with the usual schedule
    nowhere = {one.strategy for one in left_out(spec)} - ran
    assert ran | same | nowhere == {one.name for one in STRATEGIES if not one.mistake_of} - set(CURVES)
    assert nowhere == {"ewc", "qlora", "zero_shot"}


MIXED = {
    "strategies": ["soup", "adapter_merging", "full_fine_tuning", "mixup", "lora"],
    "settings": {"soup": {"runs": "full_fine_tuning, mixup"}, "adapter_merging": {"runs": "seeds:lora", "share": 0.25}},
}


def mixed(**fields):
    fixed = {"backbones": ["resnet20_cifar10"], "seeds": (0, 1, 2), "label_budgets": (50,), "controls": False}
    return [one.run for one in plan(ExperimentSpec(**fixed | MIXED | fields))]


def test_mixes_are_of_the_experiments_own_runs_which_come_before_them_and_keep_their_weights():
    runs = mixed()
    ids = [run.run_id for run in runs]
    by = {(run.strategy, run.seed): run for run in runs}
    for seed in (0, 1, 2):
        soup = by["soup", seed]
        made_of = [by[name, seed] for name in ("full_fine_tuning", "mixup")]
        assert soup.settings == {"runs": ", ".join(one.run_id for one in made_of)}
        assert all(one.keep_weights and ids.index(one.run_id) < ids.index(soup.run_id) for one in made_of)
    pair = [by["lora", seed] for seed in (0, 1)]
    merged = by["adapter_merging", 0]
    assert merged.settings == {"runs": f"{pair[0].run_id}, {pair[1].run_id}", "share": 0.25}
    assert all(one.keep_weights and ids.index(one.run_id) < ids.index(merged.run_id) for one in pair)
    assert len(runs) == 3 * 4 + 1, "the third seed is in no pair"
    assert not any(run.keep_weights for run in runs if run.strategy in ("soup", "adapter_merging"))


def test_a_soup_of_the_seeds_takes_all_of_them():
    runs = mixed(strategies=["mixup", "soup"], settings={"soup": {"runs": "seeds:mixup"}})
    (soup,) = [run for run in runs if run.strategy == "soup"]
    assert soup.settings["runs"].split(", ") == [run.run_id for run in runs if run.strategy == "mixup"]
    assert soup.seed == 0


def test_with_several_tasks_budgets_and_backbones_every_mix_is_of_its_own_block():
    runs = mixed(label_budgets=(50, 100), backbones=["resnet20_cifar10", "vit_cifar10"])
    by_id = {run.run_id: run for run in runs}
    soups = [run for run in runs if run.strategy == "soup"]
    assert len(soups) == 2 * 2 * 3
    for soup in soups:
        for one in (by_id[name] for name in soup.settings["runs"].split(", ")):
            assert (one.backbone, one.label_budget, one.seed) == (soup.backbone, soup.label_budget, soup.seed)


@pytest.mark.parametrize(
    ("runs", "change", "words"),
    [
        ("mixup, nonsense", {}, "'nonsense' is no id of a run"),
        ("mixup, 0123456789abcdef", {}, "not of both"),
        ("mixup", {}, "2 or more runs"),
        ("seeds:mixup, lora", {}, "stands alone"),
        ("seeds:mixup", {"seeds": (0,)}, "this experiment has one"),
        ("mixup, cutmix", {}, "CutMix, which this experiment does not ask for"),
        ("mixup, dora", {}, "the runs of DoRA, which are no weights of this network alone"),
        ("mixup, from_scratch", {}, "the runs of From scratch, which are no weights"),
        ("mixup, vpt_deep", {}, "Prompt tuning, deep, which"),
        ("mixup, partial_fine_tuning", {"strategies": ["soup", "mixup", "partial_fine_tuning"]}, "frozen depths here"),
        (
            "full_fine_tuning, one_cycle",
            {"strategies": ["soup", "full_fine_tuning", "one_cycle"]},
            "the same by definition",
        ),
        ("mixup, soup", {}, "the runs of Soup of runs, which"),
    ],
)
def test_a_soup_of_runs_that_will_not_be_there_is_refused_with_the_reason(runs, change, words):
    with pytest.raises(SpecError, match="Soup of runs cannot be used here") as refused:
        mixed(
            **{"strategies": ["soup", "full_fine_tuning", "mixup", "lora"], "settings": {"soup": {"runs": runs}}}
            | change
        )
    assert words in str(refused.value)
