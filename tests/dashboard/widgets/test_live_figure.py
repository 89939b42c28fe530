"""The live figure and its table twin as the server sees them; the browser's side is in tests/browser."""

from __future__ import annotations

import io
import json
import re
from pathlib import Path

import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from dashboard.widgets import live_figure, plotly_js, table


def page() -> None:
    import pandas as pd
    import plotly.graph_objects as go

    from dashboard.figures import Drawn
    from dashboard.state import Chart
    from dashboard.widgets.chart import chart

    def drawn(paper: str) -> Drawn:
        figure = go.Figure(go.Scatter(x=[1, 2], y=[0.5, 0.7])).update_layout(paper_bgcolor=paper)
        cells = pd.DataFrame({"epoch": [1, 2], "name": ["=1+1", "plain"]})
        return Drawn(figure, "A curve", "A line that rises", "It *rises*.", cells)

    light, dark = drawn("#ffffff"), drawn("#101820")
    chart(Chart(light, light.spec(), lambda: dark), key="curve")


@pytest.fixture
def unserved(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plotly_js, "_mounted", False)


@pytest.mark.usefixtures("unserved")
def test_without_the_extra_route_streamlit_draws() -> None:
    app = AppTest.from_function(page).run()
    assert not app.exception
    spec = json.loads(app.get("plotly_chart")[0].proto.spec)
    assert spec["layout"]["paper_bgcolor"] == "#ffffff"


@pytest.mark.usefixtures("unserved")
def test_the_reading_is_text_and_the_table_waits_until_it_is_opened() -> None:
    app = AppTest.from_function(page).run()
    assert [text.value for text in app.text] == ["It *rises*."]
    assert len(app.dataframe) == 0
    app.session_state["curve-table"] = True
    app.run()
    assert list(app.dataframe[0].value["name"]) == ["'=1+1", "plain"]


def test_with_the_route_the_component_gets_both_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plotly_js, "_mounted", False)
    plotly_js.route()
    app = AppTest.from_function(page).run()
    assert not app.exception
    data = json.loads(app.get("bidi_component")[0].proto.json)
    assert json.loads(data["light"])["layout"]["paper_bgcolor"] == "#ffffff"
    assert json.loads(data["dark"])["layout"]["paper_bgcolor"] == "#101820"
    assert data["source"].startswith("transferscope/plotly.min.js?v=")
    assert (data["alt"], data["height"], data["filename"]) == ("A line that rises", 420, "curve")


def test_the_browser_code_names_no_other_host() -> None:
    code = Path(live_figure.__file__).with_suffix(".js").read_text(encoding="utf-8")
    assert not re.search(r"https?:|//[a-z]+\.", code)


def test_csv_cells_that_look_like_formulas_are_text() -> None:
    frame = pd.DataFrame(
        {
            "name": ["=1+1", "+1", "-1", "@sum", "\t=1", "plain", None],
            "value": [-1.5, 2.0, 0.0, 1.0, 1.0, 1.0, float("nan")],
            "=column": range(7),
            "kind": pd.Categorical(["=a", "b", "b", "b", "b", "b", "b"]),
        }
    )
    back = pd.read_csv(io.BytesIO(table.to_csv(frame)))
    assert list(back.columns) == ["name", "value", "'=column", "kind"]
    assert list(back["name"][:6]) == ["'=1+1", "'+1", "'-1", "'@sum", "'\t=1", "plain"]
    assert back["value"][0] == -1.5
    assert back["kind"][0] == "'=a"
    assert frame["name"][0] == "=1+1"
