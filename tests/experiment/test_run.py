"""The whole story on markets whose answer is known: what a run may know, keep and repeat."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

import geiger.experiment.prepare
from geiger.experiment.plan import plan
from geiger.experiment.run import backtest, run
from geiger.experiment.written import Run
from geiger.features.catalogue import feature_matrix
from geiger.market.synthetic import garch_market, planted_market
from geiger.records import Outcome, Status
from helpers.runs import ROWS, Constant, experiment, small

CUT = 787  # in the middle of a test block


def same_past(a: Run, b: Run, last_day: object) -> bool:
    """Whether forecasts and weights up to `last_day`, and ledger rows known by then, agree to the bit."""
    until = pl.col("day") <= last_day
    forecasts = [
        r.forecasts.filter(until).select("day", "forecast", "train_mean", "train_std") for r in (a, b)
    ]
    weights = [r.evaluation.ledger.filter(until).select("day", "weight") for r in (a, b)]
    known = [
        r.evaluation.ledger.filter(pl.col("exit_day") <= last_day).drop("turnover", "cost", "net")
        for r in (a, b)
    ]
    known = [frame.drop("equity") for frame in known]
    return all(one.equals(two) for one, two in (forecasts, weights, known))


@pytest.mark.parametrize("model", ["ridge", "lgb"])
@pytest.mark.parametrize("cut", [653, 654, CUT])  # the two sides of a fold's first test row, and a row within
def test_another_future_changes_nothing_before_it(
    tmp_path: Path, market: pl.DataFrame, model: str, cut: int, other_future: Callable[..., pl.DataFrame]
) -> None:
    one = run(experiment(tmp_path, market, model))
    two = run(experiment(tmp_path, other_future(market, cut), model))
    assert same_past(one, two, market["day"][cut])
    assert not same_past(one, two, market["day"][ROWS - 2])


def test_a_feature_that_sees_one_row_ahead_is_caught(
    tmp_path: Path,
    market: pl.DataFrame,
    monkeypatch: pytest.MonkeyPatch,
    other_future: Callable[..., pl.DataFrame],
) -> None:
    """The test above is able to fail: with a leak planted in the trained pipeline, it does."""

    def leaky(prices: pl.DataFrame, context: pl.DataFrame | None = None) -> Any:
        matrix = feature_matrix(prices, context).copy()
        close = prices["close"].to_numpy()
        matrix[:-1, 1] = close[1:] / close[:-1] - 1.0
        return matrix

    monkeypatch.setattr(geiger.experiment.prepare, "feature_matrix", leaky)
    one = run(experiment(tmp_path, market))
    two = run(experiment(tmp_path, other_future(market, CUT)))
    assert not same_past(one, two, market["day"][CUT])


def test_a_shorter_history_gives_the_same_forecasts(tmp_path: Path, market: pl.DataFrame) -> None:
    one, two = run(experiment(tmp_path, market)), run(experiment(tmp_path, market.head(CUT)))
    both = one.forecasts.join(two.forecasts, on="day", suffix="_short")
    assert both.height == two.forecasts.height > 100
    scale = both["forecast"].std()
    difference = (both["forecast"] - both["forecast_short"]).abs().max()
    assert difference <= 1e-9 * scale  # type: ignore[operator]


def test_the_lock_box_is_seen_by_nothing(
    tmp_path: Path, market: pl.DataFrame, other_future: Callable[..., pl.DataFrame]
) -> None:
    config = small(lockbox=100)
    opened = market.height - 100
    one = run(experiment(tmp_path, market, config=config))
    two = run(experiment(tmp_path, other_future(market, opened - 1), config=config))
    assert one.forecasts.equals(two.forecasts)
    assert one.evaluation.ledger.equals(two.evaluation.ledger)
    assert one.evaluation.figures == two.evaluation.figures
    assert one.forecasts["known_on"].max() == market["day"][opened - 1]


@pytest.mark.parametrize(
    "model", ["ridge", "lgb", *(pytest.param(name, marks=pytest.mark.slow) for name in ("xgb", "catboost"))]
)
def test_the_same_run_twice_gives_the_same_bits(tmp_path: Path, market: pl.DataFrame, model: str) -> None:
    config = small(seeds=2, max_folds=2)
    one, two = (run(experiment(tmp_path, market, model, config)) for _ in range(2))
    assert one.name != two.name
    assert one.forecasts.equals(two.forecasts)
    assert one.evaluation.ledger.equals(two.evaluation.ledger)


def test_every_labelled_day_after_the_first_training_is_forecast_once(
    tmp_path: Path, market: pl.DataFrame
) -> None:
    planned = plan(experiment(tmp_path, market))
    done = run(planned)
    days = done.forecasts["day"]
    start = planned.material.warmup + 300 + 1
    assert days.to_list() == market["day"][start : ROWS - 2].to_list()  # the last two have no outcome yet
    assert (done.forecasts["train_end"] <= days).all()


def test_the_scorecard_follows_from_the_ledger_alone(tmp_path: Path, market: pl.DataFrame) -> None:
    """Every step again in plain Python, from the stored ledger and the prices."""
    done = run(experiment(tmp_path, market, config=small(trading={"risk": "aggressive"})))
    price = dict(market.select("day", "open").iter_rows())
    equity, weight, last_return, last_net, nets, peak, deepest = 1.0, 0.0, 0.0, 0.0, [], 1.0, 0.0
    rows = list(pl.read_parquet(done.folder / "ledger.parquet").iter_rows(named=True))
    for number, row in enumerate(rows):
        r = price[row["exit_day"]] / price[row["fill_day"]] - 1.0
        assert row["day"] < row["fill_day"] < row["exit_day"]
        assert r == pytest.approx(row["asset_return"], abs=1e-15)
        drifted = weight if weight in (0.0, 1.0) else weight * (1 + last_return) / (1 + last_net)
        weight = row["weight"]
        carry = -max(0.0, abs(weight) - 1.0) * 0.01 / 252 - max(0.0, -weight) * 0.0075 / 252
        net = weight * r + carry - 5e-4 * abs(weight - drifted)
        if number == len(rows) - 1:
            net -= 5e-4 * abs(weight * (1 + r))  # what the position has become is sold
        equity *= 1.0 + net
        peak = max(peak, equity)
        deepest = max(deepest, 1.0 - equity / peak)
        assert row["equity"] == pytest.approx(equity, rel=1e-12)
        last_return, last_net = r, net
        nets.append(net)
    mean = sum(nets) / len(nets)
    deviation = math.sqrt(sum((net - mean) ** 2 for net in nets) / (len(nets) - 1))
    card = done.evaluation.scorecard
    assert card.value("sharpe") == pytest.approx(mean / deviation * math.sqrt(252))
    assert card.value("cagr") == pytest.approx(equity ** (252 / len(nets)) - 1.0)
    assert card.value("max_drawdown") == pytest.approx(deepest)


def test_a_backtest_changes_costs_and_no_forecast(tmp_path: Path, market: pl.DataFrame) -> None:
    trained = run(experiment(tmp_path, market))
    dearer = plan(experiment(tmp_path, market, config=small(trading={"cost_bps": 50.0, "rule": "sign"})))
    stored = dearer.experiment.runs.find(str(dearer.key()))
    assert stored is not None
    traded = backtest(dearer, stored)
    assert traded.forecasts.equals(trained.forecasts)
    assert traded.log is not None
    assert "_backtest_" in traded.log.name
    assert "not applicable" in traded.log.read_text()
    assert set(traded.evaluation.ledger["weight"]) <= {-1.0, 0.0, 1.0}
    assert traded.evaluation.scorecard.value("cost_paid") == pytest.approx(
        50e-4 * float(traded.evaluation.ledger["turnover"].sum())
    )


def test_a_constant_forecast_is_called_collapsed(tmp_path: Path, market: pl.DataFrame) -> None:
    done = run(replace(experiment(tmp_path, market), estimator=Constant(0.0)))
    assert done.status is Status.COLLAPSED
    assert done.evaluation.health.code == "COLLAPSED_CONSTANT"
    assert done.evaluation.checkpoints[1].outcome is Outcome.FAIL


def test_your_own_estimator_is_trained_like_ours(tmp_path: Path, market: pl.DataFrame) -> None:
    from sklearn.linear_model import Ridge

    done = run(replace(experiment(tmp_path, market), estimator=Ridge(alpha=1000.0)))
    assert done.status is Status.SUCCESS
    assert done.forecasts["model"][0] == "own"


def test_a_planted_signal_is_found_and_noise_is_not(tmp_path: Path) -> None:
    config = small(refit=400, min_train=700, lgb={"max_trees": 75})
    market = planted_market(2600, 3, 0.05)
    planted = run(experiment(tmp_path, market.prices, "lgb", config)).forecasts
    rows = market.prices["day"].search_sorted(planted["day"]).to_numpy()
    assert np.corrcoef(planted["forecast"], market.true_mean[rows])[0, 1] > 0.6
    noise = run(experiment(tmp_path, garch_market(2600, seed=3), "lgb", config))
    health = noise.evaluation.health
    assert health.rho is not None
    assert health.rho_error is not None
    assert abs(health.rho) < 3 * health.rho_error


def test_the_fill_is_not_chosen_by_opens_that_come_later(tmp_path: Path, market: pl.DataFrame) -> None:
    late = pl.int_range(pl.len()) > CUT
    stale = market.with_columns(
        pl.when(late).then(pl.col("close").shift(1)).otherwise(pl.col("open")).alias("open")
    )
    stale = stale.with_columns(
        pl.max_horizontal("open", "high").alias("high"), pl.min_horizontal("open", "low").alias("low")
    )
    one, two = run(experiment(tmp_path, market)), run(experiment(tmp_path, stale))
    assert same_past(one, two, market["day"][CUT - 1])


def test_a_later_dividend_moves_no_forecast(tmp_path: Path, market: pl.DataFrame) -> None:
    """A vendor multiplies the whole past at each dividend; no model may turn that rounding into a view."""
    prices = ["open", "high", "low", "close"]
    rebased = market.with_columns(pl.col(prices) * 0.9937, pl.col("volume") / 0.9937)
    for model in ("ridge", "xgb", "lgb", "catboost"):
        config = small(max_folds=2)
        one, two = (run(experiment(tmp_path, frame, model, config)) for frame in (market, rebased))
        difference = (one.forecasts["forecast"] - two.forecasts["forecast"]).abs().max()
        assert difference < 1e-6 * one.forecasts["forecast"].std()  # type: ignore[operator]
