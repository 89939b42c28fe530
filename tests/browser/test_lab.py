"""The Lab in a real Chromium: the freezing slider by key, click and drag, the address as the state, Run, Copy link."""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from urllib.parse import unquote

import pytest
from playwright.sync_api import Locator, Page, expect

from dashboard import recipe
from engine.backbones import card

pytestmark = pytest.mark.browser

SCRIPT = """
import os

import streamlit as st

os.environ["TRANSFERSCOPE_HOME"] = {home!r}
os.environ["TRANSFERSCOPE_NO_WORKER"] = "1"
from dashboard.views import lab


def live():
    st.title("Live")


st.set_page_config("Lab", layout="wide")
pages = {{"lab": st.Page(lab.page, url_path="lab", default=True), "live": st.Page(live, url_path="live")}}
st.session_state["app-pages"] = pages
st.navigation(list(pages.values())).run()
"""


@pytest.fixture(scope="module")
def address(serve_script: Callable[[Path], str], tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("lab")
    # What timm would be asked for, and what describing a network would measure: both take processes of their own.
    row = ["some_net.tag_in1k", "some_family", "ImageNet-1k", "mit", [3, 224, 224], "timm/some_net.tag_in1k", 1000]
    (folder / "catalogue").mkdir()
    (folder / "catalogue" / f"timm-{version('timm')}.json").write_text(json.dumps([row]))
    (folder / "cards").mkdir()
    known = dataclasses.replace(
        card("resnet20_cifar10"), name="timm:some_net.tag_in1k", weights="hub:timm/some_net.tag"
    )
    (folder / "cards" / "timm_some_net.tag_in1k.json").write_text(known.to_json())
    script = folder / "page.py"
    script.write_text(SCRIPT.format(home=str(folder)), encoding="utf-8")
    return serve_script(script)


def drawn(page: Page) -> Page:
    """The page, once the network is drawn."""
    slider(page).wait_for(state="attached")
    return page


def slider(page: Page) -> Locator:
    return page.get_by_role("slider", name="Frozen units")


def expect_frozen(page: Page, words: str, depths: str) -> None:
    """The slider says it, and the address holds it."""
    expect(slider(page)).to_have_attribute("aria-valuetext", words)
    expect(page).to_have_url(re.compile(rf"[?&]depths={re.escape(depths)}&"))


def test_the_slider_is_worked_by_key_click_and_drag(address: str, open_page: Callable[..., Page]) -> None:
    page = drawn(open_page(address))
    expect_frozen(page, "4 of 10 units frozen: stem to stage 2 block 2", "4")
    slider(page).press("ArrowUp")
    slider(page).press("ArrowUp")
    expect_frozen(page, "6 of 10 units frozen: stem to stage 3 block 2", "6")
    slider(page).press("Home")
    expect_frozen(page, "0 of 10 units frozen: full fine-tuning", "0")
    slider(page).press("PageUp")
    expect_frozen(page, "1 of 10 units frozen: stem", "1")
    page.locator(".unit", has_text="stage 2 block 1").click()
    expect_frozen(page, "3 of 10 units frozen: stem to stage 2 block 1", "3")
    target = page.locator(".unit", has_text="stage 4 block 1").bounding_box()
    page.locator(".grip").hover()
    page.mouse.down()
    page.mouse.move(target["x"] + target["width"] / 2, target["y"] + 4, steps=6)
    page.mouse.up()
    expect_frozen(page, "8 of 10 units frozen: stem to stage 4 block 1", "8")
    page.reload()
    expect_frozen(page, "8 of 10 units frozen: stem to stage 4 block 1", "8")


def test_several_and_every_depth_and_the_way_back(address: str, open_page: Callable[..., Page]) -> None:
    page = drawn(open_page(address))
    page.get_by_text("Several", exact=True).click()
    chosen = page.get_by_role("group", name="Depths that run").get_by_role("button")
    expect(chosen).to_have_text(["4 ×"])
    slider(page).press("ArrowUp")
    slider(page).press("Enter")  # by key
    page.locator(".unit", has_text="stem").click()
    page.get_by_role("button", name="Add depth 1").click()  # by hand
    expect(chosen).to_have_text(["1 ×", "4 ×", "5 ×"])
    expect(page).to_have_url(re.compile("depths=1%2C4%2C5&"))
    page.get_by_role("button", name="Remove depth 4").click()
    expect(page).to_have_url(re.compile("depths=1%2C5&"))
    page.get_by_text("Every depth", exact=True).click()
    expect(page.get_by_text("Every depth from 0 to 10 runs")).to_be_visible()
    expect(page).to_have_url(re.compile("depths=all&"))
    expect(page.get_by_text("36, all new")).to_be_visible()
    page.go_back()
    expect(chosen.first).to_have_text("1 ×")
    expect(chosen.nth(1)).to_have_text("5 ×")


def test_ctrl_enter_runs_what_the_slider_shows(address: str, open_page: Callable[..., Page]) -> None:
    page = drawn(open_page(address))
    expect(page.get_by_test_id("stBaseButton-primary")).to_be_enabled()
    slider(page).press("ArrowUp")
    slider(page).press("Control+Enter")  # at once: the server does not know of the move yet
    expect(page.get_by_role("heading", name="Live")).to_be_visible()
    wanted = dataclasses.replace(recipe.START, frozen_depths=(5,)).experiment_id
    expect(page).to_have_url(f"{address}/live?experiment={wanted}")


def test_a_copied_link_gives_the_same_lab_on_a_phone(address: str, open_page: Callable[..., Page]) -> None:
    page = drawn(open_page(f"{address}/?preset=every_depth&epochs=3"))
    expect(page).to_have_url(re.compile("epochs=3"))
    page.get_by_role("button", name="Copy link").click()
    link = page.get_by_label("Copy link").input_value()
    assert unquote(link) == unquote(page.url)
    phone = drawn(open_page(link, width=390, height=844, color_scheme="dark"))
    expect(slider(phone)).to_have_attribute("aria-valuetext", "Every depth from 0 to 10 runs")
    expect(phone.get_by_label("Name")).to_have_value("Every depth, six seeds")
    expect(phone.get_by_text("72, all new")).to_be_visible()
    assert unquote(phone.url) == unquote(page.url)
    assert phone.evaluate("document.querySelector('[data-testid=stMain]').scrollWidth") == 390


def test_a_network_is_searched_looked_at_and_used(address: str, open_page: Callable[..., Page]) -> None:
    page = drawn(open_page(f"{address}/?preset=quick"))
    page.get_by_role("button", name="Search all networks").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Search").fill("some mit")
    dialog.get_by_label("Search").press("Enter")
    expect(
        dialog.get_by_text("some family · size not counted · 224 px · downloads · ImageNet-1k · mit")
    ).to_be_visible()
    dialog.get_by_text("Draw its units").click()
    expect(dialog.get_by_text("from the image at the bottom")).to_be_attached()
    dialog.get_by_role("button", name="Use this network").click()
    expect(dialog).not_to_be_attached()
    expect(page).to_have_url(re.compile("backbone=timm%3Asome_net.tag_in1k"))
    expect(page.get_by_text("downloaded once from the Hugging Face hub")).to_be_visible()
