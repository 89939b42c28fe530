"""From runs to the curves of a layer-transfer study, and from the curves to what each depth loses and why.

`layer_transfer`: experiment_id, run_id, backbone, dataset (the whole one), split (the key of its classes' halves; "" without
halves), pair (split and seed: what is compared pair by pair), curve ("base B", "base A", "BnB", "BnB+", "AnB", "AnB+" or
"random, frozen"), n (units copied, 0 for the bases), n_units, depth_fraction (n / n_units), seed, label_budget (NA = all),
value (test accuracy, 0..1), n_images. The test images of base A are those of half A, of all others those of half B.

`decomposition`: backbone, dataset, label_budget, n, n_units, depth_fraction, part, mean, low, high (differences of accuracy,
-1..1), pairs, interval (its kind). Parts, after Yosinski et al. 2014, section 4.1: `co_adaptation` = base B - BnB (units that
lost the units they were trained with), `specificity` = BnB - AnB (units that serve the other task), `total` = base B - AnB,
`boost` = AnB+ - BnB+ (what the other task adds where everything learns).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine import stats
from engine.datasets.halves import parts_of
from engine.layer_transfer import CURVES

if TYPE_CHECKING:
    import pandas as pd

BASE, OTHER_BASE = "base B", "base A"
COLUMNS = {
    "experiment_id": "str", "run_id": "str", "backbone": "str", "dataset": "str", "split": "str", "pair": "str", "curve": "str",
    "n": "int64", "n_units": "int64", "depth_fraction": "float64", "seed": "int64", "label_budget": "Int64",
    "value": "float64", "n_images": "Int64",
}  # fmt: skip
PARTS = {
    "co_adaptation": (BASE, "BnB"),
    "specificity": ("BnB", "AnB"),
    "total": (BASE, "AnB"),
    "boost": ("AnB+", "BnB+"),
}
SERIES = ["backbone", "dataset", "label_budget"]


def layer_transfer(runs: pd.DataFrame) -> pd.DataFrame:
    """The points of all curves that the frame `runs` holds, those tested only, in the columns documented above."""
    import pandas as pd

    rows = []
    for run in runs[runs["test_accuracy"].notna()].itertuples():
        half, split, whole = parts_of(run.dataset)
        curve = CURVES.get(run.strategy)
        if curve is None and not (split and run.strategy == "from_scratch"):
            continue
        depth = 0 if curve is None else run.frozen_depth if curve.frozen else run.copied_depth
        rows.append(
            {
                "experiment_id": run.experiment_id,
                "run_id": run.run_id,
                "backbone": run.backbone,
                "dataset": whole,
                "split": split,
                "pair": f"{split}/{run.seed}",
                "curve": curve.label if curve else BASE if half == "B" else OTHER_BASE,
                "n": depth,
                "n_units": run.n_units,
                "depth_fraction": depth / run.n_units,
                "seed": run.seed,
                "label_budget": run.label_budget,
                "value": run.test_accuracy,
                "n_images": run.test_n,
            }
        )
    return pd.DataFrame(rows, columns=list(COLUMNS)).astype(COLUMNS)


def against(frame: pd.DataFrame, first: str, second: str) -> pd.DataFrame:
    """Pair by pair differences of two curves at every depth: series columns, n, and a `PairedDifference` in `found`.

    A base has one value for all depths. Depths at which the curves share no pair are left out.
    """
    import pandas as pd

    records = []
    for series, rows in frame.drop_duplicates("run_id").groupby(SERIES, dropna=False, sort=False):
        curves = {name: rows[rows["curve"] == name] for name in (first, second)}
        for depth in sorted(set(rows.loc[rows["n"] > 0, "n"])):
            values = [_at(curves[name], depth, base=name in (BASE, OTHER_BASE)) for name in (first, second)]
            found = stats.paired(*values)
            if found.n:
                records.append((*series, depth, int(rows["n_units"].iloc[0]), found))
    table = pd.DataFrame.from_records(records, columns=[*SERIES, "n", "n_units", "found"])
    return table.astype({"label_budget": "Int64"})


def _at(rows: pd.DataFrame, depth: int, *, base: bool) -> pd.Series:
    rows = rows if base else rows[rows["n"] == depth]
    return rows.groupby("pair")["value"].mean()


def decomposition(frame: pd.DataFrame) -> pd.DataFrame:
    """What every depth loses and why, from the frame `layer_transfer`, in the columns documented above."""
    import pandas as pd

    tables = []
    for part, (first, second) in PARTS.items():
        table = against(frame, first, second)
        found = table.pop("found")
        tables.append(
            table.assign(
                depth_fraction=table["n"] / table["n_units"],
                part=part,
                mean=[one.mean for one in found],
                low=[one.interval.low for one in found],
                high=[one.interval.high for one in found],
                pairs=[one.n for one in found],
                interval=[one.interval.kind for one in found],
            )
        )
    return pd.concat(tables, ignore_index=True)
