"""Who may ask: pages of this studio's own address, and requests that carry its token."""

from __future__ import annotations

import hmac
from collections.abc import Iterable

from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

HEADERS = {
    b"x-content-type-options": b"nosniff",
    b"x-frame-options": b"DENY",
    b"referrer-policy": b"no-referrer",
    b"cross-origin-opener-policy": b"same-origin",
    b"cross-origin-resource-policy": b"same-origin",
    b"cache-control": b"no-store",
}


def refused(request: Request, token: str) -> str | None:
    """Why a request may not change or read anything, or None.

    A foreign site can make a browser post to this machine, but neither read the page that holds the token nor set a
    header of its own without asking first, which is never granted.
    """
    origin = request.headers.get("origin")
    if origin is not None and origin != f"http://{request.headers.get('host', '')}":
        return "this request comes from another site"
    if not hmac.compare_digest(request.headers.get("x-studio-token", "").encode(), token.encode()):
        return "this request does not carry the studio's token: load the page again"
    return None


class Guarded:
    """Refuses requests for other names than the studio's, so that no name of an attacker leads here (DNS rebinding),
    and adds to every answer what a browser needs to know.
    """

    def __init__(self, app: ASGIApp, hosts: Iterable[str]) -> None:
        self._app = app
        self._hosts = frozenset(hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        host = dict(scope["headers"]).get(b"host", b"").decode("latin-1")
        name = host.rpartition(":")[0] if host.rpartition(":")[2].isdigit() else host
        if name.lower() not in self._hosts:
            await send({"type": "http.response.start", "status": 421, "headers": list(HEADERS.items())})
            await send({"type": "http.response.body", "body": b"this is not the studio's name"})
            return

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": [*message["headers"], *HEADERS.items()]}
            await send(message)

        await self._app(scope, receive, with_headers)
