"""Logs as they come from terminals, loggers and collectors: the same facts on the same lines."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import pytest

from geiger.errors import DataError
from geiger.runlog import read_log, read_text
from geiger.runlog.lines import LONGEST, decoded, numbered
from geiger.runlog.reader import parse_text

LOG = """\
=== TRAINING CONFIG ===
Symbol: AAPL
Model: lstm

=== EPOCH METRICS ===
Epoch 1: loss=0.0234, val_loss=0.0289, pred_std=0.0512, pos_pct=48.2%

=== FINAL METRICS ===
Direction Accuracy: 54.2%
Prediction Std: 0.0423
Positive %: 52.1%
WFE: 62.3%
Test Sharpe: -0.87

=== SCORECARD ===
Figure  strategy  better
sharpe     -0.87  higher

Note: Health: SHRUNK_OK: the spread fits.

=== WARNINGS ===
CLOSED: no coffee
DATA_GAPS: caf\u00e9 days are missing

=== STATUS ===
SUCCESS
"""
PLAIN = parse_text(LOG)


def put_before(prefix: Callable[[int], str]) -> str:
    """Return the log with something before each line, by its number."""
    return "".join(f"{prefix(n)}{line}\n" for n, line in enumerate(LOG.splitlines()))


def level(n: int) -> str:
    return "WARNING" if n % 4 == 3 else "INFO"


PREFIXES: dict[str, Callable[[int], str]] = {
    "logging": lambda n: f"2024-01-01 12:00:{n:02d},{100 + n} {level(n)} ",
    "logging with names": lambda n: f"2024-01-01 12:00:{n:02d},{100 + n} - lab.train - {level(n)} - ",
    "basicConfig": lambda n: f"{level(n)}:root:",
    "level only": lambda n: f"[{level(n)}] ",
    "clock": lambda n: f"[12:00:{n:02d}] ",
    "collector": lambda n: f"2024-01-01T12:00:{n:02d}.{n:09d}Z ",
    "collector with pods": lambda n: f"[pod/train-7f9c/main] 2024-01-01T12:00:{n:02d}.{n:09d}Z ",
    "service": lambda n: "trainer-1  | ",
    "journal": lambda n: f"Jan  1 12:00:{n:02d} my-host python[{4000 + n}]: ",
    "journal, ISO": lambda n: f"2024-01-01T12:00:{n:02d}+0100 my-host python[4000]: ",
    "functions": lambda n: f"2024-01-01 12:00:{n:02d}.{n:03d} | {level(n):8} | lab:{'fg'[n % 2]}:{40 + n} - ",
    "kernel": lambda n: f"[{95.5 + 7 * n:10.3f}] ",
    "glog": lambda n: f"{level(n)[0]}0101 12:00:{n:02d}.{n:06d} 1234 train.py:{90 + n}] ",
    "half days": lambda n: f"01/02/2024 {n % 12 + 1}:00:00 {'AP'[n // 12 % 2]}M\t",
    "workers": lambda n: f"(train pid={900 + n}, ip=10.0.0.{n}) ",
}


@pytest.mark.parametrize("prefix", PREFIXES.values(), ids=PREFIXES)
@pytest.mark.parametrize("spaces_kept", [True, False])
def test_what_a_logger_puts_before_each_line(prefix: Callable[[int], str], spaces_kept: bool) -> None:
    text = put_before(prefix)
    if not spaces_kept:
        text = "".join(f"{line.rstrip()}\n" for line in text.splitlines())
    log = parse_text(text)
    assert log == PLAIN
    assert log.lines == PLAIN.lines
    assert log.unread == PLAIN.unread


def test_only_the_first_line_of_a_record_may_have_it() -> None:
    records = "".join(f"2024-01-01 12:00:00,123 INFO {part}\n\n" for part in LOG.split("\n\n"))
    assert parse_text(records) == PLAIN


def test_words_before_a_heading_do_not_hide_figures() -> None:
    """A prefix without a number is taken off word by word: ``WFE: `` looks like ``root: ``."""
    headings = "".join(
        f"root: {line}\n" if line.startswith("===") else f"{line}\n" for line in LOG.splitlines()
    )
    assert parse_text(headings) == PLAIN


def test_a_heading_inside_a_line_of_ours_is_none() -> None:
    text = LOG.replace("no coffee", "no coffee === STATUS ===")
    assert parse_text(text).status is PLAIN.status
    assert parse_text(text).lines == PLAIN.lines


def test_no_line_takes_long() -> None:
    """Patterns that give back what they took would take hours here."""
    prefix = " ".join(["1a"] * 90) + " "
    text = f"{prefix}=== EPOCH METRICS ===\n" + ("1" * 900 + " ") * 200 + "\n"
    assert parse_text(text).lines == {"EPOCH METRICS": 1}


ENCODINGS = {
    **{
        name: lambda text, name=name: text.encode(name) for name in ("utf-8", "utf-8-sig", "utf-16", "utf-32")
    },
    "utf-16-le": lambda text: text.encode("utf-16-le"),
    "utf-16-be": lambda text: text.encode("utf-16-be"),
    "utf-16-be, marked": lambda text: b"\xfe\xff" + text.encode("utf-16-be"),
    "cp1252": lambda text: text.encode("cp1252"),
}


@pytest.mark.parametrize("encode", ENCODINGS.values(), ids=ENCODINGS)
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_encodings(tmp_path: Path, encode: Callable[[str], bytes], end: str) -> None:
    path = tmp_path / "x.log"
    path.write_bytes(encode(LOG.replace("\n", end)))
    log = read_text(path)
    assert log == PLAIN
    assert (log.lines, log.unread) == (PLAIN.lines, PLAIN.unread)


@pytest.mark.parametrize(
    "code", ["\x1b[1;33m", "\x1b[38;5;12m", "\x1b[K", "\x1b]0;training\x07", "\x1b(B", "\ufeff"]
)
def test_colours(code: str) -> None:
    assert parse_text("".join(f"{code}{line}\x1b[0m\n" for line in LOG.splitlines())) == PLAIN


@pytest.mark.parametrize("back", ["\r", "\x08" * 30, "\r\x1b[2K"])
def test_progress_bars_share_the_line_that_they_overwrite(back: str) -> None:
    """``sed -n 6p`` shows the epoch, however often a bar was drawn before it."""
    bar = back.join(f"{n}%|###   | {n}/50" for n in range(0, 100, 7)) + back
    log = parse_text(LOG.replace("Epoch 1", f"{bar}Epoch 1"))
    assert log == PLAIN
    assert log.lines == PLAIN.lines


def test_a_line_without_end_is_cut() -> None:
    (number, line), *_ = numbered("x" * (LONGEST + 1))
    assert (number, len(line)) == (1, 1)


DECIMAL = LOG.replace("54.2%", "54,2%").replace("0.0423", "0,0423").replace("-0.87\n", "-0,87\n")


def test_decimal_commas_are_read_where_they_can_be_nothing_else() -> None:
    log = parse_text(DECIMAL.replace("0.0234", "0,0234").replace("48.2%", "48,2%").replace("62.3%", "62,3 %"))
    assert log.figures == PLAIN.figures
    assert log.epochs == PLAIN.epochs
    assert parse_text(DECIMAL.replace("62.3%", "1,234")).lines.keys() == PLAIN.lines.keys() - {
        "FINAL METRICS/WFE"
    }
    assert 12 in parse_text(DECIMAL.replace("62.3%", "1,234")).unread, "1.234, or 1234"
    assert 6 in parse_text(LOG.replace("0.0234", "1,234")).unread


@pytest.mark.parametrize(
    ("text", "second"),
    [
        (LOG + LOG, 27),
        (LOG + LOG[LOG.index("=== EPOCH") :], 27),
        (LOG + LOG[: LOG.index("=== FINAL")], 27),
        (LOG[: LOG.index("=== FINAL")] + LOG, 8),
        (LOG[LOG.index("=== FINAL") :] * 2, 20),
        (put_before(PREFIXES["logging"]) * 2, 27),
    ],
)
def test_two_runs_in_one_file_are_refused(tmp_path: Path, text: str, second: int) -> None:
    path = tmp_path / "x.log"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(
        DataError, match=f"more than one run, the second begins in line {second}; cut the file"
    ):
        read_log(path)


def test_epochs_of_several_folds_are_one_run(tmp_path: Path) -> None:
    path = tmp_path / "x.log"
    epochs = LOG[LOG.index("=== EPOCH") : LOG.index("=== FINAL")]
    path.write_text(LOG.replace(epochs, epochs + epochs.replace("Epoch 1", "Epoch 2")), encoding="utf-8")
    assert [epoch.epoch for epoch in read_log(path).epochs] == [1, 2]


def test_events_of_two_runs_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.log"
    path.write_text(LOG, encoding="utf-8")
    begin = '{"schema": 1, "event": "config", "settings": []}\n'
    end = '{"schema": 1, "event": "status", "status": "FAILED"}\n'
    path.with_suffix(".jsonl").write_text((begin + end) * 2)
    with pytest.raises(DataError, match=r"x.jsonl holds more than one run, the second begins in line 3"):
        read_log(path)


def test_any_bytes_become_lines() -> None:
    rng = random.Random(5)
    for encoding in ("utf-8", "utf-16", "cp1252"):
        for _ in range(60):
            data = bytearray(LOG.encode(encoding))
            for _ in range(20):
                data[rng.randrange(len(data))] = rng.randrange(256)
            log = parse_text(decoded(bytes(data[: rng.randrange(len(data))])))
            assert all(0 < line <= 30 for line in log.lines.values())
