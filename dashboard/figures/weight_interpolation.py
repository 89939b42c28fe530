"""Accuracy on the way between two weights (WiSE-FT): the target on validation, and other tasks where they were asked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from dashboard.figures import _cells, _style, _words
from dashboard.figures._style import Drawn

TITLE = "Between the weights before and after fine-tuning"
_AXIS = "Alpha (0 before the fine-tuning, 1 after it)"
_DASHES = ("solid", "dash", "dot", "dashdot", "longdash")
_MARKERS = ("circle", "diamond", "square", "triangle-up", "cross")
COLUMNS = ["metric", "task", "alpha", "seeds", "mean_percent", "runs_percent"]
TARGET = "accuracy"
KINDS = {"source_accuracy": "source's classifier", "probe_accuracy": "probe"}


def weight_interpolation(
    frame: pd.DataFrame,
    *,
    alpha: float | None = None,
    dark: bool = False,
    uirevision: str = "weight_interpolation",
) -> Drawn:
    """Draw accuracy (percent) against alpha: means over seeds as lines, runs as dots, the chosen alpha as a level line.

    Args:
        frame: `interpolation` of one cell; its rows of accuracy are drawn, on the target's validation images (task "") and on
            other tasks.
        alpha: the place that is marked and read out, one of the frame's; None = the highest mean on validation.
        dark: draw for a dark background.
        uirevision: zoom and hidden traces are kept while it stays the same.
    """
    look = {"dark": dark, "uirevision": uirevision}
    rows = accuracies(frame)
    if rows.empty:
        said = "Nothing measured yet: a line appears for the target, and one for every other task that is asked."
        axes = {"xaxis": {"title": {"text": _AXIS}}, "yaxis": _style.accuracy_axis("Accuracy (%)")}
        return _style.empty(TITLE, said, COLUMNS, **look, **axes)
    table = _table(rows)
    chosen = best_alpha(rows) if alpha is None else alpha
    target = str(rows["dataset"].iloc[0])
    figure = _style.finish(
        _traces(table, rows, target, chosen, dark),
        title=TITLE,
        notes=[
            _cells.seeds_note(table["seeds"]),
            "target: validation images, which also choose alpha",
            "dots runs, lines means, ringed: the chosen alpha",
        ],
        xaxis={"title": {"text": _AXIS}, "range": [-0.04, 1.04], "zeroline": False},
        yaxis=_style.accuracy_axis("Accuracy (%)", rows["value"] * 100),
        shapes=[
            {
                **{"type": "line", "x0": chosen, "x1": chosen, "y0": 0, "y1": 1, "yref": "paper"},
                "line": {"color": _style.INK[dark], "width": 1.2, "dash": "dot"},
            }
        ],
        **look,
    )
    lines = table.groupby(["metric", "task"], sort=False).ngroups
    alt = f"Line chart of accuracy in percent against alpha. {_listed(table, target)}"
    return Drawn(figure, TITLE, alt, _reading(table, target, chosen), table, _style.height(lines))


def accuracies(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the rows that are accuracies, each run, task and alpha once."""
    if frame.empty:
        return frame
    rows = frame[frame["metric"].isin((TARGET, *KINDS)) & np.isfinite(frame["value"].astype(float))]
    return rows.drop_duplicates(["run_id", "metric", "task", "alpha"])


def _table(rows: pd.DataFrame) -> pd.DataFrame:
    """Return one row per task and alpha, the target first: mean over seeds and the value of every seed (percent)."""
    each = rows.groupby(["metric", "task", "alpha", "seed"])["value"].mean().mul(100).reset_index()
    grouped = each.sort_values("seed").groupby(["metric", "task", "alpha"])["value"]
    table = grouped.agg(
        seeds="size", mean_percent="mean", runs_percent=lambda values: ", ".join(f"{value:.2f}" for value in values)
    ).reset_index()
    table["_other"] = table["metric"] != TARGET
    return table.sort_values(["_other", "metric", "task", "alpha"], ignore_index=True)[COLUMNS]


def alphas(frame: pd.DataFrame) -> list[float]:
    """Return the places that were measured, rising."""
    return sorted(set(accuracies(frame)["alpha"].astype(float))) if len(frame) else []


def best_alpha(frame: pd.DataFrame) -> float:
    """Return the alpha with the highest mean on validation; ties: more of the fine-tuned weights."""
    rows = accuracies(frame)
    means = rows[rows["metric"] == TARGET].groupby("alpha")["value"].mean()
    return float(means[means == means.max()].index.max())


