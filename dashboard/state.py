"""What the pages share: the store, its frames and drawn charts. The only place with Streamlit caches."""

from __future__ import annotations

import dataclasses
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import streamlit as st

from dashboard import drawn, feed, thumbnails
from dashboard.drawn import Chart
from dashboard.reader import Reader
from engine import added_controls, backbones, cost, datasets, doctor, layer_transfer, service, task_queue
from engine.backbones import Card, Entry
from engine.cells import cells
from engine.datasets import DatasetInfo, Source
from engine.errors import DatasetError, SpecError, TransferscopeError
from engine.launch import ensure_worker
from engine.leases import Leases
from engine.plan import PlannedRun, plan
from engine.spec import ExperimentSpec
from engine.store import Store, Submission

if TYPE_CHECKING:
    import pandas as pd

    from dashboard.figures import Drawn

TICK_SECONDS = 0.8
"""How often a live fragment looks for news; with 0.2 s of batching in the worker a metric is on screen within 1.5 s."""
FED_TICK_SECONDS = 5.0
"""The same where charts and progress ask for their news by themselves (every second), and say when the page must follow."""
NO_WORKER = "TRANSFERSCOPE_NO_WORKER"
"""Environment variable: "1" starts and looks after no worker. For tests, and for a server that only shows what is there."""


@st.cache_resource(show_spinner=False)
def _reader(home: str | None) -> Reader:
    reader = Reader(home)
    if starts_workers():
        threading.Thread(target=reader.look_after, daemon=True, name="supervisor").start()
    return reader


def starts_workers() -> bool:
    """Whether this server starts workers and looks after them (see `NO_WORKER`)."""
    return os.environ.get(NO_WORKER) != "1"


def reader() -> Reader:
    """The reader of this server's home directory."""
    return _reader(os.environ.get("TRANSFERSCOPE_HOME"))


def store() -> Store:
    """The store of this server's home directory."""
    return reader().store


def frame(name: str, experiment_id: str | None = None) -> pd.DataFrame:
    """A frame of one experiment (or all), made anew only when it has changed. Do not modify it: everybody shares it."""
    return reader().frame(name, experiment_id)


def stopping(experiment_id: str) -> int:
    """How many runs of an experiment were asked to stop and have not stopped yet."""
    return sum(row["state"] == "running" and row["cancel_requested"] > 0 for row in reader().rows(experiment_id))


derived = drawn.derived
"""What follows from a frame, computed once for as long as that very frame is in use."""


def chart(name: str, make: Callable[..., Drawn], *frames: pd.DataFrame, **options: Any) -> Chart:
    """Draw a figure of this home for both backgrounds, once per content; see `dashboard.drawn.chart`."""
    return drawn.chart(f"{store().home}/{name}", make, *frames, **options)


def fed(place: str, build: Callable[[], Chart]) -> Chart:
    """A chart that the browser keeps up to date by itself, between two ticks of the page around it.

    Args:
        place: names the chart and its choices (experiment, measure, ...) among all charts of this server.
        build: draws it as of now from the frames of this module.
    """
    return dataclasses.replace(build(), feed=feed.offer(f"{store().home}/{place}", build))


def experiments(*, trashed: bool = False) -> list[dict[str, Any]]:
    """Experiments, newest first."""
    return store().experiments(trashed=trashed)


def device() -> str:
    """The device that runs are computed on, in words."""
    alive = [worker for worker in Leases(store()).workers() if worker["description"]]
    known = alive[0] if alive else Leases(store()).last_known()
    if known is None:
        from engine.device import cpu

        return f"{cpu().description}; a worker is starting" if Leases(store()).workers() else cpu().description
    return known["description"]


def planned(spec: ExperimentSpec) -> tuple[PlannedRun, ...]:
    """The runs of an experiment. Raises TransferscopeError where it cannot be run."""
    return plan(service.located(spec), home=store().home)


def price(runs: tuple[PlannedRun, ...]) -> cost.Cost:
    """What runs will cost on this machine."""
    return service.price(store(), runs)


def launch(spec: ExperimentSpec, *, again: bool = False) -> Submission:
    """Queue an experiment; pressing twice is the same experiment. Raises TransferscopeError.

    What it was expected to take is kept for `expected`, what was queued for `launched`.
    """
    spec = service.located(spec)
    runs = laid_out(spec)
    submission = store().submit(spec, [(one.run, one.card.n_units) for one in runs], again=again)
    if submission.queued and starts_workers():
        ensure_worker(store())
    queued = tuple(one for one in runs if one.run.run_id in submission.queued)
    if queued:
        ahead = price(queued)
        reader().estimates[submission.experiment_id] = (ahead.seconds, submission.queued) if ahead.measured else None
    st.session_state["launched"] = submission
    return submission


def launched() -> Submission | None:
    """What this reader of the page launched last."""
    return st.session_state.get("launched")


def expected(experiment_id: str) -> tuple[float, tuple[str, ...]] | None:
    """Seconds that the runs queued at the last launch were expected to take, and their ids; None where not known.

    Kept by the server for as long as it lives: an estimate made afterwards would know what happened.
    """
    return reader().estimates.get(experiment_id)


