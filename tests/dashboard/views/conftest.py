"""Pages as Streamlit runs them, on a store that is written by hand; no worker is started."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from streamlit.testing.v1 import AppTest

from dashboard import state
from dashboard.widgets import plotly_js

SCRIPT = """
import streamlit as st

from dashboard.views import compare, data, lab, layers, library, live, start, transfer

views = {{"start": start, "data": data, "lab": lab, "live": live, "layers": layers, "compare": compare, "library": library}}
views["transfer"] = transfer
pages = {{name: st.Page(view.page, url_path=name, title=name, default=name == "{first}") for name, view in views.items()}}
st.session_state["app-pages"] = pages
st.navigation(list(pages.values())).run()
"""


@pytest.fixture
def show(by_hand, monkeypatch: pytest.MonkeyPatch) -> Callable[..., AppTest]:
    """Show a page on the home that is written by hand: `show("live", experiment=...)`; it has no exception."""
    monkeypatch.setenv("TRANSFERSCOPE_HOME", str(by_hand.store.home))
    monkeypatch.setenv(state.NO_WORKER, "1")
    monkeypatch.setattr(plotly_js, "_mounted", True)

    def page(name: str, **query: str) -> AppTest:
        app = AppTest.from_string(SCRIPT.format(first=name), default_timeout=150)
        for key, value in query.items():
            app.query_params[key] = value
        app.run()
        assert not app.exception
        return app

    return page


@pytest.fixture
def words() -> Callable[[AppTest], str]:
    """All that a page says, without the marks that keep text literal."""

    def said(app: AppTest) -> str:
        kinds = ("title", "markdown", "caption", "text", "info", "warning", "error", "success")
        texts = [one.value for kind in kinds for one in app.get(kind)]
        texts += [one.proto.text for one in app.get("progress")] + [one.proto.label for one in app.get("page_link")]
        return "\n".join(texts).replace("\\", "").replace("\u2060", "")

    return said


@pytest.fixture
def charts() -> Callable[[AppTest], list[str]]:
    """The alt text of every chart of a page."""
    import json

    return lambda app: [json.loads(one.proto.json)["alt"] for one in app.get("bidi_component")]


@pytest.fixture
def press() -> Callable[[AppTest, str], AppTest]:
    """Press the button with a label; the page has no exception afterwards."""

    def pressed(app: AppTest, label: str) -> AppTest:
        button = next((one for one in app.button if one.label == label), None)
        assert button is not None, f"no button {label!r} among {[one.label for one in app.button]}"
        button.click().run()
        assert not app.exception
        return app

    return pressed
