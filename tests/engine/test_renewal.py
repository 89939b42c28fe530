"""A worker whose code changes on disk: a real process that becomes a new one, and what it leaves for it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from engine import code_version, device, renewal, service, task_queue
from engine import worker as worker_module
from engine.leases import FILES, Leases
from engine.store import Store
from engine.tasks import TASKS, TaskKind

NEW_KIND = """
import os
from engine.tasks._base import TASKS, TaskKind

TASKS.register(TaskKind("who", "Who", "Says who.", lambda context: {"pid": os.getpid()}, needs_torch=False))
"""


def until(condition, seconds: float = 60.0) -> None:
    began = time.monotonic()
    while not condition():
        assert time.monotonic() - began < seconds, "waited too long"
        time.sleep(0.02)


@pytest.fixture
def code(tmp_path: Path) -> Path:
    """A copy of the engine that a test may change."""
    here = Path(renewal.__file__).parent
    shutil.copytree(here, tmp_path / "code" / "engine", ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path / "code"


@pytest.fixture
def who():
    """The kind of task that the new code has, in this process, which queues it."""
    TASKS.load()
    TASKS.register(TaskKind("who", "Who", "Says who.", lambda context: {}, needs_torch=False))
    yield "who"
    del TASKS._entries["who"]


def test_a_worker_does_what_waits_with_the_code_that_is_there_by_then(store, home, code, who):
    """The old code does not know this kind of task and would fail it; nobody looks after the worker here."""
    log = home / "log"
    command = [sys.executable, "-m", "engine.worker", "--home", str(home), "--files", "--idle-seconds", "60"]
    with log.open("wb") as stream:
        process = subprocess.Popen(
            command, env=os.environ | {"PYTHONPATH": str(code)}, stdout=stream, stderr=stream, cwd=code
        )
    try:
        leases = Leases(store)
        until(lambda: leases.workers(files=True))
        (before,) = leases.workers(files=True)
        (code / "engine" / "tasks" / "who.py").write_text(NEW_KIND)
        time.sleep(0.5)
        assert leases.workers(files=True)[0]["token"] == before["token"], "nothing waits: it stays as it is"
        task_id = task_queue.submit(store, who, {})
        until(lambda: task_queue.get(store, task_id).ended)
        task = task_queue.get(store, task_id)
        assert (task.state, task.message) == ("finished", "")
        (after,) = leases.workers(files=True)
        assert after["token"] > before["token"]
        if os.name != "nt":
            assert task.result == {"pid": process.pid}, "the same process: whoever started it still knows it"
            assert os.getpriority(os.PRIO_PROCESS, process.pid) <= 5 + os.getpriority(os.PRIO_PROCESS, 0)
        assert log.read_text().count("the code has changed, starting again") == 1
    finally:
        process.kill()
        process.wait()


@pytest.mark.parametrize("place", ["cpu", FILES])
def test_it_leaves_what_waits_to_the_next_one_and_the_place_free(home, monkeypatch, make_spec, who, place):
    monkeypatch.setattr(device, "training_speed", lambda chosen: 1e9)
    monkeypatch.setattr(device, "prepare", lambda chosen: None)
    monkeypatch.setattr(code_version, "changed", lambda: True)
    monkeypatch.delenv(renewal.STARTED_AGAIN, raising=False)
    monkeypatch.setattr(service, "ensure_worker", lambda store: None)
    store = Store(home)
    service.queue(store, make_spec())
    task_queue.submit(store, who, {})
    serve = (
        worker_module.Worker(home, "cpu").serve
        if place == "cpu"
        else lambda idle: worker_module.serve_files(home, idle)
    )
    assert serve(60.0) == renewal.CHANGED
    assert {run["state"] for run in store.runs()} == {"queued"}
    assert task_queue.waiting(store, torch=False)
    assert Leases(store).register(place) is not None
    store.close()


def test_idle_it_does_not_look(home, monkeypatch):
    monkeypatch.setattr(code_version, "changed", lambda: pytest.fail("a look is for when work waits"))
    assert worker_module.serve_files(home, 0.5) == 0


def test_where_code_changes_all_the_time_work_goes_on_all_the_same(home, monkeypatch, who):
    monkeypatch.setattr(code_version, "changed", lambda: True)
    monkeypatch.setenv(renewal.STARTED_AGAIN, str(renewal.MOST_STARTS))
    store = Store(home)
    first = task_queue.submit(store, who, {})
    assert worker_module.serve_files(home, 0.5) == 0
    assert task_queue.get(store, first).state == "finished"
    second = task_queue.submit(store, who, {"again": True})
    assert renewal.STARTED_AGAIN not in os.environ, "something was done: the next change counts anew"
    assert worker_module.serve_files(home, 0.5) == renewal.CHANGED
    assert task_queue.get(store, second).state == "queued"
    store.close()


def test_main_starts_again_with_the_same_arguments_and_counts(home, monkeypatch, who):
    calls = []
    monkeypatch.setattr(code_version, "changed", lambda: True)
    monkeypatch.setattr(os, "nice", lambda more: 0)
    monkeypatch.setattr(os, "execv", lambda path, command: calls.append((path, command)) or 0)
    monkeypatch.setenv(renewal.STARTED_AGAIN, "1")
    store = Store(home)
    task_queue.submit(store, who, {})
    words = ["--home", str(home), "--files", "--idle-seconds", "1"]
    worker_module.main(words)
    assert calls == [(sys.executable, [sys.executable, "-m", "engine.worker", *words])]
    assert os.environ[renewal.STARTED_AGAIN] == "2"
    store.close()
