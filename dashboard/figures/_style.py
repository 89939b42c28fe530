"""How every figure looks: the project's templates, one colour, marker and dash per strategy, axes, and safe text."""

from __future__ import annotations

import hashlib
import textwrap
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
import plotly.graph_objects as go
import plotly.io as pio

from dashboard.figures._looks import BY_DEPTH, INK, KNOWN, LABELS, SPARE, Look, of_group
from dashboard.figures._looks import shade as shade

LIGHT, DARK = "transferscope-light", "transferscope-dark"
PAPER = {False: "#ffffff", True: "#0f1822"}  # the backgrounds of .streamlit/config.toml, by `dark`
_SOFT_INK = {False: "#4f5f6d", True: "#a9b8c6"}
_GRID = {False: "#e4ebf1", True: "#243344"}
_FONT = '"Source Sans", "Source Sans 3", "Source Sans Pro", system-ui, -apple-system, "Segoe UI", sans-serif'
_SUBTITLE_WIDTH = 54  # characters of 12 px that fit a phone
_NAME_LENGTH = 56
_LEGEND_ROW = 26  # pixels
MOST_ROWS = 12
"""Rows of a legend that are seen at once."""
_BIDI = {*"\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"}  # would turn the text after a name around


@dataclass(frozen=True)
class Drawn:
    """A figure with its words and numbers.

    `title`, `alt` (what the chart shows, with its numbers) and `reading` (one sentence) are plain text, never markup.
    `table` holds the numbers drawn, tidy, units in the column names. `height` is what the figure needs, in pixels.
    """

    figure: go.Figure
    title: str
    alt: str
    reading: str
    table: pd.DataFrame
    height: int = 420

    def spec(self) -> str:
        """Return the figure as Plotly JSON for the browser; hidden traces are found again by their `uid`."""
        # Plotly's own default drops the uids, and then what is hidden goes by position while traces are added.
        return self.figure.to_json(validate=False, remove_uids=False)


SERIES_COLOURS = {
    False: ("#8a4fa8", "#8a6d00", "#3c57c4", "#b23a48", "#1b7f79", "#a34d7d"),
    True: ("#c79be0", "#d9c25a", "#93a8f5", "#f28b95", "#5fc9bf", "#e59ac4"),
}


def looks(strategies: Iterable[str], dark: bool = False) -> dict[str, Look]:
    """Return the look of each strategy, in legend order.

    A strategy without a look of its own takes a spare one by its place in the alphabet among those given; give it
    a line in `_looks` when it is added, so that it looks the same everywhere.
    """
    given = set(strategies)
    rows = {name: Look(row[1] if dark else row[0], row[2], row[3]) for name, row in KNOWN.items()}
    rows |= {name: look for name in LABELS if (look := of_group(name, dark))}
    for place, name in enumerate(sorted(given - rows.keys())):
        row = SPARE[place % len(SPARE)]
        rows[name] = Look(row[1] if dark else row[0], row[2], row[3])
    return {name: rows[name] for name in sorted(rows, key=lambda one: one == "from_scratch") if name in given}


def strategy_label(strategy: str) -> str:
    """Return what people call a strategy: "full_fine_tuning" -> "Full fine-tuning"."""
    return LABELS.get(strategy, strategy.replace("_", " ").capitalize())


def cell_label(strategy: str, frozen_depth: int) -> str:
    """Return the name of a strategy at a frozen depth: "Frozen depth 4" for partial fine-tuning."""
    if strategy == "partial_fine_tuning":
        return f"Frozen depth {frozen_depth}"
    if strategy in BY_DEPTH:
        return BY_DEPTH[strategy][0].format(depth=frozen_depth)
    known = strategy in LABELS or frozen_depth == 0
    return strategy_label(strategy) if known else f"{strategy_label(strategy)}, frozen depth {frozen_depth}"


def cell_phrase(strategy: str, frozen_depth: int, n_units: int) -> str:
    """Return a cell as a part of a sentence: "freezing 4 of 10 units", "the linear probe"."""
    if strategy in BY_DEPTH:
        return BY_DEPTH[strategy][1].format(depth=frozen_depth, n=n_units)
    phrases = {
        "partial_fine_tuning": f"freezing {frozen_depth} of {n_units} units",
        "full_fine_tuning": "full fine-tuning",
        "linear_probe": "the linear probe",
        "from_scratch": "training from scratch",
    }
    label = cell_label(strategy, frozen_depth)
    spoken = label if label[1:] != label[1:].lower() else label.lower()  # LoRA stays LoRA
    return phrases.get(strategy, spoken)


