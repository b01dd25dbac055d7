"""What to try next: the order of the steps, and which runs ask for one."""

from __future__ import annotations

import os
import re
import shlex
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest

from geiger.analysis.analyzer import LogAnalysis, analyze, list_facts, next_steps, show_facts
from geiger.analysis.comparison import compare_facts
from geiger.analysis.logbook import LogBook
from geiger.checks.base import Finding, Severity
from geiger.checks.trends import Brief
from geiger.errors import DataError
from geiger.records import Figure, LoggedScorecard, Notice, Status
from geiger.runlog import RunLogWriter, add_audit
from helpers.cases import GREEN

SHOWN = {"Direction Accuracy": 0.56, "Base Rate": 0.53, "Direction Test p": 0.012}


def write(
    folder: Path,
    symbol: str,
    second: int,
    *warnings: str,
    model: str = "ridge",
    measured: dict[str, float] = SHOWN,
    health: str = "SHRUNK_OK",
    **config: str,
) -> str:
    """Write the log of a run that is ready, with warnings, and return its name."""
    now = datetime(2025, 12, 29, 14, 30, second)
    with RunLogWriter(folder, symbol, model, now=now) as log:
        log.config({"Recipe": "default", "Data Hash": "abc", **config})
        for code in warnings:
            log.warn(Notice(code, "a doubt"))
        more = [
            Figure(name, value, "p" if name.endswith(" p") else "share") for name, value in measured.items()
        ]
        figures = [Figure("WFE", 0.6, "share"), Figure("Prediction Std", 0.06, "number"), *more]
        card = LoggedScorecard(notes=(f"Health: {health}: words.",))
        log.finish(Status.SUCCESS, figures=figures, scorecard=card, audit=GREEN)
    assert log.path is not None
    return log.path.stem


def there(folder: Path, line: str) -> str:
    """Return a line as it is told to whoever reads in another folder than the usual one."""
    return shlex.join([*shlex.split(line), "--log-dir", str(folder)])


def commands(folder: Path) -> list[str]:
    steps = analyze(LogBook(folder, keep=False), everything=True).steps
    return [step.command for step in steps if step.severity == "READY"]


def test_runs_with_fewer_warnings_come_first(tmp_path: Path) -> None:
    doubtful = write(tmp_path, "AAA", 1, "DATA_GAPS", "FALLBACK")
    clean = write(tmp_path, "ZZZ", 2)
    assert commands(tmp_path) == [
        there(tmp_path, f"geiger backtest ZZZ --run {clean} --again"),
        there(tmp_path, f"geiger backtest AAA --run {doubtful} --again"),
    ]


def test_a_run_that_was_repeated_asks_for_nothing(tmp_path: Path) -> None:
    write(tmp_path, "AAA", 1)
    again = write(tmp_path, "AAA", 2)
    other = write(tmp_path, "AAA", 3, Recipe="plan")
    assert sorted(commands(tmp_path)) == [
        there(tmp_path, f"geiger backtest AAA --run {name} --again") for name in (again, other)
    ]


def test_a_run_that_was_backtested_asks_for_no_backtest(tmp_path: Path) -> None:
    run = write(tmp_path, "AAA", 1)
    traded = write(tmp_path, "AAA", 2, model="backtest", **{"Forecasts of": run, "Model": "ridge"})
    steps = analyze(LogBook(tmp_path, keep=False), everything=True).steps
    assert all(step.kind == "look" for step in steps), "nothing is left to run"
    assert steps[0].command == there(tmp_path, f"geiger report {traded}")


def test_what_was_tried_on_the_same_prices_is_not_proposed_again(tmp_path: Path) -> None:
    def proposed() -> list[str]:
        steps = analyze(LogBook(tmp_path, keep=False), everything=True).steps
        return [step.command for step in steps if " train " in step.command]

    write(tmp_path, "AAA", 1)
    write(tmp_path, "AAA", 2, model="gbm_lgb", health="OVERDISPERSED")
    assert proposed() == [], "ridge was trained before, and would come out the same"
    write(tmp_path, "AAA", 3, model="gbm_lgb", health="OVERDISPERSED", **{"Data Hash": "of other prices"})
    assert proposed() == [there(tmp_path, "geiger train ridge AAA")]


