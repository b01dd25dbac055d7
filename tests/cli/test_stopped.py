"""Ctrl-C and SIGTERM while a training goes on: the log, the last word, the exit code, and how it goes on."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import geiger
from geiger.analyzer import analyze
from geiger.logbook import LogBook
from geiger.runlog import read_log

COMMAND = "geiger train ridge AAPL --recipe quick --max-folds 3"
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(Path(geiger.__file__).parents[1])}
# one fold is trained, the next one takes for ever: what is stopped does not hang on the clock
SLOW = """\
import signal, sys, time
import geiger.walk
from geiger.cli import main

signal.signal(signal.SIGINT, signal.default_int_handler)  # whatever this process was started from
real, done = geiger.walk._train, []

def train(*arguments):
    if done:
        time.sleep(600)
    done.append(1)
    return real(*arguments)

geiger.walk._train = train
sys.exit(main(sys.argv[1:]))
"""


def stopped_by(number: signal.Signals, folder: Path) -> tuple[int, str, Path]:
    """Stop a training once its log holds a fold; return exit code, stderr and log."""
    words = [sys.executable, "-c", SLOW, *shlex.split(COMMAND)[1:]]
    with subprocess.Popen(
        words, cwd=folder, env=ENVIRONMENT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            while not (found := [p for p in folder.glob("*/*.jsonl") if '"fold"' in p.read_text()]):
                assert process.poll() is None, "it ended before it could be stopped"
                time.sleep(0.05)
            process.send_signal(number)
            _, said = process.communicate(timeout=120)
        finally:
            process.kill()
    return process.returncode, said, found[0].with_suffix(".log")


@pytest.mark.skipif(os.name == "nt", reason="this system sends no signals to one process")
@pytest.mark.parametrize(
    ("number", "who"), [(signal.SIGINT, "by the user (Ctrl-C)"), (signal.SIGTERM, "from outside (SIGTERM)")]
)
def test_a_training_that_is_stopped(tmp_path: Path, number: signal.Signals, who: str) -> None:
    code, said, path = stopped_by(number, tmp_path)
    assert code == 128 + number
    assert said == f"geiger: stopped; finished folds are kept, go on with: {COMMAND}\n"
    log = read_log(path)
    assert log.status is None
    assert log.stopped.startswith(who)
    assert len(log.folds) == 1
    os.utime(path, (1.0, 1.0))  # long ago: silence is no sign of a kill here
    os.utime(path.with_suffix(".jsonl"), (1.0, 1.0))
    (found,) = analyze(LogBook(path.parent, keep=False), everything=True).logs
    assert found.conclusion.startswith(f"stopped {who}")
    assert found.next == COMMAND
    assert "kill" not in str(found)
    if number is signal.SIGINT:
        subprocess.run(
            [sys.executable, "-m", *shlex.split(found.next)], cwd=tmp_path, env=ENVIRONMENT, check=True
        )
        (again,) = (read_log(p) for p in path.parent.glob("*.log") if p != path)
        assert [notice.text for notice in again.warnings if notice.code == "RESUMED"], "the fold was kept"
