"""Processes that read logs: in order, alike, and gone when nobody waits for them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from datetime import date, datetime
from pathlib import Path

import pytest

import geiger
from geiger.analysis import readers
from geiger.analysis.index import Key, decoded
from geiger.analysis.logbook import LogBook, read_some
from geiger.analysis.readers import read_apart
from geiger.records import Status
from geiger.runlog import RunLogWriter

TODAY = date(2026, 1, 5)


@pytest.fixture
def groups(tmp_path: Path) -> list[list[Key]]:
    """Return seven logs in groups of two."""
    for second in range(7):
        with RunLogWriter(tmp_path, f"S{second}", "lstm", now=datetime(2025, 1, 1, 0, 0, second)) as log:
            log.config({"Recipe": "default"})
            log.finish(Status.SUCCESS)
    keys = list(LogBook(tmp_path).names().items())
    return [keys[i : i + 2] for i in range(0, 7, 2)]


def test_the_lines_of_each_group_come_in_order(tmp_path: Path, groups: list[list[Key]]) -> None:
    tasks = [(tmp_path, TODAY, keys) for keys in groups]
    found = list(read_apart(read_some, tasks))
    assert found == [read_some(task) for task in tasks]
    assert [key for lines in found for key in decoded(lines)] == [key for keys in groups for key in keys]
    assert sorted(path.suffix for path in tmp_path.iterdir()) == [".jsonl"] * 7 + [".log"] * 7


def test_where_processes_die_this_one_reads(
    tmp_path: Path, groups: list[list[Key]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(readers, "_serve", os.abort)
    tasks = [(tmp_path, TODAY, keys) for keys in groups]
    found = list(read_apart(read_some, tasks))
    assert found == [read_some(task) for task in tasks]


KILLED = """
import os, signal, sys
from datetime import date
from pathlib import Path
from geiger.analysis.logbook import LogBook, read_some
from geiger.analysis.readers import read_apart

if __name__ == "__main__":
    folder = Path(sys.argv[1])
    keys = list(LogBook(folder).names().items())
    tasks = [(folder, date(2026, 1, 5), keys[i : i + 2]) for i in (0, 2, 4)]
    for _ in read_apart(read_some, tasks):
        print("read", flush=True)
        os.kill(os.getpid(), signal.SIGKILL)
"""


def test_readers_end_with_the_process_that_started_them(tmp_path: Path, groups: list[list[Key]]) -> None:
    script = tmp_path / "killed.py"
    script.write_text(KILLED)
    environment = {**os.environ, "PYTHONPATH": str(Path(geiger.__file__).parents[1])}
    ended = subprocess.run(  # returns when nobody holds its output any more, readers included
        [sys.executable, script, tmp_path], env=environment, stdout=subprocess.PIPE, timeout=120, check=False
    )
    assert (ended.returncode, ended.stdout) == (-signal.SIGKILL, b"read\n")
