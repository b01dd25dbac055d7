"""Networks through the whole run: processes, one program, resuming, the lock-box, logs, failure, doctor."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from geiger.errors import DataError, TrainingError
from geiger.experiment.plan import Experiment, plan
from geiger.experiment.run import run
from geiger.experiment.written import Run
from geiger.market.synthetic import garch_market, planted_market
from geiger.records import Status
from geiger.runlog import read_events, read_log
from geiger.settings import Config, override, recipe

pytestmark = pytest.mark.slow

ROWS = 900
NETWORK = {
    **{"lookback": 12, "burn_in": 5, "stretch": 32, "width": 8, "blocks": 2, "heads": 2},
    **{"epochs": 3, "batch_size": 128, "learning_rate": 0.003},
}
LSTM = {**NETWORK, "lstm": [4], "key": 4, "inner": 8}


def small(**changes: Any) -> Config:
    base = {"lockbox": 0, "min_train": 300, "refit": 80, "max_folds": 3, "seeds": 1, "workers": 2}
    return override(recipe("quick"), {**base, "lstm": LSTM, "xlstm": NETWORK, **changes})


@pytest.fixture(scope="module")
def market() -> pl.DataFrame:
    return garch_market(ROWS, seed=5)


def experiment(
    folder: Path, prices: pl.DataFrame, model: str = "lstm", config: Config | None = None
) -> Experiment:
    return Experiment(
        "TEST",
        model,
        config or small(),
        context="none",
        prices=prices,
        runs_dir=folder / "runs",
        log_dir=folder / "logs",
    )


def forecasts(done: Run, last_day: object = None) -> pl.DataFrame:
    frame = done.forecasts.select("day", "forecast", "train_mean", "train_std")
    return frame if last_day is None else frame.filter(pl.col("day") <= last_day)


def test_the_same_run_twice_gives_the_same_bits_whatever_the_processes(
    tmp_path: Path, market: pl.DataFrame
) -> None:
    one, two = (
        run(experiment(tmp_path, market, config=small(workers=workers, seeds=2))) for workers in (1, 2)
    )
    assert forecasts(one).equals(forecasts(two))
    assert one.evaluation.ledger.equals(two.evaluation.ledger)
    assert plan(experiment(tmp_path, market, config=small(workers=1))).key() == (
        plan(experiment(tmp_path, market, config=small(workers=2))).key()
    )


@pytest.mark.parametrize("cut", [813, 814, 850])  # both sides of a fold's first test row, a row within a fold
def test_another_future_changes_nothing_before_it(
    tmp_path: Path, market: pl.DataFrame, cut: int, other_future: Callable[..., pl.DataFrame]
) -> None:
    one = run(experiment(tmp_path, market))
    two = run(experiment(tmp_path, other_future(market, cut)))
    day = market["day"][cut]
    assert forecasts(one, day).equals(forecasts(two, day))
    assert not forecasts(one).equals(forecasts(two))


def test_one_program_forecasts_what_processes_forecast(tmp_path: Path, market: pl.DataFrame) -> None:
    config = small(seeds=2)
    apart = run(experiment(tmp_path, market, config=config))
    together = run(experiment(tmp_path, market, config=override(config, {"parallel": "vmap"})))
    scale = float(np.std(apart.forecasts["forecast"].to_numpy()))
    np.testing.assert_allclose(together.forecasts["forecast"], apart.forecasts["forecast"], atol=1e-3 * scale)


def test_the_log_holds_every_epoch_of_every_member_and_the_doctor(
    tmp_path: Path, market: pl.DataFrame
) -> None:
    done = run(experiment(tmp_path, market, config=small(seeds=2)))
    assert done.log is not None
    log, text = read_log(done.log), done.log.read_text()
    assert {(e.fold, e.seed) for e in log.epochs} == {(f.fold, s) for f in log.folds for s in (0, 1)}
    assert "Epoch 1: loss=" in text
    assert "Residual: drift, change starts at 0, linear skip screened" in text
    assert "Note: Doctor: " in text
    names = [figure.name for figure in log.figures]
    assert {"NRC1", "NRC2", "Copies Yesterday", "Train Correlation", "Above Train Mean %"} <= set(names)
    config = dict(log.config)
    assert (config["Epochs"], config["Batch Size"], config["Learning Rate"]) == ("3", "128", "0.003")
    assert read_events(done.log.with_suffix(".jsonl")).figures == log.figures


def test_a_broken_run_goes_on_with_the_folds_it_has(tmp_path: Path, market: pl.DataFrame) -> None:
    class PowerCut(BaseException):
        pass

    def cut(output: Any) -> None:
        raise PowerCut

    whole = run(experiment(tmp_path / "whole", market))
    broken = experiment(tmp_path / "broken", market)
    with pytest.raises(PowerCut):
        run(broken, on_fold=cut)
    resumed: list[bool] = []
    done = run(broken, on_fold=lambda output: resumed.append(output.resumed))
    assert resumed == [True, False, False]
    assert done.forecasts.equals(whole.forecasts)
    assert done.evaluation.diagnosis == whole.evaluation.diagnosis


def test_a_rate_that_explodes_is_logged_as_failed_with_advice(tmp_path: Path, market: pl.DataFrame) -> None:
    wild = small(lstm={"learning_rate": 1e30, "clip_norm": None, "epochs": 20})
    with pytest.raises(TrainingError, match="lower the learning rate"):
        run(experiment(tmp_path, market, config=wild))
    (path,) = (tmp_path / "logs").glob("TEST_lstm_*.log")
    log = read_log(path)
    assert log.status is Status.FAILED
    assert "fold" in log.warnings[-1].text
    assert "seed 0" in log.warnings[-1].text


def test_too_short_a_past_ends_in_a_failed_log(tmp_path: Path, market: pl.DataFrame) -> None:
    with pytest.raises((DataError, TrainingError), match="smaller --lookback"):
        run(experiment(tmp_path, market, config=small(lstm={"lookback": 800})))


def test_a_last_return_that_is_another_thing_is_refused(
    tmp_path: Path, market: pl.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("geiger.experiment.material.LAST_RETURN", "return_2")
    with pytest.raises(TrainingError, match="is not the log return of the day"):
        run(experiment(tmp_path, market, config=small(parallel="vmap")))


def test_a_planted_pair_is_found_through_the_whole_run(tmp_path: Path) -> None:
    planted = planted_market(2400, 3, 0.10, signal="memory")
    config = small(min_train=1500, refit=400, max_folds=1)
    done = run(experiment(tmp_path, planted.prices, config=config))
    rows = planted.prices["day"].search_sorted(done.forecasts["day"]).to_numpy()
    assert np.corrcoef(done.forecasts["forecast"], planted.true_mean[rows])[0, 1] > 0.4
    assert "SCREEN_FOUND" in [notice.code for notice in done.notices]
    line = run(experiment(tmp_path, planted.prices, "ridge", config))
    assert abs(np.corrcoef(line.forecasts["forecast"], planted.true_mean[rows])[0, 1]) < 0.2


def test_a_backtest_of_a_network_keeps_its_diagnosis(tmp_path: Path, market: pl.DataFrame) -> None:
    from geiger.experiment.run import backtest

    trained = run(experiment(tmp_path, market))
    dearer = plan(experiment(tmp_path, market, config=small(trading={"cost_bps": 20.0})))
    stored = dearer.experiment.runs.find(str(dearer.key()))
    assert stored is not None
    assert backtest(dearer, stored).evaluation.diagnosis == trained.evaluation.diagnosis


def test_networks_are_refitted_as_often_as_the_recipe_says_for_them(
    tmp_path: Path, market: pl.DataFrame
) -> None:
    config = small(network_refit=200, max_folds=None)
    rows = {model: plan(experiment(tmp_path, market, model, config)).folds for model in ("lstm", "ridge")}
    assert len(rows["lstm"][0].test) == 200
    assert len(rows["ridge"][0].test) == 80
    assert recipe("default").network_refit == 252
