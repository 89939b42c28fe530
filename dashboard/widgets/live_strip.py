"""The progress of an experiment, kept up to date by the browser: the page is drawn anew only when its buttons change."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

_HTML = """
<div class="transferscope-strip">
  <p class="transferscope-strip-headline" aria-live="off"></p>
  <div class="transferscope-strip-bar" role="progressbar" aria-label="Progress of the experiment" aria-valuemin="0"
    aria-valuemax="100"><div></div></div>
  <p class="transferscope-strip-detail"></p>
</div>
"""
_CSS = """
.transferscope-strip p { margin: 0; color: var(--st-text-color); font-family: var(--st-font); overflow-wrap: anywhere; }
.transferscope-strip-bar { height: 0.5rem; margin: 0.35rem 0; border-radius: 0.25rem; overflow: hidden;
  background: var(--st-secondary-background-color); }
.transferscope-strip-bar > div { height: 100%; width: 0; background: var(--st-primary-color); }
.transferscope-strip p.transferscope-strip-detail { font-size: 0.875rem; opacity: 0.75; min-height: 1.35rem; }
"""
_mount = st.components.v2.component(
    "transferscope_live_strip",
    html=_HTML,
    css=_CSS,
    js=Path(__file__).with_suffix(".js").read_text(encoding="utf-8"),
    isolate_styles=False,  # in a shadow root, searching the page would not find what it says
)


def live_strip(feed: str, *, done: float, headline: str, detail: str, shape: str, key: str) -> None:
    """Draw the progress, which then asks for its own news; the script runs again when the shape of the page changes.

    Args:
        feed: address that answers with `done`, `headline`, `detail` and `shape` (see `dashboard.feed.offer_facts`).
        done: share from 0 to 1.
        headline: what is finished and how long the rest takes.
        detail: what is computed now.
        shape: names what stands around the strip (buttons, messages); another one in the feed draws the page anew.
        key: unique on the page.
    """
    _mount(
        key=key,
        height="content",
        data={"feed": feed, "done": done, "headline": headline, "detail": detail, "shape": shape},
        on_shape_change=lambda: None,
    )
