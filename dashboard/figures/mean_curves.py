"""Accuracy or loss against epoch where runs are many: the mean over the seeds of each network, with its band."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd

from dashboard.figures import _by_epoch, _cells, _style, _words
from dashboard.figures._style import Drawn
from engine.learning_means import CELL, learning_means

DRAWN = 6
"""Networks that are drawn where none are chosen: bands of more would cover each other."""
MOST = 12
"""Networks that can be chosen."""
_NUMBERS = ["seeds", "mean", "low", "high"]
_SERIES = CELL[:3]


def mean_curves(
    frame: pd.DataFrame,
    *,
    metric: str = "accuracy",
    cells: Sequence[tuple[str, int]] = (),
    runs: pd.DataFrame | None = None,
    dark: bool = False,
    uirevision: str = "mean_curves",
) -> Drawn:
    """Draw a line per network, validation solid with a band, train thin and dashed.

    Args:
        frame: `learning_curve`.
        metric: "accuracy" (drawn in percent) or "loss".
        cells: (strategy, frozen depth) of the networks to draw, at most `MOST` of them; empty draws the first `DRAWN` in the
            order of legends, from scratch among them.
        runs: the same experiments' `runs`; with it the chart says how many are finished.
        dark: draw for a dark background.
        uirevision: zoom and hidden traces are kept while it stays the same.

    Raises:
        ValueError: an unknown metric.
    """
    title, _ = _by_epoch.words(metric)
    look = {"dark": dark, "uirevision": uirevision}
    rows = _by_epoch.measured(frame, metric)
    networks = _networks(rows)
    kept = networks[_chosen(networks, cells)]
    if kept.empty:
        return _by_epoch.nothing(
            metric,
            "a line appears for each network, the mean of its seeds after every epoch, on the images they"
            " learn from (train) and on images held back (validation).",
            [*CELL, "split", "epoch", *_NUMBERS],
            **look,
        )
    table = _table(rows.merge(kept, on=CELL), kept, metric)
    left_out = len(networks) - len(kept)
    # By all that could be drawn: a backbone is named also where the others are not on the chart.
    differing = [column for column in _SERIES if networks[column].nunique() > 1]
    lines = [line for place in range(len(kept)) for line in _line(table, kept, place, metric, differing, dark)]
    drawn = f"{len(kept)} of {len(networks)} strategies and depths drawn" if left_out else ""
    band = "band 95 % interval (Student t)" if (table["seeds"] >= _cells.INTERVAL_SEEDS).any() else ""
    figure = _style.finish(
        # Bands below all lines, and train below validation.
        sorted(lines, key=lambda line: (line["mode"] != "none", line["name"] != "train")),
        title=title,
        notes=[
            _cells.progress(runs),
            drawn,
            _words.seeds(int(table["seeds"].max())),
            "line mean over seeds",
            band,
            "dashed: train, solid: validation",
        ],
        **_by_epoch.axes(metric, int(table["epoch"].max()), table["mean"]),
        **look,
    )
    ends = _ends(table, kept, metric, differing)
    alt = f"Line chart of {title.lower()}, means over seeds. {' '.join(ends)}"
    reading = _reading(table, metric, differing)
    if left_out:
        reading += f" {drawn}: choose others under Strategies."
    return Drawn(figure, title, alt, reading, table, _style.height(len(kept)))


def _networks(rows: pd.DataFrame) -> pd.DataFrame:
    """The networks that have a curve, in the order of legends."""
    found = rows[CELL].drop_duplicates()
    place = {strategy: index for index, strategy in enumerate(_style.looks(found["strategy"]))}
    # One strategy on several backbones side by side, so that the first ones are not all of one backbone.
    order = found.assign(_place=found["strategy"].map(place)).sort_values(["_place", "frozen_depth", *_SERIES])
    return order[CELL].reset_index(drop=True)


def _chosen(networks: pd.DataFrame, cells: Sequence[tuple[str, int]]) -> list[bool]:
    """Which networks are drawn: those that are chosen, or the first ones with from scratch in the place of the last."""
    if cells:
        wanted = set(list(cells)[:MOST])
        pairs = zip(networks["strategy"], networks["frozen_depth"], strict=True)
        return [(str(strategy), int(depth)) in wanted for strategy, depth in pairs]
    control = networks.index[networks["strategy"] == "from_scratch"][:1]
    others = networks.index.difference(control)[: DRAWN - len(control)]
    return networks.index.isin([*others, *control]).tolist()


def _table(rows: pd.DataFrame, kept: pd.DataFrame, metric: str) -> pd.DataFrame:
    factor = 100.0 if metric == "accuracy" else 1.0
    found = learning_means(rows).drop(columns="metric")
    found[["mean", "low", "high"]] *= factor
    if metric == "accuracy":
        found[["low", "high"]] = found[["low", "high"]].clip(0, 100)
    order = {tuple(row): place for place, row in enumerate(kept.itertuples(index=False, name=None))}
    places = [order[row] for row in found[CELL].itertuples(index=False, name=None)]
    found = found.assign(_place=places).sort_values(["_place", "split", "epoch"], ignore_index=True)
    return found.drop(columns="_place")


def _of(table: pd.DataFrame, cell: Sequence[object]) -> pd.DataFrame:
    same = np.logical_and.reduce([table[column] == value for column, value in zip(CELL, cell, strict=True)])
    return table[same]


def _name(cell: Sequence[Any], differing: Sequence[str]) -> str:
    series = _cells.series_label(cell[:3], _SERIES, differing) if differing else ""
    return ", ".join(filter(None, (_style.cell_label(cell[3], cell[4]), series)))


def _line(
    table: pd.DataFrame, kept: pd.DataFrame, place: int, metric: str, differing: Sequence[str], dark: bool
) -> Iterator[dict[str, Any]]:
    cell = tuple(kept.iloc[place])
    siblings = list(kept[kept["strategy"] == cell[3]].itertuples(index=False, name=None))
    look = _style.looks([cell[3]], dark)[cell[3]]
    colour = _style.shade(look.colour, siblings.index(cell) / max(1, len(siblings) - 1), dark)
    name, uid = _style.escape(_name(cell, differing)), _style.uid(*cell)
    mine = _of(table, cell)
    shown = "%{y:.1f} %" if metric == "accuracy" else "%{y:.3f}"
    legend = "validation" if (mine["split"] == "validation").any() else "train"
    for split, line in mine.groupby("split", sort=True):
        solid = split == "validation"
        band = line[line["low"].notna() & (line["seeds"] >= _cells.INTERVAL_SEEDS)]
        if solid and len(band):
            x, y = _cells.outline(
                line["epoch"], line["low"], line["high"], line.index.isin(band.index) & line["low"].notna()
            )
            yield {
                **{"type": "scatter", "mode": "none", "uid": _style.uid(uid, "band"), "legendgroup": uid, "name": name},
                **{"x": x, "y": y, "fill": "toself", "fillcolor": _style.fade(colour, 0.13)},
                **{"showlegend": False, "hoverinfo": "skip"},
            }
        yield {
            **{"type": "scatter", "mode": "lines+markers", "uid": _style.uid(uid, split), "legendgroup": uid},
            **{"name": name, "showlegend": split == legend, "legendrank": place + 1},
            **{"x": line["epoch"].tolist(), "y": line["mean"].tolist(), "customdata": line["seeds"].tolist()},
            "line": {"color": colour, "width": 2 if solid else 1, "dash": "solid" if solid else "dash"},
            # Only the end has a marker, as in the chart of single runs.
            "marker": {"symbol": look.marker, "size": [0] * (len(line) - 1) + [8 if solid else 4], "color": colour},
            "opacity": 1 if solid else 0.5,
            "hovertemplate": f"<b>{name}</b>, {split}<br>epoch %{{x}}: mean {shown}, seeds: %{{customdata}}<extra></extra>",
        }


def _latest(table: pd.DataFrame) -> pd.DataFrame:
    """The last mean of each network on validation, or on train where there is no validation yet."""
    split = "validation" if (table["split"] == "validation").any() else "train"
    return table[table["split"] == split].drop_duplicates(CELL, keep="last")


def _number(value: float, metric: str) -> str:
    return f"{value:.1f}" if metric == "accuracy" else f"{value:.3f}"


def _ends(table: pd.DataFrame, kept: pd.DataFrame, metric: str, differing: Sequence[str]) -> list[str]:
    """How every line ends, in words."""
    said, unit = [], " %" if metric == "accuracy" else ""
    for row in _latest(table).itertuples():
        name = _name(tuple(getattr(row, column) for column in CELL), differing)
        interval = ""
        if row.seeds >= _cells.INTERVAL_SEEDS:
            interval = f", 95 % interval {_number(row.low, metric)} to {_number(row.high, metric)}"
        seeds = _words.seeds(row.seeds)
        said.append(
            f"{name}: last {row.split} mean {_number(row.mean, metric)}{unit}{interval} ({seeds}, epoch {row.epoch})."
        )
    return said


def _reading(table: pd.DataFrame, metric: str, differing: Sequence[str]) -> str:
    latest = _latest(table)
    best = latest.loc[latest["mean"].idxmax() if metric == "accuracy" else latest["mean"].idxmin()]
    value = _number(best["mean"], metric) + (" %" if metric == "accuracy" else "")
    extreme = "highest" if metric == "accuracy" else "lowest"
    who = _name(tuple(best[column] for column in CELL), differing)
    return f"The {extreme} latest {best['split']} mean is {value} ({who}, {_words.seeds(best['seeds'])}, epoch {best['epoch']})."
