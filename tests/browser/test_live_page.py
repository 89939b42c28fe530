"""The pages in a real Chromium while a worker, played by hand, writes: live updates, addresses, phone, dark, speed."""

from __future__ import annotations

import dataclasses
import re
import statistics
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from engine.events import EpochEnded

pytestmark = pytest.mark.browser

NASTY = "**Bold** [x](http://evil.example) <b>tag</b> $x^2$ :red[no] `code` " + "long " * 20
AXES = "figure => [...figure.layout.xaxis.range, ...figure.layout.yaxis.range]"
EPOCHS = "document.querySelectorAll('.transferscope-figure')[2]?.data?.flatMap(trace => trace.x ?? [])"


@pytest.fixture(scope="module")
def hand(tmp_path_factory: pytest.TempPathFactory, play_worker) -> Iterator[object]:
    played = play_worker(tmp_path_factory.mktemp("pages") / "home")
    yield played
    played.store.close()


@pytest.fixture(scope="module")
def address(hand, serve_dashboard: Callable[[Path], str]) -> Iterator[str]:
    """The dashboard on the home that is written by hand; it starts no worker of its own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TRANSFERSCOPE_NO_WORKER", "1")
        yield serve_dashboard(hand.store.home)


@pytest.fixture
def submit(hand, small) -> Callable[..., str]:
    """Queue eight runs that no other test has, as the only ones that wait; returns the id of the experiment."""
    seeds = iter(range(1000 * (1 + len(hand.store.experiments())), 10**9))

    def queue(name: str = "By hand") -> str:
        hand.store.cancel([run["run_id"] for run in hand.store.runs() if run["state"] == "queued"])
        spec = dataclasses.replace(small, name=name, seeds=(next(seeds), next(seeds)))
        return hand.submit(spec).experiment_id

    return queue


def drawn(page: Page, place: int = 0) -> Locator:
    """A chart of the page, once it is drawn."""
    page.wait_for_function(f"document.querySelectorAll('.transferscope-figure')[{place}]?.calcdata?.length > 0")
    return page.locator(".transferscope-figure").nth(place)


def says(page: Page, words: str) -> None:
    expect(page.get_by_test_id("stMain")).to_contain_text(words, timeout=20_000)


def test_zoom_and_hidden_traces_stay_while_runs_finish(address: str, hand, submit, open_page, drag) -> None:
    experiment_id = submit()
    hand.finish(hand.claim())
    hand.finish(hand.claim())
    page = open_page(f"{address}/live?experiment={experiment_id}")
    figure = drawn(page)
    says(page, "2 of 8 runs finished, 6 queued")
    figure.locator(".legendtoggle").nth(0).click()
    hidden = "figure => figure._fullData.filter(trace => trace.visible === 'legendonly').length"
    page.wait_for_function(f"({hidden})(document.querySelector('.transferscope-figure')) > 0")
    before = figure.evaluate(hidden)
    drag(page, figure)
    page.wait_for_function("document.querySelector('.transferscope-figure').layout.xaxis.autorange === false")
    zoomed = figure.evaluate(AXES)
    points = "document.querySelector('.transferscope-figure').calcdata.flat().length"
    had = page.evaluate(points)
    hand.finish_all()
    says(page, "All 8 runs finished")
    page.wait_for_function(f"{points} > {had}")
    assert figure.evaluate(AXES) == zoomed
    assert figure.evaluate(hidden) >= before


def test_what_is_measured_is_on_the_page_soon(address: str, hand, submit, open_page) -> None:
    experiment_id = submit()
    lease = hand.claim()
    page = open_page(f"{address}/live?experiment={experiment_id}")
    drawn(page, 2).scroll_into_view_if_needed()
    took = []
    for epoch in range(1, 21):
        time.sleep(0.137)  # so that the page's own clock is met at different times
        hand.write(lease, EpochEnded(epoch, 1.0, 0.01 * epoch, 1.0, 0.01 * epoch, 0.1))
        began = time.perf_counter()
        page.wait_for_function(f"{EPOCHS}.includes({epoch})")
        took.append(time.perf_counter() - began)
        hand.leases.beat(hand.token, lease, {"phase": "training", "done": epoch / 30})
    slowest = statistics.quantiles(took, n=20)[-1]
    print(f"from the store to the chart: median {statistics.median(took):.2f} s, 95 % within {slowest:.2f} s")
    assert slowest < 1.5
    hand.leases.finish(lease, "cancelled", "", 1.0)


def test_a_refresh_and_another_browser_show_the_same(address: str, hand, submit, open_page) -> None:
    experiment_id = submit("Seen by everybody")
    hand.finish(hand.claim())
    submit_later = submit("A later one")
    page = open_page(f"{address}/live?experiment={experiment_id}")
    other = open_page(page.url)
    for one in (page, other):
        says(one, "1 of 8 runs finished, 7 stopped")
    page.reload()
    says(page, "1 of 8 runs finished, 7 stopped")
    page.get_by_role("button", name="Resume 7 stopped").click()
    for one in (page, other):
        says(one, "1 of 8 runs finished, 7 queued")
        says(one, "Waiting: 9th in the queue, 8 runs of other experiments are computed first")
    assert submit_later not in page.url


def test_the_way_back_shows_the_experiment_before(address: str, submit, open_page) -> None:
    first, second = submit("First"), submit("Second")
    page = open_page(f"{address}/live?experiment={first}")
    box = page.get_by_role("combobox", name="Experiment")
    expect(box).to_have_value(_starts("First"))
    box.click()
    page.get_by_role("option", name="Second").click()
    expect(page).to_have_url(f"{address}/live?experiment={second}")
    page.go_back()
    expect(page).to_have_url(f"{address}/live?experiment={first}")
    expect(box).to_have_value(_starts("First"))


def _starts(name: str) -> re.Pattern[str]:
    return re.compile(rf"^{name} · ")


def test_stop_is_seen_by_everybody(address: str, hand, submit, open_page) -> None:
    experiment_id = submit()
    lease = hand.claim()
    pages = [open_page(f"{address}/live?experiment={experiment_id}") for _ in range(2)]
    for page in pages:
        says(page, "1 running, 7 queued")
    pages[0].get_by_test_id("stMain").get_by_role("button", name="Stop").click()
    began = time.perf_counter()
    while not hand.leases.beat(hand.token, lease):
        time.sleep(0.1)
    assert time.perf_counter() - began < 3.0
    for page in pages:
        says(page, "1 running, 7 stopped")
        says(page, "Stopping: what was learned is kept")
    hand.leases.finish(lease, "cancelled", "stopped by the user", 1.0)
    for page in pages:
        says(page, "0 of 8 runs finished, 8 stopped")


def test_renaming_trash_and_undo(address: str, submit, open_page) -> None:
    experiment_id = submit("Before")
    page = open_page(f"{address}/library")
    card = page.locator(f".st-key-library-card-{experiment_id}")
    card.get_by_text("Before · ").click()
    card.get_by_role("button", name="Rename").click()
    page.get_by_label("Name", exact=True).fill("After **it**")
    page.get_by_role("button", name="Save").click()
    expect(card.get_by_text("After **it** · ")).to_be_visible()
    card.get_by_text("After **it** · ").click()  # another name is another expander, and that one is closed
    card.get_by_role("button", name="Move to trash").click()
    expect(page.get_by_text("Moved to the trash: After **it**")).to_be_visible()
    page.get_by_role("button", name="Undo").click()
    expect(card.get_by_text("After **it** · ")).to_be_visible()


def test_an_opened_experiment_stays_open_while_its_runs_finish(address: str, hand, submit, open_page) -> None:
    experiment_id = submit()
    page = open_page(f"{address}/library")
    card = page.locator(f".st-key-library-card-{experiment_id}")
    card.get_by_text("By hand · ").click()
    expect(card.get_by_role("button", name="Stop")).to_be_visible()
    hand.finish_all()
    expect(card.get_by_text("All 8 runs finished").first).to_be_visible()
    expect(card.get_by_role("button", name="Run again")).to_be_visible()


@pytest.mark.parametrize(("scheme", "paper"), [("light", "#ffffff"), ("dark", "#0f1822")])
def test_a_phone_shows_every_page_without_scrolling_sideways(
    address: str, hand, submit, open_page, scheme: str, paper: str
) -> None:
    experiment_id = submit(NASTY)
    hand.fail(hand.claim(), "the folder /a/very/long/path/" + "x" * 120)
    hand.finish_all()
    page = open_page("about:blank", width=390, height=844, color_scheme=scheme)
    main = page.get_by_test_id("stMain")
    for path in ("", "start", "live", "layers", "compare", "library"):
        page.goto(f"{address}/{path}?experiment={experiment_id}")
        expect(main.get_by_role("heading", level=1)).to_be_visible()
        says(page, "**Bold** [x]" if path in ("", "start", "library") else "7 of 8 runs finished, 1 failed")
        if path in ("live", "layers", "compare"):
            figure = drawn(page)
            assert figure.evaluate("figure => figure._fullLayout.width <= figure.clientWidth")
            assert figure.evaluate("figure => figure._fullLayout.paper_bgcolor") == paper
        assert main.locator("a[href*='evil']").count() == 0
        expect(page.get_by_text("Page not found")).to_have_count(0)
        assert page.evaluate("document.documentElement.scrollWidth") <= 390, path
        assert main.evaluate("main => main.scrollWidth <= main.clientWidth"), path


def test_what_is_below_the_charts_does_not_jump_when_data_come(address: str, hand, submit, open_page) -> None:
    experiment_id = submit()
    page = open_page(f"{address}/live?experiment={experiment_id}")
    learning = drawn(page, 2)
    says(page, "Nothing measured yet")
    place = learning.bounding_box()["y"]
    hand.finish(hand.claim())
    says(page, "1 of 8 runs finished")
    says(page, "nothing to compare")
    assert abs(learning.bounding_box()["y"] - place) <= 1
