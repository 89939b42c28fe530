"""The store: one experiment per question, runs shared, nothing lost, damage found."""

from __future__ import annotations

import dataclasses
import shutil

import apsw
import pytest

from engine.errors import QueueFullError, SpecError, StoreError, UnknownNameError
from engine.events import Notice
from engine.leases import Leases
from engine.plan import plan
from engine.schema import MIGRATIONS
from engine.spec import ExperimentSpec
from engine.store import FILE, Store

N_UNITS = 10


@pytest.fixture
def submit(store, make_run, make_spec):
    """Submit an experiment whose runs are given by their seeds."""

    def act(*seeds: int, **options: object):
        again = options.pop("again", False)
        spec = make_spec(seeds=seeds, **options)
        return store.submit(spec, [(make_run(seed=seed), N_UNITS) for seed in seeds], again=again)

    return act


def end(store: Store, state: str, events: int = 2) -> str:
    """Let a worker claim the next run and end it."""
    leases = Leases(store)
    token = leases.register("cpu") or leases.workers()[0]["token"]
    lease = leases.claim(token, "cpu")
    leases.append(lease, 0, [Notice(f"event {n}") for n in range(events)])
    if state == "cancelled":
        store.cancel([lease.spec.run_id])
    leases.finish(lease, state, "", 1.5)
    return lease.spec.run_id


def states(store: Store) -> dict[str, str]:
    return {row["run_id"]: row["state"] for row in store.runs()}


def test_submitting_twice_is_one_experiment(store, submit):
    first, second = submit(0, 1), submit(0, 1, name="the same, named")
    assert first.experiment_id == second.experiment_id
    assert len(first.queued) == 2
    assert (second.queued, second.reused) == ((), first.queued)
    assert [row["name"] for row in store.experiments()] == ["the same, named"]
    assert len(store.runs()) == 2


def test_experiments_share_equal_runs(store, submit):
    first = submit(0, 1)
    second = submit(1, 2)
    assert len(second.queued) == 1
    assert second.reused == (first.queued[1],)
    assert len(store.runs(second.experiment_id)) == 2
    assert len(set(row["run_id"] for row in store.runs())) == 3


def test_runs_are_listed_as_planned_with_their_place_in_the_queue(store, submit):
    submit(5, 3)
    later = submit(9)
    rows = {row["spec"]: row["queue_position"] for row in store.runs()}
    assert sorted(rows.values()) == [1, 2, 3]
    assert [row["queue_position"] for row in store.runs(later.experiment_id)] == [3]
    end(store, "finished")
    assert [row["queue_position"] for row in store.runs(later.experiment_id)] == [2]
    assert [row["queue_position"] for row in store.runs() if row["state"] == "finished"] == [None]


def test_a_full_queue_records_nothing(store, submit):
    store.max_queued = 2
    submit(0, 1)
    with pytest.raises(QueueFullError, match="3 runs would wait, and at most 2 may"):
        submit(2)
    assert len(store.experiments()) == 1
    assert len(store.runs()) == 2
    assert submit(0, 1).queued == ()


def test_running_again_counts_toward_the_queue(store, submit):
    submit(0)
    done = end(store, "finished")
    store.max_queued = 0
    with pytest.raises(QueueFullError):
        store.run_again([done])
    with pytest.raises(QueueFullError):
        submit(0, again=True)
    assert states(store) == {done: "finished"}


@pytest.mark.parametrize(
    ("state", "queued_again", "attempt"),
    [
        ("finished", False, 1),
        ("diverged", False, 1),
        ("failed", True, 2),
        ("cancelled", True, 1),
        ("interrupted", True, 1),
    ],
)
def test_what_submitting_does_to_an_ended_run(store, submit, state, queued_again, attempt):
    submit(0)
    run_id = end(store, state)
    assert bool(submit(0).queued) == queued_again
    row = store.runs()[0]
    assert row["state"] == ("queued" if queued_again else state)
    assert row["attempt"] == attempt
    assert len(store.events(run_id, 1)) == 2


@pytest.mark.parametrize("state", ["finished", "diverged"])
def test_submitting_again_on_request_computes_anew(store, submit, state):
    submit(0)
    run_id = end(store, state)
    assert submit(0, again=True).queued == (run_id,)
    assert store.runs()[0]["attempt"] == 2
    assert store.runs()[0]["seconds"] == 0
    assert store.events(run_id) == []
    assert len(store.events(run_id, 1)) == 2


