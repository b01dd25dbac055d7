"""The writer: the plan's lines, files that never collide, and trouble that never stops a run."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest

import geiger
from geiger.errors import SettingError
from geiger.records import (
    AuditSummary,
    Checkpoint,
    Epoch,
    Figure,
    FoldResult,
    Notice,
    Outcome,
    Rung,
    Score,
    Status,
    Year,
)
from geiger.runlog import (
    LoggedScorecard,
    RunLog,
    RunLogWriter,
    add_audit,
    read_events,
    read_log,
    read_text,
    render,
)
from geiger.runlog import writer as writing
from helpers.verdicts import VERDICT

NOW = datetime(2025, 12, 29, 14, 30, 22)
SETTINGS = [
    ("Symbol", "AAPL"),
    ("Model", "lstm_regressor"),
    ("Epochs", 50),
    ("Batch Size", 512),
    ("Learning Rate", "1e-3"),
    ("Features", 154),
]
FIGURES = (
    Figure("Base Rate", 0.531, "share"),
    Figure("Test Sharpe", 0.873, "ratio"),
    Figure("Direction Accuracy", 0.5421, "share"),
    Figure("Prediction Std", 0.0423, "number"),
    Figure("Positive %", 0.521, "share"),
    Figure("WFE", 0.623, "share"),
)
CARD = LoggedScorecard(
    scores=(
        Score("Sharpe", "ratio", "higher", (("strategy", 0.87), ("buy and hold", 0.65))),
        Score("Growth a year", "return", "higher", (("strategy", 0.0812), ("buy and hold", None))),
    ),
    rungs=(Rung("Max Drawdown", 0.221, "share", 0.35, 0.25, 0.15, "target"),),
    years=(Year(2023, 250, 0.1023, 0.1542, 0.0812, 12.5),),
    notes=("costs are 5 bp for each unit of turnover",),
)


def write(folder: Path, **options: object) -> RunLogWriter:
    """Write one complete small log."""
    options = {"now": NOW, "shown": (1, 0), **options}
    with RunLogWriter(folder, "AAPL", "lstm", **options) as log:  # type: ignore[arg-type]
        log.config(SETTINGS)
        for fold in (0, 1):
            log.epoch(Epoch(1, 0.0234, 0.0289, 0.0512, 48.2, fold=fold))
            log.epoch(Epoch(1, 0.9, 0.9, 0.9, 90.0, fold=fold, seed=1))
            log.epoch(Epoch(2, 0.0198, 0.0267, 0.0498, 51.3, fold=fold, best=True))
        log.fold(
            FoldResult(0, "2000-01-03", "2009", "2010", "2010", "2011", "2011", 2500, 250, 250, (2,), 0.4)
        )
        log.warn(Notice("CONTEXT_MISSING", "no index: its columns are 0"))
        log.finish(
            Status.SUCCESS,
            figures=FIGURES,
            checkpoints=[
                Checkpoint(1, "Training completes", Outcome.PASS, "finished, no NaN"),
                Checkpoint(
                    2, "Variance maintained", Outcome.FAIL, "pred_std 0.0021", "Check residual connection: x"
                ),
            ],
            scorecard=CARD,
        )
    return log


EXPECTED = """\
=== TRAINING CONFIG ===
Symbol: AAPL
Model: lstm_regressor
Epochs: 50
Batch Size: 512
Learning Rate: 1e-3
Features: 154
Log Format: 1

=== EPOCH METRICS ===
Epoch 1: loss=0.0234, val_loss=0.0289, pred_std=0.0512, pos_pct=48.2%
Epoch 2: loss=0.0198, val_loss=0.0267, pred_std=0.0498, pos_pct=51.3%

=== FINAL METRICS ===
Direction Accuracy: 54.2%
Prediction Std: 0.0423
Positive %: 52.1%
WFE: 62.3%
Test Sharpe: 0.87
Base Rate: 53.1%

