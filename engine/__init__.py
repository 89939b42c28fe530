"""Transferscope's engine: compare transfer-learning strategies on images, without a screen.

>>> import engine
>>> spec = engine.ExperimentSpec(strategies=("linear_probe", "full_fine_tuning"), seeds=(0,), label_budgets=(100,))
>>> experiment_id = engine.run(spec, home="results")          # doctest: +SKIP
>>> engine.frame("transfer_curve", home="results")            # doctest: +SKIP

Importing it loads no torch; networks are built in worker processes only.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from engine.errors import TransferscopeError
from engine.spec import ExperimentSpec, RunSpec, TrainSpec

if TYPE_CHECKING:
    import pandas as pd

__version__ = "0.1.0"
__all__ = ["ExperimentSpec", "RunSpec", "TrainSpec", "TransferscopeError", "frame", "run", "submit"]


def submit(spec: ExperimentSpec, home: str | os.PathLike[str] | None = None, *, again: bool = False) -> str:
    """Queue an experiment and see that a worker runs; returns its id at once.

    Args:
        spec: the experiment.
        home: where results are kept; default: `TRANSFERSCOPE_HOME` or the platform's data folder.
        again: compute runs anew that were computed before.

    Raises:
        TransferscopeError: the spec cannot be run; the text says what was given and what is allowed.
    """
    from engine.service import open_store, queue

    return queue(open_store(home), spec, again=again).experiment_id


def run(spec: ExperimentSpec, home: str | os.PathLike[str] | None = None, *, again: bool = False) -> str:
    """Run an experiment in worker processes and wait until all its runs have ended; returns its id.

    Runs that fail do not raise: their state and message are in the frame `runs`. Raises as `submit`.
    """
    from engine.service import open_store, queue, wait

    store = open_store(home)
    experiment_id = queue(store, spec, again=again).experiment_id
    for _ in wait(store, experiment_id):
        continue
    return experiment_id


def frame(name: str, home: str | os.PathLike[str] | None = None, experiment: str | None = None) -> pd.DataFrame:
    """A tidy frame, one of `engine.frames.NAMES`; columns are described in `engine.frame_columns`.

    Args:
        name: which frame.
        home: where results are kept.
        experiment: id, beginning of an id, or name; None for all experiments.

    Raises:
        UnknownNameError: no such frame or experiment.
    """
    from engine.frames import Frames
    from engine.service import open_store

    store = open_store(home)
    return Frames(store).frame(name, store.experiment(experiment) if experiment else None)
