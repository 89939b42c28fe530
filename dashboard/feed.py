"""New data for charts and progress on the screen, straight from this server: the page around them is not drawn anew.

A tick of a page costs the server and the browser work for every element on it, and both share their cores with the
training that they show. A chart that asks for itself costs a look at the store when nothing has changed.
"""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Callable
from typing import Any, Protocol

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from dashboard.reader import keep

_PATH, _FACTS = "transferscope/chart", "transferscope/facts"
KEPT = 256
"""Charts that can be asked for at most; the ones that no page has drawn for longest go first."""


class _Drawn(Protocol):
    alt: str
    reading: str


class Chart(Protocol):
    """What a page draws: see `dashboard.state.Chart`."""

    light: _Drawn
    light_json: str
    dark_json: str


_charts: dict[str, Callable[[], Chart]] = {}
_facts: dict[str, Callable[[], dict[str, Any]]] = {}
_lock = threading.Lock()
_mounted = False
_FRESH = {"Cache-Control": "no-store"}


def routes() -> list[Route]:
    """Return the routes that charts and progress ask; from then on `offer` and `offer_facts` give addresses."""
    global _mounted
    _mounted = True
    return [Route(f"/{_PATH}/{{token}}", _serve), Route(f"/{_FACTS}/{{token}}", _serve_facts)]


def offer(place: str, build: Callable[[], Chart]) -> str | None:
    """Let a chart be asked for by the browser.

    Args:
        place: names the chart and everything that it depends on but the data; the same place is the same address.
        build: draws it as of now; called in a thread of the server.

    Returns:
        The address relative to the page, or None where this process serves no such route (`streamlit run`).
    """
    return f"{_PATH}/{_keep(_charts, place, build)}" if _mounted else None


def offer_facts(place: str, build: Callable[[], dict[str, Any]]) -> str | None:
    """The same for a few numbers and sentences.

    Args:
        place: names them and everything that they depend on but the data.
        build: a dictionary of plain values as of now; called in a thread of the server.
    """
    return f"{_FACTS}/{_keep(_facts, place, build)}" if _mounted else None


def _keep(offers: dict[str, Callable[[], Any]], place: str, build: Callable[[], Any]) -> str:
    token = _digest(place)
    with _lock:
        offers.pop(token, None)
        keep(offers, token, build, KEPT)
    return token


def _digest(text: str) -> str:
    return hashlib.blake2b(text.encode("utf-8", "replace"), digest_size=12).hexdigest()


def _serve(request: Request) -> Response:
    """The figure in the theme asked for, with its alt text and reading; nothing (204) where the browser has it already."""
    build = _charts.get(request.path_params["token"])
    if build is None:  # after a restart of the server: the page is drawn anew in a moment and offers it again
        return Response(status_code=404, headers=_FRESH)
    chart = build()
    spec = chart.dark_json if request.query_params.get("theme") == "dark" else chart.light_json
    words = f'"alt":{json.dumps(chart.light.alt)},"reading":{json.dumps(chart.light.reading)}'
    return _news(request, _digest(spec + words), f'{words},"spec":{spec}')


def _serve_facts(request: Request) -> Response:
    build = _facts.get(request.path_params["token"])
    if build is None:
        return Response(status_code=404, headers=_FRESH)
    content = json.dumps(build())[1:-1]
    return _news(request, _digest(content), content)


def _news(request: Request, digest: str, content: str) -> Response:
    if request.query_params.get("have") == digest:
        return Response(status_code=204, headers=_FRESH)
    return Response(f'{{"digest":"{digest}",{content}}}', media_type="application/json", headers=_FRESH)
