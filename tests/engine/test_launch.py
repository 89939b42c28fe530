"""Starting workers and noticing what goes wrong with them; the processes here are stand-ins that load no torch."""

from __future__ import annotations

import subprocess
import sys
import time

import psutil
import pytest

from engine import launch
from engine.leases import Leases

PYTHON = sys.executable


@pytest.fixture
def queued(store, make_run, make_spec) -> str:
    return store.submit(make_spec(), [(make_run(), 10)]).queued[0]


@pytest.fixture
def stand_in(tmp_path, monkeypatch, store):
    """Let `ensure_worker` start a script of ours; ends what it started."""

    def use(code: str) -> None:
        script = tmp_path / "python"
        script.write_text(f"#!{PYTHON}\n{code}\n")
        script.chmod(0o755)
        monkeypatch.setattr(launch.sys, "executable", str(script))

    yield use
    last = launch._started.pop((store.home, False), None)
    if last:
        last.process.kill()
        last.process.wait()


def until(condition, seconds: float = 20.0) -> float:
    began = time.monotonic()
    while not condition():
        assert time.monotonic() - began < seconds, "waited too long"
        time.sleep(0.02)
    return time.monotonic() - began


def state(store) -> tuple[str, str]:
    return store.runs()[0]["state"], store.runs()[0]["message"]


def test_one_start_at_a_time(store, stand_in):
    stand_in("import time; time.sleep(60)")
    launch.ensure_worker(store)
    first = launch._started[store.home, False].process
    launch.ensure_worker(store)
    assert launch._started[store.home, False].process is first
    assert first.poll() is None


def test_a_worker_is_a_group_of_its_own_with_a_log(store, stand_in):
    stand_in(
        "import os, sys, time; print('hello', os.getpgrp() == os.getpid(), sys.argv[1:], flush=True); time.sleep(60)"
    )
    launch.ensure_worker(store, "cpu")
    until(lambda: launch.worker_log(store.home))
    wanted = f"hello True ['-m', 'engine.worker', '--home', '{store.home}', '--device', 'cpu']"
    assert launch.worker_log(store.home) == wanted


def test_nothing_is_started_where_nothing_waits_or_a_worker_lives(store, queued, stand_in):
    stand_in("import time; time.sleep(60)")
    token = Leases(store).register("cpu")
    launch.supervise(store)
    assert (store.home, False) not in launch._started
    Leases(store).unregister(token)
    store.cancel([queued])
    launch.supervise(store)
    assert (store.home, False) not in launch._started


def test_a_worker_that_cannot_start_is_tried_three_times_and_then_named(store, queued, stand_in):
    stand_in("import sys; print('line one'); sys.exit('No module named torch')")
    starts = []
    for _ in range(3):
        launch.supervise(store)
        starts.append(launch._started[store.home, False].process.pid)
        launch._started[store.home, False].process.wait()
        assert state(store)[0] == "queued"
    launch.supervise(store)
    assert len(set(starts)) == 3
    name, message = state(store)
    assert name == "interrupted"
    assert message.startswith("the worker process cannot be started: No module named torch")
    assert "worker.log" in message
    # Resuming tries anew.
    stand_in("import time; time.sleep(60)")
    store.resume([queued])
    launch.supervise(store)
    assert launch._started[store.home, False].process.poll() is None


def test_workers_that_end_well_or_are_killed_are_no_failed_starts(store, queued, stand_in):
    for code in ("import sys; sys.exit(0)", "import sys; sys.exit(3)", "import os; os.kill(os.getpid(), 9)"):
        stand_in(code)
        for _ in range(4):
            launch.supervise(store)
            launch._started[store.home, False].process.wait()
    assert state(store)[0] == "queued"


def test_a_worker_that_does_not_hear_a_stop_is_ended(store, queued):
    deaf = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    leases = Leases(store)
    token = leases.register("cpu")
    leases.claim(token, "cpu")
    with store.db.write() as db:
        db.execute("UPDATE worker SET pid = ?, process_started = ?", (deaf.pid, psutil.Process(deaf.pid).create_time()))
    store.cancel([queued])
    launch.supervise(store)
    assert deaf.poll() is None
    with store.db.write() as db:
        db.execute("UPDATE run SET cancel_requested = cancel_requested - 11")
    launch.supervise(store)
    assert deaf.wait(5) == -9
    launch.supervise(store)
    assert state(store)[0] == "cancelled"


def test_a_long_log_is_put_aside(store, stand_in, monkeypatch):
    monkeypatch.setattr(launch, "MAX_LOG_BYTES", 10)
    (store.home / launch.LOG).write_text("x" * 50)
    stand_in("print('new', flush=True)")
    launch.ensure_worker(store)
    launch._started[store.home, False].process.wait()
    assert launch.worker_log(store.home) == "new"
    assert (store.home / "worker.old.log").read_text() == "x" * 50