LOOK_AGAIN_SECONDS = 20.0
"""How long what is known of a folder or of a plan is taken for true."""
MAX_LAID_OUT = 10_000
"""Runs of one experiment that are laid out at once; the queue takes fewer."""


@st.cache_resource(max_entries=64, ttl=120.0, show_spinner=False)
def _card(home: Path, name: str) -> Card | TransferscopeError:
    try:
        return backbones.card(name, home)
    except TransferscopeError as error:
        return error  # kept too: finding out again would take a process of its own for several seconds


def card(name: str, home: Path | None = None) -> Card:
    """The card of a backbone; the first time may take several seconds. Raises TransferscopeError."""
    found = _card(home or store().home, name)
    if isinstance(found, TransferscopeError):
        raise found.with_traceback(None)
    return found


def catalogue() -> tuple[Entry, ...]:
    """Every backbone there is; the first time takes some seconds. Raises TransferscopeError."""
    return backbones.catalogue(store().home)


@st.cache_resource(max_entries=64, ttl=LOOK_AGAIN_SECONDS, show_spinner=False)
def _info(home: Path, name: str) -> DatasetInfo:
    try:
        return datasets.describe(name, home)
    except (OSError, RuntimeError, ValueError) as error:  # no permission, no such user, a name no system takes
        raise DatasetError(
            f"{name.removeprefix('folder:')} cannot be read: {str(error).rstrip('.')}. Check the path."
        ) from error


def info(name: str, home: Path | None = None) -> DatasetInfo:
    """What is known of a dataset without decoding it. Raises TransferscopeError."""
    return _info(home or store().home, name)


@st.cache_resource(max_entries=64, ttl=LOOK_AGAIN_SECONDS, show_spinner=False)
def _signature(home: Path, name: str) -> str:
    try:
        return datasets.signature(name, home)
    except (TransferscopeError, OSError):  # gone, or not usable: then no report is of what is there
        return "cannot be read"


def doctor_report(name: str) -> tuple[doctor.Report | None, bool]:
    """The data doctor's newest report on a dataset, and whether its files are still the same."""
    name = service.absolute(name)
    report = doctor.kept(name, store().home)
    return report, report is not None and report.signature in ("", _signature(store().home, name))


@st.cache_resource(max_entries=32, ttl=LOOK_AGAIN_SECONDS, show_spinner=False)
def _laid_out(home: Path, spec_json: str) -> tuple[PlannedRun, ...]:
    return plan(ExperimentSpec.from_json(spec_json), home=home, card=card, describe=info)


def laid_out(spec: ExperimentSpec) -> tuple[PlannedRun, ...]:
    """The runs of an experiment, as `planned`, remembered for a while: asked anew with every change of a choice.

    Raises:
        TransferscopeError: it cannot be run, or has too many runs to lay out.
    """
    each = len(spec.seeds) * max(1, len(spec.label_budgets))
    blocks = [(card(backbone), info(data)) for data in spec.datasets for backbone in spec.backbones]
    runs = each * sum(_n_runs(spec, *block) for block in blocks)
    if runs > MAX_LAID_OUT:
        raise SpecError(f"These choices give {runs:,} runs. Choose fewer depths, seeds or label budgets.")
    return _laid_out(store().home, dataclasses.replace(spec, name="").to_json())


def _n_runs(spec: ExperimentSpec, card: Card, info: DatasetInfo) -> int:
    """Of one seed and label budget on a backbone and a dataset, whatever a task refuses."""
    asked = cells(spec, card)
    added = added_controls.cells(spec, card, info, asked)
    return len(asked) + len(added) + layer_transfer.n_runs(spec, card.n_units)


def run_states() -> dict[str, str]:
    """State of every run in the store by its id, those in the trash too: they are reused as well."""
    found = store().runs()
    for one in experiments(trashed=True):
        found += store().runs(one["experiment_id"])
    return {run["run_id"]: run["state"] for run in found}


def dataset_names() -> dict[str, str]:
    """Datasets that can be picked, with their labels: those of every source, and those imported into this home."""
    return datasets.names(store().home)


@st.cache_resource(max_entries=4, ttl=60.0, show_spinner=False)
def _source(home: Path, name: str, signature: str, label: int) -> Source:
    return thumbnails.open_source(name, label, home)


@st.cache_resource(max_entries=64, ttl=600.0, show_spinner=False)
def _sheet(home: Path, name: str, signature: str, label: int, start: int, most: int) -> thumbnails.Sheet:
    return thumbnails.sheet(_source(home, name, signature, label), label, start, most)


def sheet(name: str, label: int, start: int, most: int) -> thumbnails.Sheet:
    """Some pictures of one class of a dataset, kept for ten minutes. Raises TransferscopeError."""
    signature = datasets.signature(name, store().home)
    return _sheet(store().home, name, signature, label, start, most)


def forget_datasets() -> None:
    """A dataset was imported, renamed or thrown away: look again."""
    _info.clear()
    _laid_out.clear()


def start_task(kind: str, payload: dict[str, Any]) -> int:
    """Queue a background task and return its id; the same one twice is one. Raises TransferscopeError."""
    if starts_workers():
        return service.start_task(store(), kind, payload)
    return task_queue.submit(store(), kind, payload)
