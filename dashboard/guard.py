"""Who may talk to the server: pages that it served itself, under its own name."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send


class Guard:
    """Middleware that refuses every request with a foreign Host (DNS rebinding) or from a foreign page.

    Streamlit's `allowedHosts` looks at the WebSocket only and accepts any page of any server on this machine;
    for other pages it asks an outside service for this machine's address before it refuses.
    """

    def __init__(self, app: ASGIApp, hosts: Sequence[str]) -> None:
        self.app, self.hosts = app, frozenset(host.lower() for host in hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in {"http", "websocket"} or self.allows(Headers(scope=scope)):
            await self.app(scope, receive, send)
        elif scope["type"] == "websocket":
            await receive()  # the handshake, which is answered with 403
            await send({"type": "websocket.close", "code": 1008})
        else:
            names = ", ".join(sorted(self.hosts))
            refusal = PlainTextResponse(f"Refused: this server answers its own pages only, under {names}.\n", 403)
            await refusal(scope, receive, send)

    def allows(self, headers: Headers) -> bool:
        """Return whether Host is one of ours and Origin, where a browser sends one, is the same place."""
        host, origin = headers.get("host", ""), headers.get("origin")
        try:
            known = (urlsplit(f"//{host}").hostname or "").lower() in self.hosts
            return known and (origin is None or urlsplit(origin).netloc == host)
        except ValueError:  # a malformed address, such as an unclosed bracket
            return False
