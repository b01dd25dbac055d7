from __future__ import annotations

from pathlib import Path

import pytest

from geiger.checks.base import Finding, Severity
from geiger.command_line import Folders
from geiger.errors import DataError
from geiger.report.failed import LAST_LINES, failed_of, last_lines
from geiger.report.failed_page import failed_page
from helpers.pages import HOSTILE, Read

NAME = "AAPL_lstm_20240105_143022"
CONFIG = "=== TRAINING CONFIG ===\nSymbol: AAPL\nModel: lstm\n\n"
FAILED = (
    "=== WARNINGS ===\nDATA_OLD: the last bar is old\nTRAINING_FAILED: the disk is full\n\n"
    "=== STATUS ===\nFAILED\n"
)
MISSING = "runs/AAPL: no finished run there"


def log_of(folder: Path, text: str) -> Path:
    path = folder / f"{NAME}.log"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_failed_run_says_why_first(tmp_path: Path, read: Read) -> None:
    finding = Finding("GC103", "It failed", Severity.FAIL, "x", (), "the disk", "geiger train lstm AAPL")
    log = log_of(tmp_path, CONFIG + FAILED)
    text = failed_page(failed_of(log, MISSING, (finding,)))
    page = read(text)
    first = page.by_id("verdict")
    assert first.all("h2")[0].words() == "FAILED"
    assert "is-alarm" in first.attributes["class"]
    assert "TRAINING_FAILED the disk is full." in first.words()
    assert MISSING in first.words()
    assert "DATA_OLD" not in first.words()
    assert "DATA_OLD the last bar is old" in page.by_id("warnings").words()
    assert "=== STATUS ===" in page.by_id("lines").words()
    assert "\\===" not in text
    assert first.all("code")[0].words() == "geiger train lstm AAPL"
    assert page.by_id("lines").words().endswith("FAILED")
    ids = [section.attributes["id"] for section in page.all("section")]
    assert ids == ["verdict", "lines", "findings", "warnings", "settings", "glossary"]
    assert "Sharpe" not in first.words()


@pytest.mark.parametrize(
    ("end", "status", "sentence"),
    [
        ("", "NO STATUS", "killed, or it still goes on"),
        ("=== STATUS ===\nCOLLAPSED\n", "COLLAPSED", "The log says COLLAPSED"),
    ],
)
def test_what_has_no_end_is_not_called_failed(end: str, status: str, sentence: str, tmp_path: Path) -> None:
    view = failed_of(log_of(tmp_path, CONFIG + end), MISSING, folders=Folders(logs="my logs"))
    assert view.status == status
    assert sentence in view.sentence
    assert view.next == f"geiger logs analyze {NAME} --log-dir 'my logs'"
    assert view.symbol == "AAPL"


def test_the_last_lines_have_their_numbers(tmp_path: Path) -> None:
    log = log_of(tmp_path, "\n".join(f"line {i}" for i in range(1, 100_001)))
    lines = last_lines(log)
    assert len(lines) == LAST_LINES
    assert lines[0] == (100_001 - LAST_LINES, f"line {100_001 - LAST_LINES}")
    assert lines[-1] == (100_000, "line 100000")


def test_a_log_that_is_gone_is_said_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"x\.log: cannot be read"):
        last_lines(tmp_path / "x.log")


def test_hostile_lines_stay_texts(tmp_path: Path, read: Read) -> None:
    line = HOSTILE.partition("\n")[0]
    log = log_of(tmp_path, f"{CONFIG}{line}\n\n=== WARNINGS ===\nX: {line}\n")
    text = failed_page(failed_of(log, HOSTILE))
    page = read(text)
    assert "img" not in {node.name for node in page.everything()}
    assert len(page.all("script")) == 2
    assert "\u202e" not in text
    assert "alert(1)" in page.by_id("lines").words()
