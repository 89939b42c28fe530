"""The Data page in a browser: a dropped zip is uploaded, imported by a worker, reported and shown."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from engine import service
from engine.leases import Leases

pytestmark = pytest.mark.browser
EVIL = "<img src=x onerror=alert(1)> cat"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory):
    made = tmp_path_factory.mktemp("home")
    yield made
    store = service.open_store(made)
    for worker in [*Leases(store).workers(), *Leases(store).workers(files=True)]:  # they outlive the dashboard
        process = psutil.Process(worker["pid"])
        process.kill()
        process.wait(10)
    store.close()


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    path = tmp_path / "photos.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for place, name in enumerate((EVIL, "dog")):
            for n in range(8):
                out = io.BytesIO()
                Image.new("RGB", (20, 20), (n * 30, 200 * place, 90)).save(out, "PNG")
                archive.writestr(f"photos/{name}/{n}.png", out.getvalue())
        archive.writestr("photos/dog/bad.png", b"")
    return path


def test_from_a_dropped_zip_to_the_lab(
    home: Path, photos: Path, serve_dashboard: Callable[[Path], str], open_page: Callable[..., Page]
) -> None:
    page = open_page(f"{serve_dashboard(home)}/data", width=390, height=844, color_scheme="dark")
    page.on("dialog", lambda dialog: pytest.fail("a name was run as code"))
    page.locator(".drop input").set_input_files(str(photos))
    expect(page.get_by_text("photos.zip has come")).to_be_visible()
    page.get_by_role("button", name="Import", exact=True).click()
    expect(page.get_by_text("16 images in 2 classes, from photos.zip")).to_be_visible(timeout=30_000)
    expect(page.get_by_text("1 file was left out.")).to_be_visible()
    expect(page.get_by_test_id("stImage")).to_have_count(8)
    assert "data=imported" in page.url
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    page.get_by_role("link", name="Use in the Lab").first.click()
    expect(page.get_by_role("heading", name="Lab", exact=True)).to_be_visible()
    expect(page.get_by_text("16 images in 2 classes, imported from photos.zip")).to_be_visible()
