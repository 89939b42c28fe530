"""The route for dropped zips: streamed to the disk, bounded, and only for our own page."""

from __future__ import annotations

import asyncio
import dataclasses
import json
from concurrent.futures import ThreadPoolExecutor

import pytest

from dashboard import receiving
from engine.imports import uploads
from engine.imports.limits import LIMITS

OURS = {"content-type": "application/zip", receiving.HEADER: "my%20pets%20%E7%8C%AB.zip"}


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("TRANSFERSCOPE_HOME", str(tmp_path))
    monkeypatch.setattr(receiving, "_mounted", False)
    return tmp_path


def post(chunks: list[bytes], headers: dict[str, str], *, broken: bool = False) -> tuple[int, dict]:
    """Call the route as a server does."""
    messages = [{"type": "http.request", "body": chunk, "more_body": True} for chunk in chunks]
    messages.append(
        {"type": "http.disconnect"} if broken else {"type": "http.request", "body": b"", "more_body": False}
    )
    sent = []

    async def receive() -> dict:
        return messages.pop(0)

    async def send(message: dict) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "POST", "path": f"/{receiving.PATH}", "query_string": b"", "root_path": "",
             "headers": [(name.encode(), value.encode()) for name, value in headers.items()]}  # fmt: skip
    # In a thread of its own: the browser tests leave an event loop running in this one.
    with ThreadPoolExecutor(1) as pool:
        pool.submit(lambda: asyncio.run(receiving.route().app(scope, receive, send))).result()
    return sent[0]["status"], json.loads(b"".join(message.get("body", b"") for message in sent[1:]))


def test_a_file_comes_in_pieces_and_is_found_by_its_token(home):
    status, told = post([b"ab", b"", b"cd"], OURS)
    assert (status, told["name"], told["bytes"]) == (200, "my pets \u732b.zip", 4)
    assert uploads.find(home, told["token"]).read_bytes() == b"abcd"
    assert receiving.url() == receiving.PATH


@pytest.mark.parametrize("missing", list(OURS))
def test_what_a_foreign_page_could_send_unasked_is_refused(home, missing):
    status, told = post([b"x"], {name: value for name, value in OURS.items() if name != missing})
    assert status == 400
    assert "Data page" in told["error"]
    assert not uploads.folder(home).exists()


def test_too_large_by_its_own_word_or_by_its_bytes(home, monkeypatch):
    assert post([b"x"], OURS | {"content-length": str(LIMITS.total + 1)})[0] == 413
    small = dataclasses.replace(LIMITS, total=3)
    monkeypatch.setattr(uploads.Upload.__init__, "__defaults__", (small,))
    status, told = post([b"ab", b"cd"], OURS)
    assert status == 507
    assert "not taken by the page" in told["error"]
    assert list(uploads.folder(home).iterdir()) == []


def test_broken_off_it_leaves_nothing(home):
    assert post([b"ab"], OURS, broken=True)[0] == 400
    assert list(uploads.folder(home).iterdir()) == []
    assert receiving._coming == []


def test_few_at_a_time(home, monkeypatch):
    monkeypatch.setattr(receiving, "MAX_AT_ONCE", 0)
    assert post([b"x"], OURS)[0] == 429


def test_without_the_route_there_is_no_address(home):
    assert receiving.url() is None