@pytest.mark.parametrize(
    ("measured", "rests"),
    [
        (
            {"Direction Accuracy": 0.481, "Base Rate": 0.528, "Direction Test p": 0.01},
            "not above the base rate",
        ),
        (
            {"Direction Accuracy": 0.54, "Base Rate": 0.528, "Direction Test p": 0.05},
            "direction test p 0.050",
        ),
        ({"Direction Accuracy": 0.54, "Base Rate": 0.528}, "no direction test"),
        ({"Direction Accuracy": 0.54, "Direction Test p": 0.01}, "no base rate to compare with"),
        ({}, "no direction accuracy"),
    ],
)
def test_a_healthy_run_that_shows_nothing_is_not_good_and_not_ready(
    tmp_path: Path, measured: dict[str, float], rests: str
) -> None:
    write(tmp_path, "AAA", 1, measured=measured)
    analysis = analyze(LogBook(tmp_path, keep=False))
    (log,) = analysis.logs
    assert log.result == "NOTHING SHOWN"
    assert log.sentences[0].text.endswith(f" - NOTHING SHOWN ({rests})")
    assert not log.ready
    assert [step.severity for step in analysis.steps] == ["NEXT"]
    assert (
        log.next
        == analysis.steps[0].command
        == there(tmp_path, f"geiger backtest AAA --run {log.name} --again")
    )
    assert not re.search("good|ready", repr(analysis.steps) + log.conclusion, re.I)


def test_good_says_what_it_rests_on(tmp_path: Path) -> None:
    name = write(tmp_path, "AAA", 1)
    (log,) = analyze(LogBook(tmp_path, keep=False)).logs
    assert log.sentences[0].text.endswith(" - GOOD (direction test p 0.012)")
    lines = (tmp_path / f"{name}.log").read_text().splitlines()
    cited = [lines[e.line - 1] for e in log.sentences[0].evidence if e.line]
    assert cited[-1] == "Direction Test p: 0.012"
    assert log.conclusion == "Ready for backtest. Please run"
    assert log.ready


@pytest.mark.parametrize("code", ["NO_SKILL", "DRIFT_ONLY"])
def test_nothing_found_is_neither_good_nor_a_fault(tmp_path: Path, code: str) -> None:
    write(tmp_path, "AAA", 1, health=f"SHRUNK_OK, {code}")
    (log,) = analyze(LogBook(tmp_path, keep=False)).logs
    assert log.result == "NOTHING SHOWN"
    assert code in log.conclusion


def test_a_fault_is_told_whatever_was_shown(tmp_path: Path) -> None:
    write(tmp_path, "AAA", 1, health="OVERDISPERSED")
    (log,) = analyze(LogBook(tmp_path, keep=False)).logs
    assert log.result == "CAUTION"
    assert log.conclusion == "Ready for backtest, knowing GC204. Please run"


def test_an_accuracy_that_equals_the_base_rate_shows_nothing(tmp_path: Path) -> None:
    write(tmp_path, "AAA", 1, measured={**SHOWN, "Direction Accuracy": 0.53})
    (log,) = analyze(LogBook(tmp_path, keep=False)).logs
    assert (log.result, log.ready) == ("NOTHING SHOWN", False)


def test_a_leak_alarm_is_bad_whatever_was_shown(tmp_path: Path) -> None:
    write(tmp_path, "AAA", 1, "LEAK_SUSPECT")
    (log,) = analyze(LogBook(tmp_path, keep=False)).logs
    assert (log.result, log.ready) == ("BAD", False)


def test_one_answer_everywhere(tmp_path: Path) -> None:
    """The list, one log and a comparison say the same word; a file of two runs is refused by all three."""
    good, other = write(tmp_path, "AAA", 1), write(tmp_path, "BBB", 2, measured={})
    text = (tmp_path / f"{good}.log").read_text()
    (tmp_path / "CCC_ridge_20251229_143003.log").write_text(text + text)
    book = LogBook(tmp_path, keep=False)
    listed = {facts["name"]: facts["result"] or facts["trouble"] for facts in list_facts(book)}
    analyzed = {log.name: log.result or log.trouble for log in analyze(book).logs}
    compared = {run["name"]: run["result"] for run in compare_facts(book, [good, other])["runs"]}
    assert listed == analyzed
    assert {good: "GOOD", other: "NOTHING SHOWN"} == compared == {k: listed[k] for k in (good, other)}
    assert f"the second begins in line {len(text.splitlines()) + 1}" in listed["CCC_ridge_20251229_143003"]
    for ask in (show_facts, lambda book, name: compare_facts(book, [good, name])):
        with pytest.raises(DataError, match="more than one run"):
            ask(book, "CCC_ridge_20251229_143003")


