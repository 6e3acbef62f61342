"""Guard of a party's page: it answers this machine's own browser, and none without the token.

A page of another site can send requests to 127.0.0.1, by its address or by a name that leads there.
So each request must name the address that the page was opened at, and come from the page itself.
The token is in the fragment of the page's address, which browsers do not send, and then in a
header, which no other site can set. It is no cookie: those go to every port of 127.0.0.1.
"""

from __future__ import annotations

import hmac
import json
from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from typing import Any, Final

Scope = Mapping[str, Any]
Receive = Callable[[], Awaitable[Mapping[str, Any]]]
Send = Callable[[Mapping[str, Any]], Awaitable[None]]
Asgi = Callable[[Any, Any, Any], Awaitable[None]]

POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "form-action 'none'; base-uri 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; trusted-types 'none'"
)

HEADERS: Final = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
"""Headers of every answer."""

GUARDED: Final = "/api/"
"""Beginning of the addresses that need the token; the others have nothing of the party."""


class Guard:
    """ASGI application that lets through to another what comes from the page itself.

    Args:
        token: secret of the page.

    Attributes:
        host: the only value of `Host`: "127.0.0.1:PORT"; nothing is answered before it is set.
    """

    def __init__(self, app: Asgi, token: str) -> None:
        self._app, self._token = app, token
        self.host = ""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_guarded(message: Mapping[str, Any]) -> None:
            if message["type"] == "http.response.start":
                own = [(k.lower().encode(), v.encode()) for k, v in HEADERS.items()]
                message = {**message, "headers": [*message.get("headers", ()), *own]}
            await send(message)

        if (why := self._refusal(scope)) is None:
            await self._app(scope, receive, send_guarded)
            return
        status, error, hint = why
        body = json.dumps({"error": error, "hint": hint, "code": "guard"}).encode()
        length = (b"content-length", str(len(body)).encode())
        kind = (b"content-type", b"application/json")
        start = {"type": "http.response.start", "status": int(status), "headers": [kind, length]}
        await send_guarded(start)
        await send_guarded({"type": "http.response.body", "body": body})

    def _refusal(self, scope: Scope) -> tuple[HTTPStatus, str, str] | None:
        """Return why a request is refused: a status of HTTP, what happened, what to do next."""
        found: dict[bytes, list[bytes]] = {}
        for name, value in scope["headers"]:
            found.setdefault(name, []).append(value)
        guarded = scope["path"].startswith(GUARDED)
        origin = f"http://{self.host}".encode()
        if not self.host or found.get(b"host") != [self.host.encode()]:
            error = "the request names another host than this page's"
            return HTTPStatus.MISDIRECTED_REQUEST, error, f"open http://{self.host}/"
        if found.get(b"origin", [origin]) != [origin]:
            return HTTPStatus.FORBIDDEN, "the request comes from another site", ""
        if guarded and found.get(b"sec-fetch-site", [b"same-origin"]) != [b"same-origin"]:
            return HTTPStatus.FORBIDDEN, "the request does not come from the page", ""
        if guarded and not self._knows(found.get(b"authorization", [])):
            error = "this window does not have the page's token"
            hint = "open the address that `ostraka ui` printed, all of it"
            return HTTPStatus.UNAUTHORIZED, error, hint
        return None

    def _knows(self, given: list[bytes]) -> bool:
        wanted = b"Bearer " + self._token.encode()
        return len(given) == 1 and hmac.compare_digest(given[0], wanted)
