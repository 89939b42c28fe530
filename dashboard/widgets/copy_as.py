"""Copying an experiment as a link, shell commands, Python or TOML."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from dashboard import recipe
from engine.spec import ExperimentSpec

LABELS = {"link": "Copy link", "cli": "CLI", "python": "Python", "toml": "TOML"}
_HTML = """
<div class="copy">
  <div class="row" role="group" aria-label="Copy this experiment"></div>
  <textarea readonly hidden spellcheck="false"></textarea>
  <p class="status" role="status"></p>
</div>
"""
_CSS = """
.copy { font: 400 0.875rem/1.4 var(--st-font); color: var(--st-text-color); }
.row { display: flex; flex-wrap: wrap; gap: 0.4rem; }
button {
  flex: 1 0 auto; min-height: 2.25rem; padding: 0.2rem 0.7rem; border: 1px solid var(--st-border-color);
  border-radius: var(--st-button-radius, 0.4rem); background: none; color: inherit; font: inherit; cursor: pointer;
}
button:hover:enabled { border-color: var(--st-primary-color); color: var(--st-primary-color); }
button:disabled { opacity: 0.45; cursor: default; }
button:focus-visible, textarea:focus-visible { outline: 2px solid var(--st-primary-color); outline-offset: 1px; }
textarea {
  box-sizing: border-box; width: 100%; margin-top: 0.5rem; padding: 0.5rem; resize: vertical;
  border: 1px solid var(--st-border-color); border-radius: 0.4rem; color: inherit;
  background: var(--st-secondary-background-color); font: 400 0.8rem/1.45 var(--st-code-font, monospace);
}
.status { min-height: 1.4em; margin: 0.3rem 0 0; color: color-mix(in srgb, var(--st-text-color) 70%, transparent); }
"""
_mount = st.components.v2.component(
    "transferscope_copy_as", html=_HTML, css=_CSS, js=Path(__file__).with_suffix(".js").read_text(encoding="utf-8")
)


def texts(spec: ExperimentSpec) -> dict[str, str]:
    """What each button copies, except the link, of which the browser knows the beginning."""
    return {"cli": recipe.to_cli(spec), "python": recipe.to_python(spec), "toml": spec.to_toml()}


def copy_as(spec: ExperimentSpec) -> None:
    """Draw the buttons; each copies at once and shows what it copied."""
    _mount(key="lab-copy", data={"labels": LABELS, "query": recipe.query_string(spec), "texts": texts(spec)})
