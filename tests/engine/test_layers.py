"""The table of layers, as a function, a task and a command."""

from __future__ import annotations

import json

import pytest

from engine import layers_command, task_queue
from engine.cli import main
from engine.control import Cancelled, Control
from engine.device import cpu
from engine.errors import BackboneError, SpecError
from engine.implementations import TWO_SETS
from engine.layers import QUICK, measure_layers
from engine.scores import SCORES
from engine.spec import OF_A_RUN
from engine.tasks import TASKS, TaskContext
from engine.tasks.layers import SCORED


@pytest.fixture(scope="module")
def found(tiny, colours) -> dict:
    return measure_layers(tiny, f"folder:{colours}", cpu(), labels=21)


def test_every_unit_has_every_score_or_the_reason(found, tiny):
    cells = {(cell["unit"], cell["metric"]): cell for cell in found["cells"]}
    hidden = [SCORES[name].metric for name in QUICK if SCORES[name].kind == "labelled"]
    assert {metric for unit, metric in cells if unit == 1} == {*hidden}
    assert [score["name"] for score in found["scores"]] == list(QUICK)
    assert all((cell["value"] is None) == bool(cell["reason"]) for cell in found["cells"])
    assert [unit["n_features"] for unit in found["units"]] == [8, 8, 12, 16]
    assert all(0 < unit["rank"] <= unit["n_features"] for unit in found["units"])
    assert (found["n_train"], found["n_validation"], found["n_test"], found["classes"]) == (18, 3, 6, 3)
    assert json.loads(json.dumps(found)) == found


def test_the_values_are_those_of_a_linear_probe_run(found, tiny, colours):
    from engine.execute import execute
    from engine.spec import RunSpec

    run = RunSpec(tiny, f"folder:{colours}", "linear_probe", 4, 0, 21)
    values = {(event.unit, event.metric): event.value for event in execute(run, cpu()) if event.kind == "depth"}
    cells = {(cell["unit"], cell["metric"]): cell["value"] for cell in found["cells"]}
    assert {place: cells[place] for place in values} == values


def test_the_table_names_what_was_measured_and_every_refusal(found):
    text = layers_command.words(found)
    assert "labels 21, seed 0, pooling global_average." in text
    assert "Scores of 18 training images" in text
    lines = text.splitlines()
    head = next(line for line in lines if line.startswith("unit "))
    assert head.split() == ["unit", "D", *QUICK]
    assert "4 unit 4  16" in text
    assert "leep, unit 4: it needs the source task's classifier" in text
    assert any("source classifier, which reads the last unit only" in line for line in lines)


def test_as_a_task_and_as_a_command(tiny, colours, home, capsys):
    options = ["--home", str(home), "--scores", "knn,logme", "--labels", "5/class", "--pooling", "adaptive_9k"]
    assert main(["layers", tiny, f"folder:{colours}", *options]) == 0
    out, err = capsys.readouterr()
    assert "pooling adaptive_9k" in out
    assert "measuring depths" in err
    assert main(["layers", tiny, f"folder:{colours}", *options, "--json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    payload = {"backbone": tiny, "dataset": f"folder:{colours}", "scores": ["knn", "logme"], "labels": "5/class"}
    done = task_queue.run_here("layers", payload | {"pooling": "adaptive_9k"}, home)
    assert done["cells"] == printed["cells"]
    assert done["pooling"] == "adaptive_9k"


def test_other_implementations_and_intervals_on_request(tiny, colours, home, capsys):
    options = ["--home", str(home), "--scores", "knn,logme", "--labels", "27", "--variants", "--intervals", "20"]
    assert main(["layers", tiny, f"folder:{colours}", *options, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    compared = {one["score"]: one for one in found["implementations"]}
    assert [*compared] == ["knn", "logme", *TWO_SETS]
    cells = {(cell["unit"], cell["metric"]): cell for cell in found["cells"]}
    assert [row["ours"] for row in compared["logme"]["rows"]] == [
        cells[unit, "logme"]["value"] for unit in (1, 2, 3, 4)
    ]
    for cell in found["cells"]:
        if cell["value"] is not None and cell["low"] is not None:
            assert cell["low"] <= cell["value"] <= cell["high"] or cell["metric"] == "logme"
    assert cells[4, "knn_accuracy"]["interval"] == "Wilson over test images"
    assert "20 resamples" in cells[4, "logme"]["interval"] or "no interval" in cells[4, "logme"]["interval"]
    text = layers_command.words(found)
    assert "LogME: implementations compared (training images)." in text
    assert "D/2 ln a keeps D/2 ln a" in text
    assert "In brackets 95 % intervals: " in text
    assert found["intervals"] == 20
    assert found["seconds"].keys() == {"pass", "scores", "variants", "intervals"}


def test_two_backbones_are_compared_on_the_same_images(tiny, colours, home, capsys):
    command = ["similarity", tiny, tiny, f"folder:{colours}", "--home", str(home), "--images", "20"]
    assert main([*command, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [found["values"][n][n] for n in range(4)] == pytest.approx([1.0] * 4)
    assert found["n_images"] == 20
    assert main(command) == 0
    assert "Unbiased linear CKA on 20 training images" in capsys.readouterr().out


EXTRA = {"layers": [{"variants": 1}, {"intervals": 5}, {"intervals": True}], "similarity": [{"images": 3}]}


@pytest.mark.parametrize("kind", ["layers", "similarity"])
def test_mistakes_are_refused_before_anything_is_queued(kind):
    prepare = TASKS[kind].prepare
    names = {"layers": {"backbone": "b"}, "similarity": {"first": "a", "second": "b"}}[kind] | {"dataset": "digits"}
    assert prepare(names, None)["seed"] == 0
    for wrong in ({"pooling": "mean"}, {"colour": 1}, {"seed": -1}, {"dataset": ""}, *EXTRA[kind]):
        with pytest.raises(SpecError):
            prepare(names | wrong, None)
    assert TASKS[kind].title(names).endswith("on digits")


def test_scores_are_named_or_refused():
    assert layers_command.names(" knn, logme ") == ["knn", "logme"]
    assert layers_command.names("all") == list(SCORED)
    for name in OF_A_RUN:
        with pytest.raises(SpecError, match=f"{name}: no such score"):
            layers_command.names(name)
        with pytest.raises(SpecError, match=f"{name} compares a network before and after"):
            TASKS["layers"].prepare({"backbone": "b", "dataset": "digits", "scores": [name]}, None)


def test_it_can_be_stopped_and_what_cannot_be_pooled_says_so(tiny, colours):
    control = Control()
    control.stop = True
    with pytest.raises(Cancelled):
        measure_layers(tiny, f"folder:{colours}", cpu(), control=control)
    context = TaskContext(
        {"backbone": tiny, "dataset": f"folder:{colours}", "scores": ["knn"], "pooling": "class_token"}
    )
    with pytest.raises(BackboneError, match="has none"):
        TASKS["layers"].run(context)
