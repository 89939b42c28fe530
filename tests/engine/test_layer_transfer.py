"""The plan of a layer-transfer study, and a whole one computed: bases first, units copied from the right one."""

from __future__ import annotations

from collections import Counter

import pytest
import torch

from engine import execute
from engine.backbones._weights import tensors_sha256
from engine.datasets import describe
from engine.device import cpu
from engine.errors import DatasetError, SpecError
from engine.events import Event
from engine.layer_transfer import CURVES, n_runs
from engine.plan import plan
from engine.run_weights import PREFIX, path
from engine.spec import ExperimentSpec, TrainSpec

ALL = tuple(CURVES)


@pytest.fixture
def spec(tiny):
    def make(**changes: object) -> ExperimentSpec:
        train = TrainSpec(epochs=1, batch_size=16, precision="float32")
        plain = {"strategies": ALL, "class_splits": (0, 1), "seeds": (0,), "label_budgets": (40,), "measures": ()}
        return ExperimentSpec((tiny,), ("digits",), **{**plain, "train": train, **changes})

    return make


def runs(spec: ExperimentSpec) -> list:
    return [planned.run for planned in plan(spec)]


def test_each_split_has_two_bases_and_every_curve_at_every_depth(spec):
    asked = spec()
    planned = plan(asked)
    assert len(planned) == 2 * (2 + 5 * 4) == n_runs(asked, 4)
    found = Counter((one.run.dataset, one.run.strategy) for one in planned)
    for split in "01":
        assert found[(f"half:A:{split}:digits", "from_scratch")] == 1
        assert found[(f"half:B:{split}:digits", "from_scratch")] == 1
        assert all(found[(f"half:B:{split}:digits", curve)] == 4 for curve in ALL)
    assert all(one.info == describe(one.run.dataset) for one in planned)


def test_units_come_from_the_right_base_and_are_frozen_only_without_a_plus(spec):
    asked = runs(spec(class_splits=(3,)))
    bases = {run.dataset: run for run in asked if run.strategy == "from_scratch"}
    own, other = (f"{PREFIX}{bases[f'half:{half}:3:digits'].run_id}" for half in "BA")
    assert all(base.keep_weights for base in bases.values())
    for run in asked:
        if run.strategy == "random_frozen":
            assert (run.weights, run.copied_depth) == ("random", None)
        elif run.strategy != "from_scratch":
            assert run.weights == (own if run.strategy.startswith("selffer") else other)
            assert run.frozen_depth == (0 if run.strategy.endswith("_plus") else run.copied_depth)
    assert sorted(run.copied_depth for run in asked if run.strategy == "transfer") == [1, 2, 3, 4]
    # Bases come before what starts from them, whatever the queue does with equal tickets.
    assert [run.strategy for run in asked[:2]] == ["from_scratch"] * 2


def test_seeds_and_groupings_are_studies_of_their_own(spec):
    names = describe("digits").class_names
    grouping = ", ".join(names[:4])
    assert {run.dataset for run in runs(spec(class_splits=(grouping,), seeds=(0, 1)))} == {
        "half:A:0+1+2+3:digits",
        "half:B:0+1+2+3:digits",
    }
    assert len(runs(spec(class_splits=(0,), seeds=(0, 1)))) == 2 * 22


def test_depths_may_be_chosen(spec):
    asked = runs(spec(class_splits=(0,), frozen_depths=(0, 2), strategies=("transfer",)))
    assert [run.copied_depth for run in asked] == [None, None, 2]


def test_with_a_downloaded_backbone_two_curves_and_the_control_exist(spec):
    asked = runs(
        spec(class_splits=None, strategies=("transfer", "transfer_plus", "random_frozen"), weights="pretrained")
    )
    assert len(asked) == 12
    assert {run.dataset for run in asked} == {"digits"}
    assert {run.weights for run in asked if run.strategy != "random_frozen"} == {"pretrained"}
    with pytest.raises(
        SpecError, match=r"BnB\) cannot be used here: it needs a base trained on the target classes\. Give"
    ):
        plan(spec(class_splits=None))


def test_other_strategies_stay_with_the_whole_dataset(spec):
    asked = runs(spec(class_splits=(0,), strategies=("transfer", "linear_probe"), frozen_depths=(1,)))
    assert Counter((run.strategy, run.dataset) for run in asked) == {
        ("linear_probe", "digits"): 1,
        ("from_scratch", "half:B:0:digits"): 1,
        ("from_scratch", "half:A:0:digits"): 1,
        ("transfer", "half:B:0:digits"): 1,
    }


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        ({"class_splits": ("0, x",)}, DatasetError, "has no class 'x'"),
        ({"class_splits": ("1",)}, DatasetError, "each half needs two classes"),
        ({"label_budgets": (9,)}, DatasetError, "10"),
        ({"label_budgets": (900,)}, DatasetError, "half:"),
        ({"frozen_depths": (0,), "strategies": ("random_frozen",), "class_splits": None}, SpecError, "plans no runs"),
        ({"frozen_depths": (9,)}, SpecError, "beyond tiny"),
    ],
)
def test_what_cannot_be_studied_says_why(spec, change, error, words):
    with pytest.raises(error, match=words):
        plan(spec(**change))


@pytest.mark.parametrize("splits", ["0", (1.5,), (-1,), (True,), ("",)])
def test_malformed_splits_are_refused(splits):
    with pytest.raises(SpecError, match="class_splits"):
        ExperimentSpec(class_splits=splits)


def test_no_splits_are_no_part_of_an_identity():
    assert ExperimentSpec(class_splits=()).experiment_id == ExperimentSpec().experiment_id
    assert ExperimentSpec.from_toml(ExperimentSpec(class_splits=(1, "a,b")).to_toml()).class_splits == (1, "a,b")


def test_a_study_computed(spec, home):
    """Every run finishes; what is frozen in AnB is base A's, and in BnB base B's, bit for bit."""
    networks = {}
    for run in runs(spec(class_splits=(0,), frozen_depths=(2,))):
        work, events = execute.execute(run, cpu(), home=home), []
        while True:
            try:
                events.append(next(work))
            except StopIteration as done:
                networks[run.strategy, run.dataset] = done.value
                break
        assert [event.kind for event in events if isinstance(event, Event)][-1] == "tested"
    target, other = "half:B:0:digits", "half:A:0:digits"

    def first_units(strategy: str, dataset: str = target) -> str:
        network = networks[strategy, dataset]
        return tensors_sha256(dict(item for unit in (0, 1) for item in network.unit_tensors(unit)))

    assert first_units("selffer") == first_units("from_scratch")
    assert first_units("transfer") == first_units("from_scratch", other)
    assert len({first_units(name) for name in ("selffer_plus", "transfer_plus", "from_scratch", "random_frozen")}) == 4
    assert not torch.equal(networks["selffer", target].head.weight, networks["from_scratch", target].head.weight)
    assert len(list(path(home, "x").parent.glob("*.safetensors"))) == 2
