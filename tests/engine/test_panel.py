"""The panel during training: it sees what changes, costs what it says, and disturbs nothing."""

from __future__ import annotations

import numpy as np
import pytest

from engine import execute, panel, panel_plan, probe_set
from engine.caches import Caches
from engine.control import Control
from engine.device import cpu
from engine.events import EpochEnded, Event, PanelCost, PanelMeasured
from engine.scores import SCORES
from engine.spec import RunSpec, TrainSpec
from engine.train import Savepoint


@pytest.fixture(scope="module")
def run(tiny, colours):
    def make(strategy: str = "partial_fine_tuning", depth: int = 2, **changes: object) -> RunSpec:
        train = TrainSpec(epochs=3, batch_size=8, precision="float32")
        plain = {"seed": 0, "label_budget": 27, "weights": "pretrained", "measures": (), "train": train}
        return RunSpec(tiny, f"folder:{colours}", strategy, depth, **{**plain, **changes})

    return make


def items_of(spec: RunSpec, **options: object) -> list[object]:
    return list(execute.execute(spec, cpu(), **options))


def of(kind: type, items: list[object]) -> list:
    return [item for item in items if isinstance(item, kind)]


@pytest.fixture(scope="module")
def watched(run) -> list[object]:
    return items_of(run(panel_epochs="every 2"))


def test_watching_changes_no_bit_of_the_training(run, watched):
    plain = [event for event in items_of(run()) if isinstance(event, Event)]
    rest = [event for event in watched if isinstance(event, Event) and not isinstance(event, PanelMeasured | PanelCost)]
    assert [event.body() for event in rest] == [event.body() for event in plain]
    assert any(event.kind == "tested" and event.weights_sha256 for event in rest)


def test_every_unit_is_measured_at_the_epochs_asked_for(watched):
    measured = of(PanelMeasured, watched)
    assert [(event.epoch, event.unit) for event in measured] == [(e, u) for e in (0, 2, 3) for u in (1, 2, 3, 4)]
    assert {*measured[0].values} == {"probe_accuracy", "knn_accuracy", "logme", "drift", "weight_change"}
    kinds = [type(item) for item in watched if isinstance(item, Event)]
    assert kinds[1:7] == [EpochEnded, *[PanelMeasured] * 4, PanelCost]


def test_frozen_units_do_not_move_and_the_others_do(watched):
    first, *_, last = (
        {event.unit: event for event in of(PanelMeasured, watched) if event.epoch == epoch} for epoch in (0, 2, 3)
    )
    for unit in (1, 2, 3, 4):
        assert first[unit].values["drift"] == first[unit].values["weight_change"] == 0.0
    for unit in (1, 2):
        assert last[unit].values == first[unit].values
    for unit in (3, 4):
        assert last[unit].values["weight_change"] > 1e-4
        assert last[unit].values["drift"] > 1e-6
        assert last[unit].values["logme"] != first[unit].values["logme"]


def test_the_cost_is_stated_and_is_no_part_of_what_runs_repeat(run, watched):
    costs = of(PanelCost, watched)
    assert [cost.epoch for cost in costs] == [0, 2, 3]
    assert all(cost.seconds > 0 for cost in costs)
    assert costs[0].epoch_seconds is None
    assert all(cost.epoch_seconds > 0 for cost in costs[1:])
    assert len({cost.probe_set for cost in costs}) == 1


def test_a_resumed_run_measures_the_same(run, watched):
    spec = run(panel_epochs="every 2")
    state = None
    for item in execute.execute(spec, cpu()):
        if isinstance(item, Savepoint) and item.epoch == 1:
            import copy

            state = copy.deepcopy(item.state())
            break
    rest = [item for item in items_of(spec, resume=state) if isinstance(item, Event)]
    events = [item for item in watched if isinstance(item, Event)]
    place = next(n for n, event in enumerate(events) if isinstance(event, EpochEnded) and event.epoch == 2)
    assert rest == events[place:]


def test_the_probe_is_of_held_out_images_of_the_train_part_only(run):
    ready, *_ = execute.prepare(run(panel_epochs=(0,)), cpu(), None, Control(), Caches())
    made = panel.Panel(ready)
    assert set(made._rows.tolist()) <= set(ready.split.train.tolist())
    counts = np.bincount(ready.images.labels[made._rows])
    assert counts.min() >= counts.max() - 1
    assert made._name == probe_set.name(ready.images, made._rows)
    # Labels without a meaning are found by chance: nothing is tested on an image it was fitted to.
    made._labels = np.random.default_rng(0).permutation(made._labels)
    ((values, _),) = made._measured([made._checked(made._before[3])], 3)
    assert values["probe_accuracy"] < 0.7
    assert values["knn_accuracy"] == SCORES["knn"](made._before[3], made._labels)


@pytest.mark.parametrize(
    ("n_train", "n_classes", "wanted"),
    [(40, 10, 40), (100, 10, 40), (1_150, 10, 58), (4_000, 10, 200), (45_000, 10, 512)],
)
def test_its_size_is_a_share_of_the_training_images(n_train, n_classes, wanted):
    assert panel.size(n_train, n_classes) == wanted


def _long(run) -> RunSpec:
    train = TrainSpec(epochs=20, batch_size=8, precision="float32")
    return run("full_fine_tuning", 0, panel_epochs="auto", train=train)


def test_a_training_too_short_to_be_watched_says_so_once_and_is_not_disturbed(run):
    plain = [event for event in items_of(run()) if isinstance(event, Event)]
    items = [event for event in items_of(run(panel_epochs="auto")) if isinstance(event, Event)]
    said = of(PanelMeasured, items)
    assert [(one.epoch, one.unit) for one in said] == [(0, 1), (0, 2), (0, 3), (0, 4)]
    assert all(set(one.values.values()) == {None} for one in said)
    assert {why.partition(" of ")[0] for one in said for why in one.reasons.values()} == {
        "nothing was measured while training: 3 epochs"
    }
    assert [one.body() for one in items if not isinstance(one, PanelMeasured)] == [one.body() for one in plain]


def test_what_it_took_is_recorded_as_a_share_of_the_epoch_and_auto_looks_at_what_was_planned(run, monkeypatch):
    # A network of some thousand weights trains quicker than any solver.
    monkeypatch.setattr(panel_plan, "PER_UNIT_LIGHT", 0.0)
    monkeypatch.setattr(panel_plan, "PER_PRODUCT", 0.0)
    monkeypatch.setattr(panel_plan, "PER_PAIR", 0.0)
    items = items_of(_long(run))
    costs = of(PanelCost, items)
    assert [cost.epoch for cost in costs] == [0, 5, 10, 15, 20]
    assert costs[-1].seconds / costs[-1].epoch_seconds > 0
    (last,) = [event for event in of(PanelMeasured, items) if event.epoch == 20 and event.unit == 4]
    assert last.values["drift"] > 0
    assert last.values["probe_accuracy"] is None
    assert last.reasons["probe_accuracy"] == panel.LEFT_OUT
    again = of(PanelMeasured, items_of(_long(run)))
    assert again == of(PanelMeasured, items)
