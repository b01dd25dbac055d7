"""The cost curve: its own row is the run's ledger, a dearer world is no better, a day late is a day late."""

from __future__ import annotations

import math

import numpy as np
import polars as pl
import pytest

from geiger.backtest.costs import Costs
from geiger.backtest.simulate import simulate_many
from geiger.experiment.cost_curve import COSTS_BPS, cost_curve
from geiger.experiment.evaluation import evaluate, positions
from geiger.experiment.material import Material
from geiger.experiment.run import run
from geiger.experiment.written import Run
from geiger.figures import ScoreName
from helpers.runs import experiment, prepared, small, stored_of


@pytest.fixture(scope="module")
def ridge_run(tmp_path_factory: pytest.TempPathFactory, market: pl.DataFrame) -> Run:
    return run(experiment(tmp_path_factory.mktemp("run"), market))


@pytest.fixture(scope="module")
def material(tmp_path_factory: pytest.TempPathFactory, market: pl.DataFrame) -> Material:
    return prepared(tmp_path_factory.mktemp("data"), market, small())


def test_the_row_of_the_own_costs_is_the_ledger_of_the_run(ridge_run: Run, material: Material) -> None:
    config, stored = small(), stored_of(ridge_run)
    rows = cost_curve(ridge_run.forecasts, material, config)
    assert [row.cost_bps for row in rows] == [*COSTS_BPS, 5.0]
    assert [row.days_late for row in rows] == [0] * len(COSTS_BPS) + [1]
    card = evaluate(stored.forecasts(), stored.in_sample(), material, config).scorecard
    (own,) = (row for row in rows if row.cost_bps == 5.0 and not row.days_late)
    assert (own.sharpe, own.cagr) == (card.value(ScoreName.SHARPE), card.value(ScoreName.CAGR))
    assert own.held_sharpe == card.value(ScoreName.SHARPE, "buy_and_hold")
    assert own.held_cagr == card.value(ScoreName.CAGR, "buy_and_hold")


def test_a_day_late_is_the_position_of_the_day_before(ridge_run: Run, material: Material) -> None:
    config = small()
    late = cost_curve(ridge_run.forecasts, material, config)[-1]
    weights = positions(ridge_run.forecasts, material, config)["weight"].to_numpy()
    rows = material.target.join(ridge_run.forecasts.select("day"), on="day", how="semi")
    before = np.append(0.0, weights[:-1])[:, None]
    net = simulate_many(rows["simple"].to_numpy(), before, Costs.of(config.trading)).net[:, 0]
    assert late.sharpe == pytest.approx(net.mean() / net.std(ddof=1) * math.sqrt(252))
    assert late.sharpe != pytest.approx(cost_curve(ridge_run.forecasts, material, config)[3].sharpe, abs=1e-6)


def test_holding_gets_no_better_where_trading_costs_more(ridge_run: Run, material: Material) -> None:
    rows = cost_curve(ridge_run.forecasts, material, small(trading={"cost_bps": 7.0, "slippage_bps": 1.0}))
    assert rows[-1].cost_bps == 8.0, "slippage is part of the cost"
    held = [row.held_cagr for row in rows[:-1] if row.held_cagr is not None]
    assert len(held) == len(COSTS_BPS) + 1
    assert held == sorted(held, reverse=True)
    assert held[0] > held[-1]


def test_what_is_worth_a_trade_is_decided_anew_at_each_cost(ridge_run: Run, material: Material) -> None:
    config = small(trading={"rule": "proportional"})
    dear = small(trading={"rule": "proportional", "cost_bps": 50.0})
    (row,) = (row for row in cost_curve(ridge_run.forecasts, material, config) if row.cost_bps == 50.0)
    anew, kept = (
        positions(ridge_run.forecasts, material, one)["weight"].to_numpy() for one in (dear, config)
    )
    rows = material.target.join(ridge_run.forecasts.select("day"), on="day", how="semi")
    sharpes = []
    for weight in (anew, kept):
        net = simulate_many(rows["simple"].to_numpy(), weight[:, None], Costs.of(dear.trading)).net[:, 0]
        sharpes.append(net.mean() / net.std(ddof=1) * math.sqrt(252))
    assert row.sharpe == pytest.approx(sharpes[0])
    assert sharpes[0] != pytest.approx(sharpes[1], abs=0.01), "else this test could not fail"
