"""The door: from a symbol, an experiment or a run to an audit that is made once."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

import geiger
from geiger.audit import door, pipeline
from geiger.audit.door import audit_run
from geiger.audit.worlds import FUTURES
from geiger.errors import DataError, SettingError
from geiger.experiment.plan import Experiment, plan
from geiger.experiment.run import backtest, run
from geiger.market.synthetic import garch_market
from geiger.runlog import read_log
from geiger.runs.audits import Audit
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
    assert plan(given).audited() == first
    with pytest.raises(TypeError):
        door.audit(given, again=True)


def test_other_settings_have_no_audit(tmp_path: Path) -> None:
    given = experiment(tmp_path, PRICES, config=CONFIG)
    keys = {
        plan(one).audit_key()
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
    assert plan(given).audit_key() is None
    assert door.audit(given).color == "green"
    assert not given.runs.audits.exists()


def test_the_audit_of_a_run_stands_in_its_record(tmp_path: Path) -> None:
    finished = run(experiment(tmp_path, PRICES, config=CONFIG))
    runs = RunsFolder(tmp_path / "runs")
    found = audit_run(runs.load(finished.name), runs)
    assert found.run == finished.name
    assert runs.load(finished.name).record.audit == found.summary
    assert finished.log is not None
    assert read_log(finished.log).audit == found.summary, "the events take it, too"
    assert run(experiment(tmp_path, PRICES, config=CONFIG)).audit == found.summary, "for the next one as well"


def test_an_audit_with_later_code_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    finished = run(experiment(tmp_path, PRICES, config=CONFIG))
    runs = RunsFolder(tmp_path / "runs")
    monkeypatch.setattr(door, "code_hash", lambda: "later")
    audit_run(runs.load(finished.name), runs)
    noted = runs.load(finished.name).record.audit
    assert noted is not None
    assert noted.other == ("code",)


@pytest.mark.slow
def test_a_log_that_is_gone_stops_no_audit(tmp_path: Path) -> None:
    finished = run(experiment(tmp_path, PRICES, config=CONFIG))
    assert finished.log is not None
    for path in finished.log.parent.iterdir():
        path.unlink()
    runs = RunsFolder(tmp_path / "runs")
    assert audit_run(runs.load(finished.name), runs).green
    assert runs.load(finished.name).record.audit is not None


def test_a_backtest_is_sent_to_the_run_whose_forecasts_it_traded(tmp_path: Path) -> None:
    given = experiment(tmp_path, PRICES, config=CONFIG)
    finished, runs = run(given), RunsFolder(tmp_path / "runs")
    traded = backtest(plan(given), runs.load(finished.name))
    with pytest.raises(SettingError, match=f"trained nothing; .* geiger audit --run {finished.name}"):
        audit_run(runs.load(traded.name), runs)


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


@pytest.mark.slow
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


# ---- stages of ours, audited once for any data


def on(given: Experiment, seed: int) -> Experiment:
    """The same experiment on another market."""
    return replace(given, symbol=f"S{seed}", prices=garch_market(900, seed))


def stages_of(found: Audit) -> list[str]:
    return [one.stage for one in found.stages]


DATA_STAGES = ["bars", "features", "target", "labels", "folds"]


def test_stages_of_ours_are_audited_once_for_any_data(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = experiment(tmp_path, PRICES, config=CONFIG)
    first = door.audit(given)
    assert first.complete
    assert first.built_in
    assert stages_of(first)[:5] == DATA_STAGES
    monkeypatch.setattr("geiger.audit.proof.walk_tables", None)  # no fold is fitted again
    monkeypatch.setattr("geiger.audit.proof.trading_tables", None)
    second = door.audit(on(given, 4))
    assert (second.color, stages_of(second), second.complete) == ("green", DATA_STAGES, False)
    assert second.elsewhere is not None
    assert (second.elsewhere.symbol, second.elsewhere.key) == ("TEST", first.key)
    left_out = second.not_checked[0]
    assert left_out.stage == "scaler ... fills"
    assert left_out.why == f"audited on TEST on {first.made_at[:10]} with this code and these settings"
    assert second.summary.stages == first.summary.stages
    assert plan(on(given, 4)).audited() == second


@pytest.mark.slow
def test_again_does_all_of_it(tmp_path: Path) -> None:
    given = experiment(tmp_path, PRICES, config=CONFIG)
    first = door.audit(given)
    again = door.audit(on(given, 4), again=True)
    assert (stages_of(again), again.elsewhere) == (stages_of(first), None)
    assert again.built_in == first.built_in


@pytest.mark.parametrize(
    "change",
    [
        {"config": small(max_folds=1, clip=4.0)},
        {"config": small(max_folds=1, trading={"cost_bps": 1.0})},
        {"model": "lgb"},
        {"estimator": Constant(0.001)},
        {"target": lambda bars: bars["close"].log().diff().shift(-2)},
    ],
    ids=["settings", "trading", "model", "estimator", "target"],
)
def test_what_is_another_pipeline_is_audited_by_itself(tmp_path: Path, change: dict[str, Any]) -> None:
    given = experiment(tmp_path, PRICES, config=CONFIG)
    first = plan(given).built_in_key()
    other = plan(replace(on(given, 4), **change)).built_in_key()
    assert first is not None
    assert other != first


@pytest.mark.slow
def test_what_was_red_or_left_out_vouches_for_nobody(tmp_path: Path) -> None:
    given = experiment(tmp_path, PRICES, config=CONFIG)
    red = door.audit(replace(given, features=leaky))
    assert (red.color, red.built_in) == ("red", "")
    why = {one.stage: one.why for one in red.not_checked}
    assert "not reached" in why["model"]
    assert "not reached" in why["selection"], "though ridge chooses a penalty"
    assert why["stack"] == "no stack: a single model"
    first = door.audit(on(given, 4))
    assert first.elsewhere is None, "the red one did not count"
    second = door.audit(on(given, 5))
    assert second.elsewhere is not None
    assert (second.built_in, second.elsewhere.key) == ("", first.key)


@pytest.mark.slow
def test_a_leak_in_a_stage_of_ours_vouches_against_it_on_any_data(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = experiment(tmp_path, PRICES, config=CONFIG)
    assert door.audit(on(given, 4)).green
    positions = pipeline.positions

    def ahead(forecasts: pl.DataFrame, *given: Any) -> pl.DataFrame:
        of_all = 1.0 + float(np.tanh(forecasts["forecast"].to_numpy().mean()))
        return positions(forecasts, *given).with_columns(pl.col("weight") * of_all)

    monkeypatch.setattr(pipeline, "positions", ahead)
    red = door.audit(given, again=True)
    assert (red.color, red.leaks[0].stage) == ("red", "weights")
    assert red.built_in
    third = door.audit(on(given, 5))
    assert third.elsewhere is None
    assert third.color == "red"


@pytest.mark.slow
def test_own_features_are_looked_at_whatever_is_known_of_our_stages(tmp_path: Path) -> None:
    given = experiment(tmp_path, PRICES, config=CONFIG)
    assert door.audit(given).green
    found = door.audit(replace(given, features=leaky))
    assert found.elsewhere is not None
    assert found.color == "red"
    assert found.leaks[0].stage == "features"


@pytest.mark.slow
def test_steps_are_counted_before_they_are_done(tmp_path: Path) -> None:
    told: list[int] = []
    said: list[str] = []
    given = experiment(tmp_path, PRICES, config=CONFIG)
    found = door.audit(given, on_plan=told.append, on_step=said.append)
    assert told == [1 + len(found.cuts) * len(FUTURES)] == [len(said)]
    door.audit(given, on_plan=told.append, on_step=said.append)
    assert len(told) == 1, "what was kept takes no step"
    door.audit(on(given, 4), on_plan=told.append, on_step=said.append)
    assert sum(told) == len(said)
