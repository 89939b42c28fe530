"""`advise`: the place, the recommendation with its sources, and the record that it never goes without."""

from __future__ import annotations

import json

import pytest

from engine import advise_command
from engine.adviser import Place, Record
from engine.cli import main

FOUND = {
    "classes": 5,
    "parameters": 8_000,
    "units": [{"unit": 1, "n_features": 8}, {"unit": 2, "n_features": 64}],
    "cells": [
        {"unit": 1, "metric": "logme", "value": 0.3, "reason": "", "n_images": 40},
        {"unit": 2, "metric": "logme", "value": 0.1, "reason": "", "n_images": 40},
    ],
}


def test_a_result_of_the_task_is_placed():
    where = advise_command.placed(FOUND)
    assert where == Place(40, 5, 64, 8_000, 2, 1, pytest.approx(2 * 40 * 4 * 0.2))
    cells = [FOUND["cells"][0], FOUND["cells"][1] | {"value": None, "reason": "one class"}]
    assert advise_command.placed(FOUND | {"cells": cells}) == "one class"
    assert advise_command.placed(FOUND | {"cells": []}) == "LogME of the last unit was not measured"


def test_the_words_hold_numbers_reason_source_and_record():
    said = advise_command.words(advise_command.placed(FOUND), Record(0, 0, 0, float("nan"), {}))
    assert said.startswith("Little data, far. 40 labels to train on (8 per class) for 64 features")
    assert "Recommended: partial fine-tuning with the first of 2 units frozen" in said
    assert "Yosinski et al. 2014" in said
    assert "no task in this home has measured it" in said


def test_the_command_measures_and_prints(tiny, colours, tmp_path, capsys):
    asked = ["advise", tiny, f"folder:{colours}", "--labels", "21", "--weights", "random", "--home", str(tmp_path)]
    assert main([*asked, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["n_classes"], found["n_features"], found["n_units"]) == (3, 16, 4)
    assert 0 < found["n_train"] < 21
    assert found["labels_per_feature"] == found["n_train"] / 16
    assert found["strategy"] in ("linear_probe", "partial_fine_tuning", "full_fine_tuning")
    assert found["record"]["graded"] == 0
    assert found["record"]["regret"] is None


def test_what_has_no_logme_is_refused_with_the_reason(tiny, tmp_path, capsys, monkeypatch):
    from engine import follow_task

    monkeypatch.setattr(follow_task, "do_here", lambda *given: FOUND | {"cells": []})
    assert main(["advise", tiny, "digits", "--home", str(tmp_path)]) == 2
    assert "LogME of the last unit was not measured" in capsys.readouterr().err
