"""One row for each strategy, one group of columns for each backbone: accuracy with its interval, ties, cost. Pure.

The words are those of the Compare page: test accuracy in percent, mean over the seeds, Student's t interval over seeds (Wilson
over images for one seed), what is told apart from the best of its backbone (paired t, Holm), time and trained parameters.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

import pandas as pd

from engine import comparisons, mistakes, stats
from engine.errors import SpecError
from engine.mixes import with_members
from engine.strategies import STRATEGIES

CELL = ["backbone", "strategy", "frozen_depth"]
COLUMNS = [
    "backbone", "strategy", "frozen_depth", "seeds", "mean_percent", "low_percent", "high_percent", "interval", "below_best",
    "seconds", "trained_parameters", "mixed_runs", "mixed_seeds",
]  # fmt: skip
SERIES = ("dataset", "budget", "weights")


def strategy_table(runs: pd.DataFrame) -> pd.DataFrame:
    """Return one row per backbone, strategy and frozen depth, by backbone in the order of the runs, highest mean first.

    Args:
        runs: the frame `runs` of one experiment; what is not finished is left out, a run counts once.

    Returns:
        The columns `COLUMNS`: seeds (finished), mean_percent, low_percent and high_percent of the test accuracy (the interval
        cut at 0 and 100; NaN where there is none), interval (its kind), below_best (whether it is told apart from the highest
        mean of its backbone among those with `stats.CLAIM_PAIRS` seeds; NA where it has fewer, or none has so many, and for
        mistakes that are shown on purpose, which nothing is compared with but what they get wrong), seconds
        (mean over seeds), trained_parameters, and of soups and merged adapters how many runs and seeds each is of (mixed_runs,
        mixed_seeds; 0 for others): their seconds and parameters hold those of these runs.

    Raises:
        SpecError: the runs are of several datasets, label budgets or (beyond from scratch) starting weights, or none finished.
    """
    done = runs[(runs["state"] == "finished") & runs["test_accuracy"].notna()].drop_duplicates("run_id")
    if done.empty:
        raise SpecError("No run of this experiment has finished yet, so there is no table. Look again later.")
    transferred = done[done["strategy"] != "from_scratch"]
    for column in SERIES:
        found = transferred[column].unique()
        if len(found) > 1:
            raise SpecError(
                f"A table compares strategies on one {column}, and this experiment has {len(found)}: "
                f"{', '.join(map(str, found))}. Export the frame `runs` instead."
            )
    cells = stats.summarise(done, CELL, value="test_accuracy", images="test_n")
    cost = (
        with_members(done)
        .groupby(CELL, sort=False)
        .agg(
            seconds=("seconds", "mean"),
            trained_parameters=("trainable_parameters", "max"),
            mixed_runs=("mixed_runs", "max"),
            mixed_seeds=("mixed_seeds", "max"),
        )
    )
    table = cells.merge(cost.reset_index(), on=CELL).assign(
        seeds=cells["n"],
        mean_percent=cells["mean"] * 100,
        low_percent=(cells["low"] * 100).clip(0, 100),
        high_percent=(cells["high"] * 100).clip(0, 100),
        below_best=_below_best(mistakes.without(done), cells),
    )
    order = {name: place for place, name in enumerate(done["backbone"].unique())}
    table = table.assign(_place=table["backbone"].map(order))
    table = table.sort_values(["_place", "mean_percent"], ascending=[True, False], kind="stable", ignore_index=True)
    return table[COLUMNS]


def _below_best(done: pd.DataFrame, cells: pd.DataFrame) -> pd.Series:
    """Whether every cell is told apart from the best of its backbone, corrected for all that are compared with it."""
    told: dict[Hashable, bool] = {}
    for _, of_one in done.groupby("backbone", sort=False):
        values = {cell: rows.set_index("seed")["test_accuracy"] for cell, rows in of_one.groupby(CELL, sort=False)}
        told |= comparisons.below_best(values)
    return pd.Series(
        [told.get(cell, pd.NA) for cell in cells[CELL].itertuples(index=False, name=None)], cells.index, "boolean"
    )


def label(strategy: str, frozen_depth: int, several: bool = False) -> str:
    """What people call a row: "LoRA", "Frozen depth 4"; with the depth where a strategy has `several` in one network."""
    if strategy == "partial_fine_tuning":
        return f"Frozen depth {frozen_depth}"
    name = STRATEGIES[strategy].label if strategy in STRATEGIES else strategy
    return f"{name}, frozen depth {frozen_depth}" if several else name


def markdown(table: pd.DataFrame) -> str:
    """The table for a README: a row per strategy, highest mean on the first backbone on top; what was not run is empty.

    Bold is what is not told apart from the best of its backbone.
    """
    names = list(dict.fromkeys(table["backbone"]))
    by_cell = {(one.backbone, one.strategy, one.frozen_depth): one for one in table.itertuples()}
    rows = list(dict.fromkeys((one.strategy, one.frozen_depth) for one in table.itertuples()))
    depths = table.groupby(["backbone", "strategy"])["frozen_depth"].nunique().groupby("strategy").max()
    # The probe and its like freeze everything, which is another depth in every network: one row.
    merged: dict[str, list[tuple[str, int]]] = {}
    for row in rows:
        merged.setdefault(label(*row, several=depths[row[0]] > 1), []).append(row)
    head = ["strategy"]
    for name in names:
        head += [f"{name}: test accuracy (%)", "time (s)", "trained"]
    lines = [f"| {' | '.join(head)} |", f"|{'---|' * len(head)}"]
    for said, found in merged.items():
        line = [said]
        for name in names:
            one = next((by_cell[name, *row] for row in found if (name, *row) in by_cell), None)
            line += _cell(one, table["seeds"].max())
        lines.append(f"| {' | '.join(line)} |")
    return "\n".join([*lines, "", _note(table)])


def _cell(one: Any, most: int) -> list[str]:
    """Accuracy, time and trained parameters; the number of seeds where others have more (`most`)."""
    if one is None:
        return ["", "", ""]
    few = f"n = {one.seeds}" if one.seeds < most else ""
    interval = "" if pd.isna(one.low_percent) else f"{one.low_percent:.1f} to {one.high_percent:.1f}"
    some = f" ({said})" if (said := ", ".join(filter(None, (interval, few)))) else ""
    time = "" if pd.isna(one.seconds) else f"{one.seconds:.1f}"
    trained = "" if pd.isna(one.trained_parameters) else f"{one.trained_parameters:,}"
    mean = f"{one.mean_percent:.1f}"
    bold = not pd.isna(one.below_best) and not one.below_best
    return [f"{f'**{mean}**' if bold else mean}{some}", time, trained]


def _note(table: pd.DataFrame) -> str:
    low, high = table["seeds"].min(), table["seeds"].max()
    parts = [f"Mean test accuracy over {low if low == high else f'{low} to {high}'} seed{'s' if high > 1 else ''}"]
    kinds = [kind for kind in dict.fromkeys(table["interval"]) if kind != stats.NO_INTERVAL]
    if kinds:
        parts.append(f"95 % interval: {', '.join(kinds)}")
    if table["below_best"].notna().any():
        parts.append("bold: not told apart from the best of its backbone (paired t, Holm)")
    else:
        parts.append(f"exploring: no claim below {stats.CLAIM_PAIRS} seeds")
    parts.append("time: of one run on the machine that ran it; trained: parameters that train, head included")
    return "; ".join(parts) + "." + "".join(f" {said}" for said in [*_mixes(table), *_mistaken(table)])


def _mixes(table: pd.DataFrame) -> list[str]:
    """What soups and merged adapters are made of, and what that means for a comparison."""
    said = []
    for strategy, rows in table[table["mixed_runs"] > 0].groupby("strategy", sort=False):
        runs, seeds = int(rows["mixed_runs"].max()), int(rows["mixed_seeds"].max())
        of = "of one seed, on the same labels" if seeds == 1 else f"of {seeds} seeds, which have seen other labels each"
        said.append(
            f"{label(str(strategy), 0)}: each of {runs} runs {of}; time and parameters are those of these runs too."
        )
    return said


def _mistaken(table: pd.DataFrame) -> list[str]:
    shown = [name for name in table["strategy"].unique() if name in mistakes.names()]
    return [
        f"{label(name, 0)} is a mistake, shown to be compared with its proper twin, and no contestant."
        for name in shown
    ]
