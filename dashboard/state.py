"""What the pages share: the store, its frames and drawn charts. The only place with Streamlit caches."""

from __future__ import annotations

import dataclasses
import hashlib
import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import streamlit as st

from engine import backbones, cost, datasets, service
from engine.backbones import Card
from engine.datasets import DatasetInfo
from engine.errors import DatasetError, SpecError, TransferscopeError
from engine.frames import Frames
from engine.launch import ensure_worker, supervise
from engine.leases import Leases
from engine.plan import PlannedRun, cells, plan
from engine.spec import ExperimentSpec
from engine.store import Store, Submission

if TYPE_CHECKING:
    import pandas as pd

    from dashboard.figures import Drawn

SUPERVISE_SECONDS = 2.0
TICK_SECONDS = 0.8
"""How often a live fragment looks for news; with 0.2 s of batching in the worker a metric is on screen within 1.5 s."""


@dataclass(frozen=True)
class Chart:
    """One figure for light and dark backgrounds, with both specifications as JSON, built once per change of data."""

    light: Drawn
    dark: Drawn
    light_json: str
    dark_json: str


class Reader:
    """The store with its frames behind one lock: script threads share it."""

    def __init__(self, home: str | None) -> None:
        self.store: Store = service.open_store(home)
        self.frames = Frames(self.store)
        self.lock = threading.Lock()

    def frame(self, name: str, experiment_id: str | None) -> pd.DataFrame:
        """A frame as of now."""
        with self.lock:
            return self.frames.frame(name, experiment_id)

    def look_after(self) -> None:
        """Supervise for as long as the server lives; a worker is kept warm so that a first run starts at once."""
        ensure_worker(self.store)
        while True:
            supervise(self.store)
            time.sleep(SUPERVISE_SECONDS)


@st.cache_resource(show_spinner=False)
def _reader(home: str | None) -> Reader:
    reader = Reader(home)
    threading.Thread(target=reader.look_after, daemon=True, name="supervisor").start()
    return reader


def reader() -> Reader:
    """The reader of this server's home directory."""
    return _reader(os.environ.get("TRANSFERSCOPE_HOME"))


def store() -> Store:
    """The store of this server's home directory."""
    return reader().store


def version() -> int:
    """Changes with everything that is written."""
    return store().version()


@st.cache_data(max_entries=256, show_spinner=False)
def _frame(home: str, name: str, experiment_id: str | None, key: str) -> pd.DataFrame:
    return reader().frame(name, experiment_id)


def frame(name: str, experiment_id: str | None = None) -> pd.DataFrame:
    """A frame of one experiment (or all), read again only when it may have changed. Do not modify it."""
    return _frame(str(store().home), name, experiment_id, _key(name, experiment_id))


def _key(name: str, experiment_id: str | None) -> str:
    if name == "runs":
        return str(version())
    # Heartbeats change the store twice a second; curves change only with events, attempts and membership.
    runs = [(run["run_id"], run["attempt"], run["experiment"]) for run in store().runs(experiment_id)]
    return hashlib.blake2b(repr((store().last_seq(), runs)).encode(), digest_size=8).hexdigest()


@st.cache_data(max_entries=64, show_spinner=False)
def _chart(home: str, key: str, _make: Callable[[bool], Drawn]) -> Chart:
    light, dark = _make(False), _make(True)
    return Chart(light, dark, light.spec(), dark.spec())


def chart(name: str, make: Callable[..., Drawn], *frames: pd.DataFrame, **options: Any) -> Chart:
    """Draw a figure for both backgrounds, once per content of its frames and options, whoever looks.

    Args:
        name: which place of which page this is; part of the key.
        make: a function of `dashboard.figures`, called as make(*frames, dark=..., **options).
        frames: what it draws.
        options: further arguments; a DataFrame may be among them.
    """
    import pandas as pd

    digest = hashlib.blake2b(f"{name}/{make.__name__}".encode(), digest_size=12)
    for part in (*frames, *(item for pair in sorted(options.items()) for item in pair)):
        if isinstance(part, pd.DataFrame):
            digest.update(pd.util.hash_pandas_object(part.astype(object).astype(str), index=False).to_numpy().tobytes())
            digest.update(repr(list(part.columns)).encode())
        else:
            digest.update(repr(part).encode())
    return _chart(str(store().home), digest.hexdigest(), lambda dark: make(*frames, dark=dark, **options))


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
    return plan(spec, home=store().home)


def price(runs: tuple[PlannedRun, ...]) -> cost.Cost:
    """What runs will cost on this machine."""
    return service.price(store(), runs)


def launch(spec: ExperimentSpec, *, again: bool = False) -> Submission:
    """Queue an experiment; pressing twice is the same experiment. Raises TransferscopeError."""
    return service.queue(store(), spec, again=again)


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


@st.cache_resource(max_entries=64, ttl=LOOK_AGAIN_SECONDS, show_spinner=False)
def _info(home: Path, name: str) -> DatasetInfo:
    try:
        return datasets.describe(name, home)
    except (OSError, RuntimeError, ValueError) as error:  # no permission, no such user, a name no system takes
        raise DatasetError(f"{name.removeprefix('folder:')} cannot be read: {str(error).rstrip('.')}. Check the path.") from error


def info(name: str, home: Path | None = None) -> DatasetInfo:
    """What is known of a dataset without decoding it. Raises TransferscopeError."""
    return _info(home or store().home, name)


@st.cache_resource(max_entries=32, ttl=LOOK_AGAIN_SECONDS, show_spinner=False)
def _laid_out(home: Path, spec_json: str) -> tuple[PlannedRun, ...]:
    return plan(ExperimentSpec.from_json(spec_json), home=home, card=card, describe=info)


def laid_out(spec: ExperimentSpec) -> tuple[PlannedRun, ...]:
    """The runs of an experiment, as `planned`, remembered for a while: asked anew with every change of a choice.

    Raises:
        TransferscopeError: it cannot be run, or has too many runs to lay out.
    """
    each = len(spec.seeds) * len(spec.datasets) * max(1, len(spec.label_budgets))
    runs = each * sum(len(cells(spec, card(name).n_units)) for name in spec.backbones)
    if runs > MAX_LAID_OUT:
        raise SpecError(f"These choices give {runs:,} runs. Choose fewer depths, seeds or label budgets.")
    return _laid_out(store().home, dataclasses.replace(spec, name="").to_json())


def run_states() -> dict[str, str]:
    """State of every run in the store by its id, those in the trash too: they are reused as well."""
    found = store().runs()
    for one in experiments(trashed=True):
        found += store().runs(one["experiment_id"])
    return {run["run_id"]: run["state"] for run in found}