@pytest.mark.parametrize(
    "data", [b"", b"hello\n", b"\x89PNG\r\n\x1a\n\0\0", "Epoch 1: loss=1\n".encode("utf-16")]
)
def test_what_is_no_log_is_not_called_killed(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "AAA_lstm_20240101_000000.log"
    path.write_bytes(data)
    os.utime(path, (1.0, 1.0))
    (log,) = analyze(LogBook(tmp_path, keep=False)).logs
    assert "not a log I can read" in log.conclusion
    assert "kill" not in repr(log)


def test_a_log_of_another_program_without_an_end_is_not_called_killed(tmp_path: Path) -> None:
    path = tmp_path / "AAA_lstm_20240101_000000.log"
    path.write_text("=== TRAINING CONFIG ===\nSymbol: AAA\nModel: lstm\n\n=== EPOCH METRICS ===\n")
    os.utime(path, (1.0, 1.0))
    (log,) = analyze(LogBook(tmp_path, keep=False)).logs
    assert "may have broken off" in log.conclusion
    assert "kill" not in repr(log)


def foreign(folder: Path, name: str, model: str, *figures: str) -> LogAnalysis:
    text = f"=== TRAINING CONFIG ===\nSymbol: AAPL\nModel: {model}\n\n=== FINAL METRICS ===\n"
    text += "\n".join(figures) + "\n\n=== STATUS ===\nSUCCESS\n"
    (folder / f"{name}.log").write_text(text)
    (found,) = analyze(LogBook(folder, keep=False), [name]).logs
    return found


def test_figures_of_no_forecast_are_no_result(tmp_path: Path) -> None:
    found = foreign(tmp_path, "AAPL_lstm_20251229_143022", "lstm", "Training Time: 12.5")
    assert (found.result, [f.code for f in found.findings]) == ("", ["GC106"])
    assert " backtest " not in found.next


def test_a_model_of_another_program_is_not_sent_to_a_backtest(tmp_path: Path) -> None:
    measured = ("Direction Accuracy: 56.0%", "Base Rate: 53.0%", "Direction Test p: 0.012")
    found = foreign(tmp_path, "AAPL_forest_20251229_143022", "forest", *measured)
    assert (found.ready, found.next) == (
        False,
        there(tmp_path, "geiger logs show AAPL_forest_20251229_143022"),
    )


def test_the_name_of_a_log_tells_the_model_where_the_settings_do_not(tmp_path: Path) -> None:
    measured = ("Direction Accuracy: 56.0%", "Base Rate: 53.0%", "Direction Test p: 0.012")
    found = foreign(tmp_path, "AAPL_lstm_20251229_143022", "LSTMTransformerPaper", *measured)
    assert (found.ready, found.next) == (True, there(tmp_path, "geiger backtest AAPL --model lstm"))


def test_success_without_figures_asks_for_nothing_that_assumes_a_result(tmp_path: Path) -> None:
    path = tmp_path / "AAA_lstm_20240101_000000.log"
    path.write_text("=== TRAINING CONFIG ===\nSymbol: AAA\nModel: lstm\n\n=== STATUS ===\nSUCCESS\n")
    analysis = analyze(LogBook(tmp_path, keep=False))
    (log,) = analysis.logs
    assert "Nothing was measured" in log.conclusion
    assert not log.ready
    assert [step.command for step in analysis.steps] == [there(tmp_path, "geiger train lstm AAA")]


def test_the_audit_of_a_run_is_among_its_facts(tmp_path: Path) -> None:
    book, name = LogBook(tmp_path, keep=False), write(tmp_path, "AAA", 1)
    assert show_facts(book, name)["audit"]["color"] == "green"
    add_audit(tmp_path / f"{name}.log", replace(GREEN, color="red", leak="features: own_x"))
    facts = show_facts(book, name)
    assert (facts["audit"]["color"], facts["audit"]["leak"]) == ("red", "features: own_x")
    (log,) = analyze(book).logs
    assert log.sentences[0].text.startswith("Audit: red")
    assert log.findings[0].code == "GC702"


def test_an_audit_that_came_since_makes_a_run_new_again(tmp_path: Path) -> None:
    book, name = LogBook(tmp_path), write(tmp_path, "AAA", 1)
    analyze(book)
    assert analyze(book).logs == ()
    add_audit(tmp_path / f"{name}.log", GREEN)
    assert [log.name for log in analyze(book).logs] == [name]


def test_what_rings_is_audited_before_anything_is_tried() -> None:
    def log(name: str, p: float) -> LogAnalysis:
        audit = f"geiger audit --run {name}"
        findings = (
            Finding("GC304", "WFE", Severity.WARN, "text", (), "cause", f"geiger train lgb {name}"),
            Finding("GC701", "No audit", Severity.NOTE, "text", (), "cause", audit),
        )
        look = f"geiger report {name}"
        return LogAnalysis(name, name, "ridge", "SUCCESS", (), findings, next=look, p=p, level=0.01)

    logs = [log("A_ridge_20251229_143000", 0.4), log("B_ridge_20251229_143000", 0.005)]
    first, *others = next_steps(logs, (), [Brief(one.name, one.symbol) for one in logs])
    assert first.command == "geiger audit --run B_ridge_20251229_143000"
    assert first.reasons[0] == "B_ridge_20251229_143000: rings with p 0.005, and is not audited"
    assert [step.severity for step in others if step.command.startswith("geiger audit")] == ["NOTE"]


def test_the_smallest_p_is_read_again_from_the_text(tmp_path: Path) -> None:
    name = write(tmp_path, "AAA", 1, measured={**SHOWN, "Direction Test p": 1e-9})
    (tmp_path / f"{name}.jsonl").unlink()
    assert show_facts(LogBook(tmp_path, keep=False), name)["unread"] == []
