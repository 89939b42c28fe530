"""Controls that a comparison carries by itself: hand-computed plans with and without, every exception, and its reason."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine import added_controls, cost
from engine.backbones import Card, Unit
from engine.backbones._base import Weight
from engine.datasets import DatasetInfo
from engine.errors import SpecError, TransferscopeError
from engine.layer_transfer import CURVES
from engine.left_out import left_out_words
from engine.plan import PlannedRun, plan
from engine.presets import PRESETS
from engine.spec import ExperimentSpec
from engine.strategies import STRATEGIES

UNITS = 4
TOWER = "timm:vit_base_patch32_clip_224.laion2b"
SIGLIP = "timm:vit_base_patch16_siglip_224.webli"
SCRATCH, PROBE, ZERO = ("from_scratch", 0, "random"), ("linear_probe", UNITS, "pretrained"), ("zero_shot", UNITS)


def card(name: str = "net", home: object = None) -> Card:
    weights = (Weight("conv.weight", "conv", (8, 8)), Weight("bn.weight", "norm", (8,)))
    units = tuple(Unit(f"unit {n}", "stage", 72, 1000, 400, 8, weights) for n in range(UNITS))
    where = f"hub:{name.replace(':', '/')}" if ":" in name else ""
    shape = ((3, 32, 32), (0.5,) * 3, (0.5,) * 3, "bicubic")
    return Card(name, name, "", "family", "", *shape, units, "LAION-2B" if where else "", weights=where)


def info(name: str = "data", home: object = None) -> DatasetInfo:
    names = ("class 1", "class 2") if name == "elsewhere" else ("cat", "dog", "3", "owl")
    return DatasetInfo(name, name, "", "", "", names, 100, 50, "", download_bytes=10**7 if name == "elsewhere" else 0)


def runs_of(**changes: object) -> tuple[ExperimentSpec, tuple[PlannedRun, ...]]:
    fixed = {"backbones": ["net"], "datasets": ["data"], "seeds": [0], "frozen_depths": [2]}
    spec = ExperimentSpec(**fixed | changes)
    return spec, plan(spec, card=card, describe=info)


def planned(**changes: object) -> list[tuple[str, int, str]]:
    """(strategy, frozen depth, weights) of every run."""
    return [(one.run.strategy, one.run.frozen_depth, one.run.weights) for one in runs_of(**changes)[1]]


def reasons(**changes: object) -> list[str]:
    """Why a control is not added, in sentences."""
    return left_out_words(added_controls.not_added(*runs_of(**changes)), "not added as a control")


def test_what_starts_from_learned_weights_brings_training_from_scratch_and_a_linear_probe():
    full = ("full_fine_tuning", 0, "pretrained")
    assert planned(strategies=["full_fine_tuning"]) == [full, SCRATCH, PROBE]
    assert planned(strategies=["full_fine_tuning"], controls=True) == [full, SCRATCH, PROBE]
    assert planned(strategies=["full_fine_tuning"], controls=False) == [full]


def test_every_task_network_budget_and_seed_has_its_own_and_seeds_stay_outermost():
    _, runs = runs_of(
        strategies=["full_fine_tuning"], backbones=["net", "other"], datasets=["data", "more"], seeds=[7, 3],
        label_budgets=[8, 12],
    )  # fmt: skip
    assert len(runs) == 2 * 2 * 2 * 2 * 3
    got = [(one.run.seed, one.run.dataset, one.run.backbone, one.run.label_budget, one.run.strategy) for one in runs]
    assert got == [
        (seed, data, net, budget, strategy)
        for seed in (7, 3)
        for data in ("data", "more")
        for net in ("net", "other")
        for budget in (8, 12)
        for strategy in ("full_fine_tuning", "from_scratch", "linear_probe")
    ]
    assert [one.added for one in runs] == [False, True, True] * 16


@pytest.mark.parametrize(
    ("asked", "added"),
    [
        ({"strategies": ["from_scratch", "lora", "linear_probe"]}, []),
        ({"strategies": ["linear_probe", "full_fine_tuning"]}, [SCRATCH]),
        # The last depth of partial fine-tuning is the linear probe, by definition.
        ({"strategies": ["partial_fine_tuning"], "frozen_depths": [2, UNITS]}, [SCRATCH]),
        ({"strategies": ["partial_fine_tuning"], "frozen_depths": "all"}, [SCRATCH]),
        ({"strategies": ["partial_fine_tuning"]}, [SCRATCH, PROBE]),
    ],
)
def test_what_is_named_or_the_same_by_definition_is_not_run_twice(asked, added):
    _, runs = runs_of(**asked)
    assert [(one.run.strategy, one.run.frozen_depth, one.run.weights) for one in runs if one.added] == added
    assert len({one.run.run_id for one in runs}) == len(runs)
    names = [one.run.strategy for one in runs]
    assert names.count("from_scratch") == names.count("linear_probe") == 1


@pytest.mark.parametrize(
    "asked",
    [
        {"strategies": ["linear_probe"]},
        {"strategies": ["from_scratch", "linear_probe"]},
        {"strategies": ["partial_fine_tuning"], "frozen_depths": [UNITS]},  # which is the linear probe
        {"strategies": ["full_fine_tuning", "partial_fine_tuning", "lora"], "weights": "random"},
        {"strategies": ["transfer", "transfer_plus", "random_frozen"]},
        {"strategies": ["selffer", "transfer"], "class_splits": [0]},
        {"strategies": ["soup"], "settings": {"soup": {"runs": "0123456789abcdef, fedcba9876543210"}}},
    ],
)
def test_nothing_is_added_where_nothing_learns_from_learned_weights(asked):
    spec, runs = runs_of(**asked)
    assert not any(one.added for one in runs)
    assert [one.run for one in runs] == [one.run for one in runs_of(**asked, controls=False)[1]]
    assert added_controls.sentences(spec, runs) == []


@pytest.mark.parametrize("strategy", ["head2toe", "early_features"])
def test_a_head_that_is_solved_on_learned_features_is_compared_too(strategy):
    assert planned(strategies=[strategy]) == [(strategy, UNITS, "pretrained"), SCRATCH, PROBE]


def test_beside_a_study_of_copied_units_what_is_trained_on_the_whole_task_has_its_controls():
    curves = planned(strategies=["transfer", "full_fine_tuning"])
    assert curves.count(SCRATCH) == curves.count(PROBE) == 1
    _, runs = runs_of(strategies=["selffer", "full_fine_tuning"], class_splits=[0])
    added = [one.run for one in runs if one.added]
    assert [(run.strategy, run.dataset) for run in added] == [("from_scratch", "data"), ("linear_probe", "data")]


def test_starting_weights_of_ones_own_are_what_the_probe_reads():
    found = planned(strategies=["full_fine_tuning"], weights="run:0123456789abcdef")
    assert found == [
        ("full_fine_tuning", 0, "run:0123456789abcdef"), SCRATCH, ("linear_probe", UNITS, "run:0123456789abcdef")
    ]  # fmt: skip


def test_a_mistake_brings_its_twin_and_the_controls():
    found = planned(strategies=["moving_statistics"])
    assert [name for name, *_ in found] == ["partial_fine_tuning", "moving_statistics", "from_scratch", "linear_probe"]


def test_controls_are_measured_as_everything_else_and_searched_with_the_same_budget():
    _, runs = runs_of(
        strategies=["full_fine_tuning"], search={"settings": 5}, measures=["knn", "forgetting"], pooling="adaptive_9k",
        panel_epochs=[0, 2], score_intervals=50, keep_weights=True, label_budgets=["5/class"], source_data="more",
        train={"epochs": 7, "learning_rate": 0.3},
    )  # fmt: skip
    full, scratch, probe = (one.run for one in runs)
    assert full.search == scratch.search == {"method": "random", "settings": 5}
    assert probe.search is None, "its head is solved and chosen on validation anyway"
    for one in (scratch, probe):
        alike = dataclasses.replace(full, strategy=one.strategy, frozen_depth=one.frozen_depth, weights=one.weights)
        assert dataclasses.replace(one, search=full.search, train=full.train) == alike
    assert scratch.train == full.train
    # What was refused without controls is refused with them: nothing of what was asked for can be searched.
    with pytest.raises(SpecError, match="nothing to search: head2toe"):
        planned(strategies=["head2toe"], search={"settings": 5})


def test_what_a_backbone_refuses_brings_no_controls_where_it_is_left_out():
    spec = ExperimentSpec(
        backbones=["net", "bare"], datasets=["data"], seeds=[0], strategies=["vpt_deep", "mixup", "linear_probe"],
        leave_out_refused=True,
    )  # fmt: skip
    found = [(one.run.strategy, one.added) for one in plan(spec, card=card, describe=info)]
    assert found == [("mixup", False), ("linear_probe", False), ("from_scratch", True)] * 2
    alone = dataclasses.replace(spec, strategies=("vpt_deep", "linear_probe"))
    assert [one.run.strategy for one in plan(alone, card=card, describe=info)] == ["linear_probe"] * 2


def test_soups_are_made_of_what_was_asked_for():
    asked = {"strategies": ["soup", "full_fine_tuning", "mixup"], "seeds": [0, 1]}
    _, runs = runs_of(**asked, settings={"soup": {"runs": "full_fine_tuning, mixup"}})
    names = [one.run.strategy for one in runs]
    assert names == ["full_fine_tuning", "mixup", "from_scratch", "linear_probe", "soup"] * 2
    assert {one.run.strategy for one in runs if one.run.keep_weights} == {"full_fine_tuning", "mixup"}
    with pytest.raises(SpecError, match="made of the runs of Linear probe, which this experiment does not ask for"):
        planned(**asked, settings={"soup": {"runs": "mixup, linear_probe"}})


# Zero-shot ----------------------------------------------------------------------------------------------------------------


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache of the hub, which may be asked."""
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    return tmp_path


