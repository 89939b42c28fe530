"""A forest plot of paired differences: one row per comparison, seeds as dots, the mean and its intervals, a line at zero."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd
import plotly.graph_objects as go

from dashboard.figures import _cells, _style
from engine import stats
from engine.comparisons import Comparison

ROW = 34  # pixels
AXIS = "Difference in test accuracy (points)"


def forest(
    table: pd.DataFrame,
    found: Sequence[Comparison],
    columns: Sequence[str],
    *,
    title: str,
    notes: Sequence[str] = (),
    dark: bool,
    uirevision: str,
) -> tuple[go.Figure, int]:
    """Return the figure of a table of `_differences` and its height in pixels.

    Args:
        table: one row per comparison.
        found: the comparisons, in the order of the rows.
        columns: that make a series.
        title: short.
        notes: what stands below the title before the words about pairs and marks.
        dark: draw for a dark background.
        uirevision: zoom and hidden traces are kept while it stays the same.
    """
    figure = _style.finish(
        _traces(table, found, dark),
        title=title,
        notes=[
            *notes,
            _pairs_note(table["pairs"]),
            *(["thick: 95 % each (Student t)"] if (table["pairs"] >= _cells.INTERVAL_SEEDS).any() else []),
            *(["thin: all together"] if (table["pairs"] >= stats.CLAIM_PAIRS).any() else []),
            "filled: a claim (Holm)",
        ],
        xaxis={
            "title": {"text": AXIS},
            "autorangeoptions": {"include": _around_zero(table)},
            "zeroline": True,
            "zerolinecolor": _style.INK[dark],
            "zerolinewidth": 1.5,
        },
        yaxis={
            **{"tickmode": "array", "tickvals": list(range(len(table))), "ticktext": _labels(table, columns)},
            **{"autorange": "reversed", "autorangeoptions": _cells.row_range(len(table))},
            **{"showgrid": False, "ticks": ""},
        },
        dark=dark,
        uirevision=uirevision,
    )
    return figure, int(figure.layout.margin.t) + 60 + max(3, len(table)) * ROW


def _around_zero(table: pd.DataFrame) -> list[float]:
    """Return what the axis must hold: the control's line at 0, not at the very edge."""
    low, high = min(0.0, table["mean_points"].min()), max(0.0, table["mean_points"].max())
    margin = 0.05 * max(high - low, 1.0)
    return [-margin, margin]


def _pairs_note(pairs: pd.Series) -> str:
    low, high = int(pairs.min()), int(pairs.max())
    note = f"{high} pair{'s' if high > 1 else ''}" if low == high else f"{low} to {high} pairs"
    return f"{note}: exploring, no claim below {stats.CLAIM_PAIRS}" if high < stats.CLAIM_PAIRS else f"{note} by seed"


def _labels(table: pd.DataFrame, columns: Sequence[str]) -> list[str]:
    differing = _cells.varying(_cells.curve_keys(table, columns), columns)
    labels = []
    for cell, key in zip(table.itertuples(), _cells.series_keys(table, columns), strict=True):
        series = _style.clip(_cells.series_label(key, columns, differing), 26)
        name = _style.escape(_style.cell_label(cell.strategy, cell.frozen_depth))
        pairs = f"{cell.mean_points:+z.1f}, n={cell.pairs}"
        below = _style.escape(" · ".join(filter(None, [series, pairs])))
        labels.append(f"{name}<br><span style='font-size:10px'>{below}</span>")
    return labels


def _traces(table: pd.DataFrame, found: Sequence[Comparison], dark: bool) -> list[dict[str, Any]]:
    traces = []
    common = {"type": "scatter", "mode": "markers", "showlegend": False}
    for strategy, look in _style.looks(table["strategy"], dark).items():
        cells = table[table["strategy"] == strategy]
        for part, low, high, least, width, alpha in (
            ("together", "low_together_points", "high_together_points", stats.CLAIM_PAIRS, 1.2, 0.8),
            ("mean", "low_points", "high_points", _cells.INTERVAL_SEEDS, 4.0, 0.55),
        ):
            drawn = (cells["pairs"] >= least) & cells[low].notna()
            fill = [look.colour if claim else _style.PAPER[dark] for claim in cells["claim"]]
            traces.append(
                {
                    **common,
                    **{"uid": _style.uid(strategy, part), "y": cells.index.tolist()},
                    "x": cells["mean_points"].tolist(),
                    "marker": {
                        **{"symbol": look.marker, "size": 11, "color": fill},
                        "line": {"color": look.colour, "width": 2},
                    },
                    "error_x": {
                        **{"type": "data", "symmetric": False, "color": _style.fade(look.colour, alpha)},
                        **{"thickness": width, "width": 5 if part == "together" else 0},
                        "array": (cells[high] - cells["mean_points"]).where(drawn, 0.0).tolist(),
                        "arrayminus": (cells["mean_points"] - cells[low]).where(drawn, 0.0).tolist(),
                    },
                    **({"hovertext": _hover(cells), "hoverinfo": "text"} if part == "mean" else {"hoverinfo": "skip"}),
                }
            )
        dots = [(value * 100, row, seed) for row in cells.index for seed, value in found[row].pairs.items()]
        traces.append(
            {
                **common,
                **{"uid": _style.uid(strategy, "pairs"), "x": [dot[0] for dot in dots], "y": [dot[1] for dot in dots]},
                "marker": {
                    **{"symbol": "circle", "size": 6, "color": look.colour},
                    "line": {"color": _style.PAPER[dark], "width": 1},
                },
                "customdata": [dot[2] for dot in dots],
                "hovertemplate": "seed %{customdata}: %{x:+.1f} points<extra></extra>",
            }
        )
    return traces


def _hover(cells: pd.DataFrame) -> list[str]:
    texts = []
    for cell in cells.itertuples():
        lines = [
            f"<b>{_style.escape(_style.cell_label(cell.strategy, cell.frozen_depth))}</b>",
            f"{cell.mean_points:+z.1f} points, {cell.pairs} pair{'s' if cell.pairs > 1 else ''}",
        ]
        if cell.pairs >= 2:
            lines += [
                f"95 % interval {cell.low_points:.1f} to {cell.high_points:.1f} ({cell.interval})",
                f"all together {cell.low_together_points:.1f} to {cell.high_together_points:.1f}",
            ]
            if pd.notna(cell.low_bca_points):
                lines.append(f"BCa bootstrap {cell.low_bca_points:.1f} to {cell.high_bca_points:.1f}")
            lines.append(
                f"p {cell.p_value:.3g} (Holm {cell.holm_p:.3g}), sign flips {cell.sign_flip_p:.3g} "
                f"(Holm {cell.holm_sign_flip_p:.3g})"
            )
        texts.append("<br>".join(lines))
    return texts


def named(table: pd.DataFrame, columns: Sequence[str]) -> list[str]:
    differing = _cells.varying(_cells.curve_keys(table, columns), columns)
    said = []
    for cell, key in zip(table.itertuples(), _cells.series_keys(table, columns), strict=True):
        phrase = _style.cell_phrase(cell.strategy, cell.frozen_depth, cell.n_units)
        label = _cells.series_label(key, columns, differing)
        said.append(f"{phrase}{f' ({label})' if label else ''} {cell.mean_points:+z.1f}")
    return said


def listed(table: pd.DataFrame, columns: Sequence[str]) -> str:
    parts = [f"{one} ({n} pairs)" for one, n in zip(named(table, columns), table["pairs"], strict=True)]
    more = f"; and {len(parts) - 24} more in the table" if len(parts) > 24 else ""
    return "; ".join(parts[:24]) + more + "."
