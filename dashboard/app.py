"""The pages and how to move between them; Streamlit runs this file once per interaction."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

from dashboard import __version__
from dashboard.views import compare, data, lab, layers, library, live, start, transfer

if TYPE_CHECKING:
    from streamlit.navigation.page import StreamlitPage

# section -> (page, title, icon, path in the URL); the first page is where one arrives
PAGES = {
    "Explore": (
        (start.page, "Start", ":material/ac_unit:", None),  # at "/"
        (data.page, "Data", ":material/photo_library:", "data"),
        (lab.page, "Lab", ":material/science:", "lab"),
        (live.page, "Live", ":material/monitoring:", "live"),
        (layers.page, "Layers", ":material/layers:", "layers"),
        (transfer.page, "Transfer study", ":material/call_split:", "transfer"),
        (compare.page, "Compare", ":material/compare_arrows:", "compare"),
    ),
    "Report": ((library.page, "Library", ":material/inventory_2:", "library"),),
}
CARRIED = "experiment"  # the URL parameter that goes along from page to page


def main() -> None:
    """Draw the frame of the dashboard and the page that the URL names."""
    logo = next(file for file in (_ROOT / "assets/logo.svg", _ROOT / "engine/_assets/logo.svg") if file.exists())
    about = f"Transferscope {__version__}. Everything stays on this machine."
    st.set_page_config("Transferscope", str(logo), layout="wide", menu_items={"About": about})
    st.logo(str(logo), size="large")
    # Streamlit's own Stop (of drawing a page) would stand beside ours (of computing runs).
    st.html('<style>[data-testid="stStatusWidget"] button { display: none; }</style>')
    sections = {
        section: [
            st.Page(function, title=title, icon=icon, url_path=path, default=function is start.page)
            for function, title, icon, path in pages
        ]
        for section, pages in PAGES.items()
    }
    page = st.navigation(sections | {"": [_leads_to(sections["Explore"][0], path) for path in ("start", "home")]})
    st.session_state["app-pages"] = {entry.url_path or "start": entry for pages in sections.values() for entry in pages}
    _carry(page)
    try:
        page.run()
    finally:  # also when the page stops early or asks for a rerun
        st.session_state["app-chosen"] = st.query_params.get_all(CARRIED)


def _leads_to(first: StreamlitPage, path: str) -> StreamlitPage:
    """The first page lives at "/"; other paths that people type and link to lead there."""
    return st.Page(lambda: st.switch_page(first), title="Start", url_path=path, visibility="hidden")


def _carry(page: StreamlitPage) -> None:
    """Keep the chosen experiments in the URL when another page is opened: Streamlit drops the parameters."""
    came_from, st.session_state["app-path"] = st.session_state.get("app-path", page.url_path), page.url_path
    if page.url_path != came_from and CARRIED not in st.query_params and st.session_state.get("app-chosen"):
        # As if the link had held them; widgets bound to the URL would not notice a parameter set here.
        kept = {name: st.query_params.get_all(name) for name in st.query_params}
        st.switch_page(page, query_params={**kept, CARRIED: st.session_state["app-chosen"]})


_ROOT = Path(__file__).parent.parent
main()