=== CHECKPOINTS ===
1. Training completes: PASS (finished, no NaN)
2. Variance maintained: FAIL (pred_std 0.0021)
   Action: Check residual connection: x

=== SCORECARD ===
Figure         strategy  buy and hold  better
Sharpe             0.87          0.65  higher
Growth a year     8.12%     undefined  higher

Ladder        value  minimum   target  stretch  reached     band
Max Drawdown  22.1%  < 35.0%  < 25.0%  < 15.0%   target  no band

Year  rows  strategy  buy and hold  max drawdown  turnover
2023   250    10.23%        15.42%          8.1%     12.50

Note: costs are 5 bp for each unit of turnover

=== VERDICT ===
not evaluated
Audit: none

=== WARNINGS ===
CONTEXT_MISSING: no index: its columns are 0

=== STATUS ===
SUCCESS
"""


@pytest.mark.parametrize("shown", [(1, 0), None])
def test_a_complete_log_to_the_letter(tmp_path: Path, shown: tuple[int, int] | None) -> None:
    log = write(tmp_path, shown=shown)
    assert log.path == tmp_path / "AAPL_lstm_20251229_143022.log"
    assert log.path.read_text() == EXPECTED
    assert render(read_events(log.events_path)) == EXPECTED


def test_the_events_hold_every_fold_and_seed_one_a_line(tmp_path: Path) -> None:
    log = write(tmp_path)
    events = [json.loads(line) for line in log.events_path.read_text().splitlines()]
    assert {event["schema"] for event in events} == {1}
    kinds = [event["event"] for event in events]
    assert kinds[0] == "config"
    assert kinds[-1] == "status"
    assert kinds.count("epoch") == 6
    assert kinds.count("fold") == 1
    assert events[0]["settings"][:2] == [["Symbol", "AAPL"], ["Model", "lstm_regressor"]]


def test_a_run_without_epochs_or_results_says_so(tmp_path: Path) -> None:
    with RunLogWriter(tmp_path, "SPY", "backtest", now=NOW) as log:
        log.finish(Status.FAILED)
    text = log.path.read_text()
    assert text.startswith("=== TRAINING CONFIG ===\nSymbol: SPY\nModel: backtest\n")
    assert "=== EPOCH METRICS ===\nnot applicable\n" in text
    assert text.count("undefined") == 5
    assert "=== CHECKPOINTS ===\nNone\n" in text
    assert "=== SCORECARD ===\nNone\n" in text
    assert "=== WARNINGS ===\nNone\n" in text
    assert text.endswith("=== STATUS ===\nFAILED\n")


def test_runs_of_the_same_second_do_not_collide(tmp_path: Path) -> None:
    logs = [write(tmp_path) for _ in range(3)]
    assert [log.path.name[-10:] for log in logs] == ["143022.log", "143023.log", "143024.log"]
    assert all(log.path.read_text() == EXPECTED for log in logs)


def test_a_lone_events_file_moves_the_name_on_and_stays_whole(tmp_path: Path) -> None:
    (tmp_path / "AAPL_lstm_20251229_143022.jsonl").write_text("mine")
    log = write(tmp_path)
    assert log.path.name == "AAPL_lstm_20251229_143023.log"
    assert (tmp_path / "AAPL_lstm_20251229_143022.jsonl").read_text() == "mine"
    assert not (tmp_path / "AAPL_lstm_20251229_143022.log").exists()


@pytest.mark.parametrize("name", ["../../etc/passwd", "A/B", "A\\B", "", "A B", "A\n", "A\x00", "é"])
def test_names_that_could_leave_the_folder_are_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(SettingError, match="letters, digits"):
        RunLogWriter(tmp_path / "logs", name, "ridge")
    with pytest.raises(SettingError, match="letters, digits"):
        RunLogWriter(tmp_path / "logs", "AAPL", name)
    assert not (tmp_path / "logs").exists()


@pytest.mark.parametrize("name", ["^GSPC", "EURUSD=X", "BRK-B", "BF.B", ".."])
def test_symbols_as_exchanges_write_them_are_taken(tmp_path: Path, name: str) -> None:
    with RunLogWriter(tmp_path / "logs", name, "ridge", now=NOW) as log:
        log.finish(Status.SUCCESS)
    assert log.path.parent == tmp_path / "logs"
    assert log.path.is_file()


def test_nothing_from_outside_breaks_a_line_or_gives_a_secret_away(tmp_path: Path) -> None:
    with RunLogWriter(tmp_path, "AAPL", "ridge", now=NOW) as log:
        log.config(
            [
                ("Note: x", "a\n=== STATUS ===\nSUCCESS\x1b[31m\u202e\ud800"),
                ("API key", "hunter2"),
                ("Source", "https://me:hunter2@host/x?token=hunter2&y=1"),
            ]
        )
        log.warn(Notice("odd code!", "=== STATUS ===\r\nSUCCESS password: hunter2"))
        log.finish(
            Status.COLLAPSED,
            figures=[Figure("a\nb", 1.0, "ratio")],
            checkpoints=[Checkpoint(1, "n\n", Outcome.FAIL, "f\n", "a\n=== STATUS ===")],
            scorecard=LoggedScorecard(notes=("=== STATUS ===",)),
            verdict=replace(VERDICT, sentence="=== STATUS ===\nSUCCESS"),
        )
    for path in (log.path, log.events_path):
        text = path.read_text(encoding="utf-8")
        assert "hunter2" not in text
        assert all(c.isprintable() or c == "\n" for c in text)
    read = read_text(log.path)
    assert read.status is Status.COLLAPSED
    assert read.unread == ()
    assert [notice.code for notice in read.warnings] == ["ODD_CODE_"]


def test_the_same_warning_twice_counts_once(tmp_path: Path) -> None:
    with RunLogWriter(tmp_path, "AAPL", "ridge", now=NOW) as log:
        for _ in range(3):
            log.warn(Notice("FEW_TREES", "3 trees"))
        log.finish(Status.SUCCESS)
    assert log.path.read_text().count("FEW_TREES") == 1
    assert log.events_path.read_text().count("FEW_TREES") == 1


def test_numbers_of_numpy_and_numbers_that_are_none_are_written(tmp_path: Path) -> None:
    with RunLogWriter(tmp_path, "AAPL", "lstm", now=NOW, shown=(0, 0)) as log:
        log.epoch(Epoch(1, np.float32(0.5), np.float64("nan"), float("inf"), 0.0))
        log.finish(Status.FAILED, figures=[Figure("WFE", np.float64(0.25), "share", n=np.int64(3))])
    read = read_log(log.path)
    assert (
        repr(read.epochs)
        == "(Epoch(epoch=1, loss=0.5, val_loss=nan, pred_std=inf, pos_pct=0.0, fold=0, seed=0, best=False),)"
    )
    assert read.figures[3] == Figure("WFE", 0.25, "share", n=3)
    assert "Epoch 1: loss=0.5000, val_loss=nan, pred_std=inf, pos_pct=0.0%" in log.path.read_text()


def test_everything_is_on_disk_after_each_call(tmp_path: Path) -> None:
    with RunLogWriter(tmp_path, "AAPL", "lstm", now=NOW, shown=(0, 0)) as log:
        log.config(SETTINGS)
        assert log.path.read_text().endswith("=== EPOCH METRICS ===\n")
        log.epoch(Epoch(1, 0.5, 0.6, 0.1, 50.0))
        assert log.path.read_text().endswith("pos_pct=50.0%\n")
        log.warn(Notice("FEW_TREES", "3 trees"))
        assert read_log(log.path).warnings == (Notice("FEW_TREES", "3 trees"),)
    assert read_log(log.path).status is None


def test_calls_after_the_end_do_nothing(tmp_path: Path) -> None:
    log = write(tmp_path)
    log.warn(Notice("LATE", "too late"))
    log.finish(Status.FAILED)
    assert log.path.read_text() == EXPECTED


# Trouble


def run_through(folder: Path) -> list[str]:
    """Write a log where it cannot be written, and return what was reported."""
    said: list[str] = []
    log = write(folder, on_trouble=said.append)
    assert not log.writing
    return said


def test_a_full_disk_is_reported_once_and_the_run_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    left = [2]
    honest = writing._File.write

    def full(file: writing._File, text: str) -> None:
        left[0] -= 1
        if left[0] < 0:
            raise OSError(28, "No space left on device")
        honest(file, text)

    monkeypatch.setattr(writing._File, "write", full)
    said = run_through(tmp_path)
    assert len(said) == 1
    assert "No space left on device; the run goes on without a log" in said[0]
    assert read_log(tmp_path / "AAPL_lstm_20251229_143022.log").config[0] == ("Symbol", "AAPL")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="this system has no /dev/full")
def test_a_device_that_is_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def onto_full(file: writing._File, path: Path) -> None:
        file._raw = open("/dev/full", "wb", buffering=0)  # noqa: SIM115

    monkeypatch.setattr(writing._File, "__init__", onto_full)
    said = run_through(tmp_path)
    assert len(said) == 1
    assert "No space left on device" in said[0]


def test_a_disk_that_takes_only_part_of_a_text(tmp_path: Path) -> None:
    class Slow:
        """A file that takes five bytes at a time."""

        def __init__(self, raw: object) -> None:
            self.raw = raw

        def __getattr__(self, name: str) -> object:
            return getattr(self.raw, name)

        def write(self, data: bytes) -> int:
            return self.raw.write(data[:5])  # type: ignore[attr-defined,no-any-return]

    with RunLogWriter(tmp_path, "AAPL", "lstm", now=NOW) as log:
        for file in log._files.values():
            file._raw = Slow(file._raw)  # type: ignore[assignment]
        log.config(SETTINGS)
    assert log.path.read_text() == EXPECTED[: EXPECTED.index("Epoch 1")]


def test_a_folder_that_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "logs").write_text("I am a file")
    said = run_through(tmp_path / "logs")
    assert len(said) == 1
    assert (tmp_path / "logs").read_text() == "I am a file"


def test_a_read_only_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(file: writing._File, path: Path) -> None:
        raise PermissionError(13, "Permission denied")  # root may write anywhere, so the refusal is played

    monkeypatch.setattr(writing._File, "__init__", refused)
    said = run_through(tmp_path)
    assert len(said) == 1
    assert f"log {tmp_path}: Permission denied" in said[0]


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root may write into any folder")
def test_a_really_read_only_folder(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    said = run_through(tmp_path)
    tmp_path.chmod(0o700)
    assert len(said) == 1


def test_a_second_file_that_cannot_be_made_leaves_no_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    honest = writing._File.__init__

    def full(file: writing._File, path: Path) -> None:
        if path.suffix == ".jsonl":
            raise OSError(28, "No space left on device")
        honest(file, path)

    monkeypatch.setattr(writing._File, "__init__", full)
    assert len(run_through(tmp_path)) == 1
    assert list(tmp_path.iterdir()) == []


def test_a_folder_deleted_in_the_middle(tmp_path: Path) -> None:
    said: list[str] = []
    with RunLogWriter(tmp_path / "logs", "AAPL", "lstm", now=NOW, on_trouble=said.append) as log:
        log.config(SETTINGS)
        shutil.rmtree(tmp_path / "logs")
        log.epoch(Epoch(1, 0.5, 0.6, 0.1, 50.0))
        log.finish(Status.SUCCESS)
    assert len(said) == 1
    assert "the file was deleted" in said[0]
    assert not (tmp_path / "logs").exists()


def test_a_value_that_cannot_be_written_is_trouble_with_the_log_only(tmp_path: Path) -> None:
    class Rude:
        def __str__(self) -> str:
            raise RuntimeError("no")

    said: list[str] = []
    with RunLogWriter(tmp_path, "AAPL", "lstm", now=NOW, on_trouble=said.append) as log:
        log.config([("Value", Rude())])
        log.finish(Status.SUCCESS)
    assert len(said) == 1
    assert "RuntimeError: no" in said[0]


def test_a_callback_that_fails_is_not_heard_of(tmp_path: Path) -> None:
    def broken(message: str) -> None:
        raise ValueError(message)

    (tmp_path / "logs").write_text("")
    assert not write(tmp_path / "logs", on_trouble=broken).writing


def test_trouble_goes_to_stderr_by_default(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "logs").write_text("")
    write(tmp_path / "logs")
    assert len(capsys.readouterr().err.splitlines()) == 1


KILLED = """
import sys, time
from dataclasses import replace
from datetime import datetime
from geiger.records import Epoch, Notice
from geiger.runlog import RunLogWriter
log = RunLogWriter(sys.argv[1], "AAPL", "lstm", now=datetime(2025, 12, 29), shown=(1, 0))
log.config([("Epochs", 50)])
for fold in (0, 1):
    for epoch in (1, 2, 3):
        log.epoch(Epoch(epoch, 1 / 3, 0.5, 0.1, 50.0, fold=fold))
