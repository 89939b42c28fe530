"""The launcher: what it refuses in plain words, what it prints, and what its server lets in."""

from __future__ import annotations

import gzip
import http.client
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from dashboard.__main__ import has_display, main

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture(scope="module")
def running(port: int, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A dashboard of its own, and the line that it printed."""
    home = tmp_path_factory.mktemp("home") / "new"
    command = [sys.executable, "-m", "dashboard", "--no-browser", "--port", str(port), "--home", str(home)]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert process.stdout is not None
    yield process, process.stdout.readline()
    process.kill()
    process.communicate()


def ask(port: int, path: str, **headers: str) -> http.client.HTTPResponse:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request("GET", path, headers={name.replace("_", "-"): value for name, value in headers.items()})
    answer = connection.getresponse()
    answer.content = answer.read()  # type: ignore[attr-defined]
    connection.close()
    return answer


def handshake(port: int, host: str, origin: str) -> int:
    """Ask for the WebSocket of the pages; return the status."""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as stream:
        stream.sendall(
            f"GET /_stcore/stream HTTP/1.1\r\nHost: {host}\r\nOrigin: {origin}\r\nConnection: Upgrade\r\n"
            "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
            "Sec-WebSocket-Key: x3JJHMbDL1EzLkh9GBhXDw==\r\n\r\n".encode()
        )
        return int(stream.recv(200).split()[1])


def test_one_line_says_where_the_page_and_the_experiments_are(
    running: tuple[subprocess.Popen[str], str], port: int
) -> None:
    assert f"http://127.0.0.1:{port}" in running[1]
    assert f"{os.sep}new" in running[1]


@pytest.mark.usefixtures("running")
def test_pages_and_the_drawing_library_are_served(port: int) -> None:
    assert ask(port, "/").status == 200
    plain = ask(port, "/transferscope/plotly.min.js")
    zipped = ask(port, "/transferscope/plotly.min.js", Accept_Encoding="gzip")
    assert plain.status == zipped.status == 200
    assert "immutable" in str(plain.headers["Cache-Control"])
    assert gzip.decompress(zipped.content) == plain.content  # type: ignore[attr-defined]


@pytest.mark.usefixtures("running")
@pytest.mark.parametrize("path", ["/", "/transferscope/plotly.min.js", "/_stcore/health", "/_stcore/host-config"])
def test_a_foreign_host_is_refused(port: int, path: str) -> None:
    assert ask(port, path, Host="evil.example").status == 403


@pytest.mark.usefixtures("running")
def test_the_web_socket_is_for_our_own_pages(port: int) -> None:
    here = f"127.0.0.1:{port}"
    assert handshake(port, here, f"http://{here}") == 101
    assert handshake(port, f"localhost:{port}", f"http://localhost:{port}") == 101
    assert handshake(port, "evil.example", "http://evil.example") == 403  # DNS rebinding
    assert handshake(port, here, "http://evil.example") == 403
    assert handshake(port, here, "http://127.0.0.1:1") == 403  # another server on this machine
    assert handshake(port, here, "null") == 403


@pytest.mark.usefixtures("running")
def test_a_port_in_use_is_explained(port: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--port", str(port), "--home", str(tmp_path)]) == 2
    said = capsys.readouterr().err
    assert f"Port {port} on 127.0.0.1 is in use" in said
    assert "transferscope --port " in said


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.5", "example.com"])
def test_a_host_that_others_can_reach_is_refused(host: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--host", host]) == 2
    assert "no authentication" in capsys.readouterr().err


def test_a_home_that_cannot_be_written_is_explained(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "a-file"
    file.touch()
    assert main(["--home", str(file)]) == 2
    assert str(file) in capsys.readouterr().err


@pytest.mark.parametrize("port", ["0", "65536", "-1", "web"])
def test_a_port_that_is_none_is_refused(port: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main([f"--port={port}"])
    assert stopped.value.code == 2
    assert "from 1 to 65535" in capsys.readouterr().err


def test_a_browser_needs_a_display(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    assert not has_display()
    monkeypatch.setenv("WAYLAND_DISPLAY", "wayland-0")
    assert has_display()


def test_starting_loads_no_torch() -> None:
    code = (
        "import sys, dashboard.__main__; from dashboard import serving; "
        "serving.application(serving.settings()['server.allowedHosts']); "
        "print(sorted({'torch', 'timm', 'torchvision'} & sys.modules.keys()))"
    )
    run = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"


def test_interrupting_a_background_job_says_so_too(tmp_path: Path) -> None:
    """A shell starts background jobs with interrupts ignored; the server itself still hears them."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "dashboard", "--no-browser", "--port", str(port), "--home", str(tmp_path)]
    shell = ["bash", "-c", 'trap "" INT; exec "$@"', "bash", *command]
    environment = {**os.environ, "TRANSFERSCOPE_NO_WORKER": "1"}
    with subprocess.Popen(shell, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True) as process:
        assert "is open at" in process.stdout.readline()
        process.send_signal(signal.SIGINT)
        said = process.communicate(timeout=20)[0]
    assert process.returncode == 0
    assert "carry on" in said


def test_interrupting_ends_quietly(running: tuple[subprocess.Popen[str], str]) -> None:
    process, _ = running
    process.send_signal(signal.SIGINT)
    said = process.communicate(timeout=20)[0]
    assert process.returncode == 0
    assert "Traceback" not in said
    assert "carry on" in said
