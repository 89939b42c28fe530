"""The unit in which a measure is drawn: an accuracy in percent, every other measure in its own unit."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from dashboard.figures import _cells, _run_intervals, _style
from engine import stats


@dataclass(frozen=True)
class Scale:
    """How one measure is written: `axis` is its name with its unit; `percent` for a share that is drawn times 100."""

    metric: str
    label: str
    axis: str
    percent: bool = False
    lower: bool = False
    """Whether less is better."""
    limits: tuple[float, float] = (-math.inf, math.inf)

    @property
    def factor(self) -> float:
        """From the value in the frame to what is drawn."""
        return 100.0 if self.percent else 1.0

    @property
    def mean(self) -> str:
        """The table's column of means."""
        return "mean_percent" if self.percent else "mean"

    @property
    def hover(self) -> str:
        """The end of a hover template that writes y."""
        return "%{y:.1f} &#37;" if self.percent else "%{y:.4g}"

    def text(self, shown: float) -> str:
        """A drawn value in words."""
        return f"{shown:.1f} %" if self.percent else f"{shown:.3g}"

    def distance(self, shown: float) -> str:
        """A difference of drawn values in words."""
        return f"{shown:.1f} points" if self.percent else f"{shown:.3g}"

    def best(self, values: pd.Series) -> Any:
        """The index of the best value."""
        return values.idxmin() if self.lower else values.idxmax()

    @property
    def extreme(self) -> str:
        """The best of several, in a word."""
        return "lowest" if self.lower else "highest"


def of_accuracy(metric: str, axis: str = "") -> Scale:
    """The scale of an accuracy that nothing more is known of."""
    name = metric.replace("_", " ").capitalize()
    return Scale(metric, name, axis or f"{name} (%)", percent=True, limits=(0.0, 1.0))


def axis(scale: Scale, shown: Iterable[float]) -> dict[str, Any]:
    """The y axis for drawn values: percent, or the unit of the measure, never beyond what the measure can be."""
    if scale.percent:
        return _style.accuracy_axis(scale.axis, shown)
    finite = [value for value in shown if pd.notna(value)]
    found: dict[str, Any] = {"title": {"text": scale.axis}}
    if finite:
        spread = max(finite) - min(finite)
        margin = 0.07 * spread or 0.05 * abs(finite[0]) or 0.05
        options: dict[str, Any] = {"include": [min(finite) - margin, max(finite) + margin]}
        for name, limit, beyond in (("clipmin", scale.limits[0], -margin), ("clipmax", scale.limits[1], margin)):
            if math.isfinite(limit):
                options[name] = limit + beyond  # a little beyond, so that a dot there is not cut in half
        found |= {"autorange": True, "autorangeoptions": options}
    return found


def summary(rows: pd.DataFrame, by: Sequence[str], scale: Scale) -> pd.DataFrame:
    """One row per cell: `by`, seeds, mean, sd, low, high, interval, runs; for percent named and scaled as `_cells` does.

    A cell that has no value in any run stays, without numbers: a gap is drawn there. Further columns say what was measured:
    n_images, n_features, rank (D and its numerical rank), pooling, and the reason where there is no value; and, where runs have
    intervals of their own, run_low, run_high and run_interval (their kind, or why there is none).
    """
    measured = rows[rows["value"].notna()]
    if scale.percent:
        table = _cells.percent_summary(measured, by)
    else:
        table = stats.summarise(measured, by, images=None).rename(columns={"n": "seeds"})
        listed = measured.groupby([*by, "seed"], dropna=False, sort=False)["value"].mean().reset_index()
        runs = (
            listed.sort_values("seed")
            .groupby(list(by), dropna=False, sort=False)["value"]
            .agg(lambda values: ", ".join(f"{value:.6g}" for value in values))
        )
        table = table.merge(runs.rename("runs").reset_index(), on=list(by), how="left")
        table = table[[*by, "seeds", "mean", "sd", "low", "high", "interval", "runs"]]
    table = _run_intervals.added(table, rows, by, scale.factor)
    table = _about(rows, by).merge(table, on=list(by), how="left")
    places = [name for name in table if name not in ABOUT]
    table["seeds"] = table["seeds"].fillna(0).astype("int64")
    if "run_interval" in table:
        table["run_interval"] = table["run_interval"].fillna("")
    return table[[*places, *ABOUT]]


ABOUT = ["n_images", "n_features", "rank", "pooling", "reason"]


def _about(rows: pd.DataFrame, by: Sequence[str]) -> pd.DataFrame:
    """What the cells were measured on; frames kept from before hold less, and then it is empty."""
    missing = {"n_images": None, "n_features": None, "pooling": "", "reason": "", "detail": "{}"}
    rows = rows.assign(**{name: value for name, value in missing.items() if name not in rows})
    rows = rows.assign(rank=[_rank(text) for text in rows["detail"]])
    first = {name: (name, "first") for name in ("n_images", "n_features", "rank", "pooling")}
    return rows.groupby(list(by), dropna=False, sort=False).agg(**first, reason=("reason", _reasons)).reset_index()


def _rank(detail: object) -> float:
    found = json.loads(detail).get("rank") if isinstance(detail, str) and detail else None
    return float(found) if isinstance(found, int | float) else math.nan


def _reasons(texts: pd.Series) -> str:
    return "; ".join(dict.fromkeys(text for text in texts if isinstance(text, str) and text))
