"""``geiger serve``: the live view over HTTP, for a browser on this machine; with a token also beyond it.

Pages are made in threads; what changes on them comes as server-sent events.
"""

from __future__ import annotations

import errno
import secrets
import socket
from collections.abc import AsyncIterator, Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from geiger.cleaning import clean
from geiger.errors import GeigerError, MissingLibrary, SettingError
from geiger.service.guard import Guard, hosts_of, is_loopback
from geiger.service.view import NoSuch, Part, Query, View, message_page, script

if TYPE_CHECKING:
    from anyio import CapacityLimiter
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.types import ASGIApp

LOOK = 1.0  # seconds between two looks at the files
PING = 15  # seconds after which a silent connection is tried
THREADS = 4  # that make pages
NEXT_PORTS = 50  # among which a free one is sought


def serve(
    runs_dir: Path,
    log_dir: Path,
    host: str,
    port: int,
    *,
    say: Callable[[str], None] = print,
) -> None:
    """Serve until Ctrl-C or SIGTERM, which end it at once.

    Parameters
    ----------
    port : int
        0 takes a free one.
    say : callable
        Told the address, with the token where one is needed: the only time that it is shown.

    Raises
    ------
    SettingError
        The address cannot be listened on.
    MissingLibrary
        What it needs is not installed.
    """
    try:
        import sse_starlette  # noqa: F401 - asked for here, used with the first page
        import uvicorn
    except ImportError as error:
        raise MissingLibrary(
            f"geiger serve: {error.name} is not installed; `pip install 'geiger-lab[serve]'` brings it"
        ) from None
    listening = listen(host, port)
    token = None if is_loopback(host) else secrets.token_urlsafe(24)
    place = address(host, listening.getsockname()[1])
    if token is None:
        say(f"Runs in {clean(runs_dir)}, logs in {clean(log_dir)}, read only: {place}")
    else:
        say(f"Runs in {clean(runs_dir)}, logs in {clean(log_dir)}, read only: {place}?token={token}")
        say("Whoever has this address can read them; it is shown this once, and nothing is encrypted.")
    say("Ctrl-C ends it.")

    class AtOnce(uvicorn.Server):
        """Waits for no open connection when it is asked to end."""

        def handle_exit(self, sig: int, frame: Any) -> None:
            self.should_exit = self.force_exit = True

    config = uvicorn.Config(
        application(View(runs_dir, log_dir), hosts_of(host), token),
        access_log=False,  # nothing of an address is written down: a token may stand in it
        log_level="critical",
        server_header=False,
        lifespan="off",
        ws="none",
    )
    with listening:
        AtOnce(config).run(sockets=[listening])


