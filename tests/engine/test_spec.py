"""Specs: validated when made, the same through TOML and JSON, identified by what they ask for."""

from __future__ import annotations

import dataclasses
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.errors import SpecError
from engine.spec import (
    ALL_DEPTHS,
    ALL_MEASURES,
    AUGMENTATIONS,
    MEASURES,
    OF_A_RUN,
    OPTIMIZERS,
    PRECISIONS,
    SCHEDULES,
    SELECTIONS,
    ExperimentSpec,
    RunSpec,
    TrainSpec,
)

names = st.text(st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp"]), min_size=1, max_size=20).filter(str.strip)
trains = st.builds(
    TrainSpec,
    epochs=st.integers(1, 10_000),
    batch_size=st.integers(1, 65_536),
    learning_rate=st.floats(0, 100, exclude_min=True) | st.integers(1, 100) | st.just("auto"),
    optimizer=st.sampled_from(OPTIMIZERS),
    weight_decay=st.floats(0, 1) | st.integers(0, 1),
    schedule=st.sampled_from(SCHEDULES),
    label_smoothing=st.floats(0, 0.9),
    augmentation=st.sampled_from(AUGMENTATIONS),
    selection=st.sampled_from(SELECTIONS),
    precision=st.sampled_from(PRECISIONS),
)
lists = {"min_size": 1, "max_size": 4}
specs = st.builds(
    ExperimentSpec,
    backbones=st.lists(names, **lists),
    datasets=st.lists(names, **lists),
    strategies=st.lists(names, **lists),
    frozen_depths=st.just(ALL_DEPTHS) | st.lists(st.integers(0, 100), max_size=5),
    seeds=st.lists(st.integers(0, 2**31 - 1), **lists),
    label_budgets=st.lists(
        st.integers(2, 10**9) | st.sampled_from(["vtab", "10%", "0.25%", "1/class", "20/class"]), max_size=4
    ),
    weights=st.sampled_from(["pretrained", "random", "file:weights.safetensors"]),
    measures=st.lists(st.sampled_from(MEASURES), max_size=2),
    score_intervals=st.none() | st.just(0) | st.integers(20, 2_000),
    controls=st.none() | st.booleans(),
    train=trains,
    name=st.just("") | names,
)


@given(specs)
@settings(max_examples=60, deadline=None)
def test_toml_and_json_give_the_same_spec_back(spec):
    assert ExperimentSpec.from_toml(spec.to_toml()) == spec
    assert ExperimentSpec.from_json(spec.to_json()) == spec
    assert ExperimentSpec.from_json(spec.to_json()).experiment_id == spec.experiment_id


@given(specs, names)
@settings(max_examples=20, deadline=None)
def test_the_name_is_outside_the_identity(spec, name):
    assert dataclasses.replace(spec, name=name).experiment_id == spec.experiment_id


def test_spellings_of_a_budget_are_one_experiment():
    one, two = (
        ExperimentSpec(label_budgets=[100, "5/class", "10%"]),
        ExperimentSpec(label_budgets=["100", "5 / class", "10.0 %", 100]),
    )
    assert one == two
    assert one.experiment_id == two.experiment_id


@given(trains, st.integers(0, 2**31 - 1), st.none() | st.integers(2, 100) | st.sampled_from(["5/class", "10%", "vtab"]))
@settings(max_examples=20, deadline=None)
def test_runs_survive_json(train, seed, budget):
    run = RunSpec("b", "d", "s", 0, seed, budget, train=train)
    assert RunSpec.from_json(run.to_json()) == run
    assert RunSpec.from_json(run.to_json()).run_id == run.run_id


def test_one_and_one_point_zero_are_one_experiment():
    whole, broken = TrainSpec(learning_rate=1, weight_decay=0), TrainSpec(learning_rate=1.0, weight_decay=-0.0)
    assert whole == broken
    assert whole.identity() == broken.identity()
    assert TrainSpec(learning_rate=0.1).identity() == TrainSpec(learning_rate=float("1e-1")).identity()


def test_the_order_of_keys_does_not_matter():
    values = ExperimentSpec().to_dict()
    turned = dict(reversed(values.items()))
    assert ExperimentSpec.from_dict(turned).experiment_id == ExperimentSpec().experiment_id


@pytest.mark.parametrize(
    "change",
    [
        {"seeds": (0, 1)},
        {"label_budgets": (100,)},
        {"label_budgets": ("5/class",)},
        {"weights": "random"},
        {"measures": ()},
        {"frozen_depths": (2,)},
        {"train": TrainSpec(epochs=31)},
    ],
)
def test_whatever_is_measured_is_in_the_identity(change):
    assert dataclasses.replace(ExperimentSpec(), **change).experiment_id != ExperimentSpec().experiment_id


def test_identities_do_not_change_between_versions():
    # Recorded on 2026-11-21 (SPEC_VERSION 1): a store written then must still find its runs.
    then = ("linear_probe", "knn")
    train = TrainSpec(
        learning_rate=0.02, optimizer="sgd", epochs=30
    )  # the defaults of then; plans still give full fine-tuning these
    run = RunSpec("resnet20_cifar10", "digits", "full_fine_tuning", 0, 0, 100, measures=then, train=train)
    assert run.run_id == "b678d6042f3f5cc0"
    assert ExperimentSpec(measures=then, train=train).experiment_id == "91b15c2ab692b32f"


def test_what_is_not_asked_for_is_no_part_of_an_identity():
    plain = ExperimentSpec()
    assert ExperimentSpec(pooling="global_average", panel_epochs=[]).experiment_id == plain.experiment_id
    assert ExperimentSpec(pooling="adaptive_9k").experiment_id != plain.experiment_id
    assert ExperimentSpec(panel_epochs="every  5").panel_epochs == "every 5"
    assert ExperimentSpec(panel_epochs=[5, 0, 5]).panel_epochs == (0, 5)


def test_intervals_that_are_not_asked_for_leave_every_id_as_it_was():
    run = RunSpec("b", "d", "s", 0, 0)
    assert dataclasses.replace(run, score_intervals=0).run_id == run.run_id
    assert "score_intervals" not in dataclasses.replace(run, score_intervals=0).to_dict()
    assert dataclasses.replace(run, score_intervals=200).run_id != run.run_id
    grid = ExperimentSpec()
    assert dataclasses.replace(grid, score_intervals=0).experiment_id == grid.experiment_id
    for wrong in (5, -1, 2_001, True, 20.0, "100"):
        with pytest.raises(SpecError, match="whole number of resamples from 20 to 2000, or 0"):
            dataclasses.replace(grid, score_intervals=wrong)


def test_controls_are_no_part_of_an_identity_unless_they_are_left_out():
    grid = ExperimentSpec()
    assert dataclasses.replace(grid, controls=True).experiment_id == grid.experiment_id
    assert "controls" not in dataclasses.replace(grid, controls=True).to_dict()
    without = dataclasses.replace(grid, controls=False)
    assert without.experiment_id != grid.experiment_id
    assert "controls = false" in without.to_toml()
    assert ExperimentSpec.from_toml(without.to_toml()).controls is False


def test_measures_are_the_scores_of_labelled_features_and_of_the_source_head():
    from engine.scores import SCORES

    assert {*ALL_MEASURES} - {*OF_A_RUN} == {score.name for score in SCORES if score.kind != "two_sets"}
    assert {*MEASURES} <= {*ALL_MEASURES}


@pytest.mark.parametrize(
    ("cls", "change", "words"),
    [
        (TrainSpec, {"epochs": 0}, "epochs is 0; it must be from 1 to 10000"),
        (TrainSpec, {"epochs": -3}, "epochs is -3"),
        (TrainSpec, {"epochs": True}, "epochs is True"),
        (TrainSpec, {"epochs": 2.0}, "epochs is 2.0"),
        (TrainSpec, {"batch_size": 0}, "batch_size is 0"),
        (TrainSpec, {"learning_rate": 0}, "learning_rate is 0"),
        (TrainSpec, {"learning_rate": float("nan")}, "learning_rate is nan"),
        (TrainSpec, {"learning_rate": 10**400}, "more than 30 digits"),
        (TrainSpec, {"optimizer": "adamW"}, "Did you mean 'adamw'"),
        (TrainSpec, {"cycles": 0}, "cycles is 0; it must be from 1 to 100"),
        (TrainSpec, {"label_smoothing": 1}, "label_smoothing is 1"),
        (ExperimentSpec, {"pooling": "average"}, "Did you mean 'global_average'"),
        (ExperimentSpec, {"pooling": 3}, "pooling is 3"),
        (ExperimentSpec, {"panel_epochs": "each 5"}, "'every 5'"),
        (ExperimentSpec, {"panel_epochs": "every 0"}, "panel_epochs is 'every 0'"),
        (ExperimentSpec, {"panel_epochs": [-1]}, "panel_epochs is -1"),
        (ExperimentSpec, {"panel_epochs": [1.5]}, "whole number"),
        (ExperimentSpec, {"panel_epochs": 5}, "must be a list"),
        (ExperimentSpec, {"seeds": [-1]}, "seeds is -1"),
        (ExperimentSpec, {"seeds": []}, "seeds is empty"),
        (ExperimentSpec, {"seeds": 0}, "seeds is 0; it must be a list"),
        (ExperimentSpec, {"backbones": "resnet20_cifar10"}, "must be a list"),
        (ExperimentSpec, {"label_budgets": [0]}, "label_budgets is 0"),
        (ExperimentSpec, {"label_budgets": [-5]}, "label_budgets is -5"),
        (ExperimentSpec, {"label_budgets": ["0%"]}, "above 0%"),
        (ExperimentSpec, {"label_budgets": ["few"]}, '"5/class"'),
        (ExperimentSpec, {"label_budgets": "5/class"}, "must be a list"),
        (ExperimentSpec, {"frozen_depths": "every"}, "or 'all'"),
        (ExperimentSpec, {"frozen_depths": [-1]}, "frozen_depths is -1"),
        (ExperimentSpec, {"frozen_depths": [True]}, "frozen_depths holds True"),
        (ExperimentSpec, {"weights": "weights.pt"}, "file:PATH"),
        (ExperimentSpec, {"weights": "file:"}, "file:PATH"),
        (ExperimentSpec, {"measures": ["lnear_probe"]}, "Did you mean 'linear_probe'"),
        (ExperimentSpec, {"train": 5}, "TrainSpec wants a table"),
        (ExperimentSpec, {"train": {"epoch": 5}}, "Did you mean 'epochs'"),
        (ExperimentSpec, {"controls": "no"}, "controls is 'no'; it must be true or false"),
        (ExperimentSpec, {"controls": 0}, "true or false"),
        (ExperimentSpec, {"name": "two\nlines"}, "one line"),
        (ExperimentSpec, {"name": "x" * 201}, "at most 200"),
        (ExperimentSpec, {"name": "\ud800"}, "one line"),
        (ExperimentSpec, {"nmae": "x"}, "Did you mean 'name'"),
        (RunSpec, {"backbone": "b"}, "RunSpec needs dataset, strategy, frozen_depth, seed"),
    ],
)
def test_bad_values_are_refused_in_plain_words(cls, change, words):
    with pytest.raises(SpecError) as caught:
        cls.from_dict(change)
    assert words in str(caught.value)


@pytest.mark.parametrize("text", ["", "{", "[1]", "3", "null", "[" * 100_000, "1" * 5_000])
def test_text_that_is_no_spec_is_refused(text):
    with pytest.raises(SpecError):
        ExperimentSpec.from_json(text)


@pytest.mark.parametrize("text", ["seeds = [", "seeds = [0]\nseeds = [1]", "a = 1", "[train]\nepochs = 'x'"])
def test_toml_that_is_no_spec_is_refused(text):
    with pytest.raises(SpecError):
        ExperimentSpec.from_toml(text)


@pytest.mark.parametrize("spec", [TrainSpec(), ExperimentSpec(), RunSpec("b", "d", "s", 0, 0)])
def test_specs_are_frozen(spec):
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(spec, dataclasses.fields(spec)[0].name, 1)


def test_files_are_read_by_their_suffix_and_named_in_errors(tmp_path):
    (tmp_path / "a.toml").write_bytes(b"\xef\xbb\xbf" + ExperimentSpec(seeds=(5,)).to_toml().encode())
    (tmp_path / "b.json").write_text(json.dumps({"seeds": [5]}))
    assert ExperimentSpec.from_file(tmp_path / "a.toml") == ExperimentSpec.from_file(tmp_path / "b.json")
    (tmp_path / "bad.toml").write_text("epochs = 3")
    (tmp_path / "binary.json").write_bytes(b"\xff\xfe\x00")
    (tmp_path / "folder.toml").mkdir()
    for name in ("bad.toml", "binary.json", "folder.toml", "absent.json", "spec.yaml"):
        with pytest.raises(SpecError, match=name):
            ExperimentSpec.from_file(tmp_path / name)
