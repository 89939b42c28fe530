"""A stand-in for the hub of weights, on this machine. Its fixture is known through `conftest.py`."""

from __future__ import annotations

import hashlib
import time
import types
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest


@dataclass
class Hub:
    """What the stand-in has and how it misbehaves."""

    address: str = ""
    commit: str = "0123456789abcdef0123456789abcdef01234567"
    files: dict[str, bytes] = field(default_factory=dict)
    cuts: int = 0
    """How many answers break off half-way."""
    requests: list[str] = field(default_factory=list)


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    """A stand-in that speaks the hub's protocol on this machine, and a client that does not wait before it tries again."""
    clock = types.SimpleNamespace(sleep=lambda seconds: None, time=time.time)
    monkeypatch.setattr("huggingface_hub.file_download.time", clock)
    state = Hub()

    class Handler(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            self.answer(send=False)

        def do_GET(self) -> None:
            self.answer(send=True)

        def answer(self, send: bool) -> None:
            state.requests.append(f"{self.command} {self.path}")
            content = state.files.get(self.path)
            if content is None:
                self.send_response(404)
                self.send_header("X-Error-Code", "RepoNotFound")
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            start = int(self.headers.get("Range", "bytes=0-").removeprefix("bytes=").partition("-")[0])
            self.send_response(206 if start else 200)
            self.send_header("ETag", f'"{hashlib.sha256(content).hexdigest()}"')
            self.send_header("X-Repo-Commit", state.commit)
            self.send_header("Content-Length", str(len(content) - start))
            self.end_headers()
            if send and state.cuts:
                state.cuts -= 1
                self.wfile.write(content[start : start + (len(content) - start) // 2])
                self.close_connection = True
            elif send:
                self.wfile.write(content[start:])

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing on stderr."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    state.address = f"http://127.0.0.1:{server.server_port}"
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield state
    server.shutdown()
    server.server_close()
    thread.join()
