"""Soups and merged adapters of an experiment's own runs: which runs these are, and what a mix costs with them. Pure.

Of one seed: the mean of what several strategies learned from the same start on the same labels; heads begin at zero, so they
share their start as well. That is the soup of Wortsman et al. 2022 (one initialisation, several hyperparameters). Of the seeds
of one strategy: a soup takes all of them together, merged adapters two at a time, each seed in one mix only, so that mixes do
not depend on each other. Every seed has other labels of the pool (and the same test images), so such a mix has seen more labels
than a run that it is compared with, and its validation images may be among another seed's training images.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from engine.cells import Cell, members
from engine.checks import table
from engine.strategies import STRATEGIES, settled
from engine.strategies._runs import MOST, RUNS, over_seeds

if TYPE_CHECKING:
    import pandas as pd

    from engine.block import Block
    from engine.spec import RunSpec

MIXES = frozenset(one.name for one in STRATEGIES if RUNS in one.settings)
"""Strategies that are made of runs."""


def of_a_seed(block: Block, seed: int) -> Iterator[RunSpec]:
    """The mixes of several strategies' runs of one seed."""
    for cell in block.mixed:
        if not _over_seeds(cell):
            runs = block.runs(seed)
            yield _made_of([runs[one] for one in members(block.spec, cell[0], block.card)], block, cell, seed)


def of_seeds(block: Block) -> Iterator[RunSpec]:
    """The mixes of the seeds of one strategy, each under the first of its seeds."""
    for cell in block.mixed:
        if _over_seeds(cell):
            (member,) = members(block.spec, cell[0], block.card)
            seeds = block.spec.seeds
            each = MOST.get(cell[0]) or len(seeds)
            for begin in range(0, len(seeds) - each + 1, each):
                group = seeds[begin : begin + each]
                yield _made_of([block.runs(seed)[member] for seed in group], block, cell, group[0])


def _over_seeds(cell: Cell) -> bool:
    return over_seeds(settled(STRATEGIES[cell[0]], cell[3] or {}))


def _made_of(runs: list[RunSpec], block: Block, cell: Cell, seed: int) -> RunSpec:
    """The mix of these runs: what it is made of is part of its identity."""
    run = block.run(cell, seed, keep_weights=block.spec.keep_weights)
    settings = {**(cell[3] or {}), RUNS.name: ", ".join(one.run_id for one in runs)}
    return dataclasses.replace(run, settings=table("settings", settings))


def with_members(runs: pd.DataFrame) -> pd.DataFrame:
    """The frame `runs` where the cost of a mix holds that of the runs that it is made of; a mix alone takes next to nothing.

    Sums: seconds, flops, energy_joules and the `search_...` of these; largest: peak_memory_bytes, trainable_parameters. NA where
    one of the runs is not in the frame. Added: mixed_runs and mixed_seeds, how many runs and seeds it is made of (0 otherwise).
    """
    import pandas as pd

    found = runs.assign(mixed_runs=0, mixed_seeds=0)
    by_id = runs.drop_duplicates("run_id").set_index("run_id")
    for place, row in runs[runs["strategy"].isin(MIXES)].iterrows():
        ids = list(dict.fromkeys(re.findall(r"\b[0-9a-f]{16}\b", row["settings"])))
        there = by_id.reindex(ids)
        found.loc[place, ["mixed_runs", "mixed_seeds"]] = [len(ids), there["seed"].nunique()]
        for name in runs.columns.intersection(_SUMS):
            found.loc[place, name] = row[name] + there[name].sum(skipna=False)
        if "peak_memory_bytes" in runs:
            peaks = [row["peak_memory_bytes"], *there["peak_memory_bytes"]]
            found.loc[place, "peak_memory_bytes"] = pd.NA if pd.isna(peaks).any() else max(peaks)
        found.loc[place, "trainable_parameters"] = there["trainable_parameters"].max(skipna=False)
    return found


def unfair(runs: pd.DataFrame) -> list[str]:
    """A sentence for every strategy whose mixes have seen more labels than the runs that they are compared with.

    Args:
        runs: the frame `runs`.
    """
    mixed = with_members(runs)
    mixed = mixed[mixed["mixed_seeds"] > 1]
    return [
        more_labels(str(name), int(rows["mixed_seeds"].max())) for name, rows in mixed.groupby("strategy", sort=False)
    ]


def more_labels(strategy: str, seeds: int) -> str:
    """What it means for a comparison that a mix is of several seeds."""
    return (
        f"{STRATEGIES[strategy].label}: each is made of the runs of {seeds} seeds, and every seed has labels of its own. They"
        " have seen more labels than the runs that they are compared with."
    )


_SUMS = ["seconds", "flops", "energy_joules", "search_seconds", "search_flops", "search_energy_joules"]
