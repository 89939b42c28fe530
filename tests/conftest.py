"""Shared by the tests of screen and browser: a home whose store is written by hand, without torch and without a worker."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from engine.events import DepthMeasured, Diverged, EpochEnded, Event, FreezeChecked, Started, Tested
from engine.leases import Lease, Leases
from engine.plan import plan
from engine.spec import ExperimentSpec, RunSpec
from engine.store import Store, Submission

# Before anything loads OpenMP: on the tiny networks of the tests a second thread only waits, and where the machine is shared
# it waits for the neighbours (test_search_run.py: 376 s with two threads beside other work, 13 s with one). Workers set theirs.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# On shared cores an example may wait for any length of time; how long it takes says nothing about whether it is right.
settings.register_profile("shared cores", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("shared cores")

UNITS = tuple(f"unit{place}" for place in range(1, 11))
SMALL = ExperimentSpec(
    name="By hand",
    strategies=("linear_probe", "full_fine_tuning", "partial_fine_tuning", "from_scratch"),
    frozen_depths=(4,),
    seeds=(0, 1),
    label_budgets=(100,),
)
"""Eight runs: four cells with two seeds."""


class ByHand:
    """Plays the worker: what it writes is what a worker writes, and its numbers are made up (one for each cell and seed)."""

    def __init__(self, home: Path) -> None:
        home.mkdir(parents=True, exist_ok=True)
        self.store = Store(home)
        self.leases = Leases(self.store)
        self.token = self.leases.register("by hand")
        assert self.token is not None

    def submit(self, spec: ExperimentSpec = SMALL) -> Submission:
        """Queue an experiment; nobody starts a worker for it."""
        return self.store.submit(spec, [(one.run, one.card.n_units) for one in plan(spec, home=self.store.home)])

    def claim(self) -> Lease:
        """Begin the next queued run."""
        lease = self.leases.claim(self.token, "cpu")
        assert lease is not None
        return lease

    def write(self, lease: Lease, *events: Event) -> None:
        """Append events after those the run has."""
        have = len(self.store.events(lease.spec.run_id, lease.attempt))
        self.leases.append(lease, have, events)

    def finish(self, lease: Lease, seconds: float = 2.0) -> None:
        """Write all that a finished run has."""
        self.write(lease, *events_of(lease.spec))
        self.leases.finish(lease, "finished", "", seconds)

    def fail(self, lease: Lease, reason: str = "out of memory") -> None:
        """End a run in an error."""
        self.leases.finish(lease, "failed", reason, 0.5)

    def diverge(self, lease: Lease) -> None:
        """Two epochs, then a loss that is no number."""
        self.write(
            lease, *events_of(lease.spec)[:3], Diverged(2, 7, "the loss is no longer a number at epoch 2, step 7")
        )
        self.leases.finish(lease, "diverged", "the loss is no longer a number at epoch 2, step 7", 0.7)

    def finish_all(self) -> None:
        """Finish every queued run."""
        while self.store.db.read("SELECT 1 FROM run WHERE state = 'queued'"):
            self.finish(self.claim())


def events_of(run: RunSpec, epochs: int = 3) -> list[Event]:
    """The events of a finished run: an accuracy that depends on depth and seed, probes that rise with the unit."""
    accuracy = 0.3 if run.strategy == "from_scratch" else 0.6 + 0.02 * run.frozen_depth - 0.004 * run.frozen_depth**2
    accuracy += 0.02 * (run.seed % 5)
    about = {"n_images": 500, "n_features": 16}
    return [
        Started("cpu", "float32", list(UNITS), 100_000, 1_000 * (11 - run.frozen_depth), 80, 20, 500, list("0123456789"),
                "fingerprint", run.weights, {}, "mean"),
        *(EpochEnded(epoch, 1 / epoch, accuracy * epoch / epochs, 1 / epoch, accuracy * epoch / epochs - 0.02, 0.01)
          for epoch in range(1, epochs + 1)),
        *(DepthMeasured(unit, name, metric, accuracy * (0.5 + unit / 20), **about)
          for unit, name in enumerate(UNITS, start=1) for metric in ("probe_accuracy", "knn_accuracy")),
        FreezeChecked(run.frozen_depth, "a", "a", []),
        Tested(accuracy, 500, accuracy - 0.02, epochs, "validation-best", "0" * 64),
    ]  # fmt: skip


@pytest.fixture
def by_hand(tmp_path: Path) -> Iterator[ByHand]:
    """A worker played by hand on a home of its own."""
    hand = ByHand(tmp_path / "home")
    yield hand
    hand.store.close()


@pytest.fixture
def small() -> ExperimentSpec:
    """Eight runs: four cells with two seeds."""
    return SMALL


@pytest.fixture(scope="session")
def play_worker() -> Callable[[Path], ByHand]:
    """Play the worker of a home: `play_worker(home)`."""
    return ByHand


@pytest.fixture(scope="session")
def finished_events() -> Callable[[RunSpec], list[Event]]:
    """The events of a finished run."""
    return events_of
