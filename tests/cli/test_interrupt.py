"""Ctrl-C and SIGTERM while a training goes on: the log, the last word, the exit code, and how it goes on."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import geiger
import geiger.experiment.workers
from geiger.analysis.analyzer import analyze
from geiger.analysis.logbook import LogBook
from geiger.cli import interrupt
from geiger.cli.interrupt import code_of, last_word, terminable
from geiger.runlog import read_log

FOLD = '"event": "fold"'  # written after the fold's epochs
COMMAND = "geiger train ridge AAPL --recipe quick --max-folds 3"
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(Path(geiger.__file__).parents[1])}
# one fold is trained, the next one takes for ever: what is stopped does not hang on the clock
SLOW = """\
import signal, sys, time
import geiger.experiment.workers
from geiger.cli import main

signal.signal(signal.SIGINT, signal.default_int_handler)  # whatever this process was started from
real, done = geiger.experiment.workers.train_fold, []

def train(*arguments):
    if done:
        time.sleep(600)
    done.append(1)
    return real(*arguments)

geiger.experiment.workers.train_fold = train
sys.exit(main(sys.argv[1:]))
"""


def stopped_by(number: signal.Signals, folder: Path) -> tuple[int, str, Path]:
    """Stop a training once its log holds a fold; return exit code, stderr and log."""
    words = [sys.executable, "-c", SLOW, *shlex.split(COMMAND)[1:]]
    with subprocess.Popen(
        words, cwd=folder, env=ENVIRONMENT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            while not (found := [p for p in folder.glob("*/*.jsonl") if FOLD in p.read_text()]):
                assert process.poll() is None, "it ended before it could be stopped"
                time.sleep(0.05)
            process.send_signal(number)
            _, said = process.communicate(timeout=120)
        finally:
            process.kill()
    return process.returncode, said, found[0].with_suffix(".log")


@pytest.mark.slow
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
    assert found.next.startswith(COMMAND)
    assert "kill" not in str(found)
    if number is signal.SIGINT:
        subprocess.run(
            [sys.executable, "-m", *shlex.split(found.next)], cwd=tmp_path, env=ENVIRONMENT, check=True
        )
        (again,) = (read_log(p) for p in path.parent.glob("*.log") if p != path)
        assert [notice.text for notice in again.warnings if notice.code == "RESUMED"], "the fold was kept"


@pytest.fixture
def heard() -> Iterator[None]:
    """Ctrl-C is heard, whatever this process was started from."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("heard")
@pytest.mark.skipif(os.name == "nt", reason="this system sends no signals to one process")
def test_a_second_signal_close_behind_the_first_disturbs_nothing() -> None:
    with terminable():
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGTERM)
    with pytest.raises(KeyboardInterrupt):
        os.kill(os.getpid(), signal.SIGINT)


@pytest.mark.usefixtures("heard")
def test_a_command_can_be_stopped_again_later(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(interrupt, "ENDING", 0.0)
    with terminable():
        for _ in range(2):  # the first may be lost where Python cannot hand it on
            with pytest.raises(KeyboardInterrupt):
                signal.raise_signal(signal.SIGINT)


@pytest.mark.usefixtures("heard")
def test_processes_that_train_folds_leave_ctrl_c_to_their_parent(monkeypatch: pytest.MonkeyPatch) -> None:
    def hears(*_: Any, **__: Any) -> Any:
        return signal.getsignal(signal.SIGINT)

    monkeypatch.setattr(geiger.experiment.workers, "train_apart", hears)
    config: Any = SimpleNamespace(workers=2)
    tasks: Any = [1, 2]
    found: Any = list(geiger.experiment.workers._train_in_processes("lstm", None, config, tasks))  # type: ignore[arg-type]
    assert found == [signal.SIG_IGN, signal.SIG_IGN]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_the_last_word_says_how_to_go_on_where_something_was_kept() -> None:
    words = ["train", "ridge", "A B"]
    kept: Any = SimpleNamespace(command="train", words=words)
    assert last_word(kept) == "stopped; finished folds are kept, go on with: geiger train ridge 'A B'"
    nothing: Any = SimpleNamespace(command="data", words=["data", "list"])
    assert last_word(nothing) == "stopped"
    measured: Any = SimpleNamespace(command="calibrate", words=["calibrate", "--quick"], here=None)
    assert last_word(measured) == "stopped; what was measured is kept, go on with: geiger calibrate --quick"
    of_run: Any = SimpleNamespace(command="calibrate", words=["calibrate", "--here", "latest"], here="latest")
    assert last_word(of_run) == "stopped"


def test_the_code_is_128_and_the_number_of_the_signal() -> None:
    assert code_of(KeyboardInterrupt()) == 130
    with terminable(), pytest.raises(KeyboardInterrupt) as caught:
        signal.raise_signal(signal.SIGTERM)
    assert code_of(caught.value) == 143
