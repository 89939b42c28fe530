"""Many cells against one control: paired differences, corrected together, and how many more seeds would settle them."""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from engine import bootstrap, stats
from engine.stats import CLAIM_PAIRS, LEVEL, Interval, PairedDifference

MOST_SEEDS = 200
"""More than this are not proposed: the answer is then that seeds will not settle it."""


SIZES = (1, 2, 5, 10)
"""Differences in points that people ask about."""
FEW_SEEDS = 20


@dataclass(frozen=True)
class Comparison:
    """One cell minus the control over the seeds that both have; differences in the unit of the values.

    `holm_p` and `holm_flip_p` are the t-test's and the sign-flip test's p-values, each corrected for all comparisons that
    are shown together; NaN where there are not two pairs.
    """

    cell: Hashable
    difference: PairedDifference
    """Its interval is for this comparison alone."""
    together: Interval
    """Student t, corrected (Bonferroni) so that all intervals shown hold together at the level."""
    bca: Interval
    holm_p: float
    holm_flip_p: float
    pairs: pd.Series
    """The differences by seed."""

    @property
    def claim(self) -> bool:
        """Whether a difference may be claimed: pairs enough, and the corrected t-test below 1 - level."""
        return self.difference.n >= CLAIM_PAIRS and self.holm_p < 1 - self.difference.interval.level


def below_best(cells: Mapping[Hashable, pd.Series]) -> dict[Hashable, bool]:
    """Whether a cell is told apart from the one with the highest mean, corrected for all that are compared with it.

    Args:
        cells: for each cell its values, the seed as index.

    Returns:
        Of the cells with `CLAIM_PAIRS` seeds or more, the best of these among them; empty where there is none.
    """
    enough = {cell: values for cell, values in cells.items() if len(values) >= CLAIM_PAIRS}
    if not enough:
        return {}
    best = max(enough, key=lambda cell: enough[cell].mean())
    others = {cell: (values, enough[best]) for cell, values in enough.items() if cell != best}
    return {best: False} | {one.cell: one.claim for one in against(others)}


def against(
    cells: Mapping[Hashable, tuple[pd.Series, pd.Series]], *, level: float = LEVEL, shown: int | None = None
) -> list[Comparison]:
    """Compare every cell with its control.

    Args:
        cells: for each cell its values and those of its control, the seed as index; differences are of shared seeds.
        level: of the intervals.
        shown: how many comparisons are looked at together; None = as many as are given.

    Returns:
        In the order given; cells that share no seed with their control have NaN means.
    """
    many = max(1, len(cells) if shown is None else shown)
    alone = {cell: stats.paired(*both, level=level) for cell, both in cells.items()}
    told = [cell for cell, found in alone.items() if found.n >= 2]
    corrected = dict(zip(told, stats.holm([alone[cell].p_value for cell in told]), strict=True))
    flipped = dict(zip(told, stats.holm([alone[cell].sign_flip_p for cell in told]), strict=True))
    result = []
    for cell, (values, control) in cells.items():
        pairs = (values - control).dropna().sort_index()
        together = stats.paired(values, control, level=level, comparisons=many).interval
        result.append(
            Comparison(
                cell,
                alone[cell],
                together,
                bootstrap.bca(pairs.to_numpy(), level),
                float(corrected.get(cell, math.nan)),
                float(flipped.get(cell, math.nan)),
                pairs,
            )
        )
    return result


def seeds_to_resolve(sd: float, n: int, width: float, level: float = LEVEL) -> int | None:
    """Return how many more pairs would make the t interval no wider than +- width, were the spread to stay as it is.

    Args:
        sd: standard deviation of the paired differences (n - 1), in the unit of `width`.
        n: pairs there are.
        width: half the width wanted, above 0.
        level: of the interval.

    Returns:
        0 where it is that narrow already (with pairs enough for a claim); None where the spread is not known (one pair) or
        more than `MOST_SEEDS` would be needed.
    """
    from scipy.special import stdtrit

    if n < 2 or not math.isfinite(sd):
        return None
    for pairs in range(max(n, CLAIM_PAIRS), n + MOST_SEEDS + 1):
        if float(stdtrit(pairs - 1, 0.5 + level / 2)) * sd / math.sqrt(pairs) <= width:
            return pairs - n
    return None


def seeds_sentence(found: Sequence[Comparison]) -> str:
    """Say how many more seeds would resolve 1 point in every comparison shown, and where that takes many, what fewer would do.

    "" where no comparison has two pairs.
    """
    spreads = [(one.difference.sd, one.difference.n) for one in found if one.difference.n >= 2]
    if not spreads:
        return ""
    needed = {points: [seeds_to_resolve(sd, n, points / 100) for sd, n in spreads] for points in SIZES}
    within = {
        points: max(few)
        for points, many in needed.items()
        if len(few := [one for one in many if one is not None]) == len(many)
    }
    affordable = next((points for points in SIZES if within.get(points, FEW_SEEDS + 1) <= FEW_SEEDS), None)
    if affordable is None:
        return f"The seeds differ too much to resolve {SIZES[-1]} points with {FEW_SEEDS} more."
    first = "" if affordable == SIZES[0] else f"{SIZES[0]} point would take more than {FEW_SEEDS} more seeds; "
    size, most = f"{affordable} point{'s' if affordable > 1 else ''}", within[affordable]
    if most == 0:
        said = f"{'the' if first else 'The'} seeds there are resolve {size} in every comparison."
    else:
        said = f"{most} more seed{'s' if most > 1 else ''} would resolve {size} in every comparison if they vary alike."
    return first + said


def letters(groups: Sequence[Sequence[Hashable]]) -> dict[Hashable, str]:
    """Return the compact letter display of tie groups: cells that share a letter cannot be told apart.

    Args:
        groups: from `stats.tie_groups`, best first; the 27th group is "aa".
    """
    found: dict[Hashable, str] = {}
    for place, group in enumerate(groups):
        letter = chr(97 + place % 26) * (place // 26 + 1)
        for cell in group:
            found[cell] = found[cell] + letter if cell in found else letter
    return found
