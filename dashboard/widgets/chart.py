"""A chart as every page shows it: the live figure, one sentence that reads it, and its table twin."""

from __future__ import annotations

from typing import Protocol

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from dashboard.widgets.live_figure import live_figure
from dashboard.widgets.table import table


class Drawn(Protocol):
    """What a figure function returns: the figure and the words and numbers that go with it."""

    @property
    def figure(self) -> go.Figure: ...
    @property
    def title(self) -> str: ...
    @property
    def alt(self) -> str: ...
    @property
    def reading(self) -> str: ...
    @property
    def table(self) -> pd.DataFrame: ...


def chart(light: Drawn, dark: Drawn, *, key: str, height: int = 420) -> None:
    """Draw one figure, in the reader's theme, with its reading below and its numbers on request.

    Args:
        light: the figure for a light background; its words and table are the ones shown.
        dark: the same figure for a dark background.
        key: unique on the page.
        height: of the figure, in pixels.
    """
    live_figure(
        light.figure.to_json(validate=False),
        dark_spec_json=dark.figure.to_json(validate=False),
        key=key,
        alt=light.alt,
        height=height,
    )
    st.text(light.reading)  # not Markdown: it may hold names, and names are data
    twin = st.expander("Table", key=f"{key}-table", icon=":material/table_rows:", type="compact", on_change="rerun")
    if twin.open:
        with twin:
            table(light.table, key=key, name=light.title)
