"""What dashboard, command line and Python share: open a home, queue an experiment, wait for it."""

from __future__ import annotations

import dataclasses
import functools
import os
import time
from collections.abc import Iterator
from typing import Any

from engine import added_controls, backbones, cost, task_queue
from engine import home as homes
from engine.errors import QueueFullError, SpecError
from engine.launch import ensure_worker, supervise
from engine.leases import Leases
from engine.plan import PlannedRun, plan
from engine.spec import ExperimentSpec, RunSpec
from engine.store import ENDED, Store, Submission

__all__ = ["ENDED", "absolute", "located", "open_store", "price", "queue", "queue_planned", "start_task", "wait"]


def open_store(home: str | os.PathLike[str] | None = None) -> Store:
    """The store of a home directory. Raises HomeError or StoreError."""
    return Store(homes.resolve(home))


def queue(store: Store, spec: ExperimentSpec, *, again: bool = False) -> Submission:
    """Plan an experiment, record it, and see that a worker runs. Raises TransferscopeError before anything is recorded."""
    spec = located(spec)
    return queue_planned(store, spec, plan(spec, home=store.home), again=again)


def queue_planned(
    store: Store, spec: ExperimentSpec, planned: tuple[PlannedRun, ...], *, again: bool = False
) -> Submission:
    """As `queue`, of an experiment that is planned already; `spec` is from `located`."""
    try:
        submission = store.submit(spec, [(one.run, one.card.n_units) for one in planned], again=again)
    except QueueFullError as error:
        spared = sum(one.added for one in planned if one.run.run_id in error.queued)
        if spared < error.over:
            raise
        raise QueueFullError(
            f"{error} {added_controls.spared(spared)}", over=error.over, queued=error.queued
        ) from error
    if submission.queued:
        ensure_worker(store)
    return submission


def start_task(store: Store, kind: str, payload: dict[str, Any]) -> int:
    """Queue a background task and see that a worker runs; returns its id. Raises as `task_queue.submit`."""
    task_id = task_queue.submit(store, kind, payload)
    supervise(store)
    return task_id


def located(spec: ExperimentSpec) -> ExperimentSpec:
    """The spec with absolute paths, since the worker may have been started in another folder, and one name per backbone.

    Raises:
        UnknownNameError: a backbone that no family knows.
    """
    return dataclasses.replace(
        spec,
        datasets=tuple(map(absolute, spec.datasets)),
        weights=absolute(spec.weights),
        source_data=spec.source_data and absolute(spec.source_data),
        settings=spec.settings
        and {
            name: {key: absolute(one) if isinstance(one, str) else one for key, one in given.items()}
            for name, given in spec.settings.items()
        },
        backbones=tuple(dict.fromkeys(map(backbones.canonical, spec.backbones))),
    )


def with_source_data(spec: ExperimentSpec, source: str) -> ExperimentSpec:
    """The spec with images of the source task for whatever asks for some: EWC, and the measure `forgetting`.

    Args:
        spec: of an experiment.
        source: a dataset that is on this machine: its name, or folder:PATH.

    Raises:
        SpecError: nothing in the experiment asks for such images.
    """
    if "ewc" not in spec.strategies and "forgetting" not in spec.measures:
        raise SpecError(
            f"--source-data is {source!r}, and nothing asks for it: add the strategy 'ewc' or the measure 'forgetting', or leave"
            " it out."
        )
    settings = {name: dict(given) for name, given in (spec.settings or {}).items()}
    if "ewc" in spec.strategies:
        settings["ewc"] = settings.get("ewc", {}) | {"source": source}
    data = source if "forgetting" in spec.measures else spec.source_data
    return dataclasses.replace(spec, settings=settings or None, source_data=data)


def absolute(name: str) -> str:
    """A name with an absolute path, where it holds one: `folder:` and `file:`."""
    kind, colon, path = name.partition(":")
    return (
        f"{kind}:{os.path.abspath(os.path.expanduser(path))}" if colon and kind in ("folder", "file") and path else name
    )


def wait(store: Store, experiment_id: str, every: float = 0.5) -> Iterator[list[dict[str, Any]]]:
    """Yield the experiment's runs every so often until all have ended, looking after the worker meanwhile."""
    while True:
        supervise(store)
        runs = store.runs(experiment_id)
        yield runs
        if all(run["state"] in ENDED for run in runs):
            return
        time.sleep(every)


def price(store: Store, planned: tuple[PlannedRun, ...]) -> cost.Cost:
    """The cost of a plan on this machine: its measured speed, corrected by what finished runs took."""
    known = Leases(store).last_known()
    speed = known["speed"] if known else 0.0
    return cost.estimate(planned, speed, cost.learned_correction(_history(store, planned, speed)) if speed else 1.0)


@functools.lru_cache(maxsize=4096)
def _parsed(spec_json: str) -> RunSpec:
    """A run's spec, read once: every page with a price looks at all runs of the home."""
    return RunSpec.from_json(spec_json)


def _history(store: Store, planned: tuple[PlannedRun, ...], speed: float) -> list[tuple[float, float]]:
    """(actual, estimated) seconds of finished runs with the same backbones and datasets as a plan."""
    known = {(one.run.backbone, one.run.dataset): one for one in planned}
    pairs = []
    for row in store.runs():
        if row["state"] != "finished" or not row["seconds"]:
            continue
        run = _parsed(row["spec"])
        like = known.get((run.backbone, run.dataset))
        if like is not None:
            one = PlannedRun(run, like.card, like.info)
            beside = cost.RUN_OVERHEAD_SECONDS + cost.interval_seconds([one])
            pairs.append((max(row["seconds"] - beside, 0.01), cost.run_flops(one) / speed))
    return pairs[:200]
