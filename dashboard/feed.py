"""New data for charts that are on the screen, straight from this server: the page around them is not drawn anew.

A tick of a page costs the server and the browser work for every element on it, and both share their cores with the
training that they show. A chart that asks for itself costs a look at the store when nothing has changed.
"""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Callable
from typing import Protocol

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from dashboard.reader import keep

_PATH = "transferscope/chart"
KEPT = 256
"""Charts that can be asked for at most; the ones that no page has drawn for longest go first."""


class _Drawn(Protocol):
    alt: str


class Chart(Protocol):
    """What a page draws: see `dashboard.state.Chart`."""

    light: _Drawn
    light_json: str
    dark_json: str


_charts: dict[str, Callable[[], Chart]] = {}
_lock = threading.Lock()
_mounted = False


def route() -> Route:
    """Return the route that charts ask; from then on `offer` gives addresses."""
    global _mounted
    _mounted = True
    return Route(f"/{_PATH}/{{token}}", _serve)


def offer(place: str, build: Callable[[], Chart]) -> str | None:
    """Let a chart be asked for by the browser.

    Args:
        place: names the chart and everything that it depends on but the data; the same place is the same address.
        build: draws it as of now; called in a thread of the server.

    Returns:
        The address relative to the page, or None where this process serves no such route (`streamlit run`).
    """
    if not _mounted:
        return None
    token = hashlib.blake2b(place.encode("utf-8", "replace"), digest_size=12).hexdigest()
    with _lock:
        _charts.pop(token, None)
        keep(_charts, token, build, KEPT)
    return f"{_PATH}/{token}"


def _serve(request: Request) -> Response:
    """The figure in the theme asked for, with its alt text; nothing (204) where the browser has it already."""
    build = _charts.get(request.path_params["token"])
    if build is None:  # after a restart of the server: the page is drawn anew in a moment and offers it again
        return Response(status_code=404, headers={"Cache-Control": "no-store"})
    chart = build()
    spec = chart.dark_json if request.query_params.get("theme") == "dark" else chart.light_json
    digest = hashlib.blake2b(spec.encode(), digest_size=12).hexdigest()
    headers = {"Cache-Control": "no-store"}
    if request.query_params.get("have") == digest:
        return Response(status_code=204, headers=headers)
    body = f'{{"digest":"{digest}","alt":{json.dumps(chart.light.alt)},"spec":{spec}}}'
    return Response(body, media_type="application/json", headers=headers)
