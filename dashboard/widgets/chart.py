"""A chart as every page shows it: the live figure, one sentence that reads it, and its table twin."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from dashboard.widgets.live_figure import live_figure
from dashboard.widgets.table import table

if TYPE_CHECKING:
    from dashboard.state import Chart


def chart(drawn: Chart, *, key: str, height: int | None = None) -> None:
    """Draw one figure, in the reader's theme, with its reading below and its numbers on request.

    Args:
        drawn: the figure for light and dark backgrounds; the words and the table are those of the light one.
        key: unique on the page.
        height: of the figure, in pixels; None takes what the figure asks for.
    """
    light = drawn.light
    live_figure(
        drawn.light_json,
        dark_spec_json=drawn.dark_json,
        key=key,
        alt=light.alt,
        height=light.height if height is None else height,
    )
    st.text(light.reading)  # not Markdown: it may hold names, and names are data
    twin = st.expander("Table", key=f"{key}-table", icon=":material/table_rows:", type="compact", on_change="rerun")
    if twin.open:
        with twin:
            table(light.table, key=key, name=light.title)
