"""The live figure in a real Chromium: what the reader did to a chart outlives every new set of data."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from dashboard.figures import _style

pytestmark = pytest.mark.browser

SCRIPT = """
import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from dashboard import feed
from dashboard.figures import Drawn
from dashboard.state import Chart
from dashboard.widgets.chart import chart

st.set_page_config("Live figure", layout="wide", menu_items={"About": "A test page."})
STATE = st.session_state
st.title("Live figure")
grow, tick, hide = st.toggle("Grow"), st.toggle("Tick"), st.toggle("Hide")


def drawn(n, paper, ink):
    x = list(range(n))
    traces = [go.Scatter(x=x, y=[i * f for i in x], name=name) for name, f in (("train", 1.0), ("validation", 0.8))]
    figure = go.Figure(traces).update_layout(
        title="Accuracy by step", uirevision="run-1", paper_bgcolor=paper, plot_bgcolor=paper, font_color=ink
    )
    table = pd.DataFrame({"step": x, "name": "=cmd|' /C calc'!A0"})
    reading = f"{n} steps so far: ![x](http://example.invalid/x.png)"
    return Drawn(figure, "Accuracy by step", "Two lines that rise", reading, table)


@st.fragment(run_every=0.4 if grow or tick else None)
def live():
    STATE["n"] = STATE.get("n", 20) + 5 * grow
    STATE["runs"] = STATE.get("runs", 0) + 1
    light, dark = drawn(STATE["n"], "#ffffff", "#102030"), drawn(STATE["n"], "#101820", "#e0e8f0")
    shown = Chart(light, light.spec(), lambda: dark)
    if "feed" in st.query_params:
        place = st.query_params["feed"]  # one for each test
        feed.newest = {**getattr(feed, "newest", {}), place: shown}
        shown = Chart(light, light.spec(), lambda: dark, feed.offer(place, lambda: feed.newest[place]))
    chart(shown, key="curve", height=380)
    st.text(f"runs {STATE['runs']}")


if not hide:
    live()
st.text("Below the chart")
"""
both_ways = pytest.mark.parametrize("query", ["", "/?feed="], ids=["from the page", "from the feed"])
"""Data that come with the page's own messages, and data that the chart asks for."""

POINTS = "figure => figure.calcdata[0].length"
AXES = "figure => [...figure.layout.xaxis.range, ...figure.layout.yaxis.range]"
SHOWN = "figure => figure._fullData.map(trace => trace.visible)"


@pytest.fixture(scope="module")
def address(serve_script: Callable[[Path], str], tmp_path_factory: pytest.TempPathFactory) -> str:
    script = tmp_path_factory.mktemp("live") / "page.py"
    script.write_text(SCRIPT, encoding="utf-8")
    return serve_script(script)


def of(address: str, query: str) -> str:
    return f"{address}{query}{uuid.uuid4()}" if query else address


def drawn(page: Page) -> Locator:
    """The chart, once it is drawn."""
    page.wait_for_function("document.querySelector('.transferscope-figure')?.calcdata?.[0]?.length > 0")
    return page.locator(".transferscope-figure")


def switch(page: Page, name: str) -> None:
    page.locator("label").filter(has_text=name).click()


def count_calls(page: Page, name: str) -> None:
    """From now on `window.calls` counts the calls of one function of Plotly."""
    page.evaluate(
        "name => { const call = Plotly[name]; window.calls = 0;"
        " Plotly[name] = (...given) => { window.calls += 1; return call(...given); }; }",
        name,
    )


def grow(page: Page) -> None:
    switch(page, "Grow")


def wait_for_points(page: Page, more: int) -> None:
    at_least = page.locator(".transferscope-figure").evaluate(POINTS) + more
    page.wait_for_function(f"document.querySelector('.transferscope-figure').calcdata[0].length >= {at_least}")


def drag(page: Page, figure: Locator, *, release: bool = True) -> None:
    """Zoom into the middle of the plot with the mouse."""
    box = figure.locator(".nsewdrag").bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] * 0.3, box["y"] + box["height"] * 0.3)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.5, box["y"] + box["height"] * 0.5, steps=4)
    page.mouse.move(box["x"] + box["width"] * 0.7, box["y"] + box["height"] * 0.7, steps=4)
    if release:
        page.mouse.up()


