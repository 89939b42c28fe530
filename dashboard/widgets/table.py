"""A table on the page with its download: what a spreadsheet would take for a formula is kept as text."""

from __future__ import annotations

import re

import pandas as pd
import streamlit as st

_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def escape(cell: object) -> object:
    """Return text that begins like a formula with an apostrophe before it; numbers and other text unchanged."""
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(_FORMULA) else cell


def escaped(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a copy of `frame` in which no text cell and no column name can be read as a formula."""
    texts = {name: frame[name].map(escape) for name in frame.select_dtypes(["object", "string", "category"])}
    return frame.assign(**texts).rename(columns=escape)


def to_csv(frame: pd.DataFrame) -> bytes:
    """Return `frame` as CSV in UTF-8, without its index, safe to open in a spreadsheet."""
    return escaped(frame).to_csv(index=False).encode()


def table(frame: pd.DataFrame, *, key: str, name: str) -> None:
    """Show `frame` with a button that downloads it as `name`.csv."""
    # Streamlit's own table has a CSV button too, and it escapes nothing: it gets the escaped cells.
    st.dataframe(escaped(frame), key=f"{key}-cells", hide_index=True)
    st.download_button(
        "Download CSV",
        lambda: to_csv(frame),
        file_name=f"{re.sub(r'[^a-z0-9]+', '-', name.lower()).strip('-') or 'table'}.csv",
        mime="text/csv",
        key=f"{key}-csv",
        icon=":material/download:",
        on_click="ignore",
    )