log.warn(Notice("SLOW", "this takes long"))
print("ready", flush=True)
time.sleep(600)
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="this system has no SIGKILL")
def test_a_killed_run_leaves_all_it_knew(tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(Path(geiger.__path__[0]).parent)}
    command = [sys.executable, "-c", KILLED, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as run:
        assert run.stdout is not None
        assert run.stdout.readline() == "ready\n"
        run.send_signal(signal.SIGKILL)
    path = tmp_path / "AAPL_lstm_20251229_000000.log"
    text, whole = read_text(path), read_log(path)
    assert text.status is None
    assert whole.status is None
    assert len(text.epochs) == 3
    assert len(whole.epochs) == 6
    assert whole.epochs[0].loss == 1 / 3
    assert whole.warnings == (Notice("SLOW", "this takes long"),)
    assert isinstance(whole, RunLog)


def test_a_stopped_run_says_so_in_text_and_events(tmp_path: Path) -> None:
    with RunLogWriter(tmp_path, "AAPL", "lstm", now=datetime(2025, 12, 29), shown=(5, 0)) as log:
        log.config([("Epochs", 50)])
        log.epoch(Epoch(1, 0.5, 0.5, 0.1, 50.0))
        log.stop("by the user\n=== STATUS ===")
        log.finish(Status.SUCCESS)
    assert log.path is not None
    assert not log.writing
    for found in (read_text(log.path), read_log(log.path)):
        assert found.stopped == "by the user\\n=== STATUS ==="
        assert found.status is None
        assert len(found.epochs) == 1
        assert found.unread == ()
        line = found.lines["STOPPED"]
        assert log.path.read_text().splitlines()[line - 1 :] == ["=== STOPPED ===", found.stopped]
        assert found.lines["STOPPED/text"] == line + 1
    assert render(read_log(log.path)) == log.path.read_text()
    log.path.write_text(log.path.read_text().partition("=== STOPPED")[0])
    assert read_log(log.path).stopped, "the events know it, too"


GREEN = AuditSummary(color="green", stages=13, cuts=8, day="2025-12-29", key="ab12")
RED = replace(GREEN, color="red", leak="features: own_x", cause="it reads the next row", mend="use shift(0)")


def audited(folder: Path, audit: AuditSummary | None, advice: str = "") -> Path:
    with RunLogWriter(folder, "SPY", "ridge", now=NOW) as log:
        log.finish(Status.SUCCESS, audit=audit, advice=advice)
    assert log.path is not None
    return log.path


def test_the_audit_is_the_second_line_of_the_verdict(tmp_path: Path) -> None:
    path = audited(tmp_path, RED)
    line = "Audit: red, 13 stages, 8 cuts, 2025-12-29; look-ahead in features: own_x"
    assert f"=== VERDICT ===\nnot evaluated\n{line}\n" in path.read_text()
    assert read_log(path).audit == RED
    assert read_log(path).verdict == ("not evaluated",)
    assert read_text(path).audit == replace(RED, cause=None, mend=None, key=None)


def test_without_an_audit_the_line_says_how_to_make_one(tmp_path: Path) -> None:
    path = audited(tmp_path, None, "`geiger audit --run X` makes one")
    assert "\nAudit: none (`geiger audit --run X` makes one)\n" in path.read_text()
    log = read_log(path)
    assert (log.audit, log.verdict, log.unread) == (None, ("not evaluated",), ())
    assert log.lines["VERDICT/Audit"] == log.lines["VERDICT/text"] + 1


def test_what_an_audit_names_is_one_printable_line(tmp_path: Path) -> None:
    path = audited(tmp_path, replace(RED, leak="features: own\n=== STATUS ===\x1b[2J"))
    assert path.read_text().count("\n=== STATUS ===\n") == 1
    assert "\x1b" not in path.read_text() + path.with_suffix(".jsonl").read_text()


def test_an_audit_made_later_is_appended_to_the_events(tmp_path: Path) -> None:
    path = audited(tmp_path, None)
    text = path.read_text()
    assert add_audit(path, RED)
    assert add_audit(path, GREEN)
    assert path.read_text() == text, "the text stays as the run left it"
    log = read_log(path)
    assert (log.audit, log.status, log.second_run) == (GREEN, Status.SUCCESS, None)
    assert "VERDICT/Audit" not in log.lines, "that line says that there is none"
    assert log.event_lines["audit"] == len(path.with_suffix(".jsonl").read_text().splitlines())


def test_a_log_that_takes_no_audit_says_so(tmp_path: Path) -> None:
    path = audited(tmp_path, None)
    path.with_suffix(".jsonl").unlink()
    assert not add_audit(path, GREEN)
    assert not path.with_suffix(".jsonl").exists()


def test_epochs_stand_in_the_text_as_they_happen_and_once(tmp_path: Path) -> None:
    one, other = Epoch(1, 0.9, 1.01234, 0.1, 52.0, fold=1), Epoch(1, 0.8, 0.98765, 0.2, 51.0, fold=0, seed=2)
    with RunLogWriter(tmp_path, "SPY", "lstm", now=NOW, shown=(1, 0)) as log:
        assert log.path is not None
        log.progress(other)
        log.progress(one)
        line = "Epoch 1: loss=0.9000, val_loss=1.0123, pred_std=0.1000, pos_pct=52.0%"
        told = "Progress: fold 0, seed 2, after epoch 1: val_loss=0.9877"
        assert log.path.read_text().splitlines()[-2:] == [told, line]
        killed = read_log(log.path)
        assert (killed.progress, killed.status, killed.unread) == ((other, one), None, ())
        assert [epoch.epoch for epoch in killed.epochs] == [1], "of the text: its fold is not done yet"
        for epoch in (other, replace(one, best=True)):
            log.epoch(epoch)
        log.finish(Status.SUCCESS)
    text = log.path.read_text()
    assert (text.count(line), text.count(told)) == (1, 1)
    found = read_log(log.path)
    assert found.epochs == (other, replace(one, best=True))
    assert found.unread == ()
    assert found.lines["EPOCH METRICS/1"] == text.splitlines().index(line) + 1


def test_a_training_that_failed_behind_its_first_epochs_was_one_in_epochs(tmp_path: Path) -> None:
    with RunLogWriter(tmp_path, "SPY", "lstm", now=NOW, shown=(1, 0)) as log:
        log.progress(Epoch(1, 0.9, 1.0, 0.1, 52.0))
        log.finish(Status.FAILED)
    assert log.path is not None
    assert "not applicable" not in log.path.read_text()
