"""How far a run moved away from what its backbone knew: the drift of its features, from the panel."""

from __future__ import annotations

import pandas as pd


def drift(panel: pd.DataFrame) -> pd.Series:
    """Return the drift of each run by run_id: 1 - CKA with the features before training, at the last epoch that was measured,
    on average over all units. 0 = nothing changed. Frozen units count: what is not touched is not forgotten.

    Drift is no accuracy: it says that features changed, not that the source task is done worse. A run without a panel has none.

    Args:
        panel: the `panel` frame.
    """
    rows = panel[(panel["metric"] == "drift") & panel["value"].notna()]
    last = rows["epoch"] == rows.groupby("run_id")["epoch"].transform("max")
    return rows[last & (rows["epoch"] > 0)].groupby("run_id")["value"].mean().rename("drift")


def with_drift(runs: pd.DataFrame, panel: pd.DataFrame) -> pd.DataFrame:
    """Return the runs with a column `drift`, NA where it was not measured."""
    return runs.assign(drift=runs["run_id"].map(drift(panel)).astype("float64"))