@both_ways
def test_zoom_and_hidden_trace_survive_growing_data(address: str, query: str, open_page: Callable[..., Page]) -> None:
    page = open_page(of(address, query))
    figure = drawn(page)
    whole = figure.evaluate(AXES)
    drag(page, figure)
    page.wait_for_function(f"document.querySelector('.transferscope-figure').layout.xaxis.range[0] > {whole[0] + 1}")
    figure.locator(".legendtoggle").nth(1).click()
    page.wait_for_function("document.querySelector('.transferscope-figure')._fullData[1].visible === 'legendonly'")
    zoomed = figure.evaluate(AXES)
    grow(page)
    wait_for_points(page, 15)  # three updates
    assert figure.evaluate(AXES) == zoomed
    assert figure.evaluate(SHOWN) == [True, "legendonly"]


@both_ways
def test_an_update_waits_for_a_drag_in_progress(address: str, query: str, open_page: Callable[..., Page]) -> None:
    page = open_page(of(address, query))
    figure = drawn(page)
    grow(page)
    wait_for_points(page, 5)
    drag(page, figure, release=False)
    frozen = figure.evaluate(POINTS)
    page.wait_for_timeout(900)  # two updates arrive meanwhile
    assert figure.evaluate(POINTS) == frozen
    page.mouse.up()
    wait_for_points(page, 10)
    assert figure.evaluate("figure => figure.layout.xaxis.autorange") is False


def test_hover_survives_growing_data(address: str, open_page: Callable[..., Page]) -> None:
    page = open_page(address)
    figure = drawn(page)
    grow(page)
    wait_for_points(page, 5)
    box = figure.locator(".nsewdrag").bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2, steps=3)
    expect(figure.locator(".hoverlayer .hovertext")).not_to_have_count(0)
    wait_for_points(page, 10)
    expect(figure.locator(".hoverlayer .hovertext")).not_to_have_count(0)


@both_ways
def test_an_unchanged_figure_is_not_drawn_again(address: str, query: str, open_page: Callable[..., Page]) -> None:
    page = open_page(of(address, query))
    drawn(page)
    count_calls(page, "react")
    switch(page, "Tick")
    expect(page.get_by_text(re.compile(r"runs [5-9]"))).to_be_visible()
    assert page.evaluate("window.calls") == 0


@both_ways
def test_the_theme_of_the_system_is_followed_without_a_rerun(
    address: str, query: str, open_page: Callable[..., Page]
) -> None:
    page = open_page(of(address, query), color_scheme="dark")
    figure = drawn(page)
    paper = "figure => figure._fullLayout.paper_bgcolor"
    assert figure.evaluate(paper) == "#101820"
    drag(page, figure)
    page.wait_for_function("document.querySelector('.transferscope-figure').layout.xaxis.autorange === false")
    zoomed, runs = figure.evaluate(AXES), page.get_by_text(re.compile(r"^runs ")).inner_text()
    page.emulate_media(color_scheme="light")
    page.wait_for_function("document.querySelector('.transferscope-figure')._fullLayout.paper_bgcolor === '#ffffff'")
    assert figure.evaluate(AXES) == zoomed
    assert page.get_by_text(re.compile(r"^runs ")).inner_text() == runs


@both_ways
def test_the_theme_chosen_in_the_menu_is_followed(address: str, query: str, open_page: Callable[..., Page]) -> None:
    page = open_page(of(address, query))
    drawn(page)
    page.get_by_test_id("stMainMenu").get_by_role("button").click()
    page.get_by_test_id("stMainMenuPopover").get_by_text("Dark").click()
    page.wait_for_function("document.querySelector('.transferscope-figure')._fullLayout.paper_bgcolor === '#101820'")


