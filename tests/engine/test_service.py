"""Queueing: what cannot run records nothing; paths are made absolute; prices rest on what was measured."""

from __future__ import annotations

import dataclasses
import os

import pytest

import engine
from engine import cost, service
from engine.errors import DatasetError, HomeError, QueueFullError, SpecError, UnknownNameError
from engine.leases import Leases
from engine.plan import plan
from engine.presets import PRESETS
from engine.spec import ExperimentSpec


@pytest.fixture(autouse=True)
def no_worker(monkeypatch):
    """Starts are counted, not made."""
    started: list[object] = []
    monkeypatch.setattr(service, "ensure_worker", started.append)
    monkeypatch.setattr(service, "supervise", started.append)
    return started


def test_queueing_starts_a_worker_once_there_is_something_to_do(store, make_spec, no_worker):
    submission = service.queue(store, make_spec())
    assert len(submission.queued) == 1
    assert no_worker == [store]
    assert service.queue(store, make_spec()).reused == submission.queued
    assert no_worker == [store]


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"strategies": ("linear_prob",)}, UnknownNameError),
        ({"label_budgets": (3,)}, DatasetError),
        ({"datasets": ("folder:/absent",)}, DatasetError),
    ],
)
def test_what_cannot_run_records_nothing(store, make_spec, no_worker, change, error):
    with pytest.raises(error):
        service.queue(store, make_spec(**change))
    assert store.experiments() == []
    assert no_worker == []


@pytest.mark.parametrize(("room", "helps"), [(1, True), (0, False)])
def test_a_queue_too_full_for_added_controls_says_how_to_leave_them_out_where_that_helps(
    store, make_spec, no_worker, room, helps
):
    """LoRA brings two controls: with room for one run it could run without them."""
    spec = make_spec(strategies=("lora",), weights="pretrained")
    assert len(plan(spec)) == 3
    store.max_queued = room
    with pytest.raises(QueueFullError, match=f"3 runs would wait, and at most {room} may") as raised:
        service.queue(store, spec)
    said = "2 of the new runs are controls that were added: controls = false leaves them out, and the others may wait."
    assert str(raised.value).endswith(said) is helps
    assert (store.experiments(), no_worker) == ([], [])
    if helps:
        assert len(service.queue(store, dataclasses.replace(spec, controls=False)).queued) == room


def test_a_queue_too_full_for_what_was_named_says_nothing_of_controls(store, make_spec):
    store.max_queued = 0
    with pytest.raises(QueueFullError) as raised:
        service.queue(store, make_spec(strategies=("lora",), weights="pretrained", controls=False))
    assert "controls" not in str(raised.value)


def test_a_folder_means_the_same_from_everywhere(store, make_spec, colours, monkeypatch):
    monkeypatch.chdir(colours.parent)
    relative = make_spec(datasets=(f"folder:{colours.name}",), label_budgets=(), weights="file:../w.safetensors")
    spec = service.located(relative)
    assert spec.datasets == (f"folder:{colours}",)
    assert spec.weights == f"file:{os.path.dirname(colours.parent)}/w.safetensors"
    assert service.located(spec) == spec
    assert service.queue(store, relative).experiment_id == spec.experiment_id
    assert service.located(make_spec(weights="pretrained")).weights == "pretrained"


def test_waiting_looks_until_all_runs_have_ended(store, make_spec, no_worker):
    submission = service.queue(store, make_spec())
    looks = service.wait(store, submission.experiment_id, every=0.001)
    assert next(looks)[0]["state"] == "queued"
    leases = Leases(store)
    leases.finish(leases.claim(leases.register("cpu"), "cpu"), "finished", "", 1.0)
    assert [runs[0]["state"] for runs in looks] == ["finished"]


def test_a_price_rests_on_this_machines_speed_and_history(store, make_spec):
    planned = plan(make_spec())
    assert not service.price(store, planned).measured
    leases = Leases(store)
    token = leases.register("cpu")
    leases.introduce(token, "CPU", 1e9)
    expected = cost.run_flops(planned[0]) / 1e9
    assert service.price(store, planned).seconds == pytest.approx(expected + cost.RUN_OVERHEAD_SECONDS)
    service.queue(store, make_spec())
    leases.finish(leases.claim(token, "cpu"), "finished", "", 3 * expected + cost.RUN_OVERHEAD_SECONDS)
    assert service.price(store, planned).seconds == pytest.approx(3 * expected + cost.RUN_OVERHEAD_SECONDS)
    assert service.price(store, planned).measured


def test_the_engine_from_python(home, make_spec, monkeypatch):
    assert engine.frame("runs", home=home).empty
    first = engine.submit(make_spec(name="pilot"), home=home)
    assert engine.frame("runs", home=home, experiment="pilot")["experiment_id"].tolist() == [first]
    with pytest.raises(UnknownNameError, match="transfer_curve"):
        engine.frame("transfer", home=home)
    with pytest.raises(UnknownNameError, match="pilot"):
        engine.frame("runs", home=home, experiment="plot")
    store = service.open_store(home)
    store.cancel(store.find_runs(first))
    monkeypatch.setattr(service, "queue", lambda *args, **options: dataclasses.replace(EMPTY, experiment_id=first))
    assert engine.run(make_spec(), home=home) == first
    store.close()


EMPTY = service.Submission("", (), ())


def test_a_home_that_cannot_be_used_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(HomeError, match="file"):
        service.open_store(tmp_path / "file")


def test_images_of_the_source_task_go_to_whatever_asks_for_them(colours, tmp_path):
    spec = ExperimentSpec(strategies=("ewc", "lora"), settings={"ewc": {"strength": 0.5}, "lora": {"rank": 4}})
    found = service.with_source_data(spec, "folder:x")
    assert found.settings == {"ewc": {"strength": 0.5, "source": "folder:x"}, "lora": {"rank": 4}}
    assert found.source_data is None
    both = service.with_source_data(dataclasses.replace(spec, measures=("forgetting",)), "folder:x")
    assert both.source_data == "folder:x"
    alone = service.with_source_data(ExperimentSpec(measures=("forgetting",)), "folder:x")
    assert (alone.source_data, alone.settings) == ("folder:x", None)
    with pytest.raises(SpecError, match="nothing asks for it: add the strategy 'ewc'"):
        service.with_source_data(ExperimentSpec(), "folder:x")


def test_the_preset_of_all_strategies_plans_ewc_where_source_images_are_given(colours):
    spec = service.located(service.with_source_data(PRESETS["all_strategies"].spec, f"folder:{colours}"))
    runs = [one.run for one in plan(dataclasses.replace(spec, seeds=(0, 1))) if one.run.strategy == "ewc"]
    assert {run.backbone for run in runs} == set(spec.backbones)
    assert {run.settings["source"] for run in runs} == {f"folder:{colours}"}
