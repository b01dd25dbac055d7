"""The live view over HTTP: pages, events, errors, the address it listens on, and how it ends."""

from __future__ import annotations

import datetime as dt
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from geiger.errors import SettingError
from geiger.records import Epoch
from geiger.runlog import RunLogWriter
from geiger.service import serve as serving
from geiger.service import view as viewing
from geiger.service.guard import hosts_of
from geiger.service.serve import address, application, listen
from geiger.service.view import View

pytest.importorskip("starlette", reason="NO STARLETTE: the live view was not asked anything")
pytest.importorskip("uvicorn", reason="NO UVICORN: the live view was not started")

NAME = "IBM_lstm_20240109_120000"


@pytest.fixture
def log(tmp_path: Path) -> Iterator[RunLogWriter]:
    with RunLogWriter(tmp_path / "logs", "IBM", "lstm", now=dt.datetime(2024, 1, 9, 12, 0, 0)) as made:
        made.epoch(Epoch(1, 1.0, 1.1, 0.05, 50.0))
        yield made


@pytest.fixture
def client(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    from starlette.testclient import TestClient

    monkeypatch.setattr(viewing, "FRESH", -1.0)
    monkeypatch.setattr(serving, "LOOK", 0.01)
    view = View(tmp_path / "runs", tmp_path / "logs")
    return TestClient(
        application(view, hosts_of("127.0.0.1")), base_url="http://127.0.0.1", raise_server_exceptions=False
    )


def test_the_pages_are_there(client: Any, log: RunLogWriter) -> None:
    assert "In training" in client.get("/").text
    page = client.get(f"/runs/{NAME}")
    assert page.status_code == 200
    assert page.headers["content-type"].startswith("text/html")
    code = client.get("/live.js")
    assert code.headers["content-type"].startswith("text/javascript")
    assert code.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/nowhere", 404),
        ("/runs/IBM_ridge_20240109_120000", 404),
        ("/runs/..%2F..%2Fetc%2Fpasswd", 404),
        ("/runs/IBM_ridge_20240109_120000/events", 404),
        ("/runs/%00", 404),
        ("/?sort=nonsense", 400),
        ("/events?sort=nonsense", 404),
        ("/compare?run=a", 400),
        ("/compare?run=a&run=b", 404),
    ],
)
def test_what_is_not_there_is_said_plainly(path: str, status: int, client: Any) -> None:
    answer = client.get(path)
    assert answer.status_code == status
    assert "Traceback" not in answer.text
    assert "passwd" not in answer.text or "no name" in answer.text or "no such page" in answer.text


def test_a_fault_of_ours_is_one_sentence(client: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(self: View, query: Any) -> str:
        raise ZeroDivisionError("x")

    monkeypatch.setattr(View, "runs_page", broken)
    answer = client.get("/")
    assert answer.status_code == 500
    assert "ZeroDivisionError" in answer.text
    assert "Traceback" not in answer.text
    assert answer.headers["x-frame-options"] == "DENY"


def events(text: str) -> list[tuple[str, str]]:
    """The (event, data) pairs of a stream."""
    found = []
    for block in text.strip().split("\n\n"):
        lines = [line.partition(": ") for line in block.splitlines() if not line.startswith(":")]
        data = "\n".join(value for name, _, value in lines if name in ("data", "data:"))
        found.append((next((value for name, _, value in lines if name == "event"), ""), data))
    return found


def test_a_stopped_training_is_told_once(client: Any, log: RunLogWriter) -> None:
    log.stop("by the user (Ctrl-C)")
    answer = client.get(f"/runs/{NAME}/events")
    assert answer.headers["content-type"].startswith("text/event-stream")
    found = events(answer.text)
    assert [name for name, _ in found] == ["part", "still"]
    assert "Stopped: by the user" in found[0][1]


# ---- the real thing ----


@contextmanager
def served(folder: Path, *words: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Start the command on a free port; yield its process and address."""
    line = [sys.executable, "-m", "geiger", "serve", "--port", "0", *words]
    env = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(line, cwd=folder, env=env, text=True, **pipes) as child:
        try:
            assert child.stdout is not None
            first = child.stdout.readline()
            found = re.search(r"http://\S+", first)
            assert found, (first, child.stderr and child.stderr.read())
            yield child, found[0]
        finally:
            child.kill()


@pytest.mark.slow
@pytest.mark.parametrize("asked", [signal.SIGINT, signal.SIGTERM])
def test_it_ends_at_once_though_a_browser_listens(
    asked: signal.Signals, tmp_path: Path, log: RunLogWriter
) -> None:
    with served(tmp_path, "--log-dir", "logs") as (child, place):
        stream = urllib.request.urlopen(f"{place}runs/{NAME}/events", timeout=30)
        assert stream.readline().strip() == b"event: part"
        began = time.monotonic()
        child.send_signal(asked)
        assert child.wait(timeout=20) == 0
        assert time.monotonic() - began < 10
        assert child.stderr is not None
        assert child.stderr.read() == ""
        stream.close()


@pytest.mark.slow
def test_new_epochs_reach_many_readers(tmp_path: Path, log: RunLogWriter) -> None:
    with served(tmp_path, "--log-dir", "logs") as (_, place):
        streams = [urllib.request.urlopen(f"{place}runs/{NAME}/events", timeout=30) for _ in range(8)]
        log.epoch(Epoch(77, 1.0, 1.1, 0.05, 50.0))
        for stream in streams:
            while b'<th scope="row">77</th>' not in (line := stream.readline()):
                assert line, "the stream ended"
            stream.close()


@pytest.mark.slow
def test_beyond_this_machine_a_token_is_needed_and_never_logged(tmp_path: Path, log: RunLogWriter) -> None:
    with served(tmp_path, "--log-dir", "logs", "--host", "0.0.0.0") as (child, place):
        base, _, token = place.replace("0.0.0.0", "127.0.0.1").partition("?token=")
        assert len(token) >= 32
        with pytest.raises(urllib.error.HTTPError, match="401"):
            urllib.request.urlopen(base, timeout=30)
        asked = urllib.request.Request(base, headers={"Authorization": f"Bearer {token}"})
        assert b"In training" in urllib.request.urlopen(asked, timeout=30).read()
        child.send_signal(signal.SIGINT)
        out, err = child.communicate(timeout=20)
        assert token not in out
        assert err == ""


def test_a_port_in_use_names_a_free_one() -> None:
    with listen("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(
            SettingError, match=f"port {port} on 127.0.0.1 is in use; `geiger serve --port"
        ) as told:
            listen("127.0.0.1", port)
    found = re.search(r"--port (\d+)`", str(told.value))
    assert found
    with listen("127.0.0.1", int(found[1])):
        pass


@pytest.mark.parametrize(
    ("host", "port", "told"),
    [("127.0.0.1", 70000, "between 0 and 65535"), ("no such host.invalid", 0, "no such address")],
)
def test_an_address_that_is_none_is_one_line(host: str, port: int, told: str) -> None:
    with pytest.raises(SettingError, match=told):
        listen(host, port)


def test_the_address_to_type() -> None:
    assert address("::1", 80) == "http://[::1]:80/"
    with listen("127.0.0.1", 0) as made, socket.create_connection(made.getsockname()):
        pass
