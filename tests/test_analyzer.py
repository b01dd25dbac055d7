"""What to try next: the order of the steps, and which runs ask for one."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from geiger.analyzer import analyze
from geiger.logbook import LogBook
from geiger.records import Figure, Notice, Status
from geiger.runlog import RunLogWriter


def write(folder: Path, symbol: str, second: int, *warnings: str, model: str = "ridge", **config: str) -> str:
    """Write the log of a run that is ready, with warnings, and return its name."""
    now = datetime(2025, 12, 29, 14, 30, second)
    with RunLogWriter(folder, symbol, model, now=now) as log:
        log.config({"Recipe": "default", "Data Hash": "abc", **config})
        for code in warnings:
            log.warn(Notice(code, "a doubt"))
        log.finish(
            Status.SUCCESS, figures=[Figure("WFE", 0.6, "share"), Figure("Prediction Std", 0.06, "number")]
        )
    assert log.path is not None
    return log.path.stem


def commands(folder: Path) -> list[str]:
    steps = analyze(LogBook(folder, keep=False), everything=True).steps
    return [step.command for step in steps if step.severity == "READY"]


def test_runs_with_fewer_warnings_come_first(tmp_path: Path) -> None:
    doubtful = write(tmp_path, "AAA", 1, "DATA_GAPS", "FALLBACK")
    clean = write(tmp_path, "ZZZ", 2)
    assert commands(tmp_path) == [
        f"geiger backtest ZZZ --run {clean}",
        f"geiger backtest AAA --run {doubtful}",
    ]


def test_a_run_that_was_repeated_asks_for_nothing(tmp_path: Path) -> None:
    write(tmp_path, "AAA", 1)
    again = write(tmp_path, "AAA", 2)
    other = write(tmp_path, "AAA", 3, Recipe="plan")
    assert sorted(commands(tmp_path)) == [f"geiger backtest AAA --run {name}" for name in (again, other)]


def test_a_run_that_was_backtested_asks_for_no_backtest(tmp_path: Path) -> None:
    run = write(tmp_path, "AAA", 1)
    traded = write(tmp_path, "AAA", 2, model="backtest", **{"Forecasts of": run, "Model": "ridge"})
    assert commands(tmp_path) == [f"geiger report {traded}"]