def bring(cache: Path, repository: str, *files: str) -> None:
    """Put files of a repository into the cache."""
    folder = cache / f"models--{repository.replace('/', '--')}"
    (folder / "refs").mkdir(parents=True, exist_ok=True)
    (folder / "refs" / "main").write_text("abc")
    (folder / "snapshots" / "abc").mkdir(parents=True, exist_ok=True)
    for name in files:
        (folder / "snapshots" / "abc" / name).write_text("{}")


TEXTS = "laion/CLIP-ViT-B-32-laion2B-s34B-b79K"


def test_a_text_tower_that_is_here_answers_as_a_control(cache):
    bring(cache, TEXTS, "open_clip_model.safetensors")
    found = planned(strategies=["lora"], backbones=[TOWER])
    assert [one[:2] for one in found] == [("lora", 0), SCRATCH[:2], PROBE[:2], ZERO]
    assert cost.estimate(runs_of(strategies=["lora"], backbones=[TOWER])[1]).towers_bytes == 0
    assert reasons(strategies=["lora"], backbones=[TOWER]) == []
    named = planned(strategies=["lora", "zero_shot"], backbones=[TOWER])
    assert [one[:2] for one in named] == [("lora", 0), ZERO, SCRATCH[:2], PROBE[:2]]
    assert not any(one[0] == "zero_shot" for one in planned(strategies=["linear_probe"], backbones=[TOWER]))