def test_running_again_does_nothing_to_what_waits_or_runs(store, submit):
    (first,) = submit(0).queued
    (second,) = submit(1).queued
    leases = Leases(store)
    leases.claim(leases.register("cpu"), "cpu")
    store.run_again([first, second])
    store.resume([first, second])
    assert states(store) == {first: "running", second: "queued"}
    assert {row["attempt"] for row in store.runs()} == {1}


def test_stopping_and_resuming_what_waits(store, submit):
    (run_id,) = submit(0).queued
    store.cancel([run_id])
    row = store.runs()[0]
    assert (row["state"], row["message"], row["queue_position"]) == ("cancelled", "stopped by the user", None)
    store.resume([run_id])
    row = store.runs()[0]
    assert (row["state"], row["message"], row["finished"], row["attempt"]) == ("queued", "", None, 1)


def test_stopping_what_has_ended_changes_nothing(store, submit):
    submit(0)
    run_id = end(store, "finished")
    store.cancel([run_id])
    store.resume([run_id])
    assert states(store) == {run_id: "finished"}


def test_submitting_takes_back_a_stop_that_has_not_acted_yet(store, submit):
    (run_id,) = submit(0).queued
    leases = Leases(store)
    token = leases.register("cpu")
    lease = leases.claim(token, "cpu")
    store.cancel([run_id])
    assert leases.beat(token, lease)
    submit(0)
    assert not leases.beat(token, lease)
    # The worker had seen the stop already: the run must wait again, not stay stopped.
    leases.finish(lease, "cancelled", "stopped", 1.0)
    assert states(store) == {run_id: "queued"}


def test_the_trash_stops_what_only_it_waits_for(store, submit):
    first, second = submit(0, 1), submit(1, 2)
    store.trash(first.experiment_id)
    assert [row["experiment_id"] for row in store.experiments()] == [second.experiment_id]
    assert [row["experiment_id"] for row in store.experiments(trashed=True)] == [first.experiment_id]
    assert {row["state"] for row in store.runs()} == {"queued"}
    assert [row["state"] for row in store.runs(first.experiment_id)] == ["cancelled", "queued"]
    store.restore(first.experiment_id)
    assert len(store.experiments()) == 2
    assert [row["state"] for row in store.runs(first.experiment_id)] == ["cancelled", "queued"]


def test_submitting_brings_an_experiment_back_from_the_trash(store, submit):
    first = submit(0)
    store.trash(first.experiment_id)
    assert submit(0).queued == first.queued
    assert len(store.experiments()) == 1


def test_names_are_one_short_line(store, submit):
    submission = submit(0)
    store.rename(submission.experiment_id, "<b>Größe</b> \N{SNOWMAN}")
    assert store.experiments()[0]["name"] == "<b>Größe</b> \N{SNOWMAN}"
    for name in ("two\nlines", "x" * 201, "\ud800", None):
        with pytest.raises(SpecError):
            store.rename(submission.experiment_id, name)


def test_experiments_and_runs_are_found_by_id_beginning_or_name(store, submit):
    submission = submit(0, 1, name="pilot")
    full = submission.experiment_id
    assert store.experiment(full) == store.experiment(full[:6]) == store.experiment("pilot") == full
    assert set(store.find_runs("pilot")) == set(submission.queued)
    assert store.find_runs(submission.queued[0][:10]) == [submission.queued[0]]
    other = submit(5, name="pilot").experiment_id
    with pytest.raises(UnknownNameError) as refused:
        store.experiment("pilot")
    listed = ", ".join(sorted((full, other)))
    assert str(refused.value) == f"2 experiments fit 'pilot': {listed}. Give the id of one of them."
    with pytest.raises(UnknownNameError, match="Did you mean 'pilot'"):
        store.experiment("pilto")


def test_nothing_is_meant_by_nothing(store, submit):
    submit(0, 1)  # an experiment without a name
    for given in ("", "%", "_"):
        with pytest.raises(UnknownNameError):
            store.find_runs(given)


