"""Networks through the whole run: another future, the log, failure, the screen, the doctor."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from geiger.errors import DataError, TrainingError
from geiger.experiment.plan import plan
from geiger.experiment.run import backtest, run
from geiger.experiment.written import Run
from geiger.market.synthetic import planted_market
from geiger.records import Status
from geiger.runlog import read_events, read_log
from helpers.runs import network_experiment, network_settings

pytestmark = pytest.mark.slow


def forecasts(done: Run, last_day: object = None) -> pl.DataFrame:
    frame = done.forecasts.select("day", "forecast", "train_mean", "train_std")
    return frame if last_day is None else frame.filter(pl.col("day") <= last_day)


@pytest.mark.parametrize("cut", [813, 814, 850])  # both sides of a fold's first test row, a row within a fold
def test_another_future_changes_nothing_before_it(
    tmp_path: Path,
    market: pl.DataFrame,
    network_run: Run,
    cut: int,
    other_future: Callable[..., pl.DataFrame],
) -> None:
    two = run(network_experiment(tmp_path, other_future(market, cut)))
    day = market["day"][cut]
    assert forecasts(network_run, day).equals(forecasts(two, day))
    assert not forecasts(network_run).equals(forecasts(two))


def test_the_log_holds_every_epoch_of_every_member_and_the_doctor(pair_run: Run) -> None:
    assert pair_run.log is not None
    log, text = read_log(pair_run.log), pair_run.log.read_text()
    assert {(e.fold, e.seed) for e in log.epochs} == {(f.fold, s) for f in log.folds for s in (0, 1)}
    assert "Epoch 1: loss=" in text
    assert "Residual: drift, change starts at 0, linear skip screened" in text
    assert "Note: Doctor: " in text
    names = [figure.name for figure in log.figures]
    assert {"NRC1", "NRC2", "Copies Yesterday", "Train Correlation", "Above Train Mean %"} <= set(names)
    config = dict(log.config)
    assert (config["Epochs"], config["Batch Size"], config["Learning Rate"]) == ("3", "128", "0.003")
    assert read_events(pair_run.log.with_suffix(".jsonl")).figures == log.figures


def test_a_rate_that_explodes_is_logged_as_failed_with_advice(tmp_path: Path, market: pl.DataFrame) -> None:
    wild = network_settings(lstm={"learning_rate": 1e30, "clip_norm": None, "epochs": 20})
    with pytest.raises(TrainingError, match="lower the learning rate"):
        run(network_experiment(tmp_path, market, config=wild))
    (path,) = (tmp_path / "logs").glob("TEST_lstm_*.log")
    log = read_log(path)
    assert log.status is Status.FAILED
    assert "fold" in log.warnings[-1].text
    assert "seed 0" in log.warnings[-1].text


def test_too_short_a_past_ends_in_a_failed_log(tmp_path: Path, market: pl.DataFrame) -> None:
    with pytest.raises((DataError, TrainingError), match="smaller --lookback"):
        run(network_experiment(tmp_path, market, config=network_settings(lstm={"lookback": 800})))


def test_a_last_return_that_is_another_thing_is_refused(
    tmp_path: Path, market: pl.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("geiger.experiment.material.LAST_RETURN", "return_2")
    with pytest.raises(TrainingError, match="is not the log return of the day"):
        run(network_experiment(tmp_path, market, config=network_settings(parallel="vmap")))


def test_a_planted_pair_is_found_through_the_whole_run(tmp_path: Path) -> None:
    planted = planted_market(2400, 3, 0.10, signal="memory")
    config = network_settings(min_train=1500, refit=400, max_folds=1)
    done = run(network_experiment(tmp_path, planted.prices, config=config))
    rows = planted.prices["day"].search_sorted(done.forecasts["day"]).to_numpy()
    assert np.corrcoef(done.forecasts["forecast"], planted.true_mean[rows])[0, 1] > 0.4
    assert "SCREEN_FOUND" in [notice.code for notice in done.notices]
    line = run(network_experiment(tmp_path, planted.prices, "ridge", config))
    assert abs(np.corrcoef(line.forecasts["forecast"], planted.true_mean[rows])[0, 1]) < 0.2


def test_a_backtest_of_a_network_keeps_its_diagnosis(
    network_place: Path, network_run: Run, market: pl.DataFrame
) -> None:
    costs = network_settings(trading={"cost_bps": 20.0})
    dearer = plan(network_experiment(network_place, market, config=costs))
    stored = dearer.experiment.runs.find(str(dearer.key()))
    assert stored is not None
    assert backtest(dearer, stored).evaluation.diagnosis == network_run.evaluation.diagnosis
