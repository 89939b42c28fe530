"""A Plotly figure that is updated in place: zoom, hidden legend items and hover survive when data grow."""

from __future__ import annotations

import json
import re
from pathlib import Path

import streamlit as st

from dashboard.widgets import plotly_js

_HTML = """
<div class="transferscope-figure" role="img" tabindex="0"></div>
<p class="transferscope-figure-reading" hidden></p>
<p class="transferscope-figure-message" role="status" hidden></p>
"""
_CSS = """
.transferscope-figure { width: 100%; caret-color: var(--st-background-color); }
.transferscope-figure:focus-visible { outline: 2px solid var(--st-primary-color); outline-offset: 2px; }
.transferscope-figure-reading {
  margin: 1rem 0 0; overflow-wrap: anywhere; color: var(--st-text-color); font-family: var(--st-font);
}
.transferscope-figure-message { position: absolute; top: 0; margin: 1rem 0; color: var(--st-text-color); }
"""
_mount = st.components.v2.component(
    "transferscope_live_figure",
    html=_HTML,
    css=_CSS,
    js=Path(__file__).with_suffix(".js").read_text(encoding="utf-8"),
    isolate_styles=False,  # Plotly measures and drags through the document, not through a shadow root
)


def live_figure(spec_json: str, *, key: str, alt: str, height: int, dark_spec_json: str | None = None) -> None:
    """Draw a figure and keep what the reader did to it (zoom, hidden traces) whenever its data change.

    The browser picks the light or the dark specification by the theme it shows, also when that changes without a
    rerun. Where the drawing library is not served (`streamlit run`, AppTest), `st.plotly_chart` draws instead;
    there a chart starts over with every change of data.

    Args:
        spec_json: the figure as Plotly JSON; give `layout.uirevision` a constant to keep zoom and hidden traces.
        key: unique on the page; also the name of a downloaded image.
        alt: what the figure shows, for those who do not see it.
        height: in pixels, reserved before anything is drawn.
        dark_spec_json: the same figure for a dark background; None draws `spec_json` on both.
    """
    dark = spec_json if dark_spec_json is None else dark_spec_json
    source = plotly_js.url()
    if source is None:
        shown = dark if st.context.theme.type == "dark" else spec_json
        st.plotly_chart(json.loads(shown), key=key, theme=None, height=height, config={"displaylogo": False})
        return
    data = {"light": spec_json, "dark": dark, "alt": alt, **_about(key, height, source)}
    _mount(key=key, height=height, data=data)


def fed_figure(feed: str, *, key: str, height: int) -> None:
    """Draw a figure that asks for its data by itself, with the sentence that reads it below: both of the same moment.

    Args:
        feed: address that answers with the newest data (see `dashboard.feed`); the page itself sends none.
        key: unique on the page; also the name of a downloaded image.
        height: of the figure, in pixels.
    """
    source = plotly_js.url()
    assert source is not None, "what serves a feed serves the drawing library"
    # Nothing here may depend on the data: it would change with every tick, for a chart that is up to date already.
    _mount(key=key, height="content", data={"feed": feed, **_about(key, height, source)})


def _about(key: str, height: int, source: str) -> dict[str, object]:
    return {"height": height, "source": source, "filename": re.sub(r"[^\w-]+", "-", key).strip("-") or "figure"}
