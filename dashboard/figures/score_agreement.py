"""Which cheap score predicted the measured order: tau with its interval beside the band that chance gives."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from typing import Any

import pandas as pd

from dashboard.figures import _style
from dashboard.figures._style import Drawn

TITLE = "Agreement with the measured order"
COLOURS = {False: ("#0a5a94", "#8a8f94"), True: ("#7cc4f2", "#8f9aa5")}  # beyond chance, within it
BAND = {False: "#5d5d5d", True: "#c4c4c4"}
NOUNS = {"depths": "frozen depths", "strategies": "strategies", "backbones": "backbones"}
COLUMNS = ["score", "n", "tau", "tau_low", "tau_high", "weighted_tau", "weighted_low", "weighted_high"]
COLUMNS += ["regret_points", "null_band", "beyond_chance", "reason"]


def score_agreement(
    board: pd.DataFrame,
    *,
    labels: Mapping[str, str] | None = None,
    note: str = "",
    dark: bool = False,
    uirevision: str = "scoreboard",
) -> Drawn:
    """Draw Kendall's tau-b of every score with its interval, and the band within which random orders of so many things stay.

    Args:
        board: rows of `engine.scoreboard.scoreboard` of one group (one kind, dataset, budget and backbone or strategy).
        labels: what people call a metric, plain text.
        note: of the group, plain text.
        dark: draw for a dark background.
        uirevision: zoom is kept while it stays the same.
    """
    labels, look = labels or {}, {"dark": dark, "uirevision": uirevision}
    axis = {
        "title": {"text": "Kendall's tau-b with the measured order"},
        "range": [-1.08, 1.08],
        "tickvals": [-1, -0.5, 0, 0.5, 1],
    }
    if board.empty:
        said = (
            "Nothing to rank yet: a line per score appears when five or more depths, strategies or backbones have a test"
            " accuracy and scores."
        )
        return _style.empty(TITLE, said, COLUMNS, notes=[note], **look, xaxis=axis)
    table = board.assign(
        score=[labels.get(metric, metric.replace("_", " ").capitalize()) for metric in board["metric"]],
        regret_points=board["regret"].astype(float) * 100,
    )[COLUMNS].reset_index(drop=True)
    things = NOUNS.get(str(board["kind"].iloc[0]), "things")
    figure = _style.finish(
        [*_bands(table, dark), *_points(table, dark)],
        title=TITLE,
        notes=[note, f"{_span(table)} {things} ranked", "bar: 95 % interval, resampled", "grey: 95 % of random orders"],
        xaxis=axis | {"zeroline": True},
        yaxis={"tickmode": "array", "tickvals": list(range(len(table))),
               "ticktext": [_style.escape(_style.clip(one, 24)) for one in table["score"]],
               "autorange": False, "range": [len(table) - 0.4, -0.6], "showgrid": False},
        annotations=[_refusal(place, row.reason, dark) for place, row in enumerate(table.itertuples()) if row.reason],
        **look,
    )  # fmt: skip
    reading = _reading(table, things)
    alt = f"Dot chart of Kendall's tau, {note}. {_alt(table)}"
    return Drawn(figure, TITLE, alt, reading, table, 190 + 34 * len(table))


def _span(table: pd.DataFrame) -> str:
    """How many things are ranked; where all scores are refused, how many there are."""
    judged = table[table["tau"].notna()]
    counts = judged["n"] if len(judged) else table["n"]
    low, high = int(counts.min()), int(counts.max())
    return str(high) if low == high else f"{low} to {high}"


def _bands(table: pd.DataFrame, dark: bool) -> list[dict[str, Any]]:
    """The band of random orders, of each score its own: with ties and missing values it differs."""
    there = table[table["tau"].notna()]
    if there.empty:
        return [{"type": "scatter", "x": [None], "y": [None], "uid": "nothing", "showlegend": False}]
    return [
        {
            **{"type": "bar", "orientation": "h", "uid": "band", "name": "random orders", "showlegend": False},
            **{"x": (2 * there["null_band"]).tolist(), "base": (-there["null_band"]).tolist()},
            **{"y": there.index.tolist(), "width": 0.62, "hoverinfo": "skip"},
            "marker": {"color": _style.fade(BAND[dark], 0.22), "line": {"width": 0}},
        }
    ]


def _points(table: pd.DataFrame, dark: bool) -> list[dict[str, Any]]:
    there = table[table["tau"].notna()]
    if there.empty:
        return []
    beyond, within = COLOURS[dark]
    held = there["beyond_chance"].astype(bool)
    hover = [
        f"<b>{_style.escape(row.score)}</b>, {row.n} ranked<br>tau {row.tau:.2f} (95 % interval {row.tau_low:.2f} to"
        f" {row.tau_high:.2f})<br>weighted tau {row.weighted_tau:.2f} ({row.weighted_low:.2f} to {row.weighted_high:.2f})"
        f"<br>random orders stay within {row.null_band:.2f}<br>its first choice costs {row.regret_points:.1f} points"
        for row in there.itertuples()
    ]
    return [
        {
            **{"type": "scatter", "mode": "markers", "uid": "tau", "name": "tau-b", "showlegend": False},
            **{"x": there["tau"].tolist(), "y": there.index.tolist(), "customdata": hover},
            "marker": {
                "size": 11,
                "symbol": ["circle" if one else "circle-open" for one in held],
                "color": [beyond if one else within for one in held],
                "line": {"width": 2},
            },
            "error_x": {
                **{"type": "data", "symmetric": False, "thickness": 1.5, "width": 4, "color": within},
                "array": (there["tau_high"] - there["tau"]).clip(lower=0).tolist(),
                "arrayminus": (there["tau"] - there["tau_low"]).clip(lower=0).tolist(),
            },
            "hovertemplate": "%{customdata}<extra></extra>",
        }
    ]


def _refusal(place: int, reason: str, dark: bool) -> dict[str, Any]:
    short = textwrap.shorten(reason, 46, placeholder="…")
    return {"x": 0, "y": place, "text": _style.escape(short), "showarrow": False, "bgcolor": _style.PAPER[dark]}


def _one(row: Any) -> str:
    return (
        f"{row.score}: tau {row.tau:.2f} (95 % interval {row.tau_low:.2f} to {row.tau_high:.2f}, random orders within "
        f"{row.null_band:.2f}, n {row.n}), regret {row.regret_points:.1f} points"
    )


def _alt(table: pd.DataFrame) -> str:
    return " ".join(f"{row.score}: {row.reason}." if row.reason else f"{_one(row)}." for row in table.itertuples())


def _reading(table: pd.DataFrame, things: str) -> str:
    there = table[table["tau"].notna()]
    if there.empty:
        return f"No score can be judged: {table['reason'].iloc[0]}."
    held = there[there["beyond_chance"].astype(bool)]
    if held.empty:
        return (
            f"No score orders these {things} better than chance could: every tau lies within the band of random orders."
        )
    best = next(held.sort_values("tau", ascending=False).itertuples())
    if best.tau < 0:
        return f"No score orders these {things} well; {_one(best)}, the wrong way round."
    lucky = f"about {0.05 * len(there):.2g} would by chance alone"
    return f"{_one(best)}; {len(held)} of {len(there)} scores lie outside the band, {lucky}."
