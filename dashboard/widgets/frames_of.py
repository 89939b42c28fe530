"""Frames of an experiment as the figures want them."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from engine import mistakes
from engine.datasets.halves import PREFIX
from engine.layer_transfer import CURVES

# Columns that change with every heartbeat: a figure that got them would be drawn anew each time for nothing.
_RESTLESS = ["progress", "phase", "eta_seconds", "queue_position", "images_per_second", "seconds", "message"]


def calm(runs: pd.DataFrame) -> pd.DataFrame:
    """The runs without what changes while they run."""
    return runs.drop(columns=_RESTLESS)


def ended(runs: pd.DataFrame) -> pd.DataFrame:
    """The runs that have their result, with every column: these no longer change."""
    return runs[runs["state"] == "finished"].drop(columns=["queue_position"])


def comparable(frame: pd.DataFrame) -> pd.DataFrame:
    """The rows of runs that can be compared by strategy and frozen depth: not those of a layer-transfer study, nor mistakes.

    In a study a cell is told by how many units were copied from which base, too; by frozen depth alone, different cells would
    be taken for seeds of one. A mistake that is shown on purpose is compared with what it gets wrong alone.
    """
    frame = mistakes.without(frame)
    study = frame["strategy"].isin(list(CURVES)) | frame["dataset"].str.startswith(PREFIX)
    return frame[~study] if study.any() else frame


def is_study(runs: pd.DataFrame) -> bool:
    """Whether runs are of a layer-transfer study: by frozen depth, units of many bases would be one muddle."""
    return not CURVES.keys().isdisjoint(runs["strategy"])


def networks_of(runs: pd.DataFrame) -> list[tuple[str, int]]:
    """The planned networks, (strategy, frozen depth) each once, by depth: known before anything is measured."""
    found = runs[["strategy", "frozen_depth"]].drop_duplicates().itertuples(index=False, name=None)
    return sorted(((str(strategy), int(depth)) for strategy, depth in found), key=lambda network: network[::-1])


@dataclass(frozen=True)
class OfNetworks:
    """Gives the rows of some networks, (strategy, frozen depth) each; equal ones give `state.derived` the same frame."""

    networks: tuple[tuple[str, int], ...]

    def __call__(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Return the rows of these networks."""
        pairs = pd.MultiIndex.from_arrays([frame["strategy"].astype(object), frame["frozen_depth"].astype(int)])
        return frame[pairs.isin(list(self.networks))] if self.networks else frame.iloc[:0]
