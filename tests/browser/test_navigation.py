"""The frame of the dashboard around stand-in pages: sections, the carried choice, menu, phone width."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.browser

SCRIPT = """
import runpy
import sys
import types
from pathlib import Path

import streamlit as st

import dashboard

views = types.ModuleType("dashboard.views")


def view(name):
    def page():
        st.title(name.title())
        if name == "compare":
            st.selectbox("Experiment", ["a", "b"], index=None, key="experiment", bind="query-params")
        if name == "live" and st.button("Forget"):
            del st.query_params["experiment"]

    return types.SimpleNamespace(page=page)


for name in ("start", "data", "lab", "live", "layers", "transfer", "compare", "library"):
    setattr(views, name, view(name))
sys.modules["dashboard.views"] = views
runpy.run_path(str(Path(dashboard.__file__).with_name("app.py")), run_name="__main__")
"""


@pytest.fixture(scope="module")
def address(serve_script: Callable[[Path], str], tmp_path_factory: pytest.TempPathFactory) -> str:
    script = tmp_path_factory.mktemp("frame") / "page.py"
    script.write_text(SCRIPT, encoding="utf-8")
    return serve_script(script)


def go(page: Page, title: str) -> None:
    page.get_by_test_id("stSidebarNav").get_by_role("link", name=title).click()
    expect(page.get_by_role("heading", name=title)).to_be_visible()


def test_the_choice_goes_along_from_page_to_page(address: str, open_page: Callable[..., Page]) -> None:
    page = open_page(f"{address}/layers?experiment=b")
    expect(page.get_by_role("heading", name="Layers")).to_be_visible()
    for title in ("Lab", "Compare", "Library", "Live"):  # Compare binds a widget to the parameter, the others do not
        go(page, title)
        expect(page).to_have_url(f"{address}/{title.lower()}?experiment=b")
        if title == "Compare":
            expect(page.get_by_role("combobox")).to_have_value("b")
    page.get_by_role("button", name="Forget").click()
    expect(page).to_have_url(f"{address}/live")
    go(page, "Layers")
    expect(page).to_have_url(f"{address}/layers")


def test_sections_title_and_first_page(address: str, open_page: Callable[..., Page]) -> None:
    page = open_page(address)
    expect(page.get_by_role("heading", name="Start")).to_be_visible()
    expect(page).to_have_title(re.compile("Start|Transferscope"))
    assert page.get_by_test_id("stNavSectionHeader").all_inner_texts() == ["Explore", "Report"]
    page.get_by_test_id("stMainMenu").get_by_role("button").click()
    expect(page.get_by_test_id("stMainMenuPopover").get_by_text("Dark")).to_be_visible()


def test_a_phone_shows_the_page_without_scrolling_sideways(address: str, open_page: Callable[..., Page]) -> None:
    page = open_page(f"{address}/lab", width=390, height=844)
    expect(page.get_by_role("heading", name="Lab", exact=True)).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


@pytest.mark.parametrize("path", ["start", "home"])
def test_what_people_type_leads_to_the_first_page(address: str, open_page: Callable[..., Page], path: str) -> None:
    page = open_page(f"{address}/{path}")
    expect(page.get_by_role("heading", name="Start")).to_be_visible()
    expect(page).to_have_url(re.compile(rf"^{re.escape(address)}/?$"))
    assert not page.get_by_text("Page not found").is_visible()
