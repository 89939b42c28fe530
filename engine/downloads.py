"""Fetch one file over HTTP: with progress, stopped within a second, continued after a cut, proved by its checksum.

The network is read by a thread of its own, so that whoever waits can look at a stop while a server is silent. The thread
only hands bytes over: the file, its hashes and its removal belong to the caller's thread.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import queue
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from engine.errors import DownloadError

CHUNK = 1 << 20
LOOK_SECONDS = 0.2
SILENT_SECONDS = 30.0
"""A connection that gives nothing for so long is given up (and tried again)."""
ATTEMPTS = 4
"""Cuts in a row without a new byte, before an address is given up."""
WAIT_SECONDS = 1.0
"""Before the first repetition; doubled for each further one."""
AGENT = "transferscope"

Tell = Callable[[int, int], None]
"""(bytes so far, bytes in all or 0 where not known); called several times a second; what it raises stops the download."""


@dataclass(frozen=True)
class Fetched:
    """A file that was downloaded and proved."""

    url: str
    bytes: int
    md5: str
    sha256: str


def download(urls: Sequence[str], to: Path, tell: Tell, *, md5: str = "", size: int = 0) -> Fetched:
    """Download one file to `to`; whatever goes wrong, `to` is not left behind.

    Args:
        urls: addresses of the same file, tried in turn.
        to: where to write; its folder exists.
        tell: told the progress; may raise to stop.
        md5: what the file must have; "" where it is not known.
        size: bytes that are expected, for the progress where the server does not say.

    Raises:
        DownloadError: no address gave the file, it broke off, it is another file, or the disk is full; says what to do.
    """
    problems = []
    try:
        for url in urls:
            try:
                return _from(url, to, tell, md5, size)
            except _Unusable as error:
                problems.append(f"{url}: {error}")
    except BaseException:
        to.unlink(missing_ok=True)
        raise
    to.unlink(missing_ok=True)
    raise DownloadError(
        f"{to.name} could not be downloaded. {'; '.join(problems)}. Nothing was kept. Check the network (behind a proxy: the"
        " variables http_proxy and https_proxy), then try again."
    )


class _Unusable(Exception):
    """An address does not give the file; the text is the reason."""


class _Cut(Exception):
    """The connection broke off; the text is the reason."""


class _Unreachable(_Cut):
    """There was no connection in the first place."""


def _from(url: str, to: Path, tell: Tell, md5: str, size: int) -> Fetched:
    failures = 0
    with _disk(to, size), to.open("wb") as file:
        have = _Have()
        while True:
            before = have.n
            try:
                _read(url, file, have, tell, size)
                break
            except _Cut as error:
                failures = 0 if have.n > before else failures + 1
                if isinstance(error, _Unreachable) and not have.n and failures >= 2:
                    raise _Unusable(str(error)) from error  # no network: said at once
                if failures >= ATTEMPTS:
                    so_far = f" after {have.n:,} bytes" if have.n else ""
                    raise _Unusable(f"it broke off{so_far} ({error}), {ATTEMPTS} times in a row") from error
                _wait(WAIT_SECONDS * 2 ** max(failures - 1, 0), lambda: tell(have.n, have.total or size))
        file.flush()
    if md5 and have.md5.hexdigest() != md5:
        raise _Unusable(
            f"its content is not what was published (md5 {have.md5.hexdigest()}, and {md5} was expected): the file at this"
            " address has changed, or something on the way changes it"
        )
    return Fetched(url, have.n, have.md5.hexdigest(), have.sha256.hexdigest())


class _Have:
    """What has come so far."""

    def __init__(self) -> None:
        self.n, self.stamp = 0, ""
        self.total = 0
        """As the server said; 0 where it did not."""
        self.md5, self.sha256 = hashlib.md5(usedforsecurity=False), hashlib.sha256()

    def add(self, chunk: bytes) -> None:
        self.n += len(chunk)
        self.md5.update(chunk)
        self.sha256.update(chunk)


def _read(url: str, file: BinaryIO, have: _Have, tell: Tell, size: int) -> None:
    """Read on from where the file ends, from the start where the server cannot."""
    headers = {"User-Agent": AGENT, "Accept-Encoding": "identity"}
    if have.n and have.stamp:  # without a stamp, what follows might be of another version
        headers |= {"Range": f"bytes={have.n}-", "If-Range": have.stamp}
    with _reading(urllib.request.Request(url, headers=headers)) as arrived:
        while True:
            try:
                what, value = arrived.get(timeout=LOOK_SECONDS)
            except queue.Empty:
                tell(have.n, have.total or size)
                continue
            if what == "head":
                if value["status"] != 206 and have.n:
                    file.seek(0)
                    file.truncate()
                    have.__init__()
                have.total, have.stamp = value["length"] and have.n + value["length"], value["stamp"]
            elif what == "chunk":
                file.write(value)
                have.add(value)
            elif what == "end":
                if have.n < have.total:
                    raise _Cut(f"{have.n:,} of {have.total:,} bytes came")
                tell(have.n, have.n)
                return
            else:
                raise value
            tell(have.n, have.total or size)


@contextlib.contextmanager
def _reading(request: urllib.request.Request) -> Iterator[queue.Queue[tuple[str, Any]]]:
    """A thread that reads a response: ("head", facts), ("chunk", bytes) ..., then ("end", None) or ("error", why)."""
    arrived: queue.Queue[tuple[str, Any]] = queue.Queue(maxsize=8)
    stop = threading.Event()

    def put(what: str, value: Any) -> None:
        while not stop.is_set():
            with contextlib.suppress(queue.Full):
                arrived.put((what, value), timeout=LOOK_SECONDS)
                return

    def read() -> None:
        try:
            with urllib.request.urlopen(request, timeout=SILENT_SECONDS) as response:
                length = int(response.headers.get("Content-Length") or 0)
                stamp = response.headers.get("ETag") or response.headers.get("Last-Modified") or ""
                weak = stamp.startswith("W/")  # names content that is alike, not the same bytes
                put("head", {"status": response.status, "length": length, "stamp": "" if weak else stamp})
                while not stop.is_set() and (chunk := response.read1(CHUNK)):
                    put("chunk", chunk)
            put("end", None)
        except urllib.error.HTTPError as error:
            put("error", _answer(error))
        except urllib.error.URLError as error:
            put("error", _Unreachable(f"it cannot be reached: {_short(error.reason)}"))
        except Exception as error:  # http.client and ssl raise many kinds; all of them mean that the connection is lost
            put("error", _Cut(_short(error)))

    thread = threading.Thread(target=read, daemon=True, name="download")
    thread.start()
    try:
        yield arrived
    finally:
        stop.set()


def _answer(error: urllib.error.HTTPError) -> Exception:
    kind = _Cut if error.code in (408, 425, 429) or error.code >= 500 else _Unusable
    return kind(f"the server answered {error.code} {error.reason}")


def _short(error: object) -> str:
    text = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return text.strip().rstrip(".")[:200]


def _wait(seconds: float, look: Callable[[], None]) -> None:
    until = time.monotonic() + seconds
    while (left := until - time.monotonic()) > 0:
        look()
        time.sleep(min(left, LOOK_SECONDS))


@contextlib.contextmanager
def _disk(to: Path, size: int) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise disk_error(error, to, size) from error


def disk_error(error: OSError, place: Path, needed: int = 0) -> DownloadError:
    """An error of the file system in words that say what to do."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        much = f" It needs {needed / 1e6:,.0f} MB and as much again to unpack." if needed else ""
        return DownloadError(
            f"The disk is full: {place.name} could not be written to {place.parent}.{much} Nothing was kept. Free some space,"
            " or choose a home on another disk (--home DIR), then try again."
        )
    return DownloadError(f"{place} cannot be written: {error.strerror or error}. Nothing was kept.")
