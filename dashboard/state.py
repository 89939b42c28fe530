"""What the pages share: the store, its frames and drawn charts. The only place with Streamlit caches."""

from __future__ import annotations

import hashlib
import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import streamlit as st

from engine import cost, service
from engine.frames import Frames
from engine.launch import ensure_worker, supervise
from engine.leases import Leases
from engine.plan import PlannedRun, plan
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
    return Chart(light, dark, light.figure.to_json(validate=False), dark.figure.to_json(validate=False))


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