def _name(metric: str, task: str, target: str) -> str:
    return f"{_style.plain(target)} (target)" if metric == TARGET else f"{_style.plain(task)} ({KINDS[metric]})"


def _traces(table: pd.DataFrame, rows: pd.DataFrame, target: str, chosen: float, dark: bool) -> list[dict[str, Any]]:
    colours = (_style.looks(["wise_ft"], dark)["wise_ft"].colour, *_style.SERIES_COLOURS[dark][:5])
    traces = []
    for place, ((metric, task), cells) in enumerate(table.groupby(["metric", "task"], sort=False)):
        colour = colours[place % len(colours)]
        name = _style.escape(_name(str(metric), str(task), target))
        marker = _MARKERS[place % len(_MARKERS)]
        runs = rows[(rows["metric"] == metric) & (rows["task"] == task)]
        shared = {"type": "scatter", "legendgroup": name, "name": name}
        at = np.isclose(cells["alpha"], chosen)
        traces.append(
            {
                **shared,
                **{"uid": _style.uid(metric, task, "runs"), "mode": "markers", "showlegend": False},
                **{
                    "x": runs["alpha"].tolist(),
                    "y": (runs["value"] * 100).tolist(),
                    "customdata": runs["seed"].tolist(),
                },
                "marker": {"symbol": "circle", "size": 5, "color": colour, "opacity": 0.5},
                "hovertemplate": f"{name}<br>alpha %{{x:.2g}}, seed %{{customdata}}: %{{y:.1f}} %<extra></extra>",
            }
        )
        traces.append(
            {
                **shared,
                **{"uid": _style.uid(metric, task, "mean"), "mode": "lines+markers"},
                **{"x": cells["alpha"].tolist(), "y": cells["mean_percent"].tolist()},
                "line": {"color": colour, "width": 2, "dash": _DASHES[place % len(_DASHES)]},
                "marker": {
                    **{"symbol": marker, "color": colour, "size": [13 if here else 7 for here in at]},
                    "line": {"color": _style.INK[dark], "width": [2 if here else 0 for here in at]},
                },
                "hovertext": [
                    f"<b>{name}</b><br>alpha {cell.alpha:g}: mean {cell.mean_percent:.1f} %, {_words.seeds(cell.seeds)}"
                    for cell in cells.itertuples()
                ],
                "hoverinfo": "text",
            }
        )
    return traces


def _at(table: pd.DataFrame, alpha: float) -> dict[tuple[str, str], float]:
    here = table[np.isclose(table["alpha"], alpha)]
    return {(cell.metric, cell.task): cell.mean_percent for cell in here.itertuples()}


def _listed(table: pd.DataFrame, target: str) -> str:
    parts = []
    for (metric, task), cells in table.groupby(["metric", "task"], sort=False):
        values = ", ".join(f"{cell.mean_percent:.1f} at {cell.alpha:g}" for cell in cells.itertuples())
        parts.append(f"{_name(str(metric), str(task), target)}: {values}.")
    return " ".join(parts)


def _reading(table: pd.DataFrame, target: str, chosen: float) -> str:
    here, before, after = (_at(table, alpha) for alpha in (chosen, 0.0, 1.0))
    seeds = _words.seeds(int(table["seeds"].max()))
    parts = []
    for key, value in here.items():
        ends = [f"{end[key]:.1f} {word}" for end, word in ((before, "before"), (after, "after")) if key in end]
        parts.append(f"{_name(*key, target)} {value:.1f} % ({', '.join(ends)})")
    said = f"At alpha {chosen:g}, by means over {seeds}: {'; '.join(parts)}."
    others = [key for key in here if key[0] != TARGET and key in after]
    if others and 0 < chosen < 1:
        saved = sum(here[key] - after[key] for key in others) / len(others)
        price = here.get((TARGET, ""), np.nan) - after.get((TARGET, ""), np.nan)
        where = "other tasks" if len(others) > 1 else "the other task"
        said += f" Against the fine-tuned end that is {saved:+z.1f} points on {where} and {price:+z.1f} on the target."
    elif not others:
        said += " What is kept elsewhere was not asked: add the measure forgetting."
    return said


def cells_of(frame: pd.DataFrame) -> Sequence[tuple[str, ...]]:
    """Return the cells that have such a line: (backbone, dataset, budget, strategy)."""
    found = frame[["backbone", "dataset", "budget", "strategy"]].drop_duplicates().itertuples(index=False, name=None)
    return sorted(tuple(map(str, one)) for one in found)
