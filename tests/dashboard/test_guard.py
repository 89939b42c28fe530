"""Which Host and Origin are let in."""

from __future__ import annotations

import pytest
from starlette.datastructures import Headers

from dashboard.guard import Guard


async def nothing(scope: object, receive: object, send: object) -> None:
    raise AssertionError("not called")


@pytest.mark.parametrize(
    ("host", "origin", "allowed"),
    [
        ("localhost", None, True),
        ("LOCALHOST:8501", None, True),
        ("[::1]:8501", "http://[::1]:8501", True),
        ("127.0.0.1:8501", "http://127.0.0.1:8501", True),
        ("127.0.0.1:8501", "http://127.0.0.1:8888", False),
        ("127.0.0.1:8501", "http://localhost:8501", False),
        ("127.0.0.1:8501", "null", False),
        ("evil.example:8501", None, False),
        ("localhost.evil.example", None, False),
        ("localhost@evil.example", None, False),
        ("[::1", None, False),
        ("", None, False),
        (None, None, False),
    ],
)
def test_only_our_own_name_and_pages(host: str | None, origin: str | None, allowed: bool) -> None:
    headers = Headers({name: value for name, value in (("host", host), ("origin", origin)) if value is not None})
    assert Guard(nothing, ["localhost", "127.0.0.1", "::1"]).allows(headers) is allowed
