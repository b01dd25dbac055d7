from __future__ import annotations

from pathlib import Path

import pytest

from geiger.errors import DataError
from geiger.records import (
    Notice,
)
from geiger.runlog.reader import parse_events, parse_text


def test_events_without_a_version_are_lifted() -> None:
    log = parse_events('{"event": "warning", "text": "old"}\n')
    assert (log.schema, log.warnings) == (0, (Notice("UNCODED", "old"),))


def test_a_newer_format_is_refused_in_words(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="format 2, this version reads up to 1; upgrade"):
        parse_events('{"schema": 2, "event": "status", "status": "FAILED"}\n')
    with pytest.raises(DataError, match="upgrade geiger-lab"):
        parse_text("=== TRAINING CONFIG ===\nSymbol: A\nLog Format: 2\n\n")