def test_a_text_tower_that_is_not_here_is_not_downloaded_for_nobody(cache):
    found = planned(strategies=["lora"], backbones=[TOWER])
    assert [one[0] for one in found] == ["lora", "from_scratch", "linear_probe"]
    (said,) = reasons(strategies=["lora"], backbones=[TOWER])
    assert said == (
        f"Zero-shot is not added as a control on {TOWER}: the text tower of {TOWER} is not on this machine ({TEXTS}, about 605"
        f" MB); where there is a network, python -m engine weights {TOWER} --text fetches it; what nobody asked for is not"
        " downloaded."
    )
    assert reasons(strategies=["lora", "zero_shot"], backbones=[TOWER]) == [], "it is asked for"
    assert reasons(strategies=["lora"], backbones=[TOWER], controls=False) == []


def test_offline_the_reason_is_that(cache, monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    assert "HF_HUB_OFFLINE is set" in reasons(strategies=["lora"], backbones=[TOWER])[0]


def test_a_tokenizer_counts_as_a_download(cache, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: object())  # the library transformers
    bring(cache, "timm/ViT-B-16-SigLIP", "open_clip_model.safetensors", "tokenizer.json")
    assert (
        "the tokenizer of its text tower (timm/ViT-B-16-SigLIP) is not on this machine"
        in reasons(strategies=["lora"], backbones=[SIGLIP])[0]
    )
    bring(cache, "timm/ViT-B-16-SigLIP", "tokenizer_config.json", "special_tokens_map.json")
    assert planned(strategies=["lora"], backbones=[SIGLIP])[-1][:2] == ZERO


def test_names_that_come_with_files_that_are_not_here_are_not_asked_for(cache):
    bring(cache, TEXTS, "open_clip_model.safetensors")
    asked = {"strategies": ["lora"], "backbones": [TOWER], "datasets": ["elsewhere"]}
    assert [one[0] for one in planned(**asked)] == ["lora", "from_scratch", "linear_probe"]
    assert "what the classes of elsewhere are called comes with their files" in reasons(**asked)[0]


def test_a_network_without_texts_and_a_head_of_other_classes_need_no_reason():
    assert reasons(strategies=["lora"]) == []
    spec = PRESETS["quick"].spec
    assert added_controls.sentences(spec, plan(spec)) == []


def test_a_backbone_that_names_the_classes_answers_by_its_own_head(tmp_path, write_images):
    for name in ("cat", "dog"):
        write_images(tmp_path / "pets" / name, 8)
    spec = ExperimentSpec(
        datasets=(f"folder:{tmp_path / 'pets'}",), strategies=("full_fine_tuning",), seeds=(0,), measures=()
    )
    assert [one.run.strategy for one in plan(spec)] == [
        "full_fine_tuning", "from_scratch", "linear_probe", "zero_shot"
    ]  # fmt: skip


def test_settings_of_an_added_control_are_taken_or_refused_with_the_reason(cache):
    told = {"zero_shot": {"prompts": "a drawing of a {class}."}}
    asked = {"strategies": ["lora"], "backbones": [TOWER], "settings": told}
    with pytest.raises(SpecError, match=r"settings are given for 'zero_shot', .* not added .*is not on this machine"):
        planned(**asked)
    bring(cache, TEXTS, "open_clip_model.safetensors")
    _, runs = runs_of(**asked)
    assert runs[-1].run.settings == told["zero_shot"]
    with pytest.raises(SpecError, match=r"'a drawing' names \{class\} 0 times"):
        planned(**asked | {"settings": {"zero_shot": {"prompts": "a drawing"}}})
    with pytest.raises(SpecError, match=r"given for 'zero_shot', which is not among the strategies\. Add it"):
        planned(**asked, controls=False)
    with pytest.raises(SpecError, match=r"given for 'zero_shot', .* not added to them here\. Add it or leave them out"):
        planned(**asked | {"strategies": ["linear_probe"]})
    with pytest.raises(SpecError, match="'linear_probe' has no settings"):
        planned(strategies=["lora"], settings={"linear_probe": {"c": 1}})


# What is said ---------------------------------------------------------------------------------------------------------------


def test_the_sentences_say_what_was_added_and_what_cannot_be_said_without():
    def said(**changes: object) -> list[str]:
        return added_controls.sentences(*runs_of(**changes))

    assert said(strategies=["lora"], seeds=[0, 1]) == [
        "Controls added: From scratch, Linear probe (4 of these runs). Without them nobody can say what is a gain;"
        " controls = false leaves them out."
    ]
    spec, runs = runs_of(strategies=["lora", "linear_probe"])
    assert added_controls.sentences(spec, runs, 12.4)[0].startswith(
        "Controls added: From scratch (1 of these runs, about 12 s)."
    )
    assert said(strategies=["lora"], controls=False) == [
        "No from scratch and linear probe here: nobody can say what is a gain, and no alarm will tell where transfer hurts."
    ]
    assert said(strategies=["lora", "from_scratch"], controls=False) == [
        "No linear probe here: nobody can say what training the backbone adds to its features."
    ]
    assert said(strategies=["lora", "from_scratch", "linear_probe"], controls=False) == []
    assert said(strategies=["lora"], weights="random") == []


def test_the_price_counts_the_added_runs():
    whole, alone = runs_of(strategies=["lora"])[1], runs_of(strategies=["lora"], controls=False)[1]
    added = [one for one in whole if one.added]
    assert cost.estimate(whole).runs == 3
    assert cost.estimate(whole).seconds == pytest.approx(cost.estimate(alone).seconds + cost.estimate(added).seconds)


@pytest.mark.parametrize("preset", [one.name for one in PRESETS])
def test_every_preset_names_its_controls_so_that_nothing_is_added(preset):
    spec = PRESETS[preset].spec
    without = dataclasses.replace(spec, controls=False)
    assert plan(spec) == plan(without)


# Whatever is asked for ------------------------------------------------------------------------------------------------------

names = st.sampled_from([one.name for one in STRATEGIES if one.name != "ewc"])
asked = st.fixed_dictionaries(
    {
        "backbones": st.lists(st.sampled_from(["net", "other"]), min_size=1, max_size=2, unique=True),
        "datasets": st.lists(st.sampled_from(["data", "more"]), min_size=1, max_size=2, unique=True),
        "strategies": st.lists(names, min_size=1, max_size=4, unique=True),
        "frozen_depths": st.just("all") | st.lists(st.integers(0, UNITS), max_size=3),
        "seeds": st.lists(st.integers(0, 9), min_size=1, max_size=2, unique=True),
        "label_budgets": st.lists(st.sampled_from([8, "5/class", "50%"]), max_size=2, unique=True),
        "weights": st.sampled_from(["pretrained", "random", "run:0123456789abcdef"]),
        "search": st.none() | st.just({"settings": 3}),
        "keep_weights": st.booleans(),
        "leave_out_refused": st.just(True),
    }
)


@settings(max_examples=150)
@given(asked)
def test_every_transfer_run_has_its_controls_or_a_reason(fields):
    try:
        without = plan(ExperimentSpec(**fields, controls=False), card=card, describe=info)
    except TransferscopeError as error:  # adding controls saves nothing that cannot be run
        with pytest.raises(type(error)):
            plan(ExperimentSpec(**fields), card=card, describe=info)
        return
    spec = ExperimentSpec(**fields)
    runs = plan(spec, card=card, describe=info)
    assert [one for one in runs if not one.added] == list(without)
    assert len({one.run.run_id for one in runs}) == len(runs)
    assert all(STRATEGIES[one.run.strategy].control for one in runs if one.added)

    def place(one: PlannedRun) -> tuple:
        return one.run.backbone, one.run.dataset, one.run.label_budget, one.run.seed

    there = {(one.run.strategy, *place(one)) for one in runs}
    why = {(one.strategy, one.backbone) for one in added_controls.not_added(spec, runs)}
    transfers = [
        one
        for one in without
        if one.run.weights != "random"
        and one.run.strategy not in {*CURVES, "soup", "adapter_merging", "linear_probe", "zero_shot"}
    ]
    for one in transfers:
        for control in ("from_scratch", "linear_probe"):
            assert (control, *place(one)) in there or (control, one.run.backbone) in why
    if not transfers:
        assert not any(one.added for one in runs)
