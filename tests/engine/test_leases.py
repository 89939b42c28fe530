"""Leases: one worker per device, one lease per run, stale writers refused, dead ones noticed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading

import psutil
import pytest

from engine import leases as module
from engine.errors import StaleLeaseError, StoreError
from engine.events import Notice
from engine.leases import MAX_RESUMES, Leases, process_alive
from engine.store import Store

EVENTS = [Notice(str(n)) for n in range(5)]


@pytest.fixture
def queued(store, make_run, make_spec):
    """Queue n runs; returns their ids."""

    def act(n: int) -> tuple[str, ...]:
        spec = make_spec(seeds=tuple(range(n)))
        return store.submit(spec, [(make_run(seed=seed), 10) for seed in range(n)]).queued

    return act


@pytest.fixture
def leases(store):
    return Leases(store)


def dies(store: Store) -> None:
    """The worker's process has ended without a word."""
    ended = subprocess.Popen([sys.executable, "-c", ""])
    started = psutil.Process(ended.pid).create_time()
    ended.wait()
    with store.db.write() as db:
        db.execute("UPDATE worker SET pid = ?, process_started = ?", (ended.pid, started))


def row(store: Store, run_id: str) -> dict:
    return next(row for row in store.runs() if row["run_id"] == run_id)


def test_one_worker_per_device(leases):
    token = leases.register("cpu")
    assert leases.register("cpu") is None
    assert leases.register("cuda:0") > token
    assert [worker["device"] for worker in leases.workers()] == ["cpu", "cuda:0"]
    leases.unregister(token)
    assert leases.register("cpu") > token


def test_a_worker_that_does_not_beat_loses_its_device(store, leases):
    token = leases.register("cpu")
    with store.db.write() as db:
        db.execute("UPDATE worker SET beat = beat - 16")
    assert leases.workers() == []
    assert leases.register("cpu") is not None
    with pytest.raises(StaleLeaseError, match="taken for dead"):
        leases.beat(token)


def test_a_recycled_pid_is_another_process():
    me = psutil.Process()
    assert process_alive(me.pid, me.create_time())
    assert not process_alive(me.pid, me.create_time() - 60)
    assert not process_alive(2**30, 0)


def test_another_boot_is_another_machine(store, leases):
    leases.register("cpu")
    with store.db.write() as db:
        db.execute("UPDATE worker SET boot_id = 'before'")
    assert leases.workers() == []


def test_runs_are_claimed_in_order_and_never_twice(leases, queued):
    ids, token = queued(3), leases.register("cpu")
    claimed = [leases.claim(token, "cpu").spec.run_id for _ in range(3)]
    assert tuple(claimed) == ids
    assert leases.claim(token, "cpu") is None


def test_an_idle_worker_writes_nothing(store, leases):
    token = leases.register("cpu")
    before = store.version()
    for _ in range(5):
        assert leases.claim(token, "cpu") is None
        assert leases.reap() == []
    assert store.version() == before


def test_looking_after_a_healthy_run_writes_nothing(store, leases, queued):
    queued(1)
    leases.claim(leases.register("cpu"), "cpu")
    before = store.version()
    assert leases.reap() == []
    assert store.version() == before


def test_events_are_appended_once_however_often_they_are_sent(store, leases, queued):
    (run_id,) = queued(1)
    lease = leases.claim(leases.register("cpu"), "cpu")
    leases.append(lease, 0, EVENTS[:3])
    leases.append(lease, 0, EVENTS[:4])
    leases.append(lease, 2, EVENTS[2:])
    assert [event.parsed() for event in store.events(run_id)] == EVENTS


def test_a_gap_is_refused(store, leases, queued):
    (run_id,) = queued(1)
    lease = leases.claim(leases.register("cpu"), "cpu")
    leases.append(lease, 0, EVENTS[:1])
    with pytest.raises(StoreError, match=r"Events 1 to 2 .* are missing"):
        leases.append(lease, 3, EVENTS[3:])
    assert len(store.events(run_id)) == 1


