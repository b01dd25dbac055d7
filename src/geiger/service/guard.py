"""Who may ask the live view for what: read only, by the right name, with the token where one is needed.

A page of another site cannot ask by a name of its own that leads here (DNS rebinding): the Host header must
be one of ours. Beyond this machine a token is needed as well; it is compared in constant time, never logged.
"""

from __future__ import annotations

import hmac
import ipaddress
import re
import socket
from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

COOKIE = "geiger-token"
READING = ("GET", "HEAD")
LOOPBACK = ("127.0.0.1", "::1", "localhost")
EVERYWHERE = ("0.0.0.0", "::", "")
POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; script-src 'self'; connect-src 'self'; img-src data:; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cache-control": "no-store",
}


def is_loopback(host: str) -> bool:
    """Return whether an address to listen on is reached from this machine alone.

    >>> is_loopback("127.0.0.1"), is_loopback("::1"), is_loopback("0.0.0.0"), is_loopback("")
    (True, True, False, False)
    """
    if host in EVERYWHERE:
        return False
    try:
        found = socket.getaddrinfo(host, None)
    except (OSError, UnicodeError):
        return False
    return all(ipaddress.ip_address(str(one[4][0]).partition("%")[0]).is_loopback for one in found)


def hosts_of(host: str) -> frozenset[str] | None:
    """Return the names by which the view may be asked; None where it listens everywhere and any will do."""
    return None if host in EVERYWHERE else frozenset((*LOOPBACK, host.lower()))


def name_in(header: str) -> str:
    """Return the name in a Host header, without its port.

    >>> name_in("LocalHost:8737"), name_in("[::1]:8737"), name_in("127.0.0.1")
    ('localhost', '::1', '127.0.0.1')
    """
    name = header.strip().lower()
    inner, closed, port = name[1:].partition("]")
    if name.startswith("[") and closed and re.fullmatch(r"(:\d*)?", port):
        return inner
    return name.rpartition(":")[0] if name.count(":") == 1 else name


class Guard:
    """Stands before an application and lets in what may be.

    Parameters
    ----------
    app : ASGI application
    hosts : iterable of str or None
        Names by which it may be asked; None lets any pass, which only a token makes safe.
    token : str, optional
        Without it no question is answered, where one is given.
    """

    def __init__(self, app: ASGIApp, hosts: Iterable[str] | None, token: str | None = None) -> None:
        if hosts is None and not token:
            raise ValueError("any host needs a token")
        self._app, self._token = app, token
        self._hosts = None if hosts is None else frozenset(hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or hand on; every answer gets the headers that keep browsers from doing more than asked."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":  # no web sockets here
            await send({"type": "websocket.close", "code": 1008})
            return

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                there = {name.lower() for name, _ in message["headers"]}
                more = [(name.encode(), value.encode()) for name, value in HEADERS.items()]
                message["headers"] = [
                    *message["headers"],
                    *(pair for pair in more if pair[0] not in there),
                ]
            await send(message)

        from starlette.requests import Request

        answer = self._refusal(Request(scope))
        await (self._app if answer is None else answer)(scope, receive, guarded)

    def _refusal(self, request: Request) -> Response | None:
        """Return why not, or the way in with a token; None where the question may pass."""
        from starlette.responses import PlainTextResponse

        hosts = request.headers.getlist("host")
        if len(hosts) != 1 or (self._hosts is not None and name_in(hosts[0]) not in self._hosts):
            return PlainTextResponse("asked by a name that is not this view's\n", 421)
        if self._token is not None and (entering := self._entering(request)) is not None:
            return entering
        if request.method not in READING:
            return PlainTextResponse("read only\n", 405, {"allow": ", ".join(READING)})
        return None

    def _entering(self, request: Request) -> Response | None:
        """Return what is answered to a question without the token; with it in the address, a cookie."""
        from starlette.responses import PlainTextResponse, RedirectResponse

        scheme, _, given = request.headers.get("authorization", "").partition(" ")
        if self._is_token(request.cookies.get(COOKIE, "")) or (
            scheme.lower() == "bearer" and self._is_token(given.strip())
        ):
            return None
        if request.url.path == "/" and self._is_token(request.query_params.get("token", "")):
            enter = RedirectResponse("/", 303)  # so that the token does not stay in the address
            enter.set_cookie(COOKIE, self._token or "", httponly=True, samesite="strict", path="/")
            return enter
        return PlainTextResponse("a token is needed: open the address that `geiger serve` printed\n", 401)

    def _is_token(self, given: str) -> bool:
        return hmac.compare_digest(given.encode(), (self._token or "").encode()) and bool(self._token)
