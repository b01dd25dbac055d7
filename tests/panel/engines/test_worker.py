"""A worker does what comes in, and ends with whoever sends it."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from geiger.panel.engines.base import Job
from geiger.panel.engines.wire import receive, send, unpack
from geiger.panel.engines.work import order
from helpers.tiny_jobs import WORKER


def started() -> subprocess.Popen[bytes]:
    return subprocess.Popen(WORKER, stdin=subprocess.PIPE, stdout=subprocess.PIPE)


@pytest.mark.slow
def test_it_ends_in_the_middle_of_a_job_when_nobody_waits_any_more(tmp_path: Path) -> None:
    """As after `kill -9` of the process that started it, whose end of the pipe the system closes."""
    here = tmp_path / "pid"
    with started() as process:
        assert process.stdin is not None
        send(process.stdin, order(Job("long", "sleep", {"here": str(here)}), lambda digest: b""))
        while not here.exists():
            pass
        process.stdin.close()
        process.stdin = None
        assert process.wait(timeout=60) == 0


@pytest.mark.slow
def test_what_cannot_be_read_is_answered_and_the_next_job_is_done() -> None:
    with started() as process:
        assert process.stdin is not None
        assert process.stdout is not None
        send(process.stdin, b"nonsense")
        answer = receive(process.stdout)
        assert answer is not None
        assert "error" in unpack(answer).facts
        send(process.stdin, order(Job("a", "fail"), lambda digest: b""))
        answer = receive(process.stdout)
        assert answer is not None
        assert unpack(answer).facts == {"error": "ValueError: no such luck", "kind": "work"}
