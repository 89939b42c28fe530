"""Accuracy or loss against epoch: one trace per strategy and split, whatever the number of runs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from dashboard.figures import _by_epoch, _cells, _style, _words
from dashboard.figures._style import Drawn, Look

_SPLITS = ("train", "validation")
_COLUMNS = "strategy frozen_depth seed run_id split epoch".split()


def learning_curves(
    frame: pd.DataFrame,
    *,
    metric: str = "accuracy",
    runs: pd.DataFrame | None = None,
    dark: bool = False,
    uirevision: str = "learning_curves",
) -> Drawn:
    """Draw every run's curve against epoch; train thin and dashed, validation solid.

    Args:
        frame: `learning_curve`.
        metric: "accuracy" (drawn in percent) or "loss".
        runs: the same experiments' `runs`; with it diverged runs are marked where their curve ends.
        dark: draw for a dark background.
        uirevision: zoom and hidden traces are kept while it stays the same.

    Raises:
        ValueError: an unknown metric.
    """
    title, _ = _by_epoch.words(metric)
    look = {"dark": dark, "uirevision": uirevision}
    number = "percent" if metric == "accuracy" else "loss"
    rows = _by_epoch.measured(frame, metric)
    rows = rows if rows.empty else rows.drop_duplicates(["run_id", "split", "epoch"])
    if rows.empty:
        return _by_epoch.nothing(
            metric,
            "each run draws a point after every epoch, on the images it learns from (train) "
            "and on images held back (validation).",
            [*_COLUMNS, number],
            **look,
        )
    rows = _ordered(rows.assign(**{number: _finite(rows["value"], 100 if metric == "accuracy" else 1)}), dark)
    diverged = _diverged(rows, runs, number)
    traces = list(_traces(rows, number, dark))
    if len(diverged):
        traces.append(_marks(diverged, number, dark))
    splits = [split for split in _SPLITS if split in set(rows["split"])]
    meaning = {"train": "dashed: train", "validation": "solid: validation"}
    figure = _style.finish(
        traces,
        title=title,
        notes=[_cells.progress(runs), _count(rows), ", ".join(meaning[split] for split in splits)],
        **_by_epoch.axes(metric, int(rows["epoch"].max()), rows[number]),
        **look,
    )
    alt = f"Line chart of {title.lower()}, {_count(rows)}. {_last_values(rows, number)}"
    if len(diverged):
        alt += f" {len(diverged)} diverged."
    return Drawn(figure, title, alt, _reading(rows, number, diverged), rows[[*_COLUMNS, number]].reset_index(drop=True))


def _finite(values: pd.Series, factor: int) -> pd.Series:
    return values.astype(float).mul(factor).replace([np.inf, -np.inf], np.nan)


def _ordered(rows: pd.DataFrame, dark: bool) -> pd.DataFrame:
    place = {strategy: index for index, strategy in enumerate(_style.looks(rows["strategy"], dark))}
    ordered = rows.assign(_place=rows["strategy"].map(place))
    by = ["_place", "split", "frozen_depth", "seed", "run_id", "epoch"]
    return ordered.sort_values(by, ignore_index=True).drop(columns="_place")


def _diverged(rows: pd.DataFrame, runs: pd.DataFrame | None, number: str) -> pd.DataFrame:
    """Return the last point drawn of each diverged run; a value that is no number says so even without `runs`."""
    names = set(rows.loc[rows[number].isna(), "run_id"])
    if runs is not None and len(runs):
        names |= set(runs.loc[runs["state"] == "diverged", "run_id"])
    drawn = rows[rows["run_id"].isin(names) & rows[number].notna()]
    return drawn.sort_values(["epoch", "split"]).drop_duplicates("run_id", keep="last").sort_values("run_id")


def _traces(rows: pd.DataFrame, number: str, dark: bool) -> Iterator[dict[str, Any]]:
    looks = _style.looks(rows["strategy"], dark)
    crowded = rows["run_id"].nunique() > 12
    legend: dict[str, str] = dict(zip(rows["strategy"], rows["split"], strict=True))  # the last split: validation
    # Validation lies over train, and strategies with few runs over those with many.
    many_first = sorted(looks, key=lambda name: -rows.loc[rows["strategy"] == name, "run_id"].nunique())
    for split in _SPLITS:
        for strategy in many_first:
            curve = rows[(rows["strategy"] == strategy) & (rows["split"] == split)]
            if len(curve):
                trace = _trace(curve, strategy, split, number, looks[strategy], crowded=crowded)
                rank = 1 + list(looks).index(strategy)
                yield {**trace, "showlegend": legend[strategy] == split, "legendrank": rank}


def _trace(curve: pd.DataFrame, strategy: str, split: str, number: str, look: Look, *, crowded: bool) -> dict[str, Any]:
    x: list[float | None] = []
    y: list[float | None] = []
    about: list[list[Any]] = []
    for (depth, seed, _), run in curve.groupby(["frozen_depth", "seed", "run_id"], sort=False):
        # The gap between runs; without it the end of one would be joined to the start of the next.
        x += [*run["epoch"].tolist(), None]
        y += [*(None if pd.isna(value) else value for value in run[number]), None]
        about += [[int(depth), int(seed)]] * len(run) + [[None, None]]
    label = _style.escape(_style.strategy_label(strategy))
    shown = "%{y:.1f} %" if number == "percent" else "%{y:.3f}"
    solid = split == "validation"
    # Only the end of a run has a marker; a run of one point has no line yet and would not be seen.
    sizes = [(7 if solid else 4) if last else 0 for last in _ends(x)]
    return {
        **{"type": "scatter", "uid": _style.uid(strategy, split), "legendgroup": strategy, "name": label},
        **{"x": x, "y": y, "mode": "lines+markers", "connectgaps": False},
        "line": {
            "color": look.colour,
            "width": (1.2 if crowded else 1.8) if solid else 1,
            "dash": "solid" if solid else "dash",
        },
        "marker": {
            "symbol": look.marker if solid else "circle",
            "size": sizes,
            "color": look.colour,
            "line": {"width": 0},
        },
        "opacity": (0.85 if crowded else 1) if solid else (0.35 if crowded else 0.6),
        "customdata": about,
        "hovertemplate": f"<b>{label}</b>, {split}<br>frozen depth %{{customdata[0]}}, seed %{{customdata[1]}}"
        f"<br>epoch %{{x}}: {shown}<extra></extra>",
    }


def _ends(x: list[float | None]) -> list[bool]:
    return [here is not None and (place + 1 == len(x) or x[place + 1] is None) for place, here in enumerate(x)]


def _marks(diverged: pd.DataFrame, number: str, dark: bool) -> dict[str, Any]:
    labels = [_style.cell_label(row.strategy, row.frozen_depth) for row in diverged.itertuples()]
    return {
        **{"type": "scatter", "uid": "diverged", "mode": "markers", "name": "Diverged"},
        **{"x": diverged["epoch"].tolist(), "y": diverged[number].tolist()},
        "marker": {"symbol": "x-thin", "size": 12, "line": {"color": _style.INK[dark], "width": 2.5}},
        "hovertext": [
            f"<b>Diverged</b><br>{_style.escape(label)}, seed {seed}<br>last finite value at epoch {epoch}"
            for label, seed, epoch in zip(labels, diverged["seed"], diverged["epoch"], strict=True)
        ],
        "hoverinfo": "text",
    }


def _count(rows: pd.DataFrame) -> str:
    runs = rows["run_id"].nunique()
    return f"{runs} run, {_words.seeds(1)}" if runs == 1 else f"{runs} runs, {_words.seeds(rows['seed'].nunique())}"


def _latest(rows: pd.DataFrame, number: str) -> pd.DataFrame:
    """Return the last value of each run on validation, or on train where there is no validation yet."""
    split = "validation" if (rows["split"] == "validation").any() else "train"
    drawn = rows[(rows["split"] == split) & rows[number].notna()]
    return drawn.sort_values("epoch").drop_duplicates("run_id", keep="last")


def _last_values(rows: pd.DataFrame, number: str) -> str:
    latest = _latest(rows, number)
    unit = " %" if number == "percent" else ""
    said = []
    for strategy in _style.looks(latest["strategy"]):
        mine = latest[latest["strategy"] == strategy]
        low, high = mine[number].min(), mine[number].max()
        digits = 1 if number == "percent" else 3
        span = f"{low:.{digits}f}" if len(mine) == 1 else f"{low:.{digits}f} to {high:.{digits}f}"
        runs = "1 run" if len(mine) == 1 else f"{len(mine)} runs"
        said.append(f"{_style.strategy_label(strategy)}: last {mine['split'].iloc[0]} value {span}{unit} ({runs}).")
    return " ".join(said)


def _reading(rows: pd.DataFrame, number: str, diverged: pd.DataFrame) -> str:
    latest = _latest(rows, number)
    ended = f"; {len(diverged)} diverged" if len(diverged) else ""
    if latest.empty:
        return f"No run has a finite value yet{ended}."
    better = latest.loc[latest[number].idxmax() if number == "percent" else latest[number].idxmin()]
    value = f"{better[number]:.1f} %" if number == "percent" else f"{better[number]:.3f}"
    which = f"{_style.cell_label(better['strategy'], better['frozen_depth'])}, seed {better['seed']}"
    extreme = "highest" if number == "percent" else "lowest"
    return f"The {extreme} latest {better['split']} value is {value} ({which}, epoch {better['epoch']}){ended}."