def plain(name: object) -> str:
    """Return a name as one line of plain text of bounded length, fit for words outside the figure."""
    text = str(name).encode("utf-8", "replace").decode()  # a lone surrogate cannot be sent to the browser
    text = "".join(" " if unicodedata.category(c) in ("Cc", "Zl", "Zp") else c for c in text if c not in _BIDI)
    text = " ".join(text.split())
    return clip(text, _NAME_LENGTH)


def escape(text: object) -> str:
    """Return text that Plotly draws as it stands: no tag, entity, formula (`$`) or template (`%{`) is read in it."""
    marks = {"&": "&amp;", "<": "&lt;", ">": "&gt;", "$": "&#36;", "%": "&#37;", "{": "&#123;"}
    return "".join(marks.get(character, character) for character in plain(text))


def wrapped(text: str, width: int = 44) -> str:
    """Return text escaped, in lines for hover text."""
    return "<br>".join(escape(line) for line in textwrap.wrap(text, width))


def uid(*parts: object) -> str:
    """Return the identity of a trace: the same parts give the same text, whatever else is drawn.

    A digest, because Plotly makes a CSS class of it, and the parts may be names that people gave.
    """
    told_apart = "\x1f".join("" if part is None else str(part) for part in parts)
    return hashlib.blake2s(told_apart.encode("utf-8", "replace"), digest_size=8).hexdigest()


def clip(text: str, length: int) -> str:
    """Return text cut to `length` characters, the cut marked."""
    return text if len(text) <= length else f"{text[: length - 1]}…"


def fade(colour: str, alpha: float) -> str:
    """Return a hex colour as rgba with the given opacity."""
    red, green, blue = (int(colour[place : place + 2], 16) for place in (1, 3, 5))
    return f"rgba({red},{green},{blue},{alpha:g})"


def accuracy_axis(title: str = "Test accuracy (%)", values: Iterable[float] = ()) -> dict[str, Any]:
    """Return an axis in percent, wide enough for `values` (percent; others are ignored) and never beyond 0..100."""
    finite = [value for value in values if pd.notna(value)]
    axis: dict[str, Any] = {"title": {"text": title}}
    if finite:
        margin = max(1.5, 0.07 * (max(finite) - min(finite)))
        # Not a range: one that changes with the data would take a reader's zoom away with every new run.
        axis |= {"autorange": True, "autorangeoptions": {"include": [min(finite) - margin, max(finite) + margin]}}
        # A little beyond 0 and 100, so that a dot there is not cut in half.
        axis["autorangeoptions"] |= {"clipmin": -2.0, "clipmax": 102.0}
    return axis


