"""The networks of an experiment: one per backbone, dataset, label budget, strategy and frozen depth; seeds are repetitions."""

from __future__ import annotations

import pandas as pd

from dashboard.figures._style import cell_label, plain
from engine import budgets

CELL = ["backbone", "dataset", "budget", "strategy", "frozen_depth"]
Cell = tuple[str, str, str, str, int]


def cells(runs: pd.DataFrame) -> list[Cell]:
    """The planned networks, by depth; the control last."""
    found = runs[CELL].drop_duplicates().itertuples(index=False, name=None)
    return sorted(found, key=lambda cell: (cell[:3], cell[3] == "from_scratch", cell[4], cell[3]))


def words(every: list[Cell], cell: Cell) -> str:
    """A network in words: "Frozen depth 4", and in what else the networks differ."""
    named = (plain(cell[0]), plain(cell[1]), budgets.words(cell[2]))
    differing = [text for place, text in enumerate(named) if len({one[place] for one in every}) > 1]
    return ", ".join([cell_label(cell[3], cell[4]), *differing])


def of_cell(frame: pd.DataFrame, cell: Cell) -> pd.DataFrame:
    """The rows of one network."""
    for column, value in zip(CELL, cell, strict=True):
        frame = frame[frame[column] == value]
    return frame
