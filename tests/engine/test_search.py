"""What a search tries: fields, spaces, grids, rungs and the choice among trials."""

import dataclasses
import itertools
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine import backbones, search, search_fields
from engine.cost import run_flops
from engine.datasets import describe
from engine.errors import SpecError
from engine.plan import PlannedRun, plan
from engine.spec import ExperimentSpec, RunSpec, TrainSpec
from engine.strategies import STRATEGIES, settled

CARD = backbones.card("resnet20_cifar10")


TRAIN = TrainSpec(learning_rate=0.02, optimizer="sgd")


def run(strategy: str = "lora", settings=None, seed: int = 0, depth: int = 0, **asked) -> RunSpec:
    asked = {"method": "random", "settings": 8, **asked}
    return RunSpec("resnet20_cifar10", "digits", strategy, depth, seed, search=asked, settings=settings, train=TRAIN)


def test_the_spec_keeps_what_differs_and_comes_back_from_toml_and_links():
    spec = ExperimentSpec(strategies=("lora",), search={"method": "halving", "settings": 9, "span": 10, "reduction": 3})
    assert spec.search == {"method": "halving", "settings": 9}
    assert ExperimentSpec.from_toml(spec.to_toml()) == spec
    assert spec.experiment_id != ExperimentSpec(strategies=("lora",)).experiment_id
    other = search_fields.parse({"method": "halving", "settings": 9, "span": 5, "reduction": 2})
    assert search_fields.to_text(other) == "halving:9:span=5:reduction=2"
    assert search_fields.from_text("halving:9:span=5:reduction=2") == other
    assert search_fields.from_text("") is search_fields.parse(None) is None
    assert search_fields.parse({"method": "random", "reduction": 2}) == {"method": "random", "settings": 8}


@pytest.mark.parametrize(
    ("given_", "said"),
    [
        ({"method": "bayes"}, "search.method is 'bayes'"),
        ({"settings": 1}, "search.settings is 1; it must be from 2 to 200"),
        ({"span": 1}, "search.span is 1"),
        ({"trials": 3}, "search has no key 'trials'"),
        ("random", "must be a table"),
    ],
)
def test_what_is_not_allowed_is_said(given_, said):
    with pytest.raises(SpecError, match=said):
        ExperimentSpec(search=given_)
    with pytest.raises(SpecError, match="write for example"):
        search_fields.from_text("random:many")


def test_random_search_begins_with_what_was_asked_and_stays_in_range():
    found = search.trials(run(), CARD)
    assert [one.number for one in found] == list(range(1, 9))
    assert (found[0].learning_rate, found[0].settings) == (0.02, {})
    assert all(0.002 <= one.learning_rate <= 0.2 for one in found)
    assert len({one.learning_rate for one in found}) == 8
    for one in found:
        full = settled(STRATEGIES["lora"], one.settings)  # every value is allowed
        assert STRATEGIES["lora"].refuses(CARD, full) is None
        assert 1.6 <= full["alpha"] <= 160
        assert 1 <= full["rank"] <= 80


def test_strategies_try_the_same_rates_and_seeds_others():
    rates = [
        [one.learning_rate for one in search.trials(run(name), CARD)] for name in ("lora", "full_fine_tuning", "l2_sp")
    ]
    assert rates[0] == rates[1] == rates[2]
    assert rates[0] != [one.learning_rate for one in search.trials(run(seed=1), CARD)]


@pytest.mark.parametrize(
    ("strategy", "n", "levels"),
    [
        ("full_fine_tuning", 8, [8]),
        ("l2_sp", 8, [4, 2]),
        ("l2_sp", 7, [7, 1]),
        ("gradual_unfreezing", 12, [3, 2, 2, 1]),
    ],
)
def test_a_grid_has_as_many_settings_as_were_asked_for(strategy, n, levels):
    found = search.trials(run_grid(strategy, n), CARD)
    assert len(found) == n == math.prod(levels)
    assert len({(one.learning_rate, one.settings) for one in found}) == n
    assert len({one.learning_rate for one in found}) == levels[0]


def run_grid(strategy: str, n: int) -> RunSpec:
    return RunSpec("resnet20_cifar10", "digits", strategy, 0, 0, search={"method": "grid", "settings": n}, train=TRAIN)


def test_a_grid_of_two_rates_lies_evenly_in_the_logarithm():
    rates = [one.learning_rate for one in search.trials(run_grid("full_fine_tuning", 2), CARD)]
    assert rates == [pytest.approx(0.02 * 10**-0.5, rel=0.01), pytest.approx(0.02 * 10**0.5, rel=0.01)]