def test_events_are_read_from_where_one_stopped(store, submit):
    submit(0, 1)
    first = end(store, "finished", 3)
    seen = store.last_seq()
    assert [event.ordinal for event in store.tail()] == [0, 1, 2]
    second = end(store, "finished", 1)
    assert [(event.run_id, event.ordinal) for event in store.tail(seen)] == [(second, 0)]
    assert store.tail(store.last_seq()) == []
    assert store.events(first)[2].parsed() == Notice("event 2")


def test_the_version_changes_with_every_write_and_only_then(store, submit):
    before = store.version()
    store.runs(), store.tail(), store.experiments()
    assert store.version() == before
    submit(0)
    assert store.version() > before


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE event SET body = replace(body, '1', '2') WHERE ordinal = 1",
        "UPDATE event SET kind = 'tested' WHERE ordinal = 1",
        "DELETE FROM event WHERE ordinal = 1",
        "DELETE FROM event WHERE ordinal = 0",
        "UPDATE event SET checksum = x'00' WHERE ordinal = 1",
    ],
)
def test_an_altered_or_missing_event_is_found(store, submit, damage):
    submit(0)
    run_id = end(store, "finished", 4)
    assert len(store.events(run_id)) == 4
    with store.db.write() as db:
        db.execute(damage)
    with pytest.raises(StoreError, match=f"damaged: event . of run {run_id}"):
        store.events(run_id)


def test_another_connection_sees_the_same(home, store, submit):
    submission = submit(0)
    other = Store(home)
    assert [row["run_id"] for row in other.runs()] == list(submission.queued)
    other.cancel(submission.queued)
    assert store.runs()[0]["state"] == "cancelled"
    other.close()


def test_a_copied_store_is_whole(home, store, submit, tmp_path):
    submit(0)
    store.close()
    shutil.copytree(home, tmp_path / "copy")
    copy = Store(tmp_path / "copy")
    assert len(copy.runs()) == 1
    copy.close()


def test_a_store_of_a_newer_version_is_refused_and_left_as_it_is(home, store):
    store.close()
    newer = apsw.Connection(str(home / FILE))
    newer.pragma("user_version", len(MIGRATIONS) + 1)
    newer.close()
    with pytest.raises(StoreError, match="newer version of transferscope; update it"):
        Store(home)
    check = apsw.Connection(str(home / FILE))
    assert check.pragma("user_version") == len(MIGRATIONS) + 1
    check.close()


def test_a_failed_write_leaves_no_trace_and_says_what_failed(store, submit):
    submit(0)

    def half_a_write() -> None:
        with store.db.write() as db:
            db.execute("UPDATE run SET state = 'finished'")
            db.execute("UPDATE no_such_table SET x = 1")

    with pytest.raises(StoreError, match=r"transferscope\.sqlite cannot be written: .*no such table"):
        half_a_write()
    assert store.runs()[0]["state"] == "queued"
    with pytest.raises(StoreError, match="cannot be read"):
        store.db.read("SELECT * FROM no_such_table")


def test_a_full_disk_is_a_plain_error_and_the_store_stays_good(store, submit, make_spec, make_run):
    submit(0)
    store.db.read(f"PRAGMA max_page_count = {store.db.read('PRAGMA page_count')[0][0]}")
    spec = make_spec(seeds=tuple(range(400)), name="too much")
    with pytest.raises(StoreError, match="full"):
        store.submit(spec, [(make_run(seed=seed), N_UNITS) for seed in spec.seeds])
    assert len(store.experiments()) == 1
    store.db.read("PRAGMA max_page_count = 1000000")
    assert len(store.submit(spec, [(make_run(seed=7), N_UNITS)]).queued) == 1
    assert store.db.read("PRAGMA integrity_check") == [("ok",)]


def test_the_stored_spec_is_the_spec(store, submit, make_spec):
    submit(0, name="pilot")
    spec = store.experiments()[0]["spec"]
    assert spec == dataclasses.replace(make_spec(), name="pilot")


def test_submitting_again_keeps_the_name_that_the_user_gave(store):
    spec = ExperimentSpec(name="Preset")
    planned = [(one.run, one.card.n_units) for one in plan(spec)]
    experiment_id = store.submit(spec, planned).experiment_id
    store.rename(experiment_id, "Mine")
    store.submit(spec, planned)
    assert store.experiments()[0]["name"] == "Mine"
