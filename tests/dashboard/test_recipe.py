"""An experiment as text: every form gives the same experiment back."""

from __future__ import annotations

import re
import subprocess
import tomllib
from pathlib import Path
from urllib.parse import parse_qs

import pytest
from hypothesis import given
from hypothesis import strategies as st

import engine
from dashboard import recipe
from engine.errors import SpecError
from engine.spec import ALL_MEASURES, AUGMENTATIONS, OPTIMIZERS, POOLINGS, SCHEDULES, ExperimentSpec, TrainSpec

names = st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=20).filter(str.strip)
trains = st.builds(
    TrainSpec,
    epochs=st.integers(1, 10_000),
    batch_size=st.integers(1, 65_536),
    learning_rate=st.floats(1e-9, 100) | st.just("auto"),
    optimizer=st.sampled_from(OPTIMIZERS),
    weight_decay=st.floats(0, 1),
    schedule=st.sampled_from(SCHEDULES),
    label_smoothing=st.floats(0, 0.9),
    augmentation=st.sampled_from(AUGMENTATIONS),
)
specs = st.builds(
    ExperimentSpec,
    backbones=st.lists(names, min_size=1, max_size=2),
    datasets=st.lists(names | names.map("folder:/a, b/{}".format), min_size=1, max_size=2),
    strategies=st.lists(names, min_size=1, max_size=3),
    frozen_depths=st.just("all") | st.lists(st.integers(0, 30), max_size=6),
    seeds=st.lists(st.integers(0, 40), min_size=1, max_size=6),
    label_budgets=st.lists(
        st.integers(2, 2000) | st.sampled_from(["5/class", "1/class", "10%", "0.5%", "vtab"]), max_size=4
    ),
    weights=st.sampled_from(["pretrained", "random"]) | names.map("file:{}".format),
    class_splits=st.lists(st.integers(0, 10**6) | names.filter(lambda name: not name.strip().isdigit())).map(tuple),
    keep_weights=st.booleans(),
    leave_out_refused=st.booleans(),
    controls=st.none() | st.booleans(),
    measures=st.lists(st.sampled_from(ALL_MEASURES).filter(lambda name: name != "forgetting"), unique=True),
    pooling=st.none() | st.sampled_from(POOLINGS),
    panel_epochs=st.none()
    | st.lists(st.integers(0, 50), max_size=4)
    | st.just("auto")
    | st.integers(1, 99).map("every {}".format),
    score_intervals=st.none() | st.integers(20, 2_000),
    train=trains,
    name=names | st.just(""),
)


@given(specs)
def test_a_link_holds_every_choice(spec: ExperimentSpec) -> None:
    query = parse_qs(recipe.query_string(spec), keep_blank_values=True)
    assert recipe.from_query(query) == (spec, [])


def test_a_link_holds_the_images_of_the_source_task() -> None:
    spec = ExperimentSpec(measures=("knn", "forgetting"), source_data="folder:/a b")
    query = parse_qs(recipe.query_string(spec), keep_blank_values=True)
    assert query["source"] == ["folder:/a b"]
    assert recipe.from_query(query) == (spec, [])
    # where a link takes the measure away, nothing is left that asks for those images
    assert recipe.from_query({"measure": ["knn"]}, spec)[0].source_data is None


def test_a_link_leaves_the_controls_out_and_takes_them_in_again() -> None:
    without = ExperimentSpec(controls=False)
    assert recipe.to_query(without)["controls"] == ["no"]
    assert "controls" not in recipe.to_query(ExperimentSpec())
    assert recipe.from_query({"controls": ["yes"]}, without) == (ExperimentSpec(), [])
    spec, (said,) = recipe.from_query({"controls": ["maybe"]}, without)
    assert spec == without
    assert "controls is 'maybe'; write controls=no" in said


@given(specs)
def test_python_makes_the_same_spec(spec: ExperimentSpec) -> None:
    whole = recipe.to_python(spec)
    compile(whole, "whole", "exec")
    program, call, _ = whole.partition("\nexperiment_id = engine.run(spec)\n")
    assert call
    made: dict[str, object] = {}
    exec(program, made)
    assert made["engine"] is engine
    assert made["spec"] == spec


@given(specs)
def test_the_command_writes_the_toml_that_is_the_same_spec(spec: ExperimentSpec) -> None:
    first, *lines, end, run, nothing = recipe.to_cli(spec).split("\n")
    assert (first, end, nothing) == ("cat > experiment.toml <<'SPEC'", "SPEC", "")
    assert run == "python -m engine run experiment.toml --follow"
    assert "SPEC" not in lines  # would end the here-document early
    assert ExperimentSpec.from_toml("\n".join(lines)) == spec
    assert tomllib.loads("\n".join(lines)) == spec.to_dict()


def test_a_shell_runs_the_command_as_it_stands(tmp_path: Path) -> None:
    spec = ExperimentSpec(datasets=("folder:/tmp/$HOME `id` 'x'",), name='say "hi" \\ $PATH')
    stand_in = "python() { printf '%s\\n' \"$*\"; }\n"
    done = subprocess.run(
        ["sh", "-c", stand_in + recipe.to_cli(spec)], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert done.stdout == "-m engine run experiment.toml --follow\n"
    assert ExperimentSpec.from_file(tmp_path / "experiment.toml") == spec


def test_an_empty_link_is_the_start() -> None:
    assert recipe.from_query({}) == (recipe.START, [])


def test_what_cannot_be_used_is_named_and_the_rest_is_taken() -> None:
    query = {"epochs": ["abc"], "seeds": ["1-x"], "depths": ["9-2"], "batch_size": ["0"], "optimizer": ["sdg"]}
    spec, problems = recipe.from_query(query | {"labels": ["50,20"], "experiment": ["kept"], "weights": ["?"]})
    assert spec.label_budgets == (50, 20)
    assert spec.train == TrainSpec()
    text = " ".join(problems)
    for told in ("epochs is 'abc'", "'1-x'", "'9-2'", "batch_size is 0", "Did you mean 'sgd'", "weights is '?'"):
        assert told in text
    assert len(problems) == 6


@pytest.mark.parametrize(
    ("numbers", "text"),
    [((0, 1, 2, 7), "0-2,7"), ((4,), "4"), ((2, 4, 6), "2,4,6"), ((5, 4, 3), "5,4,3"), ((0, 1), "0,1"), ((), "")],
)
def test_numbers_are_drawn_together(numbers: tuple[int, ...], text: str) -> None:
    assert recipe.numbers_to_text(numbers) == text
    assert recipe.numbers_from_text("seeds", text) == numbers


@pytest.mark.parametrize("text", ["a", "1-", "-1", "3-1", "1.5", "0-99999999", "²", "1" * 40])
def test_what_is_no_number_is_refused(text: str) -> None:
    with pytest.raises(SpecError, match=re.escape(text)):
        recipe.numbers_from_text("seeds", text)
