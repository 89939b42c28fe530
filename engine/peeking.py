"""Best epoch against last epoch, from the learning curves: what choosing adds on the very images that chose."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine import mistakes

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = ["strategy", "runs", "best", "last", "gap"]
CANNOT = (
    "What peeking at the test images would add is not shown: they are read once, with the weights chosen on validation."
)


def best_and_last(learning: pd.DataFrame) -> pd.DataFrame:
    """Return one row per strategy: runs, and means over its runs of the best and the last epoch's validation accuracy (0..1).

    Args:
        learning: the `learning_curve` frame; epoch 0, before training, cannot be chosen and is left out. Runs with a single
            epoch have nothing to choose.

    Returns:
        Columns strategy, runs, best, last, gap (best - last, never negative), largest gap first.
    """
    rows = learning[(learning["split"] == "validation") & (learning["metric"] == "accuracy") & (learning["epoch"] > 0)]
    rows = mistakes.without(rows).drop_duplicates(["run_id", "epoch"]).sort_values("epoch")
    runs = rows.groupby(["strategy", "run_id"])["value"].agg(["size", "max", "last"])
    runs = runs[runs["size"] > 1]
    table = (
        runs.groupby("strategy").agg(runs=("size", "size"), best=("max", "mean"), last=("last", "mean")).reset_index()
    )
    return table.assign(gap=table["best"] - table["last"]).sort_values("gap", ascending=False, ignore_index=True)[
        COLUMNS
    ]


def sentence(learning: pd.DataFrame, names: dict[str, str]) -> str:
    """Say what choosing an epoch is worth here; "" where no run had a choice.

    Args:
        learning: the `learning_curve` frame.
        names: what people call the strategies.
    """
    table = best_and_last(learning)
    if table.empty:
        return ""
    mean = float((table["gap"] * table["runs"]).sum() / table["runs"].sum())
    most = table.iloc[0]
    said = (
        f"The best epoch is {mean * 100:.1f} points above the last one on the validation images that chose it, on average over"
        f" {int(table['runs'].sum())} runs"
    )
    if len(table) > 1:
        said += f" (most: {names.get(most['strategy'], most['strategy'])}, {most['gap'] * 100:.1f})"
    return f"{said}: that much a validation accuracy flatters, and not every strategy alike. {CANNOT}"
