"""The curves of a layer-transfer study: accuracy on the target half against the number of copied units."""

from __future__ import annotations

from typing import Any

import pandas as pd

from dashboard.figures import _cells, _style, _yosinski_2014
from dashboard.figures._looks import STUDY
from dashboard.figures._style import Drawn
from engine import stats

TITLE = "Accuracy by number of copied units"
BASE, OTHER_BASE = "base B", "base A"
LOOKS = {
    "BnB": STUDY["selffer"],
    "BnB+": STUDY["selffer_plus"],
    "AnB": STUDY["transfer"],
    "AnB+": STUDY["transfer_plus"],
    "random, frozen": STUDY["random_frozen"],
}
"""(light, dark, marker, dash) of each curve."""
WORDS = {
    "BnB": "own units, frozen",
    "BnB+": "own units, everything learns",
    "AnB": "units of the other task, frozen",
    "AnB+": "units of the other task, everything learns",
    "random, frozen": "random units, frozen",
}
PUBLISHED = {False: "#9aa5af", True: "#6f7f8f"}
COLUMNS = ["backbone", "dataset", "label_budget", "curve", "n", "n_units", "pairs", "mean_percent", "difference_points"]
COLUMNS += ["low_points", "high_points", "interval", "pairs_percent"]


def layer_transfer(
    frame: pd.DataFrame, *, published: bool = False, dark: bool = False, uirevision: str = "layer_transfer"
) -> Drawn:
    """Draw the curves of one backbone and dataset, with bands of their paired difference to base B.

    The band around a curve is the 95 % interval (Student t over pairs) of its difference to base B, drawn around the
    curve's mean: pairs share split, seed, images and schedule, so it is narrower than the scatter of single runs.

    Args:
        frame: the frame `layer_transfer` of one study (one backbone, dataset and label budget).
        published: also draw the published curves, shifted so that their base lies on this one, by depth fraction.
        dark: draw for a dark background.
        uirevision: zoom and hidden traces are kept while it stays the same.
    """
    look = {"dark": dark, "uirevision": uirevision}
    rows = frame.drop_duplicates("run_id")
    if rows.empty:
        axes = {"xaxis": {"title": {"text": "Units copied (n)"}}, "yaxis": _style.accuracy_axis()}
        said = "Nothing measured yet: the two bases are trained first, then one point per curve and depth appears."
        return _style.empty(TITLE, said, COLUMNS, **look, **axes)
    table = _table(rows)
    n_units = int(rows["n_units"].max())
    base = rows.loc[rows["curve"] == BASE, "value"].mean() * 100
    traces = []
    if pd.notna(base):
        traces.append(_level(base, n_units, dark))
    for curve in LOOKS:
        line = table[table["curve"] == curve]
        if len(line):
            traces += _curve(curve, line, rows[rows["curve"] == curve], dark)
    if published:
        traces += _overlay(base, n_units, dark)
    has_base = bool(pd.notna(base))
    figure = _style.finish(
        traces,
        title=TITLE,
        notes=_notes(table, has_base, published),
        xaxis=_style.depth_axis(f"Units copied (n of {n_units})", n_units, first=1),
        yaxis=_style.accuracy_axis(f"Test accuracy{' on half B' if has_base else ''} (%)", rows["value"] * 100),
        **look,
    )
    # On a phone every curve has a line of the legend.
    entries = len(LOOKS) + 4 + (len(_yosinski_2014.CURVES) + 1 if published else 0)
    return Drawn(figure, TITLE, _alt(table, base), _reading(table, base, n_units), table, _style.height(entries))


def _notes(table: pd.DataFrame, has_base: bool, published: bool) -> list[str]:
    pairs = int(table["pairs"].max())
    band = ", band 95 % interval of the difference to base B (Student t)" if has_base else ""
    return [
        f"{pairs} pair{'s' if pairs != 1 else ''} of split and seed"
        + (": exploring" if pairs < stats.CLAIM_PAIRS else ""),
        f"dots runs, line mean{band}",
        f"grey: {_yosinski_2014.SOURCE}, shifted to this base" if published else "",
    ]


def _table(rows: pd.DataFrame) -> pd.DataFrame:
    base = rows[rows["curve"] == BASE].groupby("pair")["value"].mean()
    records = []
    for keys, cell in rows.groupby(
        ["backbone", "dataset", "label_budget", "curve", "n", "n_units"], dropna=False, sort=False
    ):
        values = cell.groupby("pair")["value"].mean()
        found = stats.paired(values, base)
        listed = ", ".join(f"{value * 100:.2f}" for value in values)
        difference = found.mean * 100 if keys[3] != BASE else float("nan")
        interval = (found.interval.low * 100, found.interval.high * 100, found.interval.kind)
        records.append((*keys, len(values), values.mean() * 100, difference, *interval, listed))
    table = pd.DataFrame.from_records(records, columns=COLUMNS).astype({"label_budget": "Int64"})
    order = {name: place for place, name in enumerate([BASE, OTHER_BASE, *LOOKS])}
    ordered = table.assign(_order=table["curve"].map(order)).sort_values(["_order", "n"])
    return table.loc[ordered.index].reset_index(drop=True)


def _level(base: float, n_units: int, dark: bool) -> dict[str, Any]:
    return {
        **{"type": "scatter", "uid": _style.uid(BASE), "name": "base B (nothing copied)", "mode": "lines"},
        **{"x": [0.6, n_units + 0.4], "y": [base, base], "line": {"color": _style.INK[dark], "width": 1.5}},
        "hovertemplate": f"<b>base B</b><br>mean {base:.1f} &#37;<extra></extra>",
    }


