"""The queue of tasks: one task for one question, stops, fencing, dead workers, and real worker processes."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from engine import launch, service, task_queue, task_worker
from engine.errors import DatasetError, QueueFullError, StaleLeaseError, StoreError, UnknownNameError
from engine.leases import FILES, Leases
from engine.store import Store
from engine.tasks import TASKS, TaskKind

REGISTER = """
import os, time
from engine.errors import DatasetError
from engine.tasks import TASKS, TaskKind

def work(context):
    if context.payload.get("refuse"):
        raise DatasetError("This cannot be used.")
    if context.payload.get("bug"):
        raise ZeroDivisionError("oh")
    if context.payload.get("full"):
        raise OSError(28, "No space left on device", "/some/file")
    if context.payload.get("deaf"):
        time.sleep(60)
    steps = context.payload.get("steps", 3)
    for step in range(steps):
        context.progress(step / steps, f"step {step}")
        time.sleep(0.02)
    return {"pid": os.getpid(), "steps": steps}

def refuse_negative(payload, home):
    if payload.get("steps", 0) < 0:
        raise DatasetError("Negative.")
    return {"steps": 3, **payload}

TASKS.load()
TASKS.register(TaskKind("count", "Count", "Counts.", work, needs_torch=False, prepare=refuse_negative))
"""
WORKER = REGISTER + "import sys\nfrom engine import worker\nsys.exit(worker.main(['--home', sys.argv[1], '--files']))"


@pytest.fixture
def count():
    """A tiny kind without torch, in this process."""
    exec(REGISTER, {})
    yield "count"
    del TASKS._entries["count"]


@pytest.fixture
def process(home):
    """Start a worker of files that knows the tiny kind; every one started is ended."""
    begun: list[subprocess.Popen] = []

    def start() -> subprocess.Popen:
        begun.append(subprocess.Popen([sys.executable, "-c", WORKER, str(home)], start_new_session=True))
        return begun[-1]

    yield start
    for one in begun:
        one.kill()
        one.wait()


def until(condition, seconds: float = 30.0) -> float:
    began = time.monotonic()
    while not condition():
        assert time.monotonic() - began < seconds, "waited too long"
        time.sleep(0.02)
    return time.monotonic() - began


def state(store: Store, task_id: int) -> str:
    return task_queue.get(store, task_id).state


def test_one_question_is_one_task(store, count):
    first = task_queue.submit(store, count, {"steps": 3})
    assert task_queue.submit(store, count, {}) == first  # the default, filled in
    other = task_queue.submit(store, count, {"steps": 4})
    assert other != first
    assert [task.task_id for task in task_queue.list(store)] == [other, first]
    task_queue.cancel(store, first)
    assert state(store, first) == "cancelled"
    # Asked again after it ended, it is a new task.
    assert task_queue.submit(store, count, {}) > other


def test_what_is_refused_is_not_queued(store, count):
    with pytest.raises(DatasetError, match="Negative"):
        task_queue.submit(store, count, {"steps": -1})
    with pytest.raises(UnknownNameError):
        task_queue.submit(store, "nothing like this", {})
    assert task_queue.list(store) == []
    with pytest.raises(StoreError, match="no task 7"):
        task_queue.get(store, 7)


def test_a_full_queue_says_so(store, count, monkeypatch):
    monkeypatch.setattr(task_queue, "MAX_QUEUED", 2)
    for steps in (1, 2):
        task_queue.submit(store, count, {"steps": steps})
    with pytest.raises(QueueFullError, match="2 tasks wait"):
        task_queue.submit(store, count, {"steps": 3})


def test_old_tasks_are_forgotten(store, count, monkeypatch):
    monkeypatch.setattr(task_queue, "KEPT", 2)
    for steps in range(5):
        task_queue.cancel(store, task_queue.submit(store, count, {"steps": steps}))
    assert len(task_queue.list(store)) == 3


def test_in_this_process_with_progress(home, count):
    told = []
    result = task_queue.run_here(count, {"steps": 2}, home, lambda done, phase: told.append((done, phase)))
    assert result == {"pid": os.getpid(), "steps": 2}
    assert told == [(0.0, "step 0"), (0.5, "step 1")]
    with pytest.raises(DatasetError, match="cannot be used"):
        task_queue.run_here(count, {"refuse": True}, home)


def test_every_ending_is_in_the_store(store, count, capsys):
    token = Leases(store).register(FILES)
    endings = {
        "refuse": ("failed", "This cannot be used."),
        "bug": ("failed", "unexpected ZeroDivisionError: oh"),
        "full": ("failed", "/some/file: No space left on device."),
        "fine": ("finished", ""),
    }
    for key, (wanted, message) in endings.items():
        task_id = task_queue.submit(store, count, {key: True, "steps": 1})
        task_worker.do(store, task_queue.claim(store, token, torch=False))
        task = task_queue.get(store, task_id)
        assert (task.state, task.message) == (wanted, message)
    assert (task.done, task.result) == (1.0, {"pid": os.getpid(), "steps": 1})
    assert "ZeroDivisionError" in capsys.readouterr().err
    assert task.ended
    assert task.title == "Count"
    assert task_queue.claim(store, token, torch=False) is None
    assert [task.state for task in task_queue.list(store, ended=False)] == []
    assert len(task_queue.list(store, count, ended=True)) == 4


def test_kinds_with_torch_are_left_to_the_workers_of_devices(store, count):
    TASKS.register(TaskKind("heavy", "Heavy", "Needs a device.", lambda context: {}, needs_torch=True))
    try:
        token = Leases(store).register(FILES)
        heavy = task_queue.submit(store, "heavy", {})
        assert task_queue.claim(store, token, torch=False) is None
        task = task_queue.claim(store, token, torch=True)
        assert task.task_id == heavy
        task_worker.do(store, task)
        assert state(store, heavy) == "finished"
    finally:
        del TASKS._entries["heavy"]


def test_a_worker_that_was_replaced_writes_nothing(store, count):
    leases = Leases(store)
    token = leases.register(FILES)
    task_queue.submit(store, count, {})
    task = task_queue.claim(store, token, torch=False)
    assert not task_queue.beat(store, task, 0.5, "half")
    assert task_queue.get(store, task.task_id).done == 0.5
    leases.unregister(token)
    leases.register(FILES)
    for act in (lambda: task_queue.beat(store, task, 0.6, "more"), lambda: task_worker.do(store, task)):
        task_queue.reap(store)
        with pytest.raises(StaleLeaseError):
            act()
    assert state(store, task.task_id) == "interrupted"
    assert "Start it again" in task_queue.get(store, task.task_id).message


def test_a_stop_that_was_taken_back_queues_the_task_again(store, count):
    token = Leases(store).register(FILES)
    task_id = task_queue.submit(store, count, {})
    task = task_queue.claim(store, token, torch=False)
    task_queue.cancel(store, task_id)
    assert task_queue.beat(store, task, 0.1, "")
    assert task_queue.submit(store, count, {}) == task_id
    task_queue.finish(store, task, "cancelled")
    assert state(store, task_id) == "queued"


def test_a_worker_of_files_is_not_a_worker_of_a_device(store):
    leases = Leases(store)
    leases.register(FILES)
    assert leases.workers() == []
    assert [worker["device"] for worker in leases.workers(files=True)] == [FILES]


def test_a_worker_process_does_it_and_tells_how_far_it_is(store, process, count):
    process()
    task_id = task_queue.submit(store, count, {"steps": 60})
    seen = set()
    until(lambda: seen.add(task_queue.get(store, task_id).done) or state(store, task_id) == "finished")
    assert len(seen) >= 3  # 0, something between, 1
    assert task_queue.get(store, task_id).result["pid"] != os.getpid()
    # A second one leaves at once.
    assert process().wait(60) == 0


def test_a_stop_acts_in_three_seconds(store, process, count):
    process()
    task_id = task_queue.submit(store, count, {"steps": 10_000})
    until(lambda: task_queue.get(store, task_id).done > 0)
    task_queue.cancel(store, task_id)
    assert until(lambda: state(store, task_id) == "cancelled") < 3
    assert task_queue.get(store, task_id).message == "stopped by the user"


def test_a_killed_workers_task_is_interrupted_and_can_be_done_again(store, process, count):
    worker = process()
    task_id = task_queue.submit(store, count, {"steps": 10_000})
    until(lambda: state(store, task_id) == "running")
    worker.kill()
    worker.wait()
    launch.supervise(store)
    assert state(store, task_id) == "interrupted"
    again = task_queue.submit(store, count, {"steps": 10_000})
    assert again != task_id
    process()
    until(lambda: state(store, again) == "running")
    task_queue.cancel(store, again)
    until(lambda: state(store, again) == "cancelled")


def test_a_worker_that_does_not_hear_a_stop_is_ended(store, process, count, monkeypatch):
    worker = process()
    task_id = task_queue.submit(store, count, {"deaf": True})
    until(lambda: state(store, task_id) == "running")
    task_queue.cancel(store, task_id)
    launch.supervise(store)
    assert worker.poll() is None
    with store.db.write() as db:
        db.execute("UPDATE task SET cancel_requested = cancel_requested - 11")
    launch.supervise(store)
    assert worker.wait(10) == -9
    launch.supervise(store)
    assert state(store, task_id) == "cancelled"


def test_the_worker_of_files_is_started_where_a_task_waits_and_loads_no_torch(store, count, monkeypatch, tmp_path):
    script = tmp_path / "python"
    loaded = WORKER.replace("sys.exit(", "code = (").rstrip() + "\nprint('torch loaded:', 'torch' in sys.modules)"
    script.write_text(f"#!{sys.executable}\nimport sys\nsys.argv = ['', sys.argv[4]]\n{loaded}\n")
    script.chmod(0o755)
    monkeypatch.setattr(launch.sys, "executable", str(script))
    script.write_text(script.read_text().replace("'--files']", "'--files', '--idle-seconds', '0.3']"))
    task_id = service.start_task(store, count, {})
    started = launch._started[store.home, True].process
    try:
        assert (store.home, False) not in launch._started
        until(lambda: state(store, task_id) == "finished")
        assert started.wait(30) == 0
    finally:
        started.kill()
        del launch._started[store.home, True]
    assert launch.worker_log(store.home) == "torch loaded: False"


def test_a_worker_of_files_that_cannot_start_is_named(store, count, monkeypatch, tmp_path):
    script = tmp_path / "python"
    script.write_text(f"#!{sys.executable}\nimport sys; sys.exit('No room')\n")
    script.chmod(0o755)
    monkeypatch.setattr(launch.sys, "executable", str(script))
    task_id = task_queue.submit(store, count, {})
    for _ in range(3):
        launch.supervise(store)
        launch._started[store.home, True].process.wait()
    launch.supervise(store)
    task = task_queue.get(store, task_id)
    assert task.state == "interrupted"
    assert task.message.startswith("the worker process cannot be started: No room")


def test_a_store_of_the_first_version_gets_its_tasks(tmp_path: Path, count):
    from engine import schema

    (tmp_path / "old").mkdir()
    whole = schema.MIGRATIONS
    try:
        schema.MIGRATIONS = whole[:1]
        Store(tmp_path / "old").close()
    finally:
        schema.MIGRATIONS = whole
    store = Store(tmp_path / "old")
    assert task_queue.get(store, task_queue.submit(store, count, {})).state == "queued"
    store.close()


def test_a_task_of_a_kind_that_is_gone_is_listed_all_the_same(store):
    TASKS.register(TaskKind("gone", "Gone", "Was here.", lambda context: {}, needs_torch=False))
    task_queue.submit(store, "gone", {})
    del TASKS._entries["gone"]
    (task,) = task_queue.list(store)
    assert task.title == "gone"
    task = task_queue.claim(store, Leases(store).register(FILES), torch=False)
    task_worker.do(store, task)
    assert "no kind of task" in task_queue.get(store, task.task_id).message
