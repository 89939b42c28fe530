"""A chart as every page shows it: the live figure, one sentence that reads it, and its table twin."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from dashboard.widgets.live_figure import fed_figure, live_figure
from dashboard.widgets.table import table

if TYPE_CHECKING:
    from dashboard.state import Chart

# Three lines: a sentence that grows by one while runs finish must not push down what stands below it.
ROOM = '<style>[data-testid="stColumn"] [class*="-reading"]:not([hidden]) { min-height: 4.8rem; }</style>'


def chart(drawn: Chart, *, key: str, height: int | None = None) -> None:
    """Draw one figure, in the reader's theme, with its reading below and its numbers on request.

    Args:
        drawn: the figure for light and dark backgrounds; the words and the table are those of the light one.
        key: unique on the page.
        height: of the figure, in pixels; None takes what the figure asks for.
    """
    light = drawn.light
    height = light.height if height is None else height
    if drawn.feed is not None:
        fed_figure(drawn.feed, key=key, height=height)
    else:
        live_figure(drawn.light_json, dark_spec_json=drawn.dark_json, key=key, alt=light.alt, height=height)
        with st.container(key=f"{key}-reading"):
            st.text(light.reading)  # not Markdown: it may hold names, and names are data
    twin = st.expander("Table", key=f"{key}-table", icon=":material/table_rows:", type="compact", on_change="rerun")
    if twin.open:
        with twin:
            table(light.table, key=key, name=light.title)


def side_by_side(charts: dict[str, Chart]) -> None:
    """Draw charts by their keys in columns, as high as the highest and with room for their readings: nothing jumps."""
    height = max(one.light.height for one in charts.values())
    st.html(ROOM)
    for column, (key, drawn) in zip(st.columns(len(charts)), charts.items(), strict=True):
        with column:
            chart(drawn, key=key, height=height)
