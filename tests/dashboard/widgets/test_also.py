"""What else can be compared: what an experiment lacks, and nothing that it has."""

from __future__ import annotations

import dataclasses

import pytest

from dashboard import recipe
from dashboard.widgets.also import budgets_around, missing
from engine.spec import ExperimentSpec

PLAIN = ExperimentSpec(strategies=("full_fine_tuning",), label_budgets=(50,), measures=())
FULL = ExperimentSpec(
    strategies=("full_fine_tuning", "linear_probe"), label_budgets=(50, 100), measures=("logme", "forgetting")
)


def test_each_offer_is_the_same_experiment_with_what_it_lacks() -> None:
    found = {label: asked for label, _, asked in missing(PLAIN, {"full_fine_tuning"})}
    assert list(found) == [
        "The same with several label budgets",
        "The same, measuring what is forgotten",
        "The same, graded by the adviser",
    ]
    several, forgotten, graded = found.values()
    assert several == dataclasses.replace(PLAIN, label_budgets=(50, 100, 200))
    assert forgotten == dataclasses.replace(PLAIN, measures=("forgetting",))
    assert graded.measures == ("logme",)
    assert set(graded.strategies) >= {"full_fine_tuning", "linear_probe"}


def test_what_was_measured_is_not_offered() -> None:
    assert list(missing(FULL, {*FULL.strategies})) == []
    by_the_plan = dataclasses.replace(FULL, strategies=("full_fine_tuning",))
    assert list(missing(by_the_plan, {"full_fine_tuning", "linear_probe"})) == []


@pytest.mark.parametrize("place", [0, 1, 2])
def test_the_link_gives_the_lab_that_experiment(place: int) -> None:
    _, _, asked = list(missing(PLAIN, {"full_fine_tuning"}))[place]
    assert recipe.from_query(recipe.to_query(asked)) == (asked, [])


@pytest.mark.parametrize(
    ("given", "wanted"),
    [((50,), (50, 100, 200)), ((), ("10%", "25%", "50%")), (("5/class",), ("5/class", "10%", "25%", "50%"))],
)
def test_budgets_around_the_one_there_is(given, wanted) -> None:
    assert budgets_around(given) == wanted


def test_what_is_offered_does_not_bear_the_name_of_another_experiment() -> None:
    spec = ExperimentSpec(label_budgets=(50,), name="Mine")
    assert {asked.name for _, _, asked in missing(spec, {"linear_probe"})} == {""}
