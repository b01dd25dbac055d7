from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from geiger.analysis.logbook import INDEX
from geiger.errors import DataError
from geiger.records import Notice, Status
from geiger.runlog import RunLogWriter
from geiger.service.served import ServedLogs

NAME = "AAPL_ridge_20250101_000000"


def write(folder: Path, warning: str = "one") -> Path:
    with RunLogWriter(folder, "AAPL", "ridge", now=dt.datetime(2025, 1, 1)) as log:
        log.warn(Notice("CODE", warning))
        log.finish(Status.SUCCESS)
    assert log.path is not None
    return log.path


def test_only_names_of_runs_are_served_and_nothing_is_written(tmp_path: Path) -> None:
    path = write(tmp_path)
    (tmp_path / "notes of mine.log").write_text(path.read_text())
    there = sorted(tmp_path.iterdir())
    served = ServedLogs(tmp_path)
    assert list(served.names()) == [NAME]
    assert served.log(NAME).status is Status.SUCCESS
    assert sorted(tmp_path.iterdir()) == there
    assert not (tmp_path / INDEX).exists()


def test_a_log_is_read_again_when_one_of_its_files_changes(tmp_path: Path) -> None:
    path = write(tmp_path)
    served = ServedLogs(tmp_path)
    first = served.log(NAME)
    assert served.log(NAME) is first
    for file in (path, path.with_suffix(".jsonl")):
        file.write_text(file.read_text().replace("one", "another"))
    assert [notice.text for notice in served.log(NAME).warnings] == ["another"]
    assert first.warnings[0].text == "one"


def test_a_log_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError):
        ServedLogs(tmp_path).log(NAME)
