"""What a search found for every strategy: the best validation accuracy so far against the epochs that it has spent."""

from __future__ import annotations

from typing import Any

import pandas as pd

from dashboard.figures import _style, _words
from dashboard.figures._costs import COSTS, amount
from dashboard.figures._style import Drawn

TITLE = "Search: best on validation so far"
WORDS = {"random": "random search", "grid": "grid search", "halving": "successive halving"}
TOOK = {"seconds": "seconds_spent", "flops": "operations_spent", "energy_joules": "joules_spent"}
"""Columns of the frame, and of the table: sums over the settings so far (NA where one of them is not known)."""
COLUMNS = [
    "strategy", "frozen_depth", "step", "epochs_spent", "best_percent", "seeds", "settings_each", "epochs_each", *TOOK.values(),
]  # fmt: skip
_SERIES = ["backbone", "dataset", "budget"]
_CELL = ["strategy", "frozen_depth"]


def search_progress(search: pd.DataFrame, *, dark: bool = False, uirevision: str = "search") -> Drawn:
    """Draw the mean over seeds of the best validation accuracy (percent) after every setting that was tried.

    Args:
        search: the frame `search` of one experiment; of several backbones, datasets or label budgets the means are drawn
            together, and a note says so.
        dark: draw for a dark background.
        uirevision: zoom and hidden traces are kept while it stays the same.
    """
    look = {"dark": dark, "uirevision": uirevision}
    axis = {"title": {"text": "Epochs spent on the search (per run)"}, "rangemode": "tozero"}
    label = "Best validation accuracy so far (%)"
    if search.empty or search["best_accuracy"].isna().all():
        said = "A step appears for every setting that was tried; the test images wait for the one that is chosen."
        return _style.empty(TITLE, said, COLUMNS, **look, xaxis=axis, yaxis={"title": {"text": label}})
    rows = search.drop_duplicates(["run_id", "trial", "rung"]).copy()
    by_run = rows.groupby("run_id", sort=False)
    rows["step"] = by_run.cumcount() + 1
    for name, spent in TOOK.items():
        # Whatever follows a setting whose cost is not known is not known as a sum either.
        known = rows[name].notna().groupby(rows["run_id"], sort=False).cummin()
        rows[spent] = by_run[name].cumsum().where(known)
    table = _table(rows)
    method = WORDS.get(str(rows["method"].iloc[0]), "search")
    several = rows[_SERIES].drop_duplicates().shape[0]
    notes = [f"{method}, {_each(table)}", _words.seeds(int(table["seeds"].max())), "chosen on these images: optimistic"]
    if several > 1:
        notes.append(f"means over {several} tasks")
    figure = _style.finish(
        _traces(table, dark), title=TITLE, notes=notes, xaxis=axis,
        yaxis=_style.accuracy_axis(label, table["best_percent"]), **look,
    )  # fmt: skip
    ends = table[table["step"] == table.groupby(_CELL)["step"].transform("max")]
    listed = "; ".join(
        f"{_name(row)} {row.best_percent:.1f} % after {row.epochs_spent:.0f} epochs" for row in ends.itertuples()
    )
    alt = f"Step chart, {method}, {_each(table)}: best validation accuracy so far against epochs spent. {listed}."
    return Drawn(figure, TITLE, alt, _reading(table, ends, method), table, _style.height(len(ends)))


def _table(rows: pd.DataFrame) -> pd.DataFrame:
    """Means over runs of a cell after each step; steps that not every run has reached wait."""
    by = [*_CELL, "step"]
    found = rows.groupby(by, sort=True).agg(
        epochs_spent=("epochs_spent", "mean"), best=("best_accuracy", "mean"), seeds=("seed", "nunique"),
        runs=("run_id", "nunique"), missing=("best_accuracy", lambda values: values.isna().any()),
        **{spent: (spent, lambda values: values.mean(skipna=False)) for spent in TOOK.values()},
    )  # fmt: skip
    found = found.reset_index()
    enough = found["runs"] == found.groupby(_CELL)["runs"].transform("max")
    counts = rows.groupby(_CELL).agg(settings_each=("trial", "nunique")).reset_index()
    planned = rows.groupby([*_CELL, "run_id"])["epochs"].sum().groupby(_CELL).max().rename("epochs_each").reset_index()
    table = found[enough & ~found["missing"]].merge(counts, on=_CELL).merge(planned, on=_CELL)
    return table.assign(best_percent=table["best"] * 100)[COLUMNS]


def _each(table: pd.DataFrame) -> str:
    """How many settings each strategy was given, and the epochs."""
    settings, epochs = sorted(set(table["settings_each"])), sorted(set(table["epochs_each"]))
    said = f"{settings[0]}" if len(settings) == 1 else f"{settings[0]} to {settings[-1]}"
    spent = f"{epochs[0]}" if len(epochs) == 1 else f"{epochs[0]} to {epochs[-1]}"
    return f"{said} settings each, {spent} epochs each"


def _traces(table: pd.DataFrame, dark: bool) -> list[dict[str, Any]]:
    traces = []
    for strategy, look in _style.looks(table["strategy"], dark).items():
        cells = table[table["strategy"] == strategy]
        depths = sorted(set(cells["frozen_depth"]))
        for place, depth in enumerate(depths):
            rows = cells[cells["frozen_depth"] == depth]
            colour = (
                _style.shade(look.colour, place / max(1, len(depths) - 1), dark) if len(depths) > 1 else look.colour
            )
            traces.append(
                {
                    **{"type": "scatter", "mode": "lines+markers", "uid": _style.uid(strategy, depth)},
                    **{"x": rows["epochs_spent"].tolist(), "y": rows["best_percent"].tolist()},
                    "name": _style.escape(_style.cell_label(strategy, int(depth))),
                    "line": {"color": colour, "dash": look.dash, "width": 2, "shape": "hv"},
                    "marker": {"symbol": look.marker, "size": 7, "color": colour},
                    "hovertext": [_hover(row) for row in rows.itertuples()],
                    "hoverinfo": "text",
                }
            )
    return traces


def _hover(row: Any) -> str:
    return (
        f"<b>{_style.escape(_name(row))}</b><br>after {row.step} trainings, {row.epochs_spent:.0f} epochs"
        f"<br>best so far {row.best_percent:.1f} % on validation, {_words.seeds(int(row.seeds))}"
    )


def _name(row: Any) -> str:
    return _style.cell_label(row.strategy, int(row.frozen_depth))


def _reading(table: pd.DataFrame, ends: pd.DataFrame, method: str) -> str:
    best = next(ends.sort_values("best_percent", ascending=False).itertuples())
    first = table[(table["strategy"] == best.strategy) & (table["frozen_depth"] == best.frozen_depth)].iloc[0]
    gained = best.best_percent - first["best_percent"]
    began = "its first setting" if method != WORDS["grid"] else "its first point"
    return (
        f"{_name(best)} validates best, {best.best_percent:.1f} % after {best.epochs_spent:.0f} epochs; {began} gave"
        f" {first['best_percent']:.1f} %, so searching added {gained:.1f} points on the images that chose. What it is worth is"
        f" said by the test accuracy.{_took(best)}"
    )


def _took(end: Any) -> str:
    """What all its settings took, as far as that is known."""
    said = [
        f"{amount(value)} {COSTS[name].unit}"
        for name, spent in TOOK.items()
        if not pd.isna(value := getattr(end, spent))
    ]
    if not said:
        return ""
    return f" All its settings together took {', '.join(said)} a run, the one that was taken included."
