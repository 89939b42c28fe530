"""Real worker processes: a run from the queue to its frames, stopped, failed, diverged, killed and resumed."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from engine import device, launch, service, task_queue
from engine import worker as worker_module
from engine.frames import Frames
from engine.leases import Leases
from engine.spec import ExperimentSpec
from engine.store import Store
from engine.tasks import TASKS, TaskKind

SLOW = 100.0
"""Seconds that anything here may take on a busy machine, unless the test is about time."""


def until(condition, seconds: float = SLOW) -> float:
    began = time.monotonic()
    while not (value := condition()):
        assert time.monotonic() - began < seconds, "waited too long"
        time.sleep(0.03)
    assert value
    return time.monotonic() - began


def spec_of(colours: Path, **changes: object) -> ExperimentSpec:
    train = {"epochs": 2, "batch_size": 8, "precision": "float32", **changes.pop("train", {})}
    plain = {"strategies": ["partial_fine_tuning"], "frozen_depths": [5], "seeds": [0], "measures": []}
    return ExperimentSpec.from_dict(
        {
            **plain,
            "datasets": [f"folder:{colours}"],
            "label_budgets": [21],
            "weights": "random",
            "train": train,
            **changes,
        }
    )


def row(store: Store, run_id: str) -> dict:
    return next(row for row in store.runs() if row["run_id"] == run_id)


def epochs(store: Store, run_id: str) -> list[int]:
    return [event.parsed().epoch for event in store.events(run_id) if event.kind == "epoch"]


def bodies(store: Store, run_id: str, attempt: int) -> list[str]:
    return [event.body for event in store.events(run_id, attempt)]


def end_workers(store: Store) -> None:
    """End the worker of this home, which this test started."""
    for worker in Leases(store).workers():
        process = psutil.Process(worker["pid"])
        process.kill()
        process.wait(10)
    last = launch._started.pop((store.home, False), None)
    if last:
        last.process.kill()
        last.process.wait()


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """A store whose worker was started as the dashboard starts it, kept for all tests of this file."""
    opened = Store(tmp_path_factory.mktemp("served"))
    yield opened
    end_workers(opened)
    opened.close()


def submit(store: Store, spec: ExperimentSpec) -> str:
    (run_id,) = service.queue(store, spec).queued
    return run_id


def finish(store: Store, run_id: str, seconds: float = SLOW) -> dict:
    def ended() -> bool:
        launch.supervise(store)
        return row(store, run_id)["state"] not in ("queued", "running")

    until(ended, seconds)
    return row(store, run_id)


def test_a_run_goes_from_the_queue_to_the_frames(served, colours):
    frames, run_id = Frames(served), submit(served, spec_of(colours, measures=["knn"], train={"epochs": 12}))
    seen = set()

    def look() -> bool:
        runs = frames.frame("runs").set_index("run_id")
        curve = frames.frame("learning_curve")
        seen.add((runs.loc[run_id, "state"], bool(len(curve))))
        return runs.loc[run_id, "state"] not in ("queued", "running")

    until(look)
    assert ("queued", False) in seen
    assert ("running", True) in seen, "the curve must be there before the run has ended"
    run = frames.frame("runs").set_index("run_id").loc[run_id]
    assert (run["state"], run["message"], run["freeze_proof"]) == ("finished", "", "held")
    assert 0 <= run["test_accuracy"] <= 1
    assert run["test_n"] == 6
    assert run["seconds"] > 0
    assert len(frames.frame("learning_curve")) == 2 + 12 * 4
    curve = frames.frame("transfer_curve")
    assert curve[curve["metric"] == "knn_accuracy"]["unit"].tolist() == list(range(1, int(run["n_units"]) + 1))
    assert not (served.home / "checkpoints" / run_id).exists()


def test_a_run_that_fails_says_why_and_the_next_one_is_computed(served, colours):
    spec = spec_of(colours, weights="file:/absent/weights.safetensors", controls=False)
    failing, next_one = submit(served, spec), submit(served, spec_of(colours, seeds=[3]))
    ended = finish(served, failing)
    assert ended["state"] == "failed"
    assert ended["message"] == "There is no weights file /absent/weights.safetensors."
    assert finish(served, next_one)["state"] == "finished"


def test_a_run_that_diverges_keeps_its_curve(served, colours):
    train = {"learning_rate": 100, "weight_decay": 1, "epochs": 300, "schedule": "constant"}
    run_id = submit(served, spec_of(colours, train=train))
    ended = finish(served, run_id)
    assert ended["state"] == "diverged"
    assert "not a number" in ended["message"]
    assert epochs(served, run_id)
    assert [event.kind for event in served.events(run_id)][-2:] == ["diverged", "freeze"]


def test_a_stop_acts_in_three_seconds_and_keeps_what_was_learned(served, colours):
    run_id = submit(served, spec_of(colours, train={"epochs": 10_000}))
    until(lambda: len(epochs(served, run_id)) > 3)
    served.cancel([run_id])
    took = until(lambda: row(served, run_id)["state"] == "cancelled")
    assert took < 3
    learned = epochs(served, run_id)
    assert len(learned) > 3
    assert "kept" in row(served, run_id)["message"]
    # Resumed, it goes on: what it had learned is there from the first moment, and nothing is there twice.
    served.resume([run_id])
    until(lambda: len(epochs(served, run_id)) > len(learned))
    assert epochs(served, run_id) == list(range(len(epochs(served, run_id))))
    served.cancel([run_id])
    assert finish(served, run_id)["state"] == "cancelled"


def test_a_second_worker_on_the_device_leaves_at_once(served, colours):
    submit(served, spec_of(colours, seeds=[4]))
    until(lambda: Leases(served).workers())
    command = [sys.executable, "-m", "engine.worker", "--home", str(served.home)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_waiting_ends_when_all_runs_have(served, colours):
    submission = service.queue(served, spec_of(colours, seeds=[5, 6]))
    looks = list(service.wait(served, submission.experiment_id, every=0.05))
    assert {run["state"] for run in looks[-1]} == {"finished"}
    assert service.queue(served, spec_of(colours, seeds=[5, 6])).queued == ()
    assert len(list(service.wait(served, submission.experiment_id))) == 1


QUICK_CHECKPOINTS = """
import sys
from engine import worker
worker.CHECKPOINT_SECONDS = 0.2
sys.exit(worker.main(["--home", sys.argv[1], "--device", "cpu"]))
"""


def test_killed_at_any_moment_a_run_resumes_and_ends_with_the_same_bits(home, colours):
    store = Store(home)
    spec = spec_of(colours, measures=["knn"], train={"epochs": 40})
    planned = service.plan(spec)
    (run_id,) = store.submit(spec, [(one.run, one.card.n_units) for one in planned]).queued
    worker = subprocess.Popen([sys.executable, "-c", QUICK_CHECKPOINTS, str(home)], start_new_session=True)
    try:
        kept = home / "checkpoints" / run_id
        until(lambda: len(list(kept.glob("*.json"))) == 2 and len(epochs(store, run_id)) > 8)
    finally:
        worker.kill()
        worker.wait()
    before = bodies(store, run_id, 1)
    assert len(before) > 8
    launch.supervise(store)
    assert row(store, run_id)["state"] == "queued"
    assert "its worker died; resuming from the last checkpoint (1 of 3)" in row(store, run_id)["message"]
    try:
        assert until(lambda: row(store, run_id)["state"] == "running", 15) < 15
        assert finish(store, run_id)["state"] == "finished"
        resumed = bodies(store, run_id, 1)
        assert resumed[: len(before)] == before
        # Once more without interruption, by the same worker.
        store.run_again([run_id])
        assert finish(store, run_id)["state"] == "finished"
        assert bodies(store, run_id, 2) == resumed
    finally:
        end_workers(store)
        store.close()


def test_a_worker_without_a_home_says_so(tmp_path):
    command = [sys.executable, "-m", "engine.worker", "--home", str(tmp_path / "absent")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, env=os.environ)
    assert done.returncode == 2
    assert "cannot be opened" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_an_idle_worker_measures_its_speed_again_once_the_machine_has_settled(home, monkeypatch):
    monkeypatch.setattr(worker_module, "SETTLED_SECONDS", 0.2)
    monkeypatch.setattr(device, "training_speed", _speeds(2e9, 5e9, 9e9))
    monkeypatch.setattr(device, "prepare", lambda chosen: None)
    store = Store(home)
    assert worker_module.Worker(home, "cpu").serve(idle_seconds=1.5) == 0
    assert Leases(store).last_known()["speed"] == 5e9
    store.close()


def _speeds(*values: float):
    left = list(values)
    return lambda chosen: left.pop(0)


def test_a_worker_of_a_device_does_the_tasks_that_need_torch_between_runs(home, monkeypatch):
    monkeypatch.setattr(device, "training_speed", lambda chosen: 1e9)
    monkeypatch.setattr(device, "prepare", lambda chosen: None)
    work = TaskKind("where", "Where", "Says where.", lambda context: {"device": context.device.name}, needs_torch=True)
    TASKS.load()
    TASKS.register(work)
    store = Store(home)
    try:
        task_id = task_queue.submit(store, "where", {})
        assert worker_module.Worker(home, "cpu").serve(idle_seconds=0.3) == 0
        assert task_queue.get(store, task_id).result == {"device": "cpu"}
    finally:
        del TASKS._entries["where"]
        store.close()
