"""A name on the line is a symbol's, or a panel's where its newest training is one."""

from __future__ import annotations

from pathlib import Path

import pytest

from geiger.cli.named import panels_named
from geiger.errors import DataError, SettingError
from geiger.runs.folder import RunsFolder
from helpers.panels import NAME


def test_a_panel_is_known_by_its_newest_training(twelve: Path) -> None:
    runs = RunsFolder(twelve / "runs")
    assert [run.record.symbol for run in panels_named(runs, [NAME])] == [NAME]
    assert [run.record.model for run in panels_named(runs, [NAME, NAME], "ridge")] == ["ridge"]
    assert panels_named(runs, ["AAPL", "no symbol"]) == []
    assert panels_named(RunsFolder(twelve / "nowhere"), [NAME]) == []


def test_panels_and_symbols_are_named_apart(twelve: Path) -> None:
    with pytest.raises(SettingError, match="TWELVE is a panel, and AAPL is not"):
        panels_named(RunsFolder(twelve / "runs"), [NAME, "AAPL"])


def test_a_model_that_was_not_trained_is_said(twelve: Path) -> None:
    with pytest.raises(DataError, match="no run of lgb for the panel TWELVE; `geiger train lgb --panel"):
        panels_named(RunsFolder(twelve / "runs"), [NAME], "lgb")
