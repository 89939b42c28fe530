"""The frame `advice`: for every task of a home, what the adviser would have said before, and what was then measured.

A task is a backbone, dataset, label budget, starting weights and way of training, with a linear probe that measured LogME
after every unit and at least three cells (strategy at a frozen depth) that were tested. The advice reads LogME alone, which
sees training labels; the test accuracies only grade it.

Columns: backbone, dataset, budget, weights, training (settings that differ from the defaults), n_train, n_classes, n_features
(of the last unit), labels_per_feature, evidence (2 ln B against the last unit), best_unit, n_units, quadrant, strategy and
frozen_depth (recommended), run_strategy and run_depth (what was run of it: the nearest depth; NA = nothing), accuracy (of
that), best_strategy, best_depth, best_accuracy, cells, tied (cells that are not told from the best, Holm over all others),
seeds (fewest of a cell), regret (best_accuracy - accuracy), full_regret and probe_regret (of always full fine-tuning, always
the linear probe), verdict ("right": among the tied; "wrong"; "undecided": no cell can be told from the best, or what was run
has too few seeds; "not run").
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from engine import mistakes
from engine.adviser import Place, Record, place
from engine.comparisons import below_best
from engine.datasets.halves import PREFIX
from engine.strategies import STRATEGIES

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = {
    **{name: "str" for name in ("backbone", "dataset", "budget", "weights", "training")},
    **{name: "int64" for name in ("n_train", "n_classes", "n_features")},
    **{name: "float64" for name in ("labels_per_feature", "evidence")},
    **{name: "int64" for name in ("best_unit", "n_units")},
    **{"quadrant": "str", "strategy": "str", "frozen_depth": "int64", "run_strategy": "str", "run_depth": "Int64"},
    **{"accuracy": "float64", "best_strategy": "str", "best_depth": "int64", "best_accuracy": "float64"},
    **{name: "int64" for name in ("cells", "tied", "seeds")},
    **{name: "float64" for name in ("regret", "full_regret", "probe_regret")},
    "verdict": "str",
}
LEAST_CELLS = 3
RIVALS = {"full_regret": "full_fine_tuning", "probe_regret": "linear_probe"}
_TASK = ["backbone", "dataset", "budget", "weights", "training"]
_RUN = ["experiment_id", "run_id"]
_DEPTHS = ("partial_fine_tuning", "full_fine_tuning", "linear_probe")
Cells = dict[tuple[str, int], "pd.Series"]


def grades(transfer: pd.DataFrame, runs: pd.DataFrame) -> pd.DataFrame:
    """The frame `advice` from the frames `transfer_curve` and `runs`, of one experiment or of a home."""
    import pandas as pd

    rows = _rows(transfer, runs)
    found = [] if rows.empty else [row for key, part in rows.groupby(_TASK, sort=True) if (row := _grade(key, part))]
    return pd.DataFrame(found, columns=list(COLUMNS)).astype(COLUMNS)


def record(advice: pd.DataFrame) -> Record:
    """How the advice fared over the rows of the frame `advice`."""
    ran = advice[advice["verdict"] != "not run"]
    decided = ran[ran["verdict"] != "undecided"]
    rivals = {name: float(ran[column].mean()) for column, name in RIVALS.items() if ran[column].notna().all()}
    regret = float(ran["regret"].mean()) if len(ran) else math.nan
    return Record(
        len(ran), len(decided), int((decided["verdict"] == "right").sum()), regret, rivals if len(ran) else {}
    )


def _rows(transfer: pd.DataFrame, runs: pd.DataFrame) -> pd.DataFrame:
    """The transfer curve with what makes a task, each run once; a run from scratch belongs to every start."""
    import pandas as pd

    about = runs[[*_RUN, "weights", "training", "settings", "n_classes"]].drop_duplicates(_RUN)
    rows = mistakes.without(transfer).merge(about, on=_RUN)
    rows = rows.drop_duplicates(["training", "run_id", "unit", "metric"])  # of experiments that share a run
    rows = rows[~rows["dataset"].str.startswith(PREFIX) & rows["n_classes"].notna()]
    random = [one.name for one in STRATEGIES if one.weights == "random"]
    control = rows["strategy"].isin(random)
    starts = rows.loc[~control & (rows["weights"] != "random"), [*_TASK]].drop_duplicates()
    others = [name for name in _TASK if name != "weights"]
    controls = rows[control & (rows["strategy"] == "from_scratch")].drop(columns="weights").merge(starts, on=others)
    return pd.concat([rows[~control & (rows["weights"] != "random")], controls], ignore_index=True)


def _grade(key: Any, part: pd.DataFrame) -> dict[str, Any] | None:
    """One row of the frame; None where the task says nothing about advice."""
    frozen = part[part["strategy"] == "linear_probe"]
    cells = _cells(part)
    if frozen.empty or len(cells) < LEAST_CELLS:
        return None
    where = place(frozen, int(part["n_classes"].iloc[0]), n_units=int(part["n_units"].iloc[0]))
    if isinstance(where, str):
        return None
    means = {cell: float(values.mean()) for cell, values in cells.items()}
    below = below_best(cells)
    best = max(below or means, key=means.__getitem__)
    ran = _ran(where, cells)
    verdict = (
        "not run"
        if ran is None
        else "undecided"
        if ran not in below or not any(below.values())
        else "wrong"
        if below[ran]
        else "right"
    )
    rivals = {column: _regret(means, best, name) for column, name in RIVALS.items()}
    return dict(zip(_TASK, key, strict=True)) | {
        **{
            name: getattr(where, name)
            for name in ("n_train", "n_classes", "n_features", "labels_per_feature", "evidence")
        },
        **{name: getattr(where, name) for name in ("best_unit", "n_units", "quadrant")},
        **{"strategy": where.rule.strategy, "frozen_depth": where.depth},
        **{"run_strategy": ran[0] if ran else "", "run_depth": ran[1] if ran else None},
        **{"accuracy": means[ran] if ran else None, "regret": means[best] - means[ran] if ran else None},
        **{"best_strategy": best[0], "best_depth": best[1], "best_accuracy": means[best]},
        **{
            "cells": len(cells),
            "tied": len(cells) - sum(below.values()),
            "seeds": min(len(values) for values in cells.values()),
        },
        **rivals,
        "verdict": verdict,
    }


def _cells(part: pd.DataFrame) -> Cells:
    """Test accuracies by strategy and frozen depth, with the seed as index; of settings, the defaults where they were run."""
    tested = part[(part["metric"] == "test_accuracy") & part["value"].notna()].sort_values("settings")
    tested = tested.drop_duplicates(["strategy", "frozen_depth", "seed"])  # "" sorts first
    groups = tested.groupby(["strategy", "frozen_depth"], sort=True)
    return {(str(name), int(depth)): rows.set_index("seed")["value"] for (name, depth), rows in groups}


def _ran(where: Place, cells: Cells) -> tuple[str, int] | None:
    """What was run of the recommendation: a depth that was not is graded by the nearest one."""
    rule = where.rule
    if rule.strategy == "partial_fine_tuning":
        depths = [cell for cell in cells if cell[0] in _DEPTHS]
        if any(name == "partial_fine_tuning" for name, _ in depths):
            return min(depths, key=lambda cell: (abs(cell[1] - where.depth), cell[1]))
    wanted = (rule.strategy, *rule.instead)
    return next((cell for name in wanted for cell in cells if cell[0] == name and name != "partial_fine_tuning"), None)


def _regret(means: dict[tuple[str, int], float], best: tuple[str, int], name: str) -> float | None:
    return next((means[best] - mean for cell, mean in means.items() if cell[0] == name), None)
