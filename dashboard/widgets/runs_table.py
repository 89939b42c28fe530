"""The runs of an experiment as a table for people: seeds collapsed, columns that do not differ said once. Pure."""

from __future__ import annotations

import pandas as pd

from dashboard.figures._style import cell_label

CELL = ["backbone", "dataset", "budget", "weights", "strategy", "frozen_depth", "n_units"]
SAID = {
    "backbone": "backbone",
    "dataset": "dataset",
    "budget": "labels",
    "weights": "weights",
    "n_units": "units",
}


def collapsed(runs: pd.DataFrame) -> tuple[str, pd.DataFrame]:
    """One row per cell, and a sentence with what is the same in all of them.

    The rows have: cell (its name), the columns of the cell that differ, seeds finished and planned, mean and smallest and
    largest test accuracy (percent), mean validation accuracy (percent), trained parameters, mean seconds, freeze proof; and of
    a search how many of the seconds finding the setting took.
    """
    if runs.empty:
        return "No runs.", pd.DataFrame(columns=["cell"])
    same = [name for name in SAID if runs[name].nunique(dropna=False) == 1]
    words = [f"{SAID[name]} {runs[name].iloc[0]}" for name in same]
    searched = "search_seconds" in runs and bool((runs["search_seconds"] > 0).any())
    rows = []
    for _, cell in runs.groupby(CELL, dropna=False, sort=False):
        first = cell.iloc[0]
        tested = cell["test_accuracy"] * 100
        rows.append(
            {"cell": cell_label(first["strategy"], first["frozen_depth"])}
            | {SAID[name]: str(first[name]) for name in SAID if name not in same}
            | {
                "seeds finished": f"{int((cell['state'] == 'finished').sum())} of {len(cell)}",
                "test accuracy, mean (%)": tested.mean(),
                "lowest (%)": tested.min(),
                "highest (%)": tested.max(),
                "validation accuracy, mean (%)": (cell["val_accuracy"] * 100).mean(),
                "trained parameters": cell["trainable_parameters"].max(),
                "time, mean (s)": cell["seconds"].mean(),
                **({"of it finding the setting (s)": cell["search_seconds"].mean()} if searched else {}),
                "frozen units": _proof(cell),
            }
        )
    table = pd.DataFrame(rows)
    numbers = table.select_dtypes("float").columns
    table[numbers] = table[numbers].round(2)
    return ("The same in all: " + ", ".join(words) + ".") if words else "", table


def _proof(cell: pd.DataFrame) -> str:
    proofs = set(cell["freeze_proof"]) - {""}
    if not proofs:
        return "not checked yet"
    if "broken" in proofs:
        return "CHANGED"
    if "mistake" in proofs:
        return "CHANGED, on purpose"
    return "nothing frozen" if cell["frozen_depth"].iloc[0] == 0 else "unchanged, by hash"
