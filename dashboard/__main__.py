"""The launcher: `transferscope`, or `python -m dashboard`."""

from __future__ import annotations

import argparse
import contextlib
import logging
import os
import sys
import threading
import webbrowser
from collections.abc import Sequence
from pathlib import Path

from dashboard import __version__, serving
from engine import home as homes
from engine.errors import TransferscopeError


def main(argv: Sequence[str] | None = None) -> int:
    """Start the dashboard and serve it until interrupted; return the exit code (2: it could not start)."""
    arguments = _parser().parse_args(argv)
    try:
        serving.check_versions()
        serving.check_host(arguments.host)
        home = homes.resolve(arguments.home)
        serving.check_port(arguments.host, arguments.port)
    except TransferscopeError as error:
        print(f"transferscope: {error}", file=sys.stderr)
        return 2
    os.environ[homes.VARIABLE] = str(home)  # how the pages and the workers find it
    _serve(arguments.host, arguments.port, home, arguments.browser and has_display())
    return 0


def has_display() -> bool:
    """Return whether this machine can show a browser window."""
    return sys.platform in {"win32", "darwin"} or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def _serve(host: str, port: int, home: Path, browser: bool) -> None:
    url = serving.url(host, port)

    def started() -> None:
        print(
            f"Transferscope is open at {url} (experiments in {home}; Ctrl+C stops the page, not the runs)", flush=True
        )
        if browser:
            threading.Thread(target=webbrowser.open, args=[url], daemon=True).start()

    # One line is enough: uvicorn's own report of a normal start says nothing more.
    logging.getLogger("uvicorn.error").addFilter(lambda record: record.levelno >= logging.WARNING)
    options = serving.settings(server_address=host, server_port=port, server_headless=True)
    # Where interrupts are ignored, as in a shell's background jobs, the server ends by itself and raises nothing.
    with contextlib.suppress(KeyboardInterrupt):
        serving.application(options["server.allowedHosts"], on_start=started).run(config=options)
    print("Stopped. Runs that were started carry on; `transferscope` shows them again.")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="transferscope", description="Compare transfer-learning strategies on images, in the browser."
    )
    parser.add_argument("--port", type=_port, default=8501, help="where to listen (default: %(default)s)")
    parser.add_argument("--host", default="127.0.0.1", help="an address of this machine (default: %(default)s)")
    parser.add_argument("--home", metavar="DIR", type=Path, help=f"folder of the experiments (default: {_home()})")
    parser.add_argument("--no-browser", dest="browser", action="store_false", help="do not open a browser")
    parser.add_argument("--version", action="version", version=f"transferscope {__version__}")
    return parser


def _home() -> str:
    return str(os.environ.get(homes.VARIABLE) or homes.default()).replace("%", "%%")


def _port(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is not a port: give a whole number from 1 to 65535, such as 8502")
    return int(text)


if __name__ == "__main__":
    sys.exit(main())
