"""What the figures share before anything is drawn: finished measurements, series, and means over seeds in percent."""

from __future__ import annotations

import re
from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from dashboard.figures._style import plain
from engine import budgets, stats

SERIES = ("backbone", "dataset", "budget")
NUMBERS = "seeds mean_percent sd_points low_percent high_percent interval runs_percent".split()
SHORT_KIND = {stats.OVER_SEEDS: "t", stats.OVER_IMAGES: "Wilson", stats.NO_INTERVAL: "no interval"}
INTERVAL_SEEDS = 3
"""From how many seeds on an interval is drawn: that of two (12.7 standard errors) would hide the rest of the chart."""


def measured(frame: pd.DataFrame, metric: str) -> pd.DataFrame:
    """Return the rows of a transfer curve that hold a finite value of `metric`, each run and unit once."""
    if frame.empty:
        return frame
    rows = frame[(frame["metric"] == metric) & np.isfinite(frame["value"].astype(float))]
    return rows.drop_duplicates(["run_id", "unit"])  # a run that is reused belongs to several experiments


def with_weights(
    rows: pd.DataFrame, runs: pd.DataFrame | None, series: Sequence[str]
) -> tuple[pd.DataFrame, list[str]]:
    """Return the rows and the columns that make a series; the starting weights are one of them where they differ.

    A run from scratch starts from random weights by definition: it is the control of every series that it shares
    the other columns with, and is repeated in each.
    """
    rows = with_budget(rows)
    if "weights" not in rows and runs is not None and "weights" in runs:
        rows = rows.merge(runs[["run_id", "weights"]].drop_duplicates("run_id"), on="run_id", how="left")
    control = rows["strategy"] == "from_scratch"
    if "weights" not in rows or rows.loc[~control, "weights"].nunique() < 2:
        return rows, list(series)
    starts = rows.loc[~control, [*series, "weights"]].drop_duplicates()
    controls = rows[control].drop(columns="weights").merge(starts, on=list(series), how="left")
    return pd.concat([rows[~control], controls], ignore_index=True), [*series, "weights"]


