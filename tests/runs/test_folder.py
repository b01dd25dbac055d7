"""The run folder: complete or absent, and read back without running anything."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from geiger.errors import DataError, SettingError
from geiger.records import AuditSummary
from geiger.runs.folder import RunsFolder
from geiger.runs.record import LedgerHead, RunRecord, write_record
from helpers.verdicts import VERDICT


def test_a_folder_without_run_json_is_no_run(tmp_path: Path) -> None:
    runs = RunsFolder(tmp_path)
    (tmp_path / "AAPL_gbm_xgb_20240105_143022").mkdir()
    assert runs.all() == []
    with pytest.raises(DataError, match="no finished run"):
        runs.load("AAPL_gbm_xgb_20240105_143022")


@pytest.mark.parametrize("name", ["../AAPL_ridge_20240105_143022", "/etc/passwd", "..", ""])
def test_a_run_name_cannot_leave_the_folder(tmp_path: Path, name: str) -> None:
    with pytest.raises(DataError, match="no run name"):
        RunsFolder(tmp_path).load(name)


def test_the_newest_run_with_a_key_is_found(tmp_path: Path, made_record: Callable[..., RunRecord]) -> None:
    runs = RunsFolder(tmp_path)
    for second, when in enumerate(("2024-01-05T14:30:20", "2024-01-05T14:30:22", "2024-01-05T14:30:21")):
        name = f"AAPL_ridge_20240105_14302{second}"
        runs.save(made_record(name=name, forecast_key="k", finished_at=when), {})
    other = made_record(name="MSFT_ridge_20240105_143029", forecast_key="other", finished_at="2025")
    runs.save(other, {})
    found = runs.find("k")
    assert found is not None
    assert found.name == "AAPL_ridge_20240105_143021"
    assert runs.find("none") is None


def test_a_run_may_be_called_by_the_beginning_of_its_name(
    tmp_path: Path, made_record: Callable[..., RunRecord]
) -> None:
    runs = RunsFolder(tmp_path)
    names = ("AAPL_ridge_20240105_143020", "AAPL_ridge_20240106_143020", "MSFT_ridge_20240107_143020")
    for day, name in enumerate(names):
        runs.save(made_record(name=name, finished_at=f"2024-01-0{5 + day}T14:30:20"), {})
    assert runs.named(names[0]).name == names[0]
    assert runs.named("AAPL").name == names[1]
    for text in ("", "AAPL_lgb", "../AAPL", "/etc"):
        with pytest.raises(DataError, match="is called"):
            runs.named(text)


def test_a_verdict_changes_nothing_else_in_the_record(
    tmp_path: Path, made_record: Callable[..., RunRecord]
) -> None:
    runs = RunsFolder(tmp_path)
    stored = runs.load(runs.save(made_record(), {}).name)
    stored.note_audit(AuditSummary(color="green", stages=13, cuts=8, day="2026-11-29"))
    stored.note_verdict(VERDICT)  # of a record that was read before the audit was noted
    now = runs.load(stored.name).record
    assert now.audit is not None
    assert now == replace(stored.record, audit=now.audit, verdict=VERDICT)


def test_a_name_that_is_taken_becomes_the_next_free_second(
    tmp_path: Path, made_record: Callable[..., RunRecord]
) -> None:
    runs = RunsFolder(tmp_path)
    first, second = (runs.save(made_record(name="AAPL_ridge_20240105_143059"), {}) for _ in range(2))
    assert (first.name, second.name) == ("AAPL_ridge_20240105_143059", "AAPL_ridge_20240105_143100")
    assert runs.load(second.name).record.name == second.name


def test_settings_of_another_version_are_refused(
    tmp_path: Path, made_record: Callable[..., RunRecord]
) -> None:
    runs = RunsFolder(tmp_path)
    folder = runs.save(made_record(config={"no such setting": 1}), {})
    with pytest.raises(DataError, match=r"run\.json: .*made by another version of geiger\?"):
        runs.load(folder.name).config()


AUDIT = AuditSummary(color="green", stages=13, cuts=8, day="2026-11-29")
NAME = "AAPL_ridge_20240105_143022"


def test_an_audit_changes_nothing_else_in_the_record(
    tmp_path: Path, made_record: Callable[..., RunRecord]
) -> None:
    runs = RunsFolder(tmp_path)
    runs.save(made_record(forecast_key="k", model_hash="m"), {})
    early = runs.load(NAME)
    write_record(early.folder, replace(early.record, forecast_ledger=LedgerHead(3, "h")))  # meanwhile
    early.note_audit(AUDIT)
    now = runs.load(NAME).record
    assert now == replace(early.record, forecast_ledger=LedgerHead(3, "h"), audit=AUDIT)
    assert [path.name for path in early.folder.iterdir()] == ["run.json"]


def test_whoever_reads_while_an_audit_is_noted_sees_the_old_record_or_the_new_one(
    tmp_path: Path, made_record: Callable[..., RunRecord], monkeypatch: pytest.MonkeyPatch
) -> None:
    runs, seen = RunsFolder(tmp_path), []
    runs.save(made_record(), {})
    swap = os.replace

    def looked_at(*names: Any) -> None:
        seen.append(runs.load(NAME).record.audit)
        swap(*names)
        seen.append(runs.load(NAME).record.audit)

    monkeypatch.setattr("geiger.files.os.replace", looked_at)
    runs.load(NAME).note_audit(AUDIT)
    assert seen == [None, AUDIT]


def test_a_backtest_takes_no_audit(tmp_path: Path, made_record: Callable[..., RunRecord]) -> None:
    runs, name = RunsFolder(tmp_path), "AAPL_backtest_20240105_143023"
    runs.save(made_record(name=name, kind="backtest", forecasts_of=NAME), {})
    before = (tmp_path / name / "run.json").read_bytes()
    with pytest.raises(SettingError, match=f"takes no audit of its own; audit {NAME}"):
        runs.load(name).note_audit(AUDIT)
    assert (tmp_path / name / "run.json").read_bytes() == before


def test_an_audit_of_a_run_that_went_is_said(tmp_path: Path, made_record: Callable[..., RunRecord]) -> None:
    runs = RunsFolder(tmp_path)
    folder = runs.save(made_record(), {})
    stored = runs.load(NAME)
    (folder / "run.json").unlink()
    with pytest.raises(DataError, match="the run is gone"):
        stored.note_audit(AUDIT)
