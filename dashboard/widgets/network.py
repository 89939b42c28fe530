"""The freezing slider, drawn on the network itself: units as layers, ice-blue where frozen, warm where trained."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import streamlit as st

from dashboard.choices import EVERY, ONE, SEVERAL, chosen
from dashboard.widgets import draft
from engine.backbones import Card

MODES = {ONE: "One depth", SEVERAL: "Several", EVERY: "Every depth"}
HELP = (
    "The frozen depth is how many units, counted from the image, keep what they learned before; the later ones and the new"
    " head are trained. 0 is full fine-tuning, all of them is the linear probe."
)
_HTML = """
<div class="network">
  <div class="end head"></div>
  <div class="stack" role="slider" aria-orientation="vertical" aria-label="Frozen units">
    <div class="units"></div>
    <div class="line"><span class="grip"></span></div>
  </div>
  <button type="button" class="end images" tabindex="-1"></button>
  <p class="sum" aria-live="polite"></p>
  <div class="chosen" role="group" aria-label="Depths that run"></div>
</div>
"""
_mount = st.components.v2.component(
    "transferscope_network",
    html=_HTML,
    css=Path(__file__).with_suffix(".css").read_text(encoding="utf-8"),
    js=Path(__file__).with_suffix(".js").read_text(encoding="utf-8"),
)


def network(card: Card | None, n_classes: int | None) -> None:
    """Draw a network and let the reader choose frozen depths on it; the choice is in `draft`.

    Args:
        card: the backbone; None draws nothing but the choice between one, several and every depth.
        n_classes: of the target task, for the size of the head; None while it is unknown.
    """
    used = "partial_fine_tuning" in chosen(draft.values())
    st.segmented_control(
        "Frozen depth", MODES, format_func=MODES.get, key=draft.key("depth-mode"), required=True,
        default=draft.start("depth-mode"), help=HELP, disabled=not used,
        on_change=_mode_changed,
    )  # fmt: skip
    if not used:
        st.caption(
            "Only partial fine-tuning has a depth to choose: the linear probe freezes all units, the others none."
        )
    if card is None:
        return
    head = (card.units[-1].n_features + 1) * n_classes if n_classes and card.units[-1].n_features else None
    _mount(
        key="lab-network",
        data={
            "units": [{"name": unit.name, "stage": unit.stage, "parameters": unit.parameters} for unit in card.units],
            "head": head,
            "mode": draft.value("depth-mode"),
            "used": used,
            "depth": min(draft.value("depth"), card.n_units),
            "depths": [depth for depth in draft.value("depths") if depth <= card.n_units],
            "stamp": st.session_state.get("lab-stamp", 0),
        },
        on_moved_change=_moved,
    )


def drawing(card: Card) -> None:
    """Draw a network's units without a choice on them."""
    _mount(
        key="lab-drawing",
        data={
            "units": [{"name": unit.name, "stage": unit.stage, "parameters": unit.parameters} for unit in card.units],
            "head": None,
            "mode": "drawing",
            "used": False,
            "depth": 0,
            "depths": [],
            "stamp": 0,
        },
        on_moved_change=lambda: None,
    )


def read_move(moved: Any) -> tuple[int, list[int], float] | None:
    """(depth, depths, stamp) of what the browser sent, or None where it is not of that form."""
    try:
        depth, depths, stamp = moved["depth"], moved["depths"], moved["stamp"]
    except (TypeError, KeyError):
        return None
    whole = isinstance(depths, list) and all(type(one) is int and 0 <= one <= 100_000 for one in [depth, *depths])
    return (depth, sorted(set(depths)), stamp) if whole and type(stamp) in (int, float) else None


def _moved() -> None:
    move = read_move(st.session_state["lab-network"].get("moved"))
    if move is None:
        return
    depth, depths, stamp = move
    st.session_state["lab-moved"] = True
    if stamp < st.session_state.get("lab-stamp", 0):
        return
    # The stamp goes back to the browser, which ignores answers to what it asked before its newest move.
    st.session_state["lab-stamp"] = stamp
    st.session_state[draft.key("depth")] = depth
    st.session_state[draft.key("depths")] = [depth] if draft.value("depth-mode") == ONE else depths


def _mode_changed() -> None:
    if draft.value("depth-mode") == ONE or not draft.value("depths"):
        st.session_state[draft.key("depths")] = [draft.value("depth")]