def listen(host: str, port: int) -> socket.socket:
    """Return a socket that listens.

    Raises
    ------
    SettingError
        It cannot: the line names a free port where this one is taken.
    """
    if not 0 <= port <= 65535:
        raise SettingError(f"--port {port}: a port lies between 0 and 65535")
    try:
        family, kind, protocol, _, place = socket.getaddrinfo(
            host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except (OSError, UnicodeError):
        raise SettingError(
            f"--host {clean(host)!r}: no such address; 127.0.0.1 is this machine's own"
        ) from None
    made = socket.socket(family, kind, protocol)
    try:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind(place)
        made.listen(128)
    except OSError as error:
        made.close()
        if error.errno == errno.EADDRINUSE:
            free = _free_after(host, port)
            advice = f"`geiger serve --port {free}` takes a free one" if free else "name another with --port"
            raise SettingError(f"port {port} on {clean(host)} is in use; {advice}") from None
        raise SettingError(
            f"port {port} on {clean(host)} cannot be listened on ({error.strerror}); name another with --port"
        ) from None
    return made


def _free_after(host: str, port: int) -> int | None:
    for other in range(port + 1, min(port + NEXT_PORTS, 65535)):
        with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as trial:
            try:
                trial.bind((host, other))
            except OSError:
                continue
            return other
    return None


def address(host: str, port: int) -> str:
    """Return what to type into a browser.

    >>> address("::1", 8737), address("0.0.0.0", 80)
    ('http://[::1]:8737/', 'http://0.0.0.0:80/')
    """
    return f"http://{f'[{host}]' if ':' in host else host}:{port}/"


class Door:
    """Answers questions with the pages of a view, which are made in threads."""

    def __init__(self, view: View) -> None:
        self._view = view
        self._limit: CapacityLimiter | None = None

    async def all_runs(self, request: Request) -> Response:
        """Answer with the page of all runs."""
        return await self._page(partial(self._view.runs_page, Query.of(request.query_params)))

    async def all_events(self, request: Request) -> Response:
        """Answer with that page as it changes."""
        return await self._events(partial(self._view.runs_part, Query.of(request.query_params)))

    async def one_run(self, request: Request) -> Response:
        """Answer with the page of a run or a training."""
        return await self._page(partial(self._view.run_page, request.path_params["name"]))

    async def one_events(self, request: Request) -> Response:
        """Answer with that page as it changes."""
        return await self._events(partial(self._view.live_part, request.path_params["name"]))

    async def compared(self, request: Request) -> Response:
        """Answer with several runs side by side."""
        return await self._page(partial(self._view.compare_page, request.query_params.getlist("run")))

    async def code(self, request: Request) -> Response:
        """Answer with the script of the pages."""
        from starlette.responses import PlainTextResponse

        return PlainTextResponse(script(), media_type="text/javascript")

    async def missing(self, request: Request, error: Exception) -> Response:
        """Answer where there is no such page."""
        return _message("Not here", "There is no such page.", 404)

    async def broken(self, request: Request, error: Exception) -> Response:
        """Answer where something is wrong with us."""
        return _message("A fault of ours", f"{type(error).__name__}: {error}", 500)

    async def _apart(self, work: Callable[[], Any]) -> Any:
        import anyio

        if self._limit is None:  # belongs to the loop that runs
            self._limit = anyio.CapacityLimiter(THREADS)
        return await anyio.to_thread.run_sync(work, limiter=self._limit)

    async def _page(self, work: Callable[[], str | tuple[str, str]]) -> Response:
        from starlette.responses import HTMLResponse

        try:
            found = await self._apart(work)
        except NoSuch as error:
            return _message("Not here", str(error), 404)
        except GeigerError as error:
            return _message("This cannot be shown", str(error), 400)
        if isinstance(found, str):
            return HTMLResponse(found)
        html, policy = found
        return HTMLResponse(html, headers={"content-security-policy": policy})

    async def _events(self, work: Callable[[], Part]) -> Response:
        from sse_starlette import EventSourceResponse

        try:
            first = await self._apart(work)
        except GeigerError as error:
            return _message("Not here", str(error), 404)
        return EventSourceResponse(_told(first, partial(self._apart, work)), ping=PING, sep="\n")


def _message(title: str, text: str, status: int) -> Response:
    from starlette.responses import HTMLResponse

    return HTMLResponse(message_page(title, text), status)


def application(view: View, hosts: frozenset[str] | None, token: str | None = None) -> ASGIApp:
    """Return the live view as an ASGI application; see `Guard` for whom it answers."""
    from starlette.applications import Starlette
    from starlette.routing import Route

    door = Door(view)
    routes = [
        Route("/", door.all_runs),
        Route("/events", door.all_events),
        Route("/runs/{name}", door.one_run),
        Route("/runs/{name}/events", door.one_events),
        Route("/compare", door.compared),
        Route("/live.js", door.code),
    ]
    handlers: Any = {404: door.missing, 500: door.broken}
    return Guard(Starlette(routes=routes, exception_handlers=handlers), hosts, token)


async def _told(first: Part, look: Callable[[], Any]) -> AsyncIterator[dict[str, str]]:
    """Yield the part of a page as often as it changes, until nothing will change any more."""
    import anyio

    part, shown = first, None
    while True:
        if part.then != "over" and part.html != shown:
            shown = part.html
            yield {"event": "part", "data": part.html}
        if part.then:
            yield {"event": part.then, "data": ""}
            return
        await anyio.sleep(LOOK)
        try:
            part = await look()
        except GeigerError:  # the run is gone
            part = Part("", "over")
