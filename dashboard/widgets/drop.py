"""A place to drop a zip: it goes straight to the disk of the machine that runs Transferscope, with a bar."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import streamlit as st

from dashboard import receiving, state
from engine.imports import uploads
from engine.imports.limits import LIMITS

_HTML = """
<div class="drop">
  <label class="field" tabindex="-1">
    <input type="file" accept=".zip,application/zip" aria-describedby="hint">
    <span class="call"></span>
    <span class="hint" id="hint"></span>
  </label>
  <div class="coming" hidden>
    <span class="file"></span>
    <progress max="1" value="0" aria-label="Upload"></progress>
    <button type="button">Stop</button>
  </div>
  <p class="status" role="status"></p>
</div>
"""
_CSS = """
.drop { font: 400 0.9rem/1.4 var(--st-font); color: var(--st-text-color); padding: 2px; }
.field {
  display: flex; flex-direction: column; align-items: center; gap: 0.2rem; padding: 1.2rem 1rem; text-align: center;
  border: 2px dashed var(--st-border-color); border-radius: 0.5rem; background: var(--st-secondary-background-color);
  cursor: pointer; position: relative;
}
.field:hover, .field.over, .field:focus-within { border-color: var(--st-primary-color); }
.field:focus-within { outline: 2px solid var(--st-primary-color); outline-offset: 1px; }
.field input { position: absolute; inset: 0; opacity: 0; cursor: pointer; }
.call { font-weight: 600; }
.hint, .status { color: color-mix(in srgb, var(--st-text-color) 70%, var(--st-background-color)); font-size: 0.85rem; }
.status { margin: 0.3rem 0 0; overflow-wrap: anywhere; }
.status.bad { color: var(--st-red-text-color, #b3261e); }
.coming { display: flex; align-items: center; gap: 0.7rem; margin-top: 0.6rem; }
.coming[hidden] { display: none; }
.file { max-width: 40%; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
progress { flex: 1; min-width: 4rem; accent-color: var(--st-primary-color); }
button {
  padding: 0.2rem 0.7rem; border: 1px solid var(--st-border-color); border-radius: 0.4rem; background: none; color: inherit;
  font: inherit; cursor: pointer;
}
button:hover { border-color: var(--st-primary-color); color: var(--st-primary-color); }
"""
_mount = st.components.v2.component(
    "transferscope_drop", html=_HTML, css=_CSS, js=Path(__file__).with_suffix(".js").read_text(encoding="utf-8")
)


def drop(key: str) -> Path | None:
    """Draw the place; returns the zip that was dropped last and is still there, or None."""
    url = receiving.url()
    if url is None:
        st.caption("This server takes no files. Give the path of a zip or folder on its machine instead.")
        return None
    most = f"up to {LIMITS.total / 1e9:.0f} GB and {LIMITS.entries:,} files"
    _mount(
        key=key,
        data={"url": url, "header": receiving.HEADER, "most": LIMITS.total, "hint": f"A zip of images, {most}"},
        on_dropped_change=lambda: _dropped(key),
    )
    return uploads.find(state.store().home, st.session_state.get(f"{key}-token"))


def _dropped(key: str) -> None:
    token = token_of(st.session_state[key].get("dropped"))
    if token is not None:
        st.session_state[f"{key}-token"] = token


def token_of(sent: Any) -> str | None:
    """What the browser sent as the name of an upload, where it is one."""
    token = sent.get("token") if isinstance(sent, dict) else None
    return token if isinstance(token, str) else None
