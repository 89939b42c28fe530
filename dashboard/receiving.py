"""The route that takes a dropped zip: streamed to the home as it comes, never held in memory.

Streamlit's own uploads are kept in the server's memory, and any session may push one; they stay limited to 1 MB.
"""

from __future__ import annotations

from urllib.parse import unquote

from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from engine import home as homes
from engine.errors import TransferscopeError
from engine.imports.limits import LIMITS
from engine.imports.uploads import Upload

PATH = "transferscope/upload"
HEADER = "x-transferscope-name"
"""Holds the file's name, percent-encoded. A page from elsewhere cannot send it without asking, and is refused then."""
MAX_AT_ONCE = 2
_mounted = False
_coming: list[Upload] = []


def route() -> Route:
    """Return the route; from then on `url()` names it."""
    global _mounted
    _mounted = True
    return Route(f"/{PATH}", _receive, methods=["POST"])


def url() -> str | None:
    """Return the address relative to the page, or None where this process serves no such route (`streamlit run`)."""
    return PATH if _mounted else None


async def _receive(request: Request) -> JSONResponse:
    name = request.headers.get(HEADER)
    if name is None or request.headers.get("content-type") != "application/zip":
        return JSONResponse({"error": "This is not how the Data page sends a file."}, 400)
    if len(_coming) >= MAX_AT_ONCE:
        return JSONResponse({"error": f"{MAX_AT_ONCE} uploads are under way; wait until one has come."}, 429)
    length = request.headers.get("content-length", "")
    if length.isdecimal() and int(length) > LIMITS.total:
        return JSONResponse(
            {"error": f"At most {LIMITS.total / 1e9:.0f} GB are taken by the page; for more, give a path."}, 413
        )
    upload = None
    try:
        upload = await run_in_threadpool(Upload, homes.resolve(), unquote(name)[:1000])
        _coming.append(upload)
        async for chunk in request.stream():
            if chunk:
                await run_in_threadpool(upload.write, chunk)
        path = await run_in_threadpool(upload.finish)
    except ClientDisconnect:
        upload.abort()
        return JSONResponse({"error": "The upload was broken off."}, 400)
    except TransferscopeError as error:
        return JSONResponse({"error": str(error)}, 507)
    finally:
        if upload in _coming:
            _coming.remove(upload)
    return JSONResponse({"token": path.parent.name, "name": path.name, "bytes": upload.received})
