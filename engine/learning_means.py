"""Learning curves of many seeds as one: the mean over seeds at every epoch, and its interval."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.stats import LEVEL

if TYPE_CHECKING:
    import pandas as pd

CELL = ["backbone", "dataset", "budget", "strategy", "frozen_depth"]
COLUMNS = [*CELL, "split", "metric", "epoch", "seeds", "mean", "low", "high"]


def learning_means(frame: pd.DataFrame, level: float = LEVEL) -> pd.DataFrame:
    """Return the mean over seeds at every epoch, and the ends of Student's t interval: mean ± t(seeds - 1) sd / sqrt(seeds).

    An epoch that some seeds have not reached (they run, or stopped early) has the mean of the others, and says how many
    these are. A value that is no finite number is left out. `stats.summarise` gives the same numbers; this one takes all
    cells and epochs at once, for a chart that is drawn again while hundreds of runs go on.

    Args:
        frame: `learning_curve`.
        level: of the interval.

    Returns:
        One row per cell, split, metric and epoch, in this order, with `COLUMNS`; low and high are missing with one seed.
    """
    import numpy as np
    from scipy.stats import t

    finite = frame[np.isfinite(frame["value"].astype(float))]
    by = COLUMNS[: COLUMNS.index("seeds")]
    # A run that is computed once and used twice counts once: rows of one seed are averaged before seeds are.
    seeds = finite.groupby([*by, "seed"], dropna=False)["value"].mean().astype(float)
    found = seeds.groupby(by, dropna=False).agg(["size", "mean", "std"]).reset_index()
    found = found.rename(columns={"size": "seeds"})
    several = found["seeds"] > 1
    freedom = (found["seeds"] - 1).where(several, 1)
    half = (t.ppf(0.5 + level / 2, freedom) * found["std"] / np.sqrt(found["seeds"])).where(several)
    return found.assign(low=found["mean"] - half, high=found["mean"] + half)[COLUMNS]