def _curve(curve: str, line: pd.DataFrame, runs: pd.DataFrame, dark: bool) -> list[dict[str, Any]]:
    light, pale, marker, dash = LOOKS[curve]
    colour = pale if dark else light
    shared = {"type": "scatter", "legendgroup": curve, "showlegend": False}
    half = (line["high_points"] - line["low_points"]) / 2
    has = half.notna() & (line["pairs"] >= _cells.INTERVAL_SEEDS)
    along, middle, half = line.loc[has, "n"], line.loc[has, "mean_percent"], half[has]
    band = {
        **shared,
        **{"uid": _style.uid(curve, "band"), "mode": "lines", "fill": "toself", "hoverinfo": "skip"},
        **{"x": [*along, *along[::-1]], "y": [*(middle + half), *(middle - half)[::-1]]},
        **{"fillcolor": _style.fade(colour, 0.15), "line": {"width": 0.5, "color": _style.fade(colour, 0.3)}},
    }
    said = [
        f"<b>{curve}</b>: {WORDS[curve]}<br>n = {cell.n} of {cell.n_units}<br>mean {cell.mean_percent:.1f} %, {cell.pairs} pairs"
        + (f"<br>{cell.difference_points:+.1f} points to base B" if pd.notna(cell.difference_points) else "")
        + (f"<br>95 % interval {cell.low_points:+.1f} to {cell.high_points:+.1f}" if pd.notna(cell.low_points) else "")
        for cell in line.itertuples()
    ]
    mean = {
        **shared,
        **{
            "uid": _style.uid(curve, "mean"),
            "name": f"{curve}: {WORDS[curve]}",
            "showlegend": True,
            "mode": "lines+markers",
        },
        **{"x": line["n"].tolist(), "y": line["mean_percent"].tolist(), "hovertext": said, "hoverinfo": "text"},
        "line": {"color": colour, "dash": dash, "width": 2},
        "marker": {"symbol": marker, "size": 10, "color": colour, "line": {"color": colour, "width": 2}},
    }
    dots = {
        **shared,
        **{"uid": _style.uid(curve, "runs"), "mode": "markers"},
        **{
            "x": runs["n"].tolist(),
            "y": (runs["value"] * 100).tolist(),
            "customdata": runs["pair"].map(_style.escape).tolist(),
        },
        "marker": {"symbol": "circle", "size": 4, "color": colour, "opacity": 0.6},
        "hovertemplate": f"<b>{curve}</b>, one run<br>n = %{{x}}, split/seed %{{customdata}}<br>%{{y:.1f}} %<extra></extra>",
    }
    return [band, mean, dots] if has.any() else [mean, dots]


def _overlay(base: float, n_units: int, dark: bool) -> list[dict[str, Any]]:
    """The published curves, so that their base lies on this one and their depth fractions on these."""
    shift = 0.0 if pd.isna(base) else base - _yosinski_2014.BASE_B * 100
    depths = [n * n_units / _yosinski_2014.N_UNITS for n in range(1, _yosinski_2014.N_UNITS + 1)]
    return [
        {
            **{
                "type": "scatter",
                "uid": _style.uid("published", curve),
                "mode": "lines+markers",
                "legendgroup": "published",
            },
            **{"name": f"{curve}, published", "showlegend": True, "x": depths},
            "y": [value * 100 + shift for value in values],
            "line": {"color": PUBLISHED[dark], "dash": LOOKS[curve][3], "width": 1.5},
            # All are grey: the marks of our curves tell them apart.
            "marker": {"symbol": LOOKS[curve][2], "size": 6, "color": PUBLISHED[dark]},
            "hovertemplate": f"<b>{curve}, published</b> (shifted by {shift:+.1f} points)<br>%{{y:.1f}} %<extra></extra>",
        }
        for curve, values in _yosinski_2014.CURVES.items()
    ]


def _alt(table: pd.DataFrame, base: float) -> str:
    parts = ["Line chart of test accuracy in percent against the number of copied units."]
    if pd.notna(base):
        parts.append(f"Base B: {base:.1f}.")
    for curve, line in table[table["n"] > 0].groupby("curve", sort=False):
        points = ", ".join(f"{cell.mean_percent:.1f} at n = {cell.n}" for cell in line.itertuples())
        parts.append(f"{curve} ({WORDS[curve]}): {points}.")
    return " ".join(parts)


def _reading(table: pd.DataFrame, base: float, n_units: int) -> str:
    if pd.isna(base):
        return (
            "There is no base trained on the source data, so what a depth loses cannot be divided into co-adaptation and"
            " specificity: only AnB (frozen) and AnB+ (everything learns) exist."
        )
    line = table[(table["curve"] == "AnB") & table["difference_points"].notna()]
    if line.empty:
        return f"The base reaches {base:.1f} %; nothing was transferred yet."
    worst = line.loc[line["difference_points"].idxmin()]
    pairs = f"{worst['pairs']} pair{'s' if worst['pairs'] != 1 else ''}"
    interval = (
        f", 95 % interval {worst['low_points']:+.1f} to {worst['high_points']:+.1f}"
        if pd.notna(worst["low_points"])
        else ""
    )
    claim = "" if worst["pairs"] >= stats.CLAIM_PAIRS else "; exploring: no claim with fewer than 6 pairs"
    said = f"{worst['difference_points']:+.1f} points to base B ({pairs}{interval}){claim}."
    if worst["difference_points"] >= 0:
        return f"Frozen units of the other task cost nothing at any depth measured: the lowest is at n = {worst['n']}, {said}"
    return f"Frozen units of the other task cost most at n = {worst['n']} of {n_units}: {said}"
