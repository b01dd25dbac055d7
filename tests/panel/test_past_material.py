"""The material of a panel's run comes back from its snapshots, bit by bit, without its source."""

from __future__ import annotations

import shutil
from dataclasses import fields
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_series_equal

from geiger.errors import DataError, SettingError
from geiger.panel import experiment
from geiger.panel.past_material import material_of_panel_run
from geiger.panel.plan import PanelPlan
from geiger.panel.written import PanelRun
from geiger.runs.folder import RunsFolder
from helpers.runs import with_record


def test_it_is_the_material_that_was_learned_from(
    small_plan: PanelPlan, small_run: PanelRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(*args: object, **given: object) -> None:
        raise AssertionError("the source was asked")

    monkeypatch.setattr(experiment, "load", gone)
    monkeypatch.setattr(experiment, "load_context", gone)
    runs = RunsFolder(small_run.folder.parent)
    made, was = material_of_panel_run(runs.load(small_run.name), runs), small_plan.material
    for name in (field.name for field in fields(was)):
        old, new = getattr(was, name), getattr(made, name)
        if isinstance(old, np.ndarray):
            np.testing.assert_array_equal(new, old, err_msg=name)
        elif isinstance(old, pl.Series):
            assert_series_equal(new, old)
        elif name == "bars":
            assert all(np.array_equal(new[bar], old[bar], equal_nan=True) for bar in old)
        elif name != "notices":
            assert new == old, name
    assert {one.code for one in made.notices} == {one.code for one in was.notices}


def test_prices_that_are_gone_are_named(small_run: PanelRun, tmp_path: Path) -> None:
    place = tmp_path / "runs"
    shutil.copytree(small_run.folder.parent, place)
    runs = RunsFolder(place)
    next((place / "snapshots").glob("P03_*.parquet")).unlink()
    with pytest.raises(DataError, match=r"the data it used are gone.*P03"):
        material_of_panel_run(runs.load(small_run.name), runs)


def test_prices_that_make_another_panel_are_refused(small_run: PanelRun, tmp_path: Path) -> None:
    runs = RunsFolder(small_run.folder.parent)
    other = with_record(runs.load(small_run.name), tmp_path, data={"rows": 7})
    with pytest.raises(DataError, match="rows 7 then, 760 now"):
        material_of_panel_run(other, runs)


def test_the_run_of_a_symbol_is_none_of_a_panel(small_run: PanelRun, tmp_path: Path) -> None:
    runs = RunsFolder(small_run.folder.parent)
    stored = runs.load(small_run.name)
    with pytest.raises(SettingError, match="is a run of a panel"):
        stored.forecasts()
    shutil.copytree(stored.folder, tmp_path / stored.name)
    text = (tmp_path / stored.name / "run.json").read_text()
    (tmp_path / stored.name / "run.json").write_text(text.replace('"members"', '"no_members"'))
    with pytest.raises(SettingError, match="the run of one symbol"):
        material_of_panel_run(RunsFolder(tmp_path).load(stored.name), runs)
