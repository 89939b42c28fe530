"""One file over HTTP: whole or not at all, whatever the network and the disk do."""

from __future__ import annotations

import errno
import hashlib
import importlib.util
import sys
import time
from pathlib import Path

import pytest

from engine import downloads
from engine.control import Cancelled
from engine.downloads import download
from engine.errors import DownloadError

CONTENT = bytes(range(256)) * 5_000
MD5 = hashlib.md5(CONTENT).hexdigest()


@pytest.fixture
def server():
    path = Path(__file__).parent / "datasets" / "stand_ins.py"
    spec = importlib.util.spec_from_file_location("stand_ins", path)
    module = sys.modules["stand_ins"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    with module.serving() as running:
        running.files["file"] = CONTENT
        yield running


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(downloads, "WAIT_SECONDS", 0.01)
    for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)


def quiet(done: int, total: int) -> None:
    pass


def test_a_file_arrives_with_its_progress_and_hashes(server, tmp_path):
    said: list[tuple[int, int]] = []
    found = download([server.url("file")], tmp_path / "file", lambda *told: said.append(told), md5=MD5)
    assert (tmp_path / "file").read_bytes() == CONTENT
    assert (found.bytes, found.md5) == (len(CONTENT), MD5)
    assert found.sha256 == hashlib.sha256(CONTENT).hexdigest()
    assert said[-1] == (len(CONTENT), len(CONTENT))
    assert [done for done, _ in said] == sorted(done for done, _ in said)


def test_a_cut_is_continued_where_it_broke_off(server, tmp_path):
    server.cut_after["file"] = [300_000, 400_000]
    found = download([server.url("file")], tmp_path / "file", quiet, md5=MD5)
    assert (tmp_path / "file").read_bytes() == CONTENT
    assert found.sha256 == hashlib.sha256(CONTENT).hexdigest()
    assert [wanted for _, wanted in server.asked] == ["", "bytes=300000-", "bytes=700000-"]


def test_a_server_that_cannot_continue_is_read_from_the_start(server, tmp_path):
    server.ranges, server.cut_after["file"] = False, [300_000]
    download([server.url("file")], tmp_path / "file", quiet, md5=MD5)
    assert (tmp_path / "file").read_bytes() == CONTENT


def test_a_file_that_keeps_breaking_off_is_given_up_and_nothing_stays(server, tmp_path):
    server.cut_after["file"] = [300_000] + [0] * downloads.ATTEMPTS
    with pytest.raises(
        DownloadError, match=r"broke off after 300,000 bytes.*4 times in a row.*Nothing was kept.*try again"
    ):
        download([server.url("file")], tmp_path / "file", quiet, md5=MD5)
    assert list(tmp_path.iterdir()) == []


def test_another_file_than_was_published_is_refused(server, tmp_path):
    server.files["file"] = CONTENT[:-1] + b"?"
    with pytest.raises(DownloadError, match=rf"not what was published.*{MD5} was expected"):
        download([server.url("file")], tmp_path / "file", quiet, md5=MD5)
    assert list(tmp_path.iterdir()) == []


def test_the_next_address_is_tried(server, tmp_path):
    server.files["bad"] = b"other"
    urls = [server.url("absent"), server.url("bad"), server.url("file")]
    assert download(urls, tmp_path / "file", quiet, md5=MD5).url == urls[-1]
    assert (tmp_path / "file").read_bytes() == CONTENT


def test_what_is_not_there_is_said(server, tmp_path):
    with pytest.raises(DownloadError, match="404 Not Found"):
        download([server.url("absent")], tmp_path / "file", quiet)
    assert list(tmp_path.iterdir()) == []


def test_no_network_is_said_with_what_to_do(tmp_path):
    # A port where nobody listens, as where there is no way out.
    with pytest.raises(DownloadError, match=r"cannot be reached: .*Check the network.*proxy"):
        download(["http://127.0.0.1:9/file"], tmp_path / "file", quiet)
    assert list(tmp_path.iterdir()) == []


def test_a_stop_is_heard_while_the_server_is_silent(server, tmp_path):
    server.silent_after["file"] = 100_000
    began = time.monotonic()

    def stop(done: int, total: int) -> None:
        if done >= 100_000 and time.monotonic() - began > 0.3:
            raise Cancelled

    with pytest.raises(Cancelled):
        download([server.url("file")], tmp_path / "file", stop, md5=MD5)
    assert time.monotonic() - began < 3
    assert list(tmp_path.iterdir()) == []


def test_a_silent_server_is_given_up(server, tmp_path, monkeypatch):
    monkeypatch.setattr(downloads, "SILENT_SECONDS", 0.1)
    monkeypatch.setattr(downloads, "ATTEMPTS", 1)
    server.silent_after["file"] = 0
    with pytest.raises(DownloadError, match="timed out"):
        download([server.url("file")], tmp_path / "file", quiet)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
def test_a_full_disk_is_said_with_what_to_do(server):
    import contextlib

    class Full(type(Path())):
        """A path on a disk that takes nothing: the kernel's own error, at the write."""

        def open(self, *arguments, **options):
            return Path("/dev/full").open(*arguments, **options)

        def unlink(self, missing_ok=False):
            with contextlib.suppress(FileNotFoundError):
                super().unlink()

    with pytest.raises(DownloadError, match=r"The disk is full: .*Nothing was kept. Free some space"):
        download([server.url("file")], Full("/nowhere/file"), quiet, md5=MD5)


def test_an_error_of_the_disk_names_the_place():
    error = downloads.disk_error(OSError(errno.EROFS, "Read-only file system"), Path("/home/x"))
    assert "/home/x cannot be written: Read-only file system" in str(error)
