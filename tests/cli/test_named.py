"""A name on the line is a run's, a symbol's, or a panel's where its newest training is one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from geiger.cli.named import panels_named, run_named
from geiger.errors import DataError, SettingError
from geiger.runs.folder import RunsFolder
from geiger.runs.record import RunRecord
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


NAMES = ("AAPL_ridge_20240105_143020", "AAPL_ridge_20240106_143020", "MSFT_ridge_20240107_143020")


def test_a_run_by_name_beginning_latest_and_folder(
    tmp_path: Path, made_record: Callable[..., RunRecord], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    runs = RunsFolder(Path("runs"))
    for day, name in zip((5, 9, 7), NAMES, strict=True):  # the second was finished last
        runs.save(made_record(name=name, finished_at=f"2024-01-0{day}T14:30:20"), {})
    elsewhere = tmp_path / "elsewhere"
    for text, name in {
        NAMES[0]: NAMES[0],
        "AAPL": NAMES[1],
        "MSFT_ridge_2024": NAMES[2],
        "latest": NAMES[1],
        f"runs/{NAMES[0]}": NAMES[0],
        f"runs/{NAMES[0]}/": NAMES[0],
        f"{tmp_path}/runs/latest": NAMES[1],
    }.items():
        assert run_named(text, Path("runs"))[0].name == name
    assert run_named(f"runs/{NAMES[2]}", elsewhere)[1].root == Path("runs")
    with pytest.raises(DataError, match=r"elsewhere: no finished run is called 'latest' or begins so$"):
        run_named("latest", elsewhere)
    with pytest.raises(DataError, match="did you mean 'AAPL'"):
        run_named("APPL", Path("runs"))
    with pytest.raises(DataError, match="no finished run there"):
        run_named("AAPL_ridge_20240105_143029", Path("runs"))
