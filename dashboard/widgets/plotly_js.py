"""The drawing library for the browser, served out of the installed Plotly wheel: nothing comes from the network."""

from __future__ import annotations

import gzip
from functools import lru_cache
from pathlib import Path

import plotly
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route

_PATH = "transferscope/plotly.min.js"
_FILE = Path(plotly.__file__).parent / "package_data" / "plotly.min.js"
_mounted = False


def route() -> Route:
    """Return the route that serves `plotly.min.js`; from then on `url()` names it."""
    global _mounted
    _mounted = True
    return Route(f"/{_PATH}", _serve)


def url() -> str | None:
    """Return the address relative to the page, or None where this process serves no such route (`streamlit run`)."""
    return f"{_PATH}?v={plotly.__version__}" if _mounted else None


def _serve(request: Request) -> Response:
    # The version is part of the address, so a browser may keep the file for good.
    headers = {"Cache-Control": "public, max-age=31536000, immutable", "Vary": "Accept-Encoding"}
    if "gzip" not in request.headers.get("accept-encoding", ""):
        return FileResponse(_FILE, media_type="text/javascript", headers=headers)
    return Response(_zipped(), media_type="text/javascript", headers={**headers, "Content-Encoding": "gzip"})


@lru_cache(maxsize=1)
def _zipped() -> bytes:
    # Streamlit's own middleware would compress these 5 MB anew for every browser, on the event loop.
    return gzip.compress(_FILE.read_bytes(), compresslevel=3, mtime=0)
