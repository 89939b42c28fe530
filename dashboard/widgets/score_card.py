"""The card of a measure behind a "?": what it computes, what it cannot see, when it refuses, and N, D and rank here."""

from __future__ import annotations

import math
from collections.abc import Callable

import pandas as pd
import streamlit as st

from dashboard.figures._scale import ABOUT
from dashboard.widgets.literal import literal
from dashboard.widgets.score_words import PANEL_ONLY, by_metric
from engine.layer_intervals import ON_TEST
from engine.scores import Score

UNCHANGED_BY = {
    "rotation": "rotating the features",
    "scale": "scaling them",
    "linear": "any linear map of them",
    "translation": "shifting them",
    "row_order": "the order of the images",
    "column_order": "the order of the features",
    "class_ids": "renumbering the classes",
    "duplicate_rows": "having every image twice",
    "zero_column": "a feature that is always 0",
    "constant_column": "a feature that is always the same",
}
ALWAYS_REFUSED = {
    True: "an image without numbers (NaN, infinity)",
    False: "an image without numbers (NaN, infinity), a single class, or images that are all the same",
}
"""By whether two sets of features are compared: those need no labels."""
PANEL_CARDS = {
    "drift": "How far the features after a unit have moved since before training: 1 minus unbiased linear CKA of the two, on the"
    " same images. 0: the same up to rotation and scale. It says nothing of whether they became better.",
    "weight_change": "The norm of the change of a unit's weights, divided by their norm before training. 0 where the unit is"
    " frozen. Large changes may leave the features alike, and small ones may not: compare it with the drift.",
}


def score_card(
    metric: str, measured: pd.DataFrame | None = None, *, key: str, more: Callable[[], None] | None = None
) -> None:
    """Draw the "?" of a measure.

    Args:
        metric: its name in frames.
        measured: the table twin of its chart, for what it was measured on here; None or empty where nothing is yet.
        key: unique on the page.
        more: draws the end of the card, once it is open.
    """
    score = by_metric().get(metric)
    if score is None and metric not in PANEL_ONLY:
        return
    name = score.label if score else PANEL_ONLY[metric].label
    opened = {"on_change": "rerun"} if more else {}
    card = st.popover(f"About {name}", icon=":material/help:", type="tertiary", key=key, **opened)
    with card:
        if score is None:
            st.markdown(PANEL_CARDS[metric])
        else:
            for line in lines(score):
                st.markdown(line)
        if measured is not None and len(measured) and set(ABOUT) <= set(measured):
            st.markdown(f"**Here.** {literal(here(measured))}")
        if more and card.open:
            more()


def lines(score: Score) -> list[str]:
    """The card as lines of Markdown."""
    unchanged = [UNCHANGED_BY[name] for name in UNCHANGED_BY if name in score.invariances]
    kept = f"It stays the same under {', '.join(unchanged)}." if unchanged else ""
    blind = " ".join(filter(None, (f"{_capital(score.ignores)}." if score.ignores else "", kept)))
    of_two = score.kind == "two_sets"
    # Of one image a class, probe and kNN are still tested on other images.
    alone = "" if of_two or score.name in ON_TEST else "a class for every image"
    refusals = "; ".join(filter(None, (score.refuses, alone, ALWAYS_REFUSED[of_two])))
    meant = "more alike" if of_two else "better"
    return [
        f"**{literal(score.label)}** = {literal(score.formula)}",
        f"**Range.** {extent(score.range)}; {'more' if score.direction == 'higher' else 'less'} is {meant}.",
        f"**Ignores.** {literal(blind)}" if blind else "",
        f"**Refuses.** {literal(_capital(refusals))}.",
        f"**Elsewhere.** {literal(_capital(score.differs))}." if score.differs else "",
        f"**Source.** {literal(score.source)}",
    ]


def extent(limits: tuple[float, float]) -> str:
    """A range in words: "0 to 1", "0 and above", "all numbers"."""
    low, high = limits
    if math.isinf(low) and math.isinf(high):
        return "All numbers"
    if math.isinf(high):
        return f"{low:g} and above"
    return f"{high:g} and below" if math.isinf(low) else f"{low:g} to {high:g}"


def here(measured: pd.DataFrame) -> str:
    """N, D and rank of what a chart shows, and how much of it was refused and why."""
    parts = [
        f"{words} {_span(measured[column])}"
        for words, column in (("N (images)", "n_images"), ("D (features)", "n_features"), ("rank", "rank"))
        if measured[column].notna().any()
    ]
    n, d = (pd.to_numeric(measured[column]) for column in ("n_images", "n_features"))
    if (n < d).any():
        parts.append("with fewer images than features at some units")
    said = ", ".join(parts) or "not known what it was measured on"
    refused = measured[measured["seeds"] == 0]
    if len(refused):
        said += f". No value at {len(refused)} of {len(measured)} points: {'; '.join(refused['reason'].unique()[:3])}"
    return f"{said}."


def _span(values: pd.Series) -> str:
    numbers = pd.to_numeric(values.dropna())
    low, high = int(numbers.min()), int(numbers.max())
    return f"{low:,}" if low == high else f"{low:,} to {high:,}"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
