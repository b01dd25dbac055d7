"""Whoever keeps the register's head: every run's record, and every log."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from geiger.codec import plain
from geiger.errors import DataError
from geiger.experiment.tried import log_heads, register_of
from geiger.runlog.wording import register_line
from geiger.runs.folder import RunsFolder
from helpers.trials import ROWS, trial, values


def test_a_record_that_names_a_head_notices_a_register_begun_anew(tmp_path: Path) -> None:
    runs = RunsFolder(tmp_path / "runs")
    head = register_of(runs).add(trial(), values(0), values(1, ROWS)).head
    run = tmp_path / "runs" / "AAPL_ridge_20240105_143022"
    run.mkdir()
    (run / "run.json").write_text(json.dumps({"verdict": {"tries": {"head": plain(head)}}}))
    assert register_of(runs).verify().heads == 2  # the record's, and the one beside the chain
    shutil.rmtree(runs.trials)
    with pytest.raises(DataError, match=r"0 entries where 1 were known by .*143022/run\.json"):
        register_of(runs).add(trial(), values(0), values(1, ROWS))


def test_a_log_names_the_head_whatever_stands_before_its_lines(tmp_path: Path) -> None:
    head = register_of(RunsFolder(tmp_path)).add(trial(), values(0)).head
    (tmp_path / "a.log").write_text(f"VERDICT\nnot evaluated\n{register_line(head)}\n")
    (tmp_path / "b.log").write_text(f"2024-01-05 INFO {register_line(head)}\r\n")
    (tmp_path / "c.log").write_text(f"{register_line(None, 'full')}\n")
    (tmp_path / "d.log").write_bytes(b"Register: \xff\xfe trials")
    (tmp_path / "e.log").mkdir()
    found = list(log_heads(tmp_path))
    assert [(one.length, one.hash, Path(one.where).name) for one in found] == [
        (1, head.hash, "a.log"),
        (1, head.hash, "b.log"),
    ]
    assert list(log_heads(tmp_path / "nowhere")) == []
