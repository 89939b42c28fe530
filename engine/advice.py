"""A frozen depth suggested by a cheap score alone, before training, and how often such advice has been right here.

The suggestion is the depth after whose unit the frozen backbone's features score best. It was right where the depth that was then
measured (the nearest of those that were run) is in the tie group of the best one; that counts only where something could
have been wrong, that is where enough paired seeds tell some depth from the best.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from engine.scores import SCORES
from engine.stats import tie_groups

if TYPE_CHECKING:
    import pandas as pd

METRIC = "logme"
SWEEP = ("partial_fine_tuning", "full_fine_tuning", "linear_probe")
_CELL = ["dataset", "budget", "backbone"]


@dataclass(frozen=True)
class Advice:
    """A suggestion for one backbone on one dataset."""

    metric: str
    depth: int | None
    """Leading units to freeze; None where the score has no value at any depth."""
    score: float
    reason: str
    right: int
    """Past suggestions by this score that were in the tie group of the best depth."""
    decided: int
    """Past sweeps in which some depth was worse than the best beyond its seeds."""
    mean_regret: float
    """Over all past sweeps: accuracy of the best depth minus that of the suggested one; NaN without one."""
    sweeps: int

    def sentence(self) -> str:
        """The advice with its record, never without."""
        if self.depth is None:
            return f"No depth can be suggested: {self.reason}."
        unknown = "no sweep here tells depths apart (more seeds may)" if self.sweeps else "no sweep was run here yet"
        record = (
            f"in {self.right} of {self.decided} sweeps here that tell depths apart, such advice was among the best"
            if self.decided
            else f"{unknown}, so nobody knows how good such advice is"
        )
        over = f"the {self.sweeps} sweeps here" if self.sweeps != 1 else "the one sweep here"
        points = f"its mean accuracy was {self.mean_regret * 100:.1f} points below the best depth's in {over}"
        cost = f"; {points}" if self.sweeps else ""
        units = "unit" if self.depth == 1 else "units"
        return f"Freeze the first {self.depth} {units}: {self.metric} is highest after them ({self.score:.3g}); {record}{cost}."


def suggest(scores: pd.DataFrame, history: pd.DataFrame, metric: str = METRIC) -> Advice:
    """Suggest a frozen depth.

    Args:
        scores: columns unit, metric, value (and reason), of one frozen backbone on one dataset: the cells of `engine.layers`, or
            the `transfer_curve` of its linear probe.
        history: `transfer_curve` of all finished experiments of this home; may be empty.
        metric: the score that decides.
    """
    record = sweeps(history, metric)
    decided = [right for right, _ in record if right is not None]
    regret = sum(cost for _, cost in record) / len(record) if record else math.nan
    known = (sum(decided), len(decided), regret, len(record))
    rows = scores[(scores["metric"] == metric) & scores["value"].notna()]
    if rows.empty:
        reasons = scores.loc[scores["metric"] == metric, "reason"] if "reason" in scores else []
        reason = next(iter(reasons), f"{metric} was not measured") or f"{metric} has no value"
        return Advice(metric, None, math.nan, reason, *known)
    means = rows.groupby("unit")["value"].mean()
    depth = int(_best(means, metric))
    return Advice(metric, depth, float(means[depth]), "", *known)


def sweeps(history: pd.DataFrame, metric: str = METRIC) -> list[tuple[bool | None, float]]:
    """Past sweeps over depths: whether the advice was right (None where nothing could be wrong), and its regret in accuracy."""
    found: list[tuple[bool | None, float]] = []
    if history.empty:
        return found
    for _, part in history.groupby(_CELL, sort=True):
        frozen = part[(part["strategy"] == "linear_probe") & (part["metric"] == metric) & part["value"].notna()]
        tested = part[(part["metric"] == "test_accuracy") & part["strategy"].isin(SWEEP) & (part["frozen_depth"] > 0)]
        tested = tested.drop_duplicates(["frozen_depth", "seed"])
        cells = {int(depth): runs.set_index("seed")["value"] for depth, runs in tested.groupby("frozen_depth")}
        if len(cells) < 3 or frozen.empty:
            continue
        wanted = int(_best(frozen.groupby("unit")["value"].mean(), metric))
        nearest = min(cells, key=lambda depth: (abs(depth - wanted), depth))
        means = {depth: float(values.mean()) for depth, values in cells.items()}
        best = max(means, key=means.__getitem__)
        tied = {depth for group in tie_groups(cells) if best in group for depth in group}
        right = nearest in tied if len(tied) < len(cells) else None
        found.append((right, means[best] - means[nearest]))
    return found


def _best(means: pd.Series, metric: str) -> float:
    lower = any(score.metric == metric and score.direction == "lower" for score in SCORES)
    return means.idxmin() if lower else means.idxmax()