def test_a_stale_token_cannot_write_anything(store, leases, queued):
    (run_id,) = queued(1)
    old = leases.register("cpu")
    lease = leases.claim(old, "cpu")
    with store.db.write() as db:
        db.execute("UPDATE worker SET beat = beat - 16")
    assert leases.reap() == [run_id]
    new = leases.register("cpu")
    for act in (
        lambda: leases.append(lease, 0, EVENTS),
        lambda: leases.finish(lease, "finished", "", 1.0),
        lambda: leases.beat(old, lease),
        lambda: leases.claim(old, "cpu"),
    ):
        with pytest.raises(StaleLeaseError):
            act()
    assert row(store, run_id)["state"] == "queued"
    again = leases.claim(new, "cpu")
    with pytest.raises(StaleLeaseError):
        leases.append(lease, 0, EVENTS)
    leases.append(again, 0, EVENTS[:1])
    assert len(store.events(run_id)) == 1
    # Leaving must not throw the successor out.
    leases.unregister(old)
    leases.forgive(lease)
    assert [worker["token"] for worker in leases.workers()] == [new]


def test_an_attempt_that_was_started_anew_takes_no_old_events(store, leases, queued):
    (run_id,) = queued(1)
    token = leases.register("cpu")
    lease = leases.claim(token, "cpu")
    leases.finish(lease, "failed", "", 1.0)
    store.run_again([run_id])
    leases.claim(token, "cpu")
    with pytest.raises(StaleLeaseError):
        leases.append(lease, 0, EVENTS)


def test_a_beat_carries_progress_and_brings_the_stop_back(store, leases, queued):
    (run_id,) = queued(1)
    token = leases.register("cpu")
    lease = leases.claim(token, "cpu")
    assert not leases.beat(token, lease, {"done": 0.5, "phase": "training"})
    assert row(store, run_id)["progress"] == {"done": 0.5, "phase": "training"}
    store.cancel([run_id])
    assert row(store, run_id)["state"] == "running"
    assert leases.beat(token, lease)
    leases.finish(lease, "cancelled", "stopped", 2.0)
    assert (row(store, run_id)["state"], row(store, run_id)["seconds"]) == ("cancelled", 2.0)


def test_seconds_add_up_over_resumes(store, leases, queued):
    (run_id,) = queued(1)
    token = leases.register("cpu")
    for _ in range(2):
        lease = leases.claim(token, "cpu")
        store.cancel([run_id])
        leases.finish(lease, "cancelled", "", 2.0)
        store.resume([run_id])
    assert row(store, run_id)["seconds"] == 4.0


def test_a_run_whose_worker_died_is_resumed_three_times_and_then_waits(store, leases, queued):
    (run_id,) = queued(1)
    for time in range(MAX_RESUMES + 1):
        leases.claim(leases.register("cpu"), "cpu")
        assert leases.reap() == []
        dies(store)
        assert leases.reap() == [run_id]
        if time < MAX_RESUMES:
            assert row(store, run_id)["state"] == "queued"
            assert f"({time + 1} of 3)" in row(store, run_id)["message"]
    assert row(store, run_id)["state"] == "interrupted"
    assert "crash loop" in row(store, run_id)["message"]
    assert row(store, run_id)["finished"] is not None
    store.resume([run_id])
    assert (row(store, run_id)["state"], row(store, run_id)["resumes"]) == ("queued", 0)


def test_a_new_checkpoint_ends_the_crash_loop(store, leases, queued):
    (run_id,) = queued(1)
    for _ in range(2 * MAX_RESUMES):
        leases.forgive(leases.claim(leases.register("cpu"), "cpu"))
        dies(store)
        leases.reap()
    assert row(store, run_id)["state"] == "queued"


def test_a_stopped_run_whose_worker_died_is_not_resumed(store, leases, queued):
    (run_id,) = queued(1)
    leases.claim(leases.register("cpu"), "cpu")
    store.cancel([run_id])
    dies(store)
    assert leases.reap() == [run_id]
    assert row(store, run_id)["state"] == "cancelled"


def test_a_worker_that_left_by_itself_leaves_no_run_running(store, leases, queued):
    (run_id,) = queued(1)
    token = leases.register("cpu")
    leases.claim(token, "cpu")
    leases.unregister(token)
    assert leases.reap() == [run_id]
    assert row(store, run_id)["state"] == "queued"


