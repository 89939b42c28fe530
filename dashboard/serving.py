"""The web server around the pages: its settings, its extra route, and who may talk to it."""

from __future__ import annotations

import errno
import ipaddress
import socket
import tomllib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from packaging.version import Version

from engine.errors import TransferscopeError

if TYPE_CHECKING:
    from streamlit.starlette import App

SCRIPT = Path(__file__).with_name("app.py")
# Older versions have known security holes (streamlit: also no `st.App(...).run`).
_OLDEST = {"streamlit": "1.61", "starlette": "1.1", "pillow": "12.3"}

# Options that older versions do not know and refuse, though they have nothing to switch off (1.61 and 1.67 looked at).
_SINCE = {"server.enableAgentApi": "1.67", "theme.paddingTop": "1.67", "theme.paddingBottom": "1.67"}


class LaunchError(TransferscopeError):
    """The dashboard cannot start: an unsafe host, a port in use, a version with known holes."""


def check_versions() -> None:
    """Raise LaunchError if an installed package is older than the oldest version without known holes."""
    for package, oldest in _OLDEST.items():
        found = metadata.version(package)
        if Version(found) < Version(oldest):
            raise LaunchError(
                f"{package} {found} is installed, but versions before {oldest} have known security holes. "
                f'Upgrade it with: python -m pip install --upgrade "{package}>={oldest}"'
            )


def check_host(host: str) -> None:
    """Raise LaunchError unless `host` is this machine only: there is no authentication yet."""
    try:
        local = host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        local = False
    if not local:
        raise LaunchError(
            f"--host {host} would let others on the network in, and the dashboard has no authentication yet. "
            "Leave --host out (127.0.0.1), and reach it from another machine through a tunnel: "
            "ssh -L 8501:127.0.0.1:8501 THIS_MACHINE"
        )


def check_port(host: str, port: int) -> None:
    """Raise LaunchError if `port` cannot be listened on; the message says who may hold it and names a free one."""
    try:
        _bind(host, port)
    except OSError as error:
        forbidden = error.errno == errno.EACCES and port < 1024
        reason = "needs administrator rights" if forbidden else f"is in use{_holder(port)}"
        raise LaunchError(
            f"Port {port} on {host} {reason}. If that is Transferscope, open {url(host, port)} instead. "
            f"Otherwise choose another port: transferscope --port {_free_port(host, port)}"
        ) from error


def url(host: str, port: int) -> str:
    """Return the address of the dashboard for a browser on this machine."""
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def settings(**flags: Any) -> dict[str, Any]:
    """Return Streamlit's options by dotted name: those of `config.toml`, then `flags` (`server_port=8502`)."""
    packaged = Path(__file__).with_name("_streamlit_config.toml")  # in a wheel
    file = packaged if packaged.exists() else Path(__file__).parent.parent / ".streamlit" / "config.toml"
    options = _flat(tomllib.loads(file.read_text(encoding="utf-8")))
    options.update({name.replace("_", "."): value for name, value in flags.items()})
    options["server.allowedHosts"] = sorted({*options["server.allowedHosts"], options["server.address"]})
    streamlit = Version(metadata.version("streamlit"))
    return {name: value for name, value in options.items() if streamlit >= Version(_SINCE.get(name, "0"))}


def application(hosts: list[str], script: Path = SCRIPT, on_start: Callable[[], None] = lambda: None) -> App:
    """Return the ASGI application: the pages of `script`, the drawing library, charts, and a check of every Host header.

    Args:
        hosts: names under which the server may be addressed; anything else is refused.
        script: the Streamlit script.
        on_start: called once the pages can be served.
    """
    from starlette.middleware import Middleware
    from streamlit.starlette import App

    from dashboard import feed, receiving
    from dashboard.guard import Guard
    from dashboard.widgets import plotly_js

    @asynccontextmanager
    async def lifespan(_: App) -> AsyncIterator[None]:
        on_start()
        yield

    routes = [plotly_js.route(), *feed.routes(), receiving.route()]
    return App(script, routes=routes, middleware=[Middleware(Guard, hosts=hosts)], lifespan=lifespan)


def _flat(tree: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in tree.items():
        flat |= _flat(value, f"{prefix}{name}.") if isinstance(value, dict) else {f"{prefix}{name}": value}
    return flat


def _bind(host: str, port: int) -> int:
    """Listen for a moment, with the socket options of the real server; return the port."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        if hasattr(socket, "SO_EXCLUSIVEADDRUSE"):  # Windows, where SO_REUSEADDR would steal the port
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
        else:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind((host, port))
        probe.listen()
        return probe.getsockname()[1]


def _free_port(host: str, port: int) -> int:
    for candidate in range(max(port, 1023) + 1, min(max(port, 1023) + 50, 65536)):
        try:
            return _bind(host, candidate)
        except OSError:
            continue
    return _bind(host, 0)


def _holder(port: int) -> str:
    """Name the process that listens on `port`, as far as the system tells (macOS tells only the administrator)."""
    import psutil

    try:
        held = [c.pid for c in psutil.net_connections("tcp") if c.status == psutil.CONN_LISTEN and c.laddr.port == port]
        process = psutil.Process(next(pid for pid in held if pid))
        return f" by process {process.pid} ({process.name()})"
    except (psutil.Error, StopIteration):
        return ", perhaps by a dashboard that still runs in another terminal"
