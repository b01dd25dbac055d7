"""The door: from a symbol, an experiment or a run to an audit that is made once."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

import geiger
from geiger.audit import door
from geiger.audit.door import audit_key, audit_run, kept_audit
from geiger.errors import DataError, SettingError
from geiger.experiment.plan import plan
from geiger.experiment.run import run
from geiger.market.synthetic import garch_market
from geiger.runs.folder import RunsFolder
from helpers.runs import Constant, experiment, small

PRICES = garch_market(900, 3)
CONFIG = small(max_folds=1)


def test_the_room_is_called_like_the_function(tmp_path: Path) -> None:
    found = geiger.audit(experiment(tmp_path, PRICES, config=CONFIG))
    assert found.green
    assert found.made_at[:10] == found.summary.day


def test_an_audit_is_made_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given = experiment(tmp_path, PRICES, config=CONFIG)
    first = door.audit(given)
    monkeypatch.setattr(door, "prove", None)  # nothing is proved again
    assert door.audit(given) == first
    assert kept_audit(given.runs.audits, plan(given)) == first
    with pytest.raises(TypeError):
        door.audit(given, again=True)


def test_other_settings_have_no_audit(tmp_path: Path) -> None:
    given = experiment(tmp_path, PRICES, config=CONFIG)
    keys = {
        audit_key(plan(one))
        for one in (
            given,
            replace(given, config=small(max_folds=1, clip=4.0)),
            replace(given, config=small(max_folds=1, trading={"cost_bps": 1.0})),
            replace(given, prices=garch_market(900, 4)),
            replace(given, model="lgb"),
        )
    }
    assert len(keys) == 5


def test_an_estimator_of_ones_own_is_audited_every_time(tmp_path: Path) -> None:
    given = replace(experiment(tmp_path, PRICES, config=CONFIG), estimator=Constant(0.001))
    assert audit_key(plan(given)) is None
    assert door.audit(given).color == "green"
    assert not given.runs.audits.exists()


def test_the_audit_of_a_run_stands_in_its_record(tmp_path: Path) -> None:
    finished = run(experiment(tmp_path, PRICES, config=CONFIG))
    runs = RunsFolder(tmp_path / "runs")
    found = audit_run(runs.load(finished.name), runs)
    assert found.run == finished.name
    assert runs.load(finished.name).record.audit == found.summary


def test_a_run_whose_data_are_gone_is_refused(tmp_path: Path) -> None:
    finished = run(experiment(tmp_path, PRICES, config=CONFIG))
    runs = RunsFolder(tmp_path / "runs")
    for path in runs.snapshots.glob("*.parquet"):
        path.unlink()
    with pytest.raises(DataError, match="data it used are gone"):
        audit_run(runs.load(finished.name), runs)


def test_a_run_of_ones_own_estimator_is_refused(tmp_path: Path) -> None:
    given = replace(experiment(tmp_path, PRICES, config=CONFIG), estimator=Constant(0.001))
    finished, runs = run(given), RunsFolder(tmp_path / "runs")
    with pytest.raises(SettingError, match="estimator of your own"):
        audit_run(runs.load(finished.name), runs)


def gap(bars: pl.DataFrame) -> pl.Series:
    return (bars["close"].rolling_mean(5) / bars["close"].rolling_mean(50)).log()


def leaky(bars: pl.DataFrame) -> pl.Series:
    """The fast window lies around the day."""
    fast = bars["close"].rolling_mean(5, center=True, min_samples=1)
    return (fast / bars["close"].rolling_mean(50)).log()


def test_own_features_are_made_again_in_every_world(tmp_path: Path) -> None:
    given = experiment(tmp_path, PRICES, config=CONFIG)
    assert door.audit(replace(given, features=gap)).green
    found = door.audit(replace(given, features=leaky))
    assert found.color == "red"
    assert {(leak.stage, leak.column) for leak in found.leaks} == {("features", "leaky")}


def test_a_frame_by_day_is_taken_at_its_word(tmp_path: Path) -> None:
    frame = PRICES.select("day", x=pl.col("close").shift(-1, fill_value=1.0).log())
    found = door.audit(replace(experiment(tmp_path, PRICES, config=CONFIG), features=frame))
    assert "own features" in {one.stage for one in found.not_checked}


def test_the_audit_of_a_run_with_own_parts_needs_them_again(tmp_path: Path) -> None:
    given = replace(experiment(tmp_path, PRICES, config=CONFIG), features=leaky)
    finished, runs = run(given), RunsFolder(tmp_path / "runs")
    with pytest.raises(SettingError, match="used features of your own, leaky"):
        audit_run(runs.load(finished.name), runs)
    assert audit_run(runs.load(finished.name), runs, features=leaky).color == "red"
