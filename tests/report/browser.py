"""A real page in a real browser, driven over a pipe: JSON messages of the DevTools protocol, ended by NUL."""

from __future__ import annotations

import base64
import fcntl
import json
import os
import select
import shutil
import signal
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

NAMES = ("chromium", "chromium-browser", "google-chrome")
FLAGS = (
    *("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
    *("--disable-dev-shm-usage", "--disable-extensions", "--mute-audio", "--hide-scrollbars"),
    "--remote-debugging-pipe",
)
PATIENCE = 60.0  # seconds for one answer; a loaded machine is slow, a broken browser is silent


def find_browser() -> str | None:
    """Return the path of a browser of the Chromium family, None where there is none."""
    return next((path for name in NAMES if (path := shutil.which(name))), None)


@dataclass
class Pipe:
    """Both ends of the conversation, and the events that came meanwhile."""

    to: int
    back: int
    events: list[dict[str, Any]] = field(default_factory=list)
    session: str | None = None
    _number: int = 0
    _rest: bytes = b""

    def ask(self, method: str, **params: Any) -> Any:
        """Send one command and return its result."""
        self._number += 1
        message: dict[str, Any] = {"id": self._number, "method": method, "params": params}
        if self.session and not method.startswith(("Target.", "Browser.")):
            message["sessionId"] = self.session
        data = json.dumps(message).encode() + b"\0"
        while data:
            data = data[os.write(self.to, data) :]
        while True:
            answer = self._next()
            if answer.get("id") == self._number:
                assert "error" not in answer, f"{method}: {answer['error']}"
                return answer["result"]
            self.events.append(answer)

    def wait_for(self, event: str) -> dict[str, Any]:
        """Return the first event of that name, which may have come already."""
        while True:
            for one in self.events:
                if one.get("method") == event:
                    return one
            self.events.append(self._next())

    def _next(self) -> dict[str, Any]:
        until = time.monotonic() + PATIENCE
        while b"\0" not in self._rest:
            ready, _, _ = select.select([self.back], [], [], max(0.0, until - time.monotonic()))
            assert ready, "the browser does not answer"
            more = os.read(self.back, 1 << 20)
            assert more, "the browser has gone"
            self._rest += more
        line, self._rest = self._rest.split(b"\0", 1)
        found: dict[str, Any] = json.loads(line)
        return found


@dataclass
class Page:
    """One open page."""

    pipe: Pipe

    def run(self, script: str) -> Any:
        """Return what an expression is worth; promises are waited for."""
        result = self.pipe.ask("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in result, result["exceptionDetails"]
        return result["result"].get("value")

    def press(self, key: str) -> None:
        """Press one key, as Tab or Enter."""
        text = {"Enter": {"text": "\r"}, "+": {"text": "+"}, "0": {"text": "0"}}.get(key, {})
        for kind in ("keyDown", "keyUp"):
            code = {"Tab": 9, "Enter": 13, "ArrowRight": 39, "+": 107, "0": 48}[key]
            more = text if kind == "keyDown" else {}
            facts = {"type": kind, "key": key, "code": key, "windowsVirtualKeyCode": code, **more}
            self.pipe.ask("Input.dispatchKeyEvent", **facts)

    def point(self, x: float, y: float, *, drag_to: float | None = None) -> None:
        """Move the mouse to a place; with `drag_to` press there, move to that x and let go."""

        def send(kind: str, at: float, **more: Any) -> None:
            self.pipe.ask("Input.dispatchMouseEvent", type=kind, x=at, y=y, **more)

        send("mouseMoved", x)
        if drag_to is not None:
            pressed = {"button": "left", "buttons": 1, "clickCount": 1}
            send("mousePressed", x, **pressed)
            for share in (0.5, 1.0):
                send("mouseMoved", x + share * (drag_to - x), button="left", buttons=1)
            send("mouseReleased", drag_to, **pressed)

    def requests(self) -> list[str]:
        """Return the address of everything the page asked for."""
        return [
            event["params"]["request"]["url"]
            for event in self.pipe.events
            if event.get("method") == "Network.requestWillBeSent"
        ]

    def complaints(self) -> list[str]:
        """Return errors and warnings of the console, and uncaught exceptions."""
        found = []
        for event in self.pipe.events:
            params = event.get("params", {})
            match event.get("method"):
                case "Runtime.exceptionThrown":
                    found.append(str(params["exceptionDetails"]))
                case "Runtime.consoleAPICalled" if params["type"] in ("error", "warning", "assert"):
                    found.append(str(params["args"]))
                case "Log.entryAdded" if params["entry"]["level"] in ("error", "warning"):
                    found.append(params["entry"]["text"])
        return found

    def picture(self, path: Path, top: float, height: float, width: float) -> None:
        """Save a stretch of the page as PNG."""
        clip = {"x": 0, "y": top, "width": width, "height": height, "scale": 1}
        shot = self.pipe.ask("Page.captureScreenshot", clip=clip, captureBeyondViewport=True)
        path.write_bytes(base64.b64decode(shot["data"]))


@contextmanager
def open_page(
    program: str,
    file: Path,
    *,
    width: int,
    height: int = 900,
    dark: bool = False,
    mobile: bool = False,
    scripts: bool = True,
) -> Iterator[Page]:
    """Open a file in a browser of its own, and end that browser afterwards."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        their_in, our_out = _high_pipe()
        our_in, their_out = _high_pipe()
        flags = [*FLAGS, f"--user-data-dir={profile}", "about:blank"]
        child = os.posix_spawn(
            program,
            [program, *flags],
            {**os.environ, "HOME": profile},
            file_actions=[
                (os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0),
                (os.POSIX_SPAWN_OPEN, 2, os.devnull, os.O_WRONLY, 0),
                (os.POSIX_SPAWN_DUP2, their_in, 3),
                (os.POSIX_SPAWN_DUP2, their_out, 4),
            ],
            setpgroup=0,
        )
        os.close(their_in)
        os.close(their_out)
        try:
            pipe = Pipe(our_out, our_in)
            target = pipe.ask("Target.createTarget", url="about:blank")["targetId"]
            pipe.session = pipe.ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
            for domain in ("Page", "Runtime", "Network", "Log"):
                pipe.ask(f"{domain}.enable")
            pipe.ask(
                "Emulation.setDeviceMetricsOverride",
                width=width,
                height=height,
                deviceScaleFactor=1,
                mobile=mobile,
            )
            scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
            still = {"name": "prefers-reduced-motion", "value": "reduce"}
            pipe.ask("Emulation.setEmulatedMedia", media="screen", features=[scheme, still])
            if not scripts:
                pipe.ask("Emulation.setScriptExecutionDisabled", value=True)
            pipe.events.clear()
            pipe.ask("Page.navigate", url=file.resolve().as_uri())
            pipe.wait_for("Page.loadEventFired")
            yield Page(pipe)
        finally:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(child, signal.SIGKILL)
            os.waitpid(child, 0)
            os.close(our_out)
            os.close(our_in)


def _high_pipe() -> tuple[int, int]:
    """Return a pipe whose ends lie above 9, so that giving a child 3 and 4 overwrites neither."""
    ends = os.pipe()
    high = tuple(fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, 10) for end in ends)
    for end in ends:
        os.close(end)
    return high[0], high[1]