def test_it_has_a_name_and_is_reached_by_keyboard(address: str, open_page: Callable[..., Page]) -> None:
    page = open_page(address)
    drawn(page)
    figure = page.get_by_role("img", name="Two lines that rise")
    figure.focus()
    expect(figure).to_be_focused()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_phone_width_does_not_scroll_sideways(address: str, open_page: Callable[..., Page], scheme: str) -> None:
    page = open_page(address, width=390, height=844, color_scheme=scheme)
    figure = drawn(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert page.get_by_test_id("stMain").evaluate("main => main.scrollWidth <= main.clientWidth")
    assert figure.evaluate("figure => figure._fullLayout.width <= figure.clientWidth")


def test_it_fills_its_container_when_that_changes(address: str, open_page: Callable[..., Page]) -> None:
    page = open_page(address)
    drawn(page)
    page.set_viewport_size({"width": 700, "height": 900})
    fits = "(() => {const f = document.querySelector('.transferscope-figure'); return f._fullLayout.width === f.clientWidth})()"
    page.wait_for_function(f"{fits} && innerWidth === 700")


def test_nothing_below_moves_while_it_loads(address: str, open_page: Callable[..., Page]) -> None:
    page = open_page("about:blank")
    page.route("**/plotly.min.js*", lambda route: None)  # never answered: the chart stays empty
    page.goto(address)
    page.get_by_test_id("stBidiComponentRegular").wait_for(state="attached")
    below = page.get_by_text("Below the chart")
    expect(below).to_be_visible()
    page.wait_for_function("document.querySelector('.transferscope-figure')?.style.height === '380px'")
    empty = below.bounding_box()
    page.unroute("**/plotly.min.js*")
    page.goto(address)
    drawn(page)
    assert below.bounding_box() == empty


def test_it_says_so_when_the_library_does_not_load(address: str, open_page: Callable[..., Page]) -> None:
    page = open_page("about:blank")
    page.route("**/plotly.min.js*", lambda route: route.abort())
    page.goto(address)
    message = page.get_by_text("This chart could not be drawn: the drawing library did not load from this server.")
    expect(message).to_be_visible()
    page.unroute("**/plotly.min.js*")
    grow(page)  # the next update tries again
    drawn(page)
    expect(message).to_be_hidden()


@both_ways
def test_it_cleans_up_after_itself(address: str, query: str, open_page: Callable[..., Page]) -> None:
    page = open_page(of(address, query))
    drawn(page)
    count_calls(page, "purge")
    switch(page, "Hide")
    page.wait_for_function("window.calls === 1")
    switch(page, "Hide")
    drawn(page)


def test_the_table_twin_opens_and_downloads(address: str, open_page: Callable[..., Page]) -> None:
    page = open_page(address)
    drawn(page)
    assert page.get_by_test_id("stDataFrame").count() == 0
    page.get_by_text("Table", exact=True).click()
    expect(page.get_by_test_id("stDataFrame")).to_be_visible()
    with page.expect_download() as download:
        page.get_by_role("button", name="Download CSV").click()
    assert download.value.suggested_filename == "accuracy-by-step.csv"
    first_row = Path(download.value.path()).read_text(encoding="utf-8").splitlines()[1]
    assert first_row == "0,'=cmd|' /C calc'!A0"


@pytest.mark.parametrize(("button", "file"), [("Download as SVG", "curve.svg"), ("Download plot", "curve.png")])
def test_the_reader_can_save_an_image(address: str, open_page: Callable[..., Page], button: str, file: str) -> None:
    page = open_page(address)
    figure = drawn(page)
    figure.hover()
    with page.expect_download() as download:
        figure.locator(f".modebar-btn[data-title^='{button}']").click()
    assert download.value.suggested_filename == file


def test_nothing_comes_from_another_host(address: str, open_page: Callable[..., Page]) -> None:
    page = open_page("about:blank")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(address)
    drawn(page)
    assert [url for url in asked if not url.startswith((address, "blob:", "data:", "about:"))] == []


PLACES = """async ([spec, width, height]) => {
  const place = document.createElement("div");
  place.style.cssText = `position: absolute; top: 0; left: 0; width: ${width}px; height: ${height}px`;
  document.body.append(place);
  const { data, layout } = JSON.parse(spec);
  await Plotly.newPlot(place, data, layout);
  const box = (name) => place.querySelector(name).getBoundingClientRect();
  const found = { title: box(".xtitle").bottom, plot: box(".nsewdrag").height,
    legend: box(".legend .bg").top, end: box(".legend .bg").bottom };
  Plotly.purge(place);
  place.remove();
  return found;
}"""


@pytest.mark.parametrize("entries", [3, 38])
def test_a_legend_lies_below_the_axis_title_however_long_it_is(
    address: str, open_page: Callable[..., Page], entries: int
) -> None:
    page = open_page(address)
    drawn(page)
    traces = [{"type": "scatter", "x": [0, 1], "y": [n, 1], "name": f"Strategy number {n}"} for n in range(entries)]
    axes = {"xaxis": {"title": {"text": "Time of a run (s)"}}, "yaxis": {"title": {"text": "Test accuracy (%)"}}}
    figure = _style.finish(traces, title="Costs", notes=["one", "two"], dark=False, uirevision="one", **axes)
    height = _style.height(entries)
    for width in (360, 1000):
        places = page.evaluate(PLACES, [figure.to_json(validate=False), width, height])
        assert places["legend"] >= places["title"], width
        assert places["end"] <= height + 1, width
        assert places["plot"] >= 120, width
