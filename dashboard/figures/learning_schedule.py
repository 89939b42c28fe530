"""Which units learn when, and at what rate: a strategy's schedule as a picture, before anything runs."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from dashboard.figures import _style
from dashboard.figures._style import Drawn

_ICE = {False: "#cfe3f1", True: "#1d3a52"}
_WARM = {False: ("#fbe3c8", "#c05f00"), True: ("#5a3a14", "#f2a54a")}
_DECADES = 2.5
COLUMNS = ["unit", "name", "learns_from_percent", "learns_until_percent", "lowest_rate", "highest_rate"]


def learning_schedule(
    frame: pd.DataFrame, *, label: str, note: str = "", dark: bool = False, uirevision: str = "learning_schedule"
) -> Drawn:
    """Draw time from left to right and units from the image (bottom) to the head (top); ice = fixed, warm = learns.

    Args:
        frame: columns share (0..1 of the steps), unit (1-based, the head last), name, trainable, rate.
        label: what people call the strategy.
        note: one more sentence below the title.
        dark: draw for a dark background.
        uirevision: zoom is kept while it stays the same.
    """
    title = f"{label}: what learns when"
    table = _table(frame)
    names = frame.drop_duplicates("unit").sort_values("unit")["name"].tolist()
    every = max(1, -(-len(names) // 24))
    figure = _style.finish(
        _traces(frame, names, dark),
        title=title,
        notes=[note, "blue: fixed, orange: learns, darker = faster" if not dark else "blue: fixed, orange: learns"],
        dark=dark,
        uirevision=uirevision,
        xaxis={"title": {"text": "Training (% of the steps)"}, "range": [0, 100], "showgrid": False},
        yaxis={
            **{"tickmode": "array", "tickvals": table["unit"].tolist()[::every], "showgrid": False},
            "ticktext": [_style.escape(_style.clip(name, 18)) for name in names][::every],
        },
    )
    return Drawn(figure, title, _alt(title, table), _reading(label, table), table, 190 + 17 * min(len(names), 24))


def _traces(frame: pd.DataFrame, names: list[str], dark: bool) -> list[dict[str, Any]]:
    """What is fixed, and over it what learns, where anything does."""
    rates = frame.pivot(index="unit", columns="share", values="rate").to_numpy(dtype=float)
    places = {"x": np.sort(frame["share"].unique()) * 100, "y": sorted(frame["unit"].unique().tolist())}
    fixed = {
        **{"type": "heatmap", "uid": "fixed", **places, "showscale": False},
        **{"z": np.where(rates > 0, np.nan, 0.0), "colorscale": [[0, _ICE[dark]], [1, _ICE[dark]]], "ygap": 2},
        "customdata": [[_style.escape(name)] * rates.shape[1] for name in names],
        "hovertemplate": "<b>%{customdata}</b><br>fixed at %{x:.0f} % of the training<extra></extra>",
    }
    return [fixed, _learns(rates, names, places, dark)] if (rates > 0).any() else [fixed]


def _learns(rates: np.ndarray, names: list[str], places: dict[str, Any], dark: bool) -> dict[str, Any]:
    """Rates (units, moments) as colours, in the logarithm."""
    logs = np.log10(np.where(rates > 0, rates, np.nan))
    high = float(np.nanmax(logs))
    # A schedule that ends at zero would use up the whole scale in its last steps.
    low = max(float(np.nanmin(logs)), high - _DECADES)
    ticks = [low, (low + high) / 2, high] if high > low + 0.01 else [high]
    return {
        **{"type": "heatmap", "uid": "learns", **places, "z": logs, "ygap": 2},
        **{"zmin": min(low, high - 0.1), "zmax": high},
        "colorscale": [[0, _WARM[dark][0]], [1, _WARM[dark][1]]],
        "customdata": [
            [f"{_style.escape(name)}: {rate:.2g}" for rate in row] for name, row in zip(names, rates, strict=True)
        ],
        "hovertemplate": "<b>%{customdata}</b><br>at %{x:.0f} % of the training<extra></extra>",
        "colorbar": {
            **{"title": {"text": "Rate"}, "thickness": 12, "tickvals": ticks},
            "ticktext": [f"{10**tick:.1g}" for tick in ticks],
        },
    }


def _table(frame: pd.DataFrame) -> pd.DataFrame:
    rows = []
    for (unit, name), moments in frame.groupby(["unit", "name"], sort=True):
        learning = moments[moments["rate"] > 0]
        rows.append(
            [unit, name, learning["share"].min() * 100, learning["share"].max() * 100, learning["rate"].min(),
             learning["rate"].max()]
        )  # fmt: skip
    return pd.DataFrame(rows, columns=COLUMNS)


def _alt(title: str, table: pd.DataFrame) -> str:
    said = [
        f"{_style.plain(row.name)}: never"
        if pd.isna(row.highest_rate)
        else f"{_style.plain(row.name)}: from {row.learns_from_percent:.0f} to {row.learns_until_percent:.0f} %,"
        f" at most {row.highest_rate:.2g}"
        for row in table.set_index("name").reset_index().itertuples(index=False)
    ]
    return f"{title}. " + "; ".join(said) + "."


def _reading(label: str, table: pd.DataFrame) -> str:
    learning = table[table["highest_rate"].notna()]
    if learning.empty:
        return f"{label}: nothing is trained by steps; the head is solved on the features of the frozen network."
    fixed = len(table) - len(learning)
    first = learning["learns_from_percent"].max()
    rates = learning["highest_rate"]
    parts = [f"{fixed} of {len(table)} parts stay fixed" if fixed else "Everything learns"]
    if first > 0.5:
        parts.append(f"the last to begin does so after {first:.0f} % of the training")
    if rates.max() > 1.05 * rates.min():
        parts.append(f"the slowest learns at {rates.min() / rates.max():.2g} of the fastest rate")
    return ", ".join(parts) + "."
