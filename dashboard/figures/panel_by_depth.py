"""How a measure at every unit moves while a network trains: one chosen epoch between before and after."""

from __future__ import annotations

from typing import Any

import pandas as pd

from dashboard.figures import _cells, _scale, _style, _words
from dashboard.figures._scale import Scale
from dashboard.figures._style import Drawn

BEFORE = {False: "#5d5d5d", True: "#c4c4c4"}
_BY = ["epoch", "unit", "n_units"]
COLUMNS = [*_BY, "unit_name", "seeds", "reason"]


def panel_by_depth(
    frame: pd.DataFrame, *, scale: Scale, epoch: int, note: str = "", dark: bool = False, uirevision: str = "panel"
) -> Drawn:
    """Draw one measure of one network against the unit, at a chosen epoch, with before and after as reference lines.

    Args:
        frame: `panel` of one network (a strategy at a frozen depth on one dataset), any number of seeds.
        scale: the measure.
        epoch: to draw in full; where it is not measured (yet) the latest one before it is.
        note: of the network, plain text.
        dark: draw for a dark background.
        uirevision: zoom and hidden traces are kept while it stays the same.
    """
    title, look = f"{scale.label} while training", {"dark": dark, "uirevision": uirevision}
    rows = frame[(frame["metric"] == scale.metric) & (frame["unit"] > 0)].drop_duplicates(["run_id", "epoch", "unit"])
    if frame.loc[frame["unit"] > 0, "value"].isna().all():
        said = "Nothing measured yet: a line appears for every epoch at which the panel looks, from before training on."
        if reasons := [why for why in rows["reason"].dropna().unique() if why]:
            said, look = f"{reasons[0][:1].upper()}{reasons[0][1:]}.", look | {"said": "Nothing was measured"}
        return _style.empty(
            title, said, COLUMNS, notes=[note], **look, xaxis={"title": {"text": "Measured after unit"}},
            yaxis=_scale.axis(scale, ()),
        )  # fmt: skip
    table = _scale.summary(rows, _BY, scale).sort_values(["epoch", "unit"]).reset_index(drop=True)
    names = _cells.unit_names(rows)
    table.insert(len(_BY), "unit_name", [names.get(int(unit), "") for unit in table["unit"]])
    epochs = [int(one) for one in table["epoch"].unique()]
    shown = max((one for one in epochs if one <= epoch), default=epochs[0])
    units = int(table["n_units"].max())
    figure = _style.finish(
        _traces(table, epochs, shown, scale, str(rows["strategy"].iloc[0]), dark),
        title=title,
        notes=[
            note,
            _words.seeds(int(table["seeds"].max())),
            f"{int(table['n_images'].max())} training images" if table["n_images"].notna().any() else "",
            _pooled(table),
            "less is better" if scale.lower else "",
        ],
        xaxis=_style.depth_axis(f"Measured after unit (of {units})", units, names, first=1),
        # Of all epochs: moving the slider must not move the axis.
        yaxis=_scale.axis(scale, table[scale.mean]),
        **look,
    )
    reading = _reading(table, epochs, shown, scale)
    alt = f"Line chart: {scale.axis}, after each unit, {note}. {_alt(table, epochs, shown, scale)}"
    return Drawn(figure, title, alt, reading, table, _style.height(4))


def _pooled(table: pd.DataFrame) -> str:
    found = [one for one in table["pooling"].dropna().unique() if one]
    return f"pooling: {', '.join(one.replace('_', ' ') for one in found)}" if found else ""


def epoch_words(epoch: int) -> str:
    """An epoch of the panel in words."""
    return f"after epoch {epoch}" if epoch else "before training"


def _traces(
    table: pd.DataFrame, epochs: list[int], shown: int, scale: Scale, strategy: str, dark: bool
) -> list[dict[str, Any]]:
    colour = _style.looks([strategy], dark)[strategy].colour
    grey = BEFORE[dark]
    drawn: list[tuple[int, dict[str, Any]]] = []
    others = [one for one in epochs if one not in (shown, epochs[0], epochs[-1])]
    for place, one in enumerate(others):
        style = {"line": {"color": colour, "width": 1}, "opacity": 0.3, "mode": "lines", "hoverinfo": "skip"}
        drawn.append(
            (one, style | {"legendgroup": "others", "showlegend": place == 0, "name": "other epochs", "uid": f"o{one}"})
        )
    if shown != epochs[-1]:
        last = {"line": {"color": grey, "width": 1.5, "dash": "dash"}, "mode": "lines", "uid": "last"}
        drawn.append((epochs[-1], last | {"name": f"{epoch_words(epochs[-1])} (newest)"}))
    if shown != epochs[0]:
        first = {"line": {"color": grey, "width": 1.5, "dash": "dot"}, "mode": "lines", "uid": "first"}
        drawn.append((epochs[0], first | {"name": epoch_words(epochs[0])}))
    bold = {"line": {"color": colour, "width": 3}, "marker": {"size": 8, "color": colour}, "mode": "lines+markers"}
    drawn.append((shown, bold | {"name": f"{epoch_words(shown)} (chosen)", "uid": "chosen"}))
    traces = []
    for one, style in drawn:
        line = table[table["epoch"] == one]
        heights = line[scale.mean].astype(object).where(line[scale.mean].notna(), None)
        # Plotly takes uids of its own for CSS classes: they begin with a letter here.
        hover = {"hovertemplate": f"<b>{epoch_words(one)}</b><br>unit %{{x}}<br>{scale.hover}<extra></extra>"}
        hover = {} if "hoverinfo" in style else hover
        traces.append({"type": "scatter", "x": line["unit"].tolist(), "y": heights.tolist(), **hover, **style})
    return traces


def _means(table: pd.DataFrame, epoch: int, scale: Scale) -> pd.Series:
    return table[table["epoch"] == epoch].set_index("unit")[scale.mean].dropna()


def _alt(table: pd.DataFrame, epochs: list[int], shown: int, scale: Scale) -> str:
    parts = []
    for one in dict.fromkeys((epochs[0], shown, epochs[-1])):
        found = _means(table, one, scale)
        said = ", ".join(f"{value:.4g}" for value in found) if len(found) else "no value"
        parts.append(f"{epoch_words(one).capitalize()}: {said}.")
    return " ".join(parts)


def _reading(table: pd.DataFrame, epochs: list[int], shown: int, scale: Scale) -> str:
    now, before = _means(table, shown, scale), _means(table, epochs[0], scale)
    if now.empty:
        reason = table.loc[table["epoch"] == shown, "reason"].iloc[0]
        return f"No value {epoch_words(shown)}: {reason}."
    best = scale.best(now)
    where = f"{epoch_words(shown).capitalize()} it is {scale.extreme} after unit {best} ({scale.text(now[best])})"
    change = (now - before).dropna()
    if shown == epochs[0] or change.empty:
        return f"{where}."
    if (change.abs() < 1e-12).all():
        return f"{where}; no unit has changed since before training."
    most = change.abs().idxmax()
    way = "up" if change[most] > 0 else "down"
    return (
        f"{where}; since before training it moved most after unit {most}: {way} by {scale.distance(abs(change[most]))}."
    )
