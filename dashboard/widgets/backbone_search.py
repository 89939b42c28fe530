"""Search over every backbone there is: what each one is, how large, made from what, under which licence, and where it is."""

from __future__ import annotations

import streamlit as st

from dashboard import state
from dashboard.widgets.literal import literal
from dashboard.widgets.network import drawing
from engine.backbones import Entry, in_words, search
from engine.errors import TransferscopeError

SHOWN = 40
PICKED = "lab-picked-backbone"
_PLACES = {"all": "All", "here": "On this machine", "small": "Below 10 M", "free": "Apache, MIT, BSD"}
_FREE = ("apache", "mit", "bsd")
_HINT = "For example: dinov3 small · convnext in22k · siglip · torchvision:resnet50"


def button() -> None:
    """The button that opens the search."""
    if st.button("Search all networks", icon=":material/search:", key="lab-search-backbones", width="stretch"):
        _search()


def picked() -> str | None:
    """The name that was chosen in the search since the last look, or None."""
    return st.session_state.pop(PICKED, None)


@st.dialog("All networks", width="large")
def _search() -> None:
    query = st.text_input("Search", key="lab-backbone-query", placeholder=_HINT, icon=":material/search:")
    place = st.pills("Show", _PLACES, format_func=_PLACES.get, default="all", key="lab-backbone-place", required=True)
    try:
        with st.spinner("Asking timm what it has. The first time this takes some seconds."):
            entries = state.catalogue()
    except TransferscopeError as error:
        st.error(literal(error), icon=":material/error:")
        return
    found = [entry for entry in search(query, entries) if fits(entry, place)]
    st.caption(count_words(len(found), len(entries)))
    if not found:
        return
    with st.container(height=340, border=True, key="lab-backbone-found"):
        by_name = {entry.name: entry for entry in found[:SHOWN]}
        name = st.radio(
            "Networks", by_name, captions=[literal(words(entry)) for entry in by_name.values()],
            format_func=lambda name: literal(by_name[name].label), label_visibility="collapsed",
            key=f"lab-backbone-choice-{query}-{place}",
        )  # fmt: skip
    _chosen(by_name[name])


def _chosen(entry: Entry) -> None:
    left, right = st.columns([3, 2], vertical_alignment="center")
    look = right.toggle("Draw its units", key="lab-backbone-units")
    if left.button("Use this network", type="primary", icon=":material/check:", width="stretch"):
        st.session_state[PICKED] = entry.name
        st.rerun()
    if entry.aliases:
        st.caption(literal(f"Also called {', '.join(entry.aliases)}."))
    if not look:
        return
    try:
        with st.spinner("Reading the network's layers. The first time this takes up to ten seconds."):
            card = state.card(entry.name)
    except TransferscopeError as error:
        st.error(literal(error), icon=":material/error:")
        return
    for note in card.notes:
        st.caption(literal(note))
    with st.container(height=360, border=False):
        drawing(card)


def fits(entry: Entry, place: str) -> bool:
    """Whether an entry is of the kind that is asked for."""
    if place == "here":
        return entry.on_disk
    if place == "small":
        return entry.parameters is not None and entry.parameters < 10e6
    if place == "free":
        return entry.licence.lower().startswith(_FREE)
    return True


def words(entry: Entry) -> str:
    """What is known of a backbone, in one line; what is not known is said, never guessed."""
    count = f"{millions(entry.parameters)} parameters" if entry.parameters is not None else "size not counted"
    if entry.weights == "none":
        where = "no weights: random or your own"
    elif entry.on_disk:
        where = "on this machine"
    else:
        where = f"downloads about {in_words(entry.download_bytes)}" if entry.download_bytes else "downloads"
    facts = [entry.family.replace("_", " "), count, f"{entry.input_size[1]} px", where]
    if entry.weights != "none":
        facts += [entry.source_data or "source data not stated", entry.licence or "licence not stated"]
        facts += ["text tower"] * entry.text_tower
    return " · ".join(facts)


def millions(number: int) -> str:
    """A number of parameters as it is read: "5.7 M", "307 M"."""
    return f"{number / 1e6:,.1f} M" if number < 100e6 else f"{number / 1e6:,.0f} M"


def count_words(found: int, n: int) -> str:
    """How many were found, and how many of them are shown."""
    if not found:
        return f"Nothing among {n:,} networks fits. Try fewer words."
    shown = f", the first {SHOWN} are shown: add a word to narrow it down" if found > SHOWN else ""
    return f"{found:,} of {n:,}{shown}."
