"""Mistakes on purpose: planned in pairs, contestants nowhere, and not to be confused with a freeze that broke."""

from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd
import pytest

from engine import alarm, mistakes, peeking
from engine.cautions import cautions
from engine.errors import SpecError
from engine.plan import plan
from engine.presets import PRESETS
from engine.spec import ExperimentSpec
from engine.strategies import STRATEGIES

NAME = "moving_statistics"


def planned(**changes: object) -> list[tuple[str, int]]:
    spec = ExperimentSpec(
        **{"strategies": (NAME,), "frozen_depths": (3, 6), "seeds": (0,), "label_budgets": (50,), **changes},
        controls=False,
    )
    return [(one.run.strategy, one.run.frozen_depth) for one in plan(spec)]


def test_every_mistake_names_what_it_is_a_mistake_of() -> None:
    assert mistakes.names() == (NAME,)
    assert mistakes.pairs() == {NAME: "partial_fine_tuning"}
    assert all((one.group == "mistake") == bool(one.mistake_of) for one in STRATEGIES)


def test_it_is_never_planned_alone_and_the_pair_differs_in_nothing_else() -> None:
    assert planned() == [("partial_fine_tuning", 3), (NAME, 3), ("partial_fine_tuning", 6), (NAME, 6)]
    # with the proper strategy chosen too no cell is planned twice
    assert sorted(planned(strategies=("partial_fine_tuning", NAME))) == sorted(planned())
    spec = ExperimentSpec(strategies=(NAME,), frozen_depths=(3,), seeds=(0,), controls=False)
    proper, mistaken = (one.run for one in plan(spec))
    assert dataclasses.replace(mistaken, strategy="partial_fine_tuning") == proper


def test_depths_at_which_nothing_or_everything_is_frozen_have_no_pair() -> None:
    assert planned(frozen_depths=(0, 6, 10)) == [("partial_fine_tuning", 6), (NAME, 6)]
    with pytest.raises(SpecError, match="plans no runs"):
        planned(frozen_depths=(0, 10))


@pytest.mark.parametrize("backbone", ["plain8_cifar10", "vit_cifar10"])
def test_networks_without_batch_normalisation_are_refused_with_the_reason(backbone: str) -> None:
    with pytest.raises(SpecError, match=f"cannot be used here: {backbone} has no batch normalisation"):
        planned(backbones=(backbone,))


def test_the_plan_says_that_it_is_a_mistake() -> None:
    (said,) = cautions(plan(PRESETS["classic_mistake"].spec))
    assert "is a mistake, shown on purpose" in said
    assert cautions(plan(PRESETS["quick"].spec)) == []


def test_a_proof_is_a_mistake_only_where_running_statistics_moved_on_purpose() -> None:
    statistics = ["units.0.1.running_mean", "units.0.1.running_var", "units.0.1.num_batches_tracked"]
    assert mistakes.proof_of(NAME, []) == "held"
    assert mistakes.proof_of(NAME, statistics) == "mistake"
    assert mistakes.proof_of(NAME, [*statistics, "units.0.0.weight"]) == "broken"
    assert mistakes.proof_of("partial_fine_tuning", statistics) == "broken"
    assert mistakes.proof_of("of a later version", statistics) == "broken"


def test_without_leaves_frames_alone_that_show_none() -> None:
    frame = pd.DataFrame({"strategy": ["linear_probe", NAME], "value": [1, 2]})
    assert list(mistakes.without(frame)["value"]) == [1]
    ordinary = frame[:1]
    assert mistakes.without(ordinary) is ordinary


def test_a_mistake_alarms_nobody_and_is_in_no_word_about_epochs() -> None:
    values = np.linspace(0.6, 0.65, 6)
    rows = [
        {"run_id": f"{strategy}{seed}", "backbone": "net", "dataset": "digits", "budget": "50", "strategy": strategy,
         "frozen_depth": depth, "unit": depth, "seed": seed, "metric": "test_accuracy", "value": value - less}
        for strategy, depth, less in (("from_scratch", 0, 0.0), (NAME, 3, 0.3))
        for seed, value in enumerate(values)
    ]  # fmt: skip
    assert alarm.negative_transfer(pd.DataFrame(rows)) == []
    rows = [{**row, "strategy": "partial_fine_tuning"} if row["strategy"] == NAME else row for row in rows]
    assert len(alarm.negative_transfer(pd.DataFrame(rows))) == 1
    learning = pd.DataFrame(
        [{"run_id": NAME, "strategy": NAME, "epoch": epoch, "split": "validation", "metric": "accuracy", "value": 1 / epoch}
         for epoch in (1, 2)]
    )  # fmt: skip
    assert peeking.best_and_last(learning).empty