def test_free_text_is_not_searched_and_shares_have_their_whole_range():
    names = [one.name for one in search.dimensions(run("ewc", {"source": "digits"}))]
    assert names == ["learning_rate", "strength", "images"]
    share = {one.name: one.value for one in search.dimensions(run("layer_decay"))}["decay"]
    assert (share(0.0), share(1.0)) == (0.01, 1.0)


@pytest.mark.parametrize(
    ("n", "epochs", "reduction", "expected"),
    [
        (9, 27, 3, ((9, 3), (3, 9), (1, 27))),
        (8, 30, 3, ((8, 10), (2, 30))),
        (8, 8, 2, ((8, 1), (4, 2), (2, 4), (1, 8))),
        (8, 1, 3, ((8, 1),)),
    ],
)
def test_rungs_of_halving(n, epochs, reduction, expected):
    asked = search_fields.parse({"method": "halving", "settings": n, "reduction": reduction})
    assert search.rungs(asked, epochs) == expected
    assert search.spent(asked, epochs) == sum(a * b for a, b in expected)
    assert search.spent(asked, epochs, "every 5") == epochs + search.spent(asked, epochs)


@given(n=st.integers(2, 200), epochs=st.integers(1, 300), reduction=st.integers(2, 10))
def test_halving_never_grows_and_ends_with_all_epochs(n, epochs, reduction):
    found = search.rungs({"method": "halving", "settings": n, "reduction": reduction}, epochs)
    assert found[0][0] == n
    assert found[-1][1] == epochs
    assert all(1 <= b[0] <= a[0] and b[1] >= a[1] for a, b in itertools.pairwise(found))


def test_the_best_has_the_highest_accuracy_then_the_lowest_loss_then_came_first():
    found = {1: (0.5, 1.0), 2: (0.7, 0.9), 3: (0.7, 0.8), 4: (None, None), 5: (0.7, 0.8)}
    assert search.best(found) == [3]
    assert search.best(found, 5) == [3, 5, 2, 1, 4]


def test_a_trial_becomes_an_ordinary_run_with_its_own_depth():
    asked = run("surgical", {"block": 4}, depth=3)
    trial = search.Trial(2, 0.1, search.table("settings", {"block": 6}))
    made = search.applied(asked, trial, CARD, 5)
    assert (made.train, made.settings, made.frozen_depth, made.search) == (
        dataclasses.replace(TRAIN, epochs=5, learning_rate=0.1), {"block": 6}, 5, None,
    )  # fmt: skip
    blocks = [settled(STRATEGIES["surgical"], one.settings)["block"] for one in search.trials(asked, CARD)]
    assert all(1 <= block <= CARD.n_units for block in blocks)


def test_only_what_trains_is_searched_and_the_price_counts_every_epoch():
    spec = ExperimentSpec(
        strategies=("linear_probe", "full_fine_tuning"),
        seeds=(0,),
        search={"settings": 3},
        train=dataclasses.replace(TRAIN, epochs=10),
        controls=False,
    )
    probe, full = plan(spec)
    assert probe.run.search is None
    assert full.run.search == {"method": "random", "settings": 3}
    alone = PlannedRun(dataclasses.replace(full.run, search=None), CARD, describe("digits"))
    fixed = run_flops(
        PlannedRun(dataclasses.replace(alone.run, train=dataclasses.replace(TRAIN, epochs=1)), CARD, alone.info)
    )
    each = (run_flops(alone) - fixed) / 9
    assert run_flops(full) == pytest.approx(run_flops(alone) + 20 * each)


def test_nothing_to_search_and_studies_are_refused():
    with pytest.raises(SpecError, match="nothing to search: linear_probe"):
        plan(ExperimentSpec(strategies=("linear_probe",), search={"settings": 3}))
    with pytest.raises(SpecError, match="layer-transfer study"):
        plan(ExperimentSpec(strategies=("transfer",), frozen_depths=(2,), search={"settings": 3}))


def test_a_mistake_is_never_searched():
    spec = ExperimentSpec(
        strategies=("partial_fine_tuning", "moving_statistics"), frozen_depths=(2,), search={"settings": 3}
    )
    with pytest.raises(SpecError, match="must train alike"):
        plan(spec)


def test_the_words_say_how_many_settings_and_epochs_each():
    random = search_fields.parse({"settings": 8})
    assert search.words(random, 30) == (
        "8 settings for each strategy that trains, 240 epochs in all, on validation images; the best, as it was trained, is"
        " tested."
    )
    assert search.words(random, 30, "every 5").endswith(
        "the best then trains 30 more, measured while it does, and is tested."
    )
    halving = search_fields.parse({"method": "halving", "settings": 9})
    assert (
        "9 settings for each strategy that trains, 81 epochs in all (9 for 3, then 3 for 9, then 1 for 27 epochs)"
        in (search.words(halving, 27))
    )
