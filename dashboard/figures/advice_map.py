"""Data size against nearness to the source task, by measured numbers: where this task lies, and how advice fared on others."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd

from dashboard.figures import _style
from dashboard.figures._style import Drawn

TITLE = "Little or much data, near or far"
HERE = "this task"
VERDICTS = {
    HERE: ("star", ("#b23a48", "#f28b95"), 17),
    "right": ("circle", ("#0a5a94", "#7cc4f2"), 11),
    "wrong": ("x", ("#c05f00", "#f2a54a"), 11),
    "undecided": ("circle-open", ("#5d6a75", "#a9b8c6"), 11),
    "not run": ("square-open", ("#5d6a75", "#a9b8c6"), 10),
}
"""Of advice: marker, colours for light and dark, size."""
NAMES = {
    "right": "advice right", "wrong": "advice wrong", "undecided": "undecided", "not run": "advice not run", HERE: HERE,
}  # fmt: skip
COLUMNS = [
    "task",
    "n_train",
    "n_classes",
    "n_features",
    "labels_per_feature",
    "evidence",
    "best_unit",
    "n_units",
    "quadrant",
]
COLUMNS += ["advice", "verdict", "regret_points"]
TAKEN = (*COLUMNS[:-1], "regret")
_CORNERS = {  # (little, near) -> what the corner is called, and where it is written
    (True, True): ("little, near: linear probe", "left", "top"),
    (False, True): ("much, near: fine-tune all", "right", "top"),
    (True, False): ("little, far: freeze up to the best unit", "left", "bottom"),
    (False, False): ("much, far: fine-tune all", "right", "bottom"),
}
_TICKS = (0, 2, 10, 30, 100, 300, 1_000, 3_000, 10_000, 100_000)


def advice_map(
    points: pd.DataFrame,
    *,
    little: float,
    far: float,
    note: str = "",
    dark: bool = False,
    uirevision: str = "advice",
) -> Drawn:
    """Draw tasks by labels per feature (log) and evidence against the last unit (2 ln B, log of 1 + it, near is up).

    Args:
        points: one row per task, with the columns TAKEN; regret as a share (0..1; NaN where there is none).
        little: labels per feature below which a task has little data.
        far: evidence beyond which it is far.
        note: plain text below the title.
        dark: draw for a dark background.
        uirevision: zoom is kept while it stays the same.
    """
    axes = _axes(points, little, far)
    look = {"dark": dark, "uirevision": uirevision}
    if points.empty:
        said = "A mark appears for every task whose frozen backbone was measured, and its advice is graded once it was run."
        return _style.empty(TITLE, said, COLUMNS, notes=[note], **look, **axes)
    table = points.assign(regret_points=points["regret"].astype(float) * 100)[COLUMNS].reset_index(drop=True)
    figure = _style.finish(
        _traces(table, dark),
        title=TITLE,
        notes=[note, f"dashed: {little:g} labels per feature", f"2 ln B of {far:g}: very strong evidence"],
        shapes=_borders(little, far, dark),
        annotations=_corners(dark),
        showlegend=True,
        **axes,
        **look,
    )
    return Drawn(figure, TITLE, _alt(table, little, far), _reading(table), table, 460)


def height(evidence: float) -> float:
    """Where evidence is drawn: log10 of 1 + 2 ln B."""
    return math.log10(1 + max(0.0, evidence))


def _axes(points: pd.DataFrame, little: float, far: float) -> dict[str, Any]:
    most = max([far * 3, *points["evidence"]]) if len(points) else 100.0
    widths = [little / 8, little * 8, *points["labels_per_feature"]] if len(points) else [0.2, 20.0]
    ticks = [tick for tick in _TICKS if tick <= most]
    return {
        "xaxis": {
            "title": {"text": "Training labels per feature (log scale)"},
            **{"type": "log", "range": [math.log10(min(widths)) - 0.15, math.log10(max(widths)) + 0.15]},
            **{
                "tickvals": [0.01, 0.1, 0.5, 2, 10, 100, 1000],
                "ticktext": ["0.01", "0.1", "0.5", "2", "10", "100", "1000"],
            },
        },
        "yaxis": {
            "title": {"text": "Evidence against the last unit (2 ln B)"},
            **{"range": [height(most) + 0.25, -0.25], "tickvals": [height(tick) for tick in ticks]},
            "ticktext": [f"{tick:,}" for tick in ticks],
        },
    }


def _borders(little: float, far: float, dark: bool) -> list[dict[str, Any]]:
    line = {"color": _style.fade(_style.INK[dark], 0.55), "width": 1.5, "dash": "dash"}
    at = height(far)
    return [
        {
            "type": "line",
            "x0": little,
            "x1": little,
            "yref": "paper",
            "y0": 0,
            "y1": 1,
            "line": line,
            "layer": "below",
        },
        {"type": "line", "y0": at, "y1": at, "xref": "paper", "x0": 0, "x1": 1, "line": line, "layer": "below"},
    ]


def _corners(dark: bool) -> list[dict[str, Any]]:
    return [
        {
            **{
                "text": _style.escape(text).replace(": ", ":<br>", 1),
                "showarrow": False,
                "xref": "paper",
                "yref": "paper",
            },
            **{"x": 0.01 if side == "left" else 0.99, "xanchor": side, "align": side},
            **{"y": 0.99 if edge == "top" else 0.01, "yanchor": edge},
            "font": {"size": 11, "color": _style.fade(_style.INK[dark], 0.75)},
        }
        for text, side, edge in _CORNERS.values()
    ]


def _traces(table: pd.DataFrame, dark: bool) -> list[dict[str, Any]]:
    traces = []
    for verdict, (symbol, colours, size) in reversed(VERDICTS.items()):  # this task on top of the others
        rows = table[table["verdict"] == verdict]
        if rows.empty:
            continue
        traces.append(
            {
                **{"type": "scatter", "mode": "markers", "uid": _style.uid("advice", verdict), "name": NAMES[verdict]},
                **{"x": rows["labels_per_feature"].tolist(), "y": [height(one) for one in rows["evidence"]]},
                "marker": {"symbol": symbol, "size": size, "color": colours[dark], "line": {"width": 1.5}},
                **{"hovertext": [_hover(row) for row in rows.itertuples()], "hoverinfo": "text"},
            }
        )
    return traces


def _hover(row: Any) -> str:
    lines = [
        f"<b>{_style.escape(row.task)}</b>",
        f"{row.n_train:,} labels, {row.n_features:,} features: {row.labels_per_feature:.2g} each",
        f"best unit {row.best_unit} of {row.n_units}, 2 ln B {row.evidence:.3g}",
        f"advice: {_style.escape(row.advice)}",
    ]
    return "<br>".join([*lines, _style.escape(_graded(row))])


def _graded(row: Any) -> str:
    if row.verdict == HERE:
        return "this task, not graded"
    cost = f", {row.regret_points:.1f} points below the best" if pd.notna(row.regret_points) else ""
    return f"{NAMES[row.verdict]}{cost}"


def _alt(table: pd.DataFrame, little: float, far: float) -> str:
    said = [
        f"{row.task}: {row.labels_per_feature:.2g} labels per feature, 2 ln B {row.evidence:.3g}, {row.quadrant}, advice"
        f" {row.advice} ({_graded(row)})"
        for row in table.head(24).itertuples()
    ]
    more = f"; and {len(table) - 24} more in the table" if len(table) > 24 else ""
    return (
        "Scatter chart of tasks: training labels per feature of the last unit across, boundary"
        f" {little:g}; evidence against the last unit downwards, boundary {far:g}. {'; '.join(said)}{more}."
    )


def _reading(table: pd.DataFrame) -> str:
    here = table[table["verdict"] == HERE]
    past = table[table["verdict"].isin(["right", "wrong"])]
    right = int((past["verdict"] == "right").sum())
    known = (
        f"Of {len(past)} tasks that tell strategies apart, the advice was among the best in {right}."
        if len(past)
        else ""
    )
    if here.empty:
        return known or "No task here tells strategies apart yet, so nothing says whether the advice was right."
    placed = "; ".join(f"{row.task}: {row.quadrant}" for row in here.itertuples())
    return f"{placed}. {known}".strip()
