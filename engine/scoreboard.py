"""Which cheap score predicted the measured ranking in one's own runs: of depths, of strategies, of backbones.

Everything is read from `transfer_curve`. Scores of a depth are those of the frozen backbone (runs of the linear probe); scores of
a trained network are those of its own last unit. Values are means over seeds. Not counted as a prediction of test accuracy are
`test_accuracy` and `val_accuracy` themselves; `probe_accuracy` and `knn_accuracy` are, and were measured on the test images.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from engine.ranking import agreement
from engine.scores import SCORES

if TYPE_CHECKING:
    import pandas as pd

KINDS = ("depths", "strategies", "backbones")
MEASURED = "test_accuracy"
_NOT_SCORES = (MEASURED, "val_accuracy")
_CELL = ["dataset", "budget"]
COLUMNS = (
    "kind", "dataset", "budget", "backbone", "strategy", "metric", "n", "tau", "tau_low", "tau_high", "weighted_tau",
    "weighted_low", "weighted_high", "pearson", "regret", "null_band", "beyond_chance", "reason",
)  # fmt: skip


def scoreboard(transfer: pd.DataFrame, *, seed: int = 0) -> pd.DataFrame:
    """One row per group of things to rank and score, best agreement first within a group.

    Args:
        transfer: the frame `transfer_curve`, of any number of experiments.
        seed: of resamples and permutations.

    Returns:
        COLUMNS: kind (what is ranked), the group it is of ("" where that differs within), metric (the score), then the fields
        of `engine.ranking.Agreement`.
    """
    import pandas as pd

    boards = [of_group(kind, group, table, seed=seed) for kind, group, table in groups(transfer)]
    board = pd.concat(boards) if boards else pd.DataFrame(columns=list(COLUMNS))
    order = ["kind", *_CELL, "backbone", "strategy"]
    return board.sort_values(order, kind="stable").reset_index(drop=True)


def of_group(kind: str, group: dict[str, str], table: pd.DataFrame, *, seed: int = 0) -> pd.DataFrame:
    """The rows of one group, as `groups` gives it, best agreement first: one per score, resampled."""
    import pandas as pd

    rows = []
    for metric in [column for column in table if column not in (MEASURED, "item")]:
        lower = any(score.metric == metric and score.direction == "lower" for score in SCORES)
        found = agreement(table[metric].to_numpy(), table[MEASURED].to_numpy(), lower_is_better=lower, seed=seed)
        about = {"kind": kind, "metric": metric, "beyond_chance": found.beyond_chance, **group}
        rows.append({**dict.fromkeys(COLUMNS, ""), **dataclasses.asdict(found), **about})
    board = pd.DataFrame(rows, columns=list(COLUMNS))
    return board.sort_values(["tau", "metric"], ascending=[False, True], na_position="last").reset_index(drop=True)


def groups(transfer: pd.DataFrame) -> list[tuple[str, dict[str, str], pd.DataFrame]]:
    """Things that can be ranked: (kind, group, table), a row per thing with its name, its scores and `test_accuracy`."""
    if transfer.empty:
        return []
    last = transfer[transfer["unit"] == transfer["n_units"]]
    found = []
    for (dataset, budget, backbone), part in transfer.groupby([*_CELL, "backbone"], sort=True):
        cell = {"dataset": dataset, "budget": budget, "backbone": backbone}
        sweep = part[part["strategy"].isin(("partial_fine_tuning", "linear_probe"))]
        found.append(("depths", cell, _joined(sweep, "unit", part[part["strategy"] == "linear_probe"])))
        part = part.assign(item=part["strategy"] + " " + part["frozen_depth"].astype(str))
        found.append(("strategies", cell, _joined(part, "item", part[part["unit"] == part["n_units"]])))
    for (dataset, budget, strategy), part in transfer.groupby([*_CELL, "strategy"], sort=True):
        whole = last[(last["dataset"] == dataset) & (last["budget"] == budget) & (last["strategy"] == "linear_probe")]
        # Partial fine-tuning at different depths is not one strategy.
        part = (
            part[part["frozen_depth"].isin((0, part["n_units"].max()))] if strategy == "partial_fine_tuning" else part
        )
        cell = {"dataset": dataset, "budget": budget, "strategy": strategy}
        found.append(("backbones", cell, _joined(part, "backbone", whole)))
    return [(kind, cell, table) for kind, cell, table in found if len(table) > 1]


def _joined(measured: pd.DataFrame, item: str, scored: pd.DataFrame) -> pd.DataFrame:
    """A row per item that was measured: its mean test accuracy, and the mean of every score it has."""
    truth = measured[measured["metric"] == MEASURED].groupby(item)["value"].mean()
    scores = scored[~scored["metric"].isin(_NOT_SCORES)].groupby([item, "metric"])["value"].mean().unstack("metric")
    table = truth.rename(MEASURED).to_frame().join(scores, how="left").dropna(axis="columns", how="all")
    return table.rename_axis("item").reset_index() if MEASURED in table else truth.to_frame().iloc[:0]
