"""What a run leaves in its folder."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from geiger.errors import DataError, TrainingError
from geiger.experiment.run import run
from geiger.records import Status
from geiger.runlog import read_log
from helpers.runs import experiment


def test_no_run_overwrites_another(tmp_path: Path, market: pl.DataFrame) -> None:
    runs = [run(replace(experiment(tmp_path, market), log_dir=tmp_path / f"logs{i}")) for i in range(4)]
    assert len({done.folder for done in runs}) == 4
    assert all((done.folder / "run.json").exists() for done in runs)


def test_a_run_that_cannot_be_stored_is_no_success(
    tmp_path: Path, market: pl.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*args: Any) -> None:
        raise DataError("disk: cannot be written (No space left on device); check the folder")

    monkeypatch.setattr("geiger.runs.folder.write_frame", full)
    with pytest.raises(TrainingError, match="No space left"):
        run(experiment(tmp_path, market))
    (path,) = (tmp_path / "logs").glob("*.log")
    assert read_log(path).status is Status.FAILED
