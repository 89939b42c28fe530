"""The first minute as a new user has it: the real dashboard, a real worker, real training of the shipped backbone."""

from __future__ import annotations

import os
import re
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from engine.leases import Leases
from engine.store import Store

pytestmark = [pytest.mark.browser, pytest.mark.timeout(900)]

PATIENT = 400_000  # milliseconds: another job may have this machine as well
POINTS = "document.querySelectorAll('.transferscope-figure')[{}]?.data?.flatMap(t => t.x ?? []).filter(x => x !== null)"


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    home = tmp_path_factory.mktemp("first") / "home"
    home.mkdir()
    opened = Store(home)
    yield opened
    for worker in Leases(opened).workers():  # it outlives the dashboard that started it, and must not outlive the tests
        os.kill(worker["pid"], signal.SIGKILL)
    opened.close()


@pytest.fixture(scope="module")
def address(store: Store, serve_dashboard: Callable[[Path], str]) -> str:
    return serve_dashboard(store.home)


def says(page: Page, words: str | re.Pattern[str], timeout: float = PATIENT) -> None:
    expect(page.get_by_test_id("stMain")).to_contain_text(words, timeout=timeout)


def states(store: Store) -> list[str]:
    return [run["state"] for run in store.runs()]


def test_try_it_now_trains_fills_the_charts_in_and_leads_to_the_comparison(
    address: str, store: Store, open_page: Callable[..., Page]
) -> None:
    page = open_page(address)
    page.get_by_role("button", name="Try it now").click()
    pressed = time.monotonic()
    expect(page).to_have_url(re.compile(rf"^{address}/live\?experiment="))
    says(page, re.compile(r"1 running"))
    figures = page.locator(".transferscope-figure")
    figures.nth(2).scroll_into_view_if_needed()  # a chart that nobody sees asks for nothing
    page.wait_for_function(f"{POINTS.format(2)}?.length > 0", timeout=PATIENT)
    print(f"first point of a learning curve after {time.monotonic() - pressed:.1f} s")
    figures.nth(0).scroll_into_view_if_needed()
    page.wait_for_function(f"{POINTS.format(0)}?.length > 0", timeout=PATIENT)
    says(page, re.compile(r"All \d+ runs finished"))
    print(f"all finished after {time.monotonic() - pressed:.1f} s")
    says(page, re.compile(r"Frozen units unchanged: (\d+) of \1 runs"))
    says(page, re.compile(r"Estimated .* took |Took "))
    page.get_by_role("link", name="Compare the strategies").click()
    expect(page.get_by_role("heading", name="Compare")).to_be_visible()
    says(page, re.compile(r"\d pairs"))
    page.wait_for_function("document.querySelectorAll('.transferscope-figure')[1]?.calcdata?.length > 0")
    assert set(states(store)) == {"finished"}


def test_a_killed_worker_is_noticed_and_its_run_goes_on_and_stop_acts(
    address: str, store: Store, open_page: Callable[..., Page]
) -> None:
    page = open_page(address)
    page.get_by_role("button", name="Run").nth(1).click()  # every depth, six seeds
    says(page, re.compile(r"1 running"))
    says(page, re.compile(r"training, [\d,]+ images/s"))
    running = next(run["run_id"] for run in store.runs() if run["state"] == "running")
    (worker,) = Leases(store).workers()
    os.kill(worker["pid"], signal.SIGKILL)
    killed = time.monotonic()
    says(page, "its worker died; resuming from the last checkpoint (1 of 3)", timeout=15_000)
    print(f"said after {time.monotonic() - killed:.1f} s")
    page.reload()  # whoever comes now sees it as well
    says(page, "its worker died", timeout=15_000)
    while next(run["state"] for run in store.runs() if run["run_id"] == running) != "finished":
        assert time.monotonic() - killed < PATIENT / 1000
        time.sleep(0.2)
    says(page, re.compile(r"1 running"))
    other = open_page(page.url)
    says(other, re.compile(r"1 running"))
    finished = states(store).count("finished")
    page.get_by_test_id("stMain").get_by_role("button", name="Stop").click()
    pressed = time.monotonic()
    while {"queued", "running"} & set(states(store)):
        assert time.monotonic() - pressed < 3.0
        time.sleep(0.05)
    print(f"stopped after {time.monotonic() - pressed:.1f} s")
    for one in (page, other):
        says(one, re.compile(r"\d+ of \d+ runs finished, \d+ stopped"))
        expect(one.get_by_role("button", name=re.compile(r"Resume \d+ stopped"))).to_be_visible()
    assert states(store).count("finished") >= finished  # what was learned is kept