def depth_axis(title: str, n_units: int, names: Mapping[int, str] | None = None, first: int = 0) -> dict[str, Any]:
    """Return an axis over units `first`..n_units with whole ticks, named where names are given, few and short."""
    axis: dict[str, Any] = {"title": {"text": title}, "range": [first - 0.4, n_units + 0.4], "zeroline": False}
    step = max(1, -(-n_units // 13))
    ticks = list(range(first, n_units + 1, step))
    short = names is not None and len(ticks) <= 7 and all(len(plain(name)) <= 8 for name in names.values())
    labels = [escape(names[tick]) if short and names.get(tick) else str(tick) for tick in ticks]
    return axis | {"tickmode": "array", "tickvals": ticks, "ticktext": labels}


def finish(
    traces: Sequence[dict[str, Any]], *, title: str, notes: Sequence[str], dark: bool, uirevision: str, **layout: Any
) -> go.Figure:
    """Return the figure of `traces` with the template, the heading and what keeps zoom and hidden traces.

    Args:
        traces: Plotly traces as dicts, each with a `uid` that stays while data grow.
        title: short; shown in the figure.
        notes: what stands below the title, plain text; joined and wrapped to phone width.
        dark: draw for a dark background.
        uirevision: zoom and hidden traces are kept while it stays the same.
        layout: further layout, such as `xaxis` and `yaxis`.
    """
    lines = _packed(notes)
    heading = {"text": f"<b>{escape(title)}</b>"}
    if lines:
        heading["subtitle"] = {"text": "<br>".join(escape(line) for line in lines)}
    return go.Figure(
        data=list(traces),
        layout={
            "template": DARK if dark else LIGHT,
            "title": heading,
            "uirevision": uirevision,
            "margin": {"t": (52 if lines else 44) + 16 * len(lines)},
            **layout,
        },
    )


def height(legend: int) -> int:
    """Return the height, in pixels, of a chart whose legend has that many entries: on a phone each takes a line.

    A legend of more than `MOST_ROWS` lines scrolls; the chart does not grow with it any more.
    """
    return 420 + _LEGEND_ROW * max(0, min(legend, MOST_ROWS) - 4)


def empty(
    title: str,
    reading: str,
    columns: Sequence[str],
    *,
    dark: bool,
    uirevision: str,
    notes: Sequence[str] = (),
    said: str = "Nothing measured yet",
    **layout: Any,
) -> Drawn:
    """Return what is drawn where nothing was measured; `reading` says what will appear, or why nothing will."""
    note = {"text": said, "showarrow": False, "x": 0.5, "y": 0.5, "xref": "paper", "yref": "paper"}
    blank = {"showticklabels": False, "showgrid": False, "zeroline": False, "ticks": ""}
    axes = {name: {**layout.pop(name, {}), **blank} for name in ("xaxis", "yaxis")}
    # An invisible point: a browser draws the axes of a figure only when it has a trace.
    ghost = {"type": "scatter", "x": [None], "y": [None], "uid": "nothing", "showlegend": False, "hoverinfo": "skip"}
    figure = finish(
        [ghost], title=title, notes=notes, dark=dark, uirevision=uirevision, annotations=[note], **axes, **layout
    )
    full = ": ".join([title, *filter(None, notes)])
    return Drawn(
        figure, full, f"{full}: an empty chart, {said[:1].lower()}{said[1:]}.", reading, pd.DataFrame(columns=columns)
    )


def _packed(notes: Sequence[str]) -> list[str]:
    """Return the notes in lines that fit a phone; a note is kept whole where it fits."""
    lines: list[str] = []
    for note in filter(None, notes):
        if lines and len(lines[-1]) + len(note) + 3 <= _SUBTITLE_WIDTH:
            lines[-1] += f" · {note}"
        else:
            lines += textwrap.wrap(note, _SUBTITLE_WIDTH)
    return lines


def _template(dark: bool) -> go.layout.Template:
    ink, soft, grid, paper = INK[dark], _SOFT_INK[dark], _GRID[dark], PAPER[dark]
    axis = {
        "automargin": True,
        "gridcolor": grid,
        "linecolor": soft,
        "zeroline": False,
        "ticks": "outside",
        "tickcolor": grid,
        "tickfont": {"color": soft, "size": 12},
        "title": {"font": {"size": 13}, "standoff": 8},
    }
    return go.layout.Template(
        layout={
            "font": {"family": _FONT, "color": ink, "size": 13},
            "paper_bgcolor": paper,
            "plot_bgcolor": paper,
            "colorway": [row[dark] for row in (*KNOWN.values(), *SPARE)],
            "margin": {"l": 8, "r": 12, "t": 44, "b": 8},
            "title": {
                "font": {"size": 15},
                "subtitle": {"font": {"size": 12, "color": soft}},
                **{"x": 0, "xref": "container", "xanchor": "left", "pad": {"l": 10, "t": 10}},
                **{"y": 1, "yref": "container", "yanchor": "top"},
            },
            "legend": {
                # From the bottom of the figure: given by shares of the plot, a long one would lie on the axis title. What is
                # higher than its share scrolls.
                **{"orientation": "h", "x": 0, "xanchor": "left", "y": 0, "yref": "container", "yanchor": "bottom"},
                "maxheight": _LEGEND_ROW * MOST_ROWS,
                **{"font": {"size": 12}, "bgcolor": "rgba(0,0,0,0)", "itemsizing": "constant"},
            },
            "hovermode": "closest",
            "hoverlabel": {
                "align": "left",
                "bgcolor": paper,
                "bordercolor": soft,
                "font": {"family": _FONT, "color": ink, "size": 12},
            },
            "modebar": {"bgcolor": "rgba(0,0,0,0)", "color": soft, "activecolor": ink},
            "xaxis": axis,
            "yaxis": axis,
        },
        data={"scatter": [{"connectgaps": False}]},
    )


pio.templates[LIGHT] = _template(dark=False)
pio.templates[DARK] = _template(dark=True)