def with_budget(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the rows with the label budget as it was asked for; frames kept from before had its number only."""
    if "budget" in rows or "label_budget" not in rows:
        return rows
    return rows.assign(budget=rows["label_budget"].astype("str").where(rows["label_budget"].notna(), "all"))


def percent_summary(rows: pd.DataFrame, by: Sequence[str]) -> pd.DataFrame:
    """Return one row per cell: `by`, seeds, mean_percent, sd_points, low_percent, high_percent, interval, runs_percent.

    The interval is cut at 0 and 100; `runs_percent` lists the value of every seed, in the order of the seeds.
    """
    table = stats.summarise(rows, by)
    each = rows.groupby([*by, "seed"], dropna=False, sort=False)["value"].mean().mul(100).reset_index()
    listed = (
        each.sort_values("seed")
        .groupby(list(by), dropna=False, sort=False)["value"]
        .agg(lambda values: ", ".join(f"{value:.2f}" for value in values))
    )
    table = table.merge(listed.rename("runs_percent").reset_index(), on=list(by), how="left")
    table = table.rename(columns={"n": "seeds"}).assign(
        mean_percent=table["mean"] * 100,
        sd_points=table["sd"] * 100,
        low_percent=(table["low"] * 100).clip(0, 100),
        high_percent=(table["high"] * 100).clip(0, 100),
    )
    return table[[*by, *NUMBERS]]


def interval_drawn(cells: pd.DataFrame) -> pd.Series:
    """Return for each cell whether its interval belongs in the drawing."""
    return cells["low_percent"].notna() & ((cells["seeds"] == 1) | (cells["seeds"] >= INTERVAL_SEEDS))


def outline(
    x: pd.Series, low: pd.Series, high: pd.Series, has: pd.Series
) -> tuple[list[float | None], list[float | None]]:
    """Return the outline of a band as x and y: forth along the high ends, back along the low, broken where `has` is false."""
    pieces = (has != has.shift()).cumsum()[has]
    along: list[float | None] = []
    edge: list[float | None] = []
    for _, piece in pieces.groupby(pieces):
        forth = x[piece.index].tolist()
        along += [*forth, *reversed(forth), None]
        edge += [*high[piece.index], *reversed(low[piece.index].tolist()), None]
    return along, edge


def by_seed(rows: pd.DataFrame) -> pd.Series:
    """Return the values of one cell with the seed as index, as `stats.paired` wants them."""
    return rows.groupby("seed")["value"].mean()


def series_keys(rows: pd.DataFrame, columns: Sequence[str]) -> pd.Series:
    """Return for each row the tuple of its series; missing values become None, so that keys can be compared."""
    values = rows[list(columns)].astype(object).where(rows[list(columns)].notna(), None)
    return pd.Series(list(values.itertuples(index=False, name=None)), index=rows.index, dtype=object)


def curve_keys(table: pd.DataFrame, columns: Sequence[str]) -> list[tuple[Hashable, ...]]:
    """Return the series of a table in the order in which they are drawn."""
    return sorted(set(series_keys(table, columns)), key=sort_key)


def of_series(frame: pd.DataFrame, columns: Sequence[str], key: tuple[Hashable, ...]) -> pd.DataFrame:
    """Return the rows of one series."""
    return frame[[found == key for found in series_keys(frame, columns)]]


def sort_key(key: Sequence[Hashable]) -> tuple[tuple[bool, bool, float, str], ...]:
    """Order series by their values: numbers by size, then text by the number it begins with, then all labels."""
    return tuple(map(_sort_value, key))


def _sort_value(value: Hashable) -> tuple[bool, bool, float, str]:
    begins = re.match(r"\d+(?:\.\d+)?", value) if isinstance(value, str) else None
    text = isinstance(value, str) and not value.isdecimal()
    number = float(begins[0]) if begins else 0.0 if value is None or isinstance(value, str) else float(value)
    return value is None or value == "all", text, number, str(value)


def series_label(key: Sequence[Hashable], columns: Sequence[str], shown: Sequence[str] | None = None) -> str:
    """Return plain words for a series: "resnet20 on digits, 100 labels"; only the columns in `shown`, when given."""
    given = {name: value for name, value in zip(columns, key, strict=True) if shown is None or name in shown}
    parts = [plain(given[name]) for name in ("backbone", "dataset") if name in given]
    words = [" on ".join(parts)] if parts else []
    if "budget" in given:
        words.append(budgets.words(given["budget"]))
    rest = (name for name in given if name not in SERIES)
    return ", ".join([*words, *(f"{name} {plain(given[name])}" for name in rest)])


def varying(keys: Sequence[Sequence[Hashable]], columns: Sequence[str]) -> list[str]:
    """Return the columns in which the series differ."""
    return [name for place, name in enumerate(columns) if len({key[place] for key in keys}) > 1]


def shared_label(keys: Sequence[Sequence[Hashable]], columns: Sequence[str]) -> str:
    """Return in words what all series have in common."""
    differing = varying(keys, columns)
    return series_label(keys[0], columns, [name for name in columns if name not in differing])


def progress(runs: pd.DataFrame | None) -> str:
    """Return "3 of 21 runs finished" with what went wrong, or "" when all are finished or nothing is known."""
    if runs is None or runs.empty:
        return ""
    states = runs.drop_duplicates("run_id")["state"].value_counts()
    total, done = int(states.sum()), int(states.get("finished", 0))
    if done == total:
        return ""
    wrong = [f"{states[name]} {name}" for name in ("failed", "diverged", "cancelled", "interrupted") if name in states]
    return ", ".join([f"{done} of {total} runs finished", *wrong])


def seeds_note(counts: pd.Series) -> str:
    """Say how many seeds the cells have, and that one seed is no evidence."""
    low, high = int(counts.min()), int(counts.max())
    if high == 1:
        return "1 seed: exploring (hollow)"
    note = f"{high} seeds" if low == high else f"{low} to {high} seeds"
    return f"{note}; hollow = 1 seed: exploring" if low == 1 else note


def unit_names(rows: pd.DataFrame) -> Mapping[int, str]:
    """Return the name of each unit; of several backbones only where they agree."""
    if "unit_name" not in rows:
        return {}
    names = rows[["unit", "unit_name"]].dropna().drop_duplicates()
    agreed = names[~names["unit"].duplicated(keep=False)]
    return {int(unit): plain(name) for unit, name in zip(agreed["unit"], agreed["unit_name"], strict=True)}


def row_range(n: int) -> dict[str, Any]:
    """Plotly's `autorangeoptions` of an axis of n rows: all of them, and no blank rows beside dozens."""
    return {"include": [-0.5, n - 0.5], "clipmin": -1.0, "clipmax": float(n)}
