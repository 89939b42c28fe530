"""Every cell minus a chosen control, seed by seed: a forest plot whose zero line is the control."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

from dashboard.figures import _cells, _differences, _style
from dashboard.figures._differences import CONTROLS, Control
from dashboard.figures._style import Drawn
from engine import comparisons, stats
from engine.comparisons import Comparison

_ROW = 34  # pixels
_AXIS = "Difference in test accuracy (points)"
choices = _differences.choices


def paired_differences(
    frame: pd.DataFrame,
    *,
    control: Control | None = None,
    dark: bool = False,
    uirevision: str = "paired_differences",
    series: Sequence[str] = _cells.SERIES,
) -> Drawn:
    """Draw one row per cell: the differences of single seeds as dots, their mean, and its intervals.

    Args:
        frame: `transfer_curve`; the rows of metric "test_accuracy" are compared.
        control: strategy and frozen depth of the control (nothing is drawn before it has a result); None = from scratch, else
            the linear probe, else what there is.
        dark: draw for a dark background.
        uirevision: zoom and hidden traces are kept while it stays the same.
        series: columns whose values make cells of their own; each series is compared with its own control.
    """
    rows = _cells.measured(frame, "test_accuracy")
    known = [] if rows.empty else choices(rows)
    control = next(iter(known), None) if control is None else control
    look = {"dark": dark, "uirevision": uirevision}
    if control in known:
        rows, columns = _cells.with_weights(rows, None, series)
        table, found = _differences.differences(rows, columns, control)
    if control not in known or table.empty:
        said = (
            "Nothing to compare yet: a row appears for each strategy that shares a seed with the control, with its "
            "difference, the interval and every seed."
        )
        title = "Paired differences"
        return _style.empty(title, said, [*series, *_differences.CELL, *_differences.NUMBERS],
                            xaxis={"title": {"text": _AXIS}}, **look)  # fmt: skip
    phrase = _style.cell_phrase(*control, int(rows["n_units"].iloc[0]))
    # A gain is over a control; what is compared with another contestant is only a difference.
    title = f"Gain over {phrase}" if control[0] in CONTROLS else f"Difference from {phrase}"
    keys = _cells.curve_keys(table, columns)
    figure = _style.finish(
        _traces(table, found, dark),
        title=title,
        notes=[
            _cells.shared_label(keys, columns),
            _pairs_note(table["pairs"]),
            *(["thick: 95 % each (Student t)"] if (table["pairs"] >= _cells.INTERVAL_SEEDS).any() else []),
            *(["thin: all together"] if (table["pairs"] >= stats.CLAIM_PAIRS).any() else []),
            "filled: a claim (Holm)",
        ],
        xaxis={
            "title": {"text": _AXIS},
            "autorangeoptions": {"include": _around_zero(table)},
            "zeroline": True,
            "zerolinecolor": _style.INK[dark],
            "zerolinewidth": 1.5,
        },
        yaxis={
            **{"tickmode": "array", "tickvals": list(range(len(table))), "ticktext": _labels(table, columns)},
            **{"autorange": "reversed", "autorangeoptions": {"include": [-0.5, len(table) - 0.5]}},
            **{"showgrid": False, "ticks": ""},
        },
        **look,
    )
    alt = f"Forest plot of paired differences from {phrase} in points, largest first. {_listed(table, columns)}"
    height = int(figure.layout.margin.t) + 60 + max(3, len(table)) * _ROW
    return Drawn(figure, title, alt, _reading(table, columns, found, phrase), table, height)


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


def _named(table: pd.DataFrame, columns: Sequence[str]) -> list[str]:
    differing = _cells.varying(_cells.curve_keys(table, columns), columns)
    said = []
    for cell, key in zip(table.itertuples(), _cells.series_keys(table, columns), strict=True):
        phrase = _style.cell_phrase(cell.strategy, cell.frozen_depth, cell.n_units)
        label = _cells.series_label(key, columns, differing)
        said.append(f"{phrase}{f' ({label})' if label else ''} {cell.mean_points:+z.1f}")
    return said


def _listed(table: pd.DataFrame, columns: Sequence[str]) -> str:
    parts = [f"{one} ({n} pairs)" for one, n in zip(_named(table, columns), table["pairs"], strict=True)]
    more = f"; and {len(parts) - 24} more in the table" if len(parts) > 24 else ""
    return "; ".join(parts[:24]) + more + "."


def _reading(table: pd.DataFrame, columns: Sequence[str], found: Sequence[Comparison], phrase: str) -> str:
    named = _named(table, columns)
    many = f"{len(table)} comparison{'s' if len(table) > 1 else ''}"
    more = comparisons.seeds_sentence(found)
    if (table["pairs"] < stats.CLAIM_PAIRS).all():
        least, most = named[-1], named[0]
        ends = most if len(named) == 1 else f"from {least} to {most}"
        said = f"Exploring: no claim from fewer than {stats.CLAIM_PAIRS} pairs. Differences from {phrase} in points: {ends}."
        return f"{said} {more}".strip()
    sides = {
        f"Above {phrase}": [one for one, c in zip(named, found, strict=True) if c.claim and c.difference.mean > 0],
        f"Below {phrase}": [one for one, c in zip(named, found, strict=True) if c.claim and c.difference.mean < 0],
        "Not told apart from it": [one for one, c in zip(named, found, strict=True) if not c.claim],
    }
    said = [f"{side}: {_some(cells)}" for side, cells in sides.items() if cells]
    return f"{'. '.join(said)} (points; Student t, Holm over {many}). {more}".strip()


def _some(cells: Sequence[str]) -> str:
    shown = ", ".join(cells[:5])
    return shown if len(cells) <= 5 else f"{shown} and {len(cells) - 5} more"
