"""The reader: round trips, the plan's own logs, half-written, foreign and hostile ones."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geiger.errors import DataError
from geiger.records import (
    Epoch,
    Figure,
    Notice,
    Status,
)
from geiger.runlog import RunLog, RunLogWriter, read_events, read_log, read_text, reader, render
from geiger.runlog.reader import parse_events, parse_text
from helpers.logs import logs, steady

PLAN_ONLY = """\
=== TRAINING CONFIG ===
Symbol: AAPL
Model: lstm_regressor
Epochs: 50
Batch Size: 512
Learning Rate: 1e-3
Features: 154

=== EPOCH METRICS ===
Epoch 1: loss=0.0234, val_loss=0.0289, pred_std=0.0512, pos_pct=48.2%
Epoch 2: loss=0.0198, val_loss=0.0267, pred_std=0.0498, pos_pct=51.3%
...

=== FINAL METRICS ===
Direction Accuracy: 54.2%
Prediction Std: 0.0423
Positive %: 52.1%
WFE: 62.3%
Test Sharpe: 0.87

=== WARNINGS ===
- the forecasts are one-sided

=== STATUS ===
SUCCESS
"""


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_a_log_that_has_only_the_plans_sections(end: str) -> None:
    log = parse_text(PLAN_ONLY.replace("\n", end))
    assert log.schema == 0
    assert log.config[0] == ("Symbol", "AAPL")
    assert log.config[-1] == ("Features", "154")
    assert log.epochs[1] == Epoch(2, 0.0198, 0.0267, 0.0498, 51.3)
    assert [(f.name, f.value) for f in log.figures] == [
        ("Direction Accuracy", 0.542),
        ("Prediction Std", 0.0423),
        ("Positive %", 0.521),
        ("WFE", 0.623),
        ("Test Sharpe", 0.87),
    ]
    assert log.warnings == (Notice("UNCODED", "the forecasts are one-sided"),)
    assert log.status is Status.SUCCESS
    assert log.checkpoints == ()
    assert log.verdict == ("not evaluated",)
    assert log.audit is None
    assert log.unread == (12,)  # the dots


def test_each_fact_has_its_line() -> None:
    lines = parse_text(PLAN_ONLY).lines
    source = PLAN_ONLY.splitlines()
    for key, start in {
        "TRAINING CONFIG": "=== TRAINING CONFIG",
        "TRAINING CONFIG/Batch Size": "Batch Size:",
        "EPOCH METRICS/2": "Epoch 2:",
        "FINAL METRICS/WFE": "WFE:",
        "WARNINGS/UNCODED": "- the forecasts",
        "STATUS/SUCCESS": "SUCCESS",
    }.items():
        assert source[lines[key] - 1].startswith(start)


def test_the_last_word_may_lack_its_line_end() -> None:
    assert parse_text(PLAN_ONLY.rstrip("\n")).status is Status.SUCCESS
    cut = parse_text(PLAN_ONLY[:-3])
    assert cut.status is None
    assert cut.unread[-1] == len(PLAN_ONLY.splitlines())


def test_a_line_cut_by_a_kill_is_no_fact() -> None:
    cut = parse_text(PLAN_ONLY[: PLAN_ONLY.index("val_loss=0.0267")])
    assert [epoch.epoch for epoch in cut.epochs] == [1]
    assert cut.unread == (11,)
    assert cut.status is None


@pytest.mark.parametrize("length", range(0, len(PLAN_ONLY), 7))
def test_a_log_cut_anywhere_is_read(length: int) -> None:
    whole, cut = parse_text(PLAN_ONLY), parse_text(PLAN_ONLY[:length])
    assert cut.config == whole.config[: len(cut.config)]
    assert cut.epochs == whole.epochs[: len(cut.epochs)]
    assert cut.figures == whole.figures[: len(cut.figures)]


def test_foreign_lines_and_sections_are_passed_over_and_counted() -> None:
    text = PLAN_ONLY.replace(
        "=== WARNINGS", "Epoch: soon\nhello\n\n=== GPU ===\ntemperature 71\n\n=== WARNINGS"
    )
    log = parse_text("Starting...\n" + text)
    assert log.status is Status.SUCCESS
    assert len(log.figures) == 5
    assert len(log.unread) == 6


@pytest.mark.parametrize("word", ["None", "[None]", "none", "[]"])
def test_no_warnings(word: str) -> None:
    text = PLAN_ONLY.replace("- the forecasts are one-sided", word)
    assert parse_text(text).warnings == ()


@pytest.mark.parametrize("word", ["undefined", "n/a", "N/A", "nan"])
def test_undefined_figures(word: str) -> None:
    log = parse_text(PLAN_ONLY.replace("62.3%", word))
    assert log.figures[3] == Figure("WFE", None, "share")


@pytest.mark.parametrize(
    ("shown", "value"),
    [
        ("54,2\u00a0%", 0.542),  # as French and Swiss systems print it
        ("54.2\u202f%", 0.542),
        ("0.542", 0.542),
        ("54.2", None),  # per cent without the sign, or a fraction above 1
        ("142.0%", None),
        ("-5.0%", None),
        ("5.4e1%", None),
    ],
)
def test_a_share_is_read_where_it_can_be_one(shown: str, value: float | None) -> None:
    log = parse_text(PLAN_ONLY.replace("Direction Accuracy: 54.2%", f"Direction Accuracy: {shown}"))
    found = [figure.value for figure in log.figures if figure.name == "Direction Accuracy"]
    assert found == ([] if value is None else [pytest.approx(value)])
    assert (15 in log.unread) == (value is None)


@pytest.mark.parametrize(
    ("line", "name", "value"),
    [
        ("Prediction Std: 4.2e-05", "Prediction Std", 4.2e-05),  # as Python prints a collapse
        ("Prediction Std: 1E-4", "Prediction Std", 1e-4),
        ("Prediction Std: -0.1", "Prediction Std", None),
        ("Test Sharpe: \u22120.87", "Test Sharpe", -0.87),
        ("WFE: 162.3%", "WFE", 1.623),
        ("WFE: 62.3", "WFE", None),
        ("Direction Test p: -1.000", "Direction Test p", None),
        ("Base Rate: 142.0%", "Base Rate", None),
    ],
)
def test_figures_of_other_hands(line: str, name: str, value: float | None) -> None:
    text = PLAN_ONLY[: PLAN_ONLY.index("Direction Accuracy")] + line + "\n\n=== STATUS ===\nSUCCESS\n"
    log = parse_text(text)
    assert [(f.name, f.value) for f in log.figures] == ([] if value is None else [(name, value)])
    assert (15 in log.unread) == (value is None)


HOSTILE = [
    b"",
    b"\x00\xff\xfe" * 100,
    b"=== EPOCH METRICS ===\nEpoch 99999999999999999999: loss=1\nEpoch 1: loss=__import__, val_loss=1e999\n",
    b"=== FINAL METRICS ===\nWFE: 9e99%\n: \nx: 1.2.3\nWFE: -\n",
    b"=== CHECKPOINTS ===\n999999999999. a: PASS (x)\n1. a: MAYBE (x)\n",
    b"=== SCORECARD ===\nLadder  value\nx  1\nYear  rows\n2001  3\nFigure  better\nx  sideways\nFigure\n",
    b"=== SCORECARD ===\nYear  rows  strategy  buy and hold  max drawdown  turnover\na  b  c  d  e  f\n",
    b"=== STATUS ===\nWONDERFUL\n",
    b"=== TRAINING CONFIG ===\nLog Format: x\n:::\n=== === ===\n",
]


@pytest.mark.parametrize("data", HOSTILE)
def test_hostile_text_is_read_without_a_crash(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "x.log"
    path.write_bytes(data)
    log = read_log(path)
    assert log.status is None
    assert log.figures == ()
    assert render(log)


@steady
@given(st.binary(max_size=300), st.lists(st.sampled_from(PLAN_ONLY.splitlines()), max_size=12))
def test_any_bytes_are_read(data: bytes, lines: list[str]) -> None:
    text = "\n".join(lines) + "\n" + data.decode("utf-8", errors="replace")
    assert isinstance(parse_text(text), RunLog)
    assert isinstance(parse_events(text), RunLog)


def test_a_log_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="there is no file"):
        read_log(tmp_path / "no.log")
    with pytest.raises(DataError, match="cannot open"):
        read_log(tmp_path)
    with pytest.raises(DataError, match="cannot open"):
        read_text("a\0b")


def test_the_exact_facts_come_from_the_events_and_the_rest_from_the_text(tmp_path: Path) -> None:
    path = tmp_path / "x.log"
    path.write_text(PLAN_ONLY)
    path.with_suffix(".jsonl").write_text(
        '{"schema": 1, "event": "figure", "name": "WFE", "value": 0.62345, "unit": "share", "n": 7}\n'
    )
    log = read_log(path)
    assert log.figures == (Figure("WFE", 0.62345, "share", n=7),)
    assert log.status is Status.SUCCESS
    assert log.lines["FINAL METRICS/WFE"] == 18
    assert read_text(path).figures[3].value == 0.623


@pytest.mark.parametrize("word", ["SUCCESS", "success", "Collapsed"])
def test_a_status_is_read_in_any_case(word: str) -> None:
    log = parse_text(f"=== STATUS ===\n{word}")
    assert log.status is Status(word.upper())
    assert log.lines[f"STATUS/{word.upper()}"] == 2


def test_every_event_that_can_be_cited_has_its_line() -> None:
    lines = [
        '{"schema": 1, "event": "config", "settings": []}',
        '{"schema": 1, "event": "epoch", "epoch": 3, "loss": 1, "val_loss": 1, "pred_std": 0, "pos_pct": 50, '
        '"fold": 2, "seed": 1}',
        '{"schema": 1, "event": "epoch", "epoch": "three"}',
        '{"schema": 1, "event": "fold_score", "fold": 4, "first": "2001-01-02", "last": "2001-02-02", '
        '"rows": 9, "rho": null, "k": 0.1, "above_mean": null, "accuracy": null, "net": null, '
        '"buy_and_hold": null}',
        '{"schema": 1, "event": "audit", "color": "green", "stages": 13, "cuts": 8, "day": "2026-11-29"}',
        '{"schema": 1, "event": "audit", "color": "grey", "stages": 13, "cuts": 8, "day": "2026-11-29"}',
    ]
    log = parse_events("\n".join(lines) + "\n")
    assert log.event_lines == {"epoch/2/1/3": 2, "fold_score/4": 4, "audit": 5}
    assert log.unread == (3, 6)


@steady
@given(logs)
def test_what_the_writer_wrote_is_what_the_reader_reads(tmp_path: Path, log: RunLog) -> None:
    with RunLogWriter(tmp_path, "AAPL", "lstm", now=datetime(2025, 12, 29)) as writer:
        writer.config(log.config)
        for epoch in log.epochs:
            writer.epoch(epoch)
        for fold in log.folds:
            writer.fold(fold)
        for training in log.trainings:
            writer.training(training)
        for notice in log.warnings:
            writer.warn(notice)
        writer.finish(
            log.status or Status.FAILED,
            figures=log.figures,
            checkpoints=log.checkpoints,
            scorecard=log.scorecard,
            verdict=log.judged,
            audit=log.audit,
        )
    assert writer.path is not None
    assert writer.events_path is not None
    assert repr(replace(read_log(writer.path), lines={}, event_lines={})) == repr(log)
    assert repr(replace(read_events(writer.events_path), event_lines={})) == repr(log)
    assert writer.path.read_text(encoding="utf-8") == render(log)
    writer.path.unlink()
    writer.events_path.unlink()


KINDS = ("config", "epoch", "figure", "score", "rung", "year", "fold_score")
CELLS = st.sampled_from(
    [
        "54.7%",
        "-1.5",
        "+3.0 pp",
        "8 bp",
        "undefined",
        "-",
        "1,234",
        "0,5",
        "nan",
        "1e5",
        "> 1.00",
        "none",
        "higher",
        "inf",
        "",
        "x",
        "5 %",
        "\u22121",
        "--1",
        "1.",
        ".5",
        "\t",
        "loss=",
        "Epoch 1: ",
        "=== SCORECARD ===",
        ":",
    ]
)


@steady
@given(logs, st.data())
def test_what_somebody_else_told_changes_no_place(log: RunLog, data: st.DataObject) -> None:
    lines = render(log).split("\n")
    for _ in range(data.draw(st.integers(0, 3))):
        at = data.draw(st.integers(0, len(lines) - 1))
        cut = re.split(r"( {2,}|: |=)", lines[at])
        cut[data.draw(st.integers(0, len(cut) - 1))] = data.draw(CELLS)
        lines[at] = "".join(cut)
    text = "\n".join(lines)
    told = data.draw(st.sets(st.sampled_from(KINDS)))
    whole, places = parse_text(text), parse_text(text, told)
    assert (places.lines, places.unread, places.second_run) == (whole.lines, whole.unread, whole.second_run)
    assert (places.status, places.verdict, places.warnings) == (whole.status, whole.verdict, whole.warnings)


def test_rows_whose_values_are_told_are_not_taken_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    text = (
        "=== TRAINING CONFIG ===\nLog Format: 1\n\n=== SCORECARD ===\nFigure  strategy  held  better\n"
        "sharpe  1.69  undefined  higher\nodd  1,69  -  higher\n\nYear  rows  strategy  buy and hold  "
        "max drawdown  turnover\n2020  100  14.18%  19.22%  10.4%  10.07\n\n=== STATUS ===\nSUCCESS\n"
    )
    asked: list[str] = []
    whole = parse_text(text)
    real = reader._quantity
    monkeypatch.setattr(
        reader, "_quantity", lambda shown, unit=None: (asked.append(shown), real(shown, unit))[1]
    )
    assert parse_text(text, KINDS).lines == whole.lines
    assert asked == ["1,69", "1,69"]


def test_what_is_wrong_with_the_text_is_said_before_what_is_wrong_with_the_events(tmp_path: Path) -> None:
    path = tmp_path / "A_lstm_20250101_000000.log"
    path.write_text("=== TRAINING CONFIG ===\nLog Format: 99\n")
    path.with_suffix(".jsonl").write_text('{"schema": 98, "event": "status", "status": "FAILED"}\n')
    with pytest.raises(DataError, match="written in format 99"):
        read_log(path)
    path.write_text("=== TRAINING CONFIG ===\nLog Format: 1\n")
    with pytest.raises(DataError, match="written in format 98"):
        read_log(path)
