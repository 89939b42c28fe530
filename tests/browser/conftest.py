"""A real Chromium and real servers for the browser tests; TRANSFERSCOPE_NO_BROWSER=1 deselects them all."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, sync_playwright

ROOT = Path(__file__).parents[2]
_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "msedge")
_FLAGS = ("--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking")
_QUIET = ("--disable-component-update", "--disable-sync")
_SERVE = """
import sys
from pathlib import Path
from dashboard import serving
options = serving.settings(server_port=int(sys.argv[2]), server_headless=True)
serving.application(options["server.allowedHosts"], Path(sys.argv[1])).run(config=options)
"""


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if os.environ.get("TRANSFERSCOPE_NO_BROWSER") == "1":
        browser_tests = [item for item in items if item.get_closest_marker("browser")]
        config.hook.pytest_deselected(items=browser_tests)
        items[:] = [item for item in items if item not in browser_tests]


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """The system's Chromium; a machine without one fails, and says how to go on."""
    executable = next(filter(None, map(shutil.which, _NAMES)), None)
    if executable is None:
        pytest.fail(
            f"No browser on PATH (looked for {', '.join(_NAMES)}). Install Chromium, for example with "
            "`apt-get install chromium`, or leave the browser tests out with TRANSFERSCOPE_NO_BROWSER=1."
        )
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=[*_FLAGS, *_QUIET])
        yield browser
        browser.close()


@pytest.fixture
def open_page(chromium: Browser) -> Iterator[Callable[..., Page]]:
    """Open a page in a fresh browser profile: `open_page(url, width=390, height=844, color_scheme="dark")`."""
    with ExitStack() as contexts:

        def open_(url: str, width: int = 1440, height: int = 900, **options: object) -> Page:
            context = chromium.new_context(viewport={"width": width, "height": height}, **options)
            contexts.callback(context.close)
            page = context.new_page()
            page.set_default_timeout(20_000)
            page.goto(url)
            return page

        yield open_


@pytest.fixture(scope="module")
def serve_script() -> Iterator[Callable[[Path], str]]:
    """Serve a Streamlit script with the routes and settings of the dashboard; returns its address."""
    with ExitStack() as servers:

        def serve(script: Path) -> str:
            port = free_port()
            return servers.enter_context(server([sys.executable, "-c", _SERVE, str(script), str(port)], port))

        yield serve


@pytest.fixture(scope="module")
def serve_dashboard() -> Iterator[Callable[[Path], str]]:
    """Start the dashboard itself on a home directory, as a user would; returns its address."""
    with ExitStack() as servers:

        def serve(home: Path) -> str:
            port = free_port()
            command = [sys.executable, "-m", "dashboard", "--no-browser", "--port", str(port), "--home", str(home)]
            return servers.enter_context(server(command, port))

        yield serve


@pytest.fixture(scope="session")
def drag() -> Callable[[Page, Locator], None]:
    """Zoom into the middle of a chart with the mouse."""

    def zoom(page: Page, figure: Locator) -> None:
        box = figure.locator(".nsewdrag").bounding_box()
        assert box is not None
        page.mouse.move(box["x"] + box["width"] * 0.3, box["y"] + box["height"] * 0.3)
        page.mouse.down()
        page.mouse.move(box["x"] + box["width"] * 0.5, box["y"] + box["height"] * 0.5, steps=4)
        page.mouse.move(box["x"] + box["width"] * 0.7, box["y"] + box["height"] * 0.7, steps=4)
        page.mouse.up()

    return zoom


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextmanager
def server(command: list[str], port: int, seconds: float = 30) -> Iterator[str]:
    """Run a server until the block ends; yields its address once it answers."""
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        _wait(process, f"http://127.0.0.1:{port}/_stcore/health", seconds)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        try:
            process.communicate(timeout=10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()


def _wait(process: subprocess.Popen[str], health: str, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if process.poll() is not None:
            pytest.fail(f"The server ended with code {process.returncode}:\n{process.communicate()[0]}")
        try:
            with urllib.request.urlopen(health, timeout=1):
                return
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            time.sleep(0.05)
    pytest.fail(f"The server did not answer at {health} within {seconds} s.")
