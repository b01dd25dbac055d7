"""The run folder: complete or absent, and read back without running anything."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from geiger.errors import DataError
from geiger.runs.folder import RunsFolder
from geiger.runs.record import RunRecord


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