def test_a_resumed_run_goes_before_those_that_came_later(store, leases, queued):
    first, second = queued(2)
    leases.claim(leases.register("cpu"), "cpu")
    dies(store)
    leases.reap()
    assert [row(store, run_id)["queue_position"] for run_id in (first, second)] == [1, 2]


def test_a_run_that_this_version_cannot_read_fails_and_the_worker_goes_on(store, leases, queued):
    first, second = queued(2)
    with store.db.write() as db:
        db.execute("UPDATE run SET spec = ? WHERE run_id = ?", (json.dumps({"backbone": "b", "ncew": 1}), first))
    token = leases.register("cpu")
    assert leases.claim(token, "cpu") is None
    assert leases.claim(token, "cpu").spec.run_id == second
    assert store.db.read("SELECT state, message FROM run WHERE run_id = ?", (first,))[0][0] == "failed"


def test_what_waits_says_why_no_worker_can_be_started(store, leases, queued):
    first, second = queued(2)
    leases.claim(leases.register("cpu"), "cpu")
    leases.give_up("no torch here")
    assert [row(store, run_id)["state"] for run_id in (first, second)] == ["running", "interrupted"]
    assert row(store, second)["message"] == "no torch here"


def test_what_is_known_of_a_device_outlives_its_worker(leases):
    assert leases.last_known() is None
    token = leases.register("cpu")
    leases.introduce(token, "CPU, 2 cores", 5e9)
    leases.unregister(token)
    assert leases.workers() == []
    assert leases.last_known() == {"description": "CPU, 2 cores", "speed": 5e9}


CLAIMER = """
import sys
from pathlib import Path
from engine.leases import Leases
from engine.store import Store
leases = Leases(Store(Path(sys.argv[1])))
token = leases.register(sys.argv[2])
print(flush=True)
sys.stdin.readline()
while (lease := leases.claim(token, sys.argv[2])) is not None:
    print(lease.spec.run_id)
"""


def test_processes_never_get_the_same_run(home, queued):
    ids = queued(60)
    workers = [
        subprocess.Popen(
            [sys.executable, "-c", CLAIMER, str(home), f"device {n}"], stdin=-1, stdout=-1, text=True, env=os.environ
        )
        for n in range(3)
    ]
    for worker in workers:
        worker.stdout.readline()
    for worker in workers:
        worker.stdin.write("\n")
        worker.stdin.flush()
    claimed = [line for worker in workers for line in worker.communicate()[0].split()]
    assert sorted(claimed) == sorted(ids)


def test_threads_share_one_connection(store, leases, queued):
    ids, token = queued(30), leases.register("cpu")
    claimed: list[str] = []
    problems: list[Exception] = []

    def work() -> None:
        try:
            while (lease := leases.claim(token, "cpu")) is not None:
                claimed.append(lease.spec.run_id)
                leases.append(lease, 0, EVENTS)
                leases.beat(token, lease, {"done": 0.5})
                store.runs()
                leases.finish(lease, "finished", "", 0.1)
        except Exception as error:
            problems.append(error)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert problems == []
    assert sorted(claimed) == sorted(ids)
    assert all(len(store.events(run_id)) == len(EVENTS) for run_id in ids)


OPENER = """
import sys
from pathlib import Path
from engine.store import Store
sys.stdin.readline()
Store(Path(sys.argv[1])).version()
"""


def test_a_new_home_can_be_opened_by_many_at_once(tmp_path):
    openers = [
        subprocess.Popen([sys.executable, "-c", OPENER, str(tmp_path)], stdin=-1, stderr=-1, text=True)
        for _ in range(6)
    ]
    for opener in openers:
        opener.stdin.write("\n")
        opener.stdin.flush()
    assert [opener.communicate()[1] for opener in openers] == [""] * 6


def test_a_machine_without_proc_still_has_a_boot_id(monkeypatch):
    assert module.boot_id() == module.boot_id()
    monkeypatch.setattr(module.Path, "exists", lambda self: False)
    assert module.boot_id().startswith("boot-")
