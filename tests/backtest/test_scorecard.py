from __future__ import annotations

import datetime as dt
import math

import numpy as np
import polars as pl
import pytest

from geiger.backtest import figures
from geiger.backtest.baselines import baselines
from geiger.backtest.scorecard import LABELS, Drawdown, deepest_drawdown, scorecard
from geiger.errors import DataError
from helpers.ledgers import COSTS, FREE, run


def test_the_scorecard_by_hand() -> None:
    # Equity without costs 1.1, 1.21, 1.089, 1.089; the market 1.1, 1.21, 1.089, 1.1979.
    market = np.array([0.1, 0.1, -0.1, 0.1])
    ledger = run(market, np.array([1.0, 1.0, 1.0, 0.0]), FREE)
    card = scorecard(ledger, baselines(ledger, np.zeros(4), FREE), days_per_year=4)
    mean, spread = 0.025, math.sqrt((2 * 0.075**2 + 0.125**2 + 0.025**2) / 3)
    expected = {
        "sharpe": mean / spread * 2,
        "sharpe_t": mean / spread * 2,
        "total_return": 0.089,
        "cagr": 0.089,
        "volatility": 2 * spread,
        "max_drawdown": 0.1,
        "calmar": 0.89,
        "beat_buy_and_hold": 1.089 - 1.1979,
        "time_in_market": 0.75,
        "mean_exposure": 0.75,
        "turnover_a_year": 2.0,
        "cost_paid": 0.0,
        "break_even_bps": 0.1 / 2 * 10_000,
        "hit_rate": 2 / 3,
    }
    for name, value in expected.items():
        assert card.value(name) == pytest.approx(value), name
    assert card.value("cagr", "buy_and_hold") == pytest.approx(0.1979)
    assert card.value("beat_buy_and_hold", "buy_and_hold") == 0.0
    assert card.value("beta", "buy_and_hold") == pytest.approx(1.0)
    assert (card.rows, card.first_day, card.last_day) == (4, dt.date(2020, 12, 2), dt.date(2020, 12, 6))
    assert card.bankrupt_on is None


def test_the_strategy_comes_first_and_figures_are_its_column(
    strategy: pl.DataFrame, others: dict[str, pl.DataFrame]
) -> None:
    card = scorecard(strategy, others)
    assert [score.name for score in card.scores] == list(LABELS)
    for score, figure in zip(card.scores, card.figures, strict=True):
        assert [name for name, _ in score.values] == ["strategy", *others]
        assert (figure.name, figure.value, figure.unit, figure.n) == (
            score.name,
            score.values[0][1],
            score.unit,
            300,
        )


def test_another_baseline_changes_no_number(strategy: pl.DataFrame, others: dict[str, pl.DataFrame]) -> None:
    few = {name: others[name] for name in ("buy_and_hold", "volatility_matched")}
    more = {"again": strategy, **others}
    small, large = scorecard(strategy, few), scorecard(strategy, more)
    assert small.figures == large.figures
    assert small.years == large.years
    for name in LABELS:
        assert small.value(name, "buy_and_hold") == large.value(name, "buy_and_hold")
        assert large.value(name, "again") == large.value(name) or name.endswith(("matched", "matched_p"))


def test_against_volatility_matched(strategy: pl.DataFrame, others: dict[str, pl.DataFrame]) -> None:
    card = scorecard(strategy, others, seed=7)
    net, matched = strategy["net"].to_numpy(), others["volatility_matched"]["net"].to_numpy()
    assert card.value("volatility_matched_p") == figures.difference_p(net, matched, 7)
    assert card.value("volatility_matched_p", "sign_persistence") is None
    gap = (card.value("cagr") or 0) - (card.value("cagr", "volatility_matched") or 0)
    assert card.value("beat_volatility_matched") == pytest.approx(gap)


def test_years_by_hand() -> None:
    # Exits on 31 December 2020, then 1 and 2 January 2021.
    market = np.array([0.10, -0.20, 0.50])
    ledger = run(market, np.array([1.0, 1.0, 0.0]), FREE, start=dt.date(2020, 12, 29))
    card = scorecard(ledger, baselines(ledger, np.zeros(3), FREE))
    first, second = card.years
    assert (first.year, first.rows, second.year, second.rows) == (2020, 1, 2021, 2)
    assert (first.strategy, first.buy_and_hold, first.max_drawdown) == pytest.approx((0.1, 0.1, 0.0))
    assert (second.strategy, second.buy_and_hold) == pytest.approx((-0.2, 0.2))
    assert (second.max_drawdown, first.turnover, second.turnover) == pytest.approx((0.2, 1.0, 1.0))


def test_years_multiply_to_the_whole(strategy: pl.DataFrame, others: dict[str, pl.DataFrame]) -> None:
    card = scorecard(strategy, others)
    assert math.prod(1 + year.strategy for year in card.years) == pytest.approx(strategy["equity"][-1])
    assert sum(year.rows for year in card.years) == card.rows
    assert sum(year.turnover for year in card.years) == pytest.approx(strategy["turnover"].sum())


def day(number: int) -> dt.date:
    return dt.date(2020, 12, number)


def test_drawdown_dates() -> None:
    # Equity 1.1, 0.99, 0.88, 1.21, 1.0: exits on 3, 4, 5, 6, 7 December.
    levels = np.array([1.0, 1.1, 0.99, 0.88, 1.21, 1.0])
    ledger = run(levels[1:] / levels[:-1] - 1, np.ones(5), FREE)
    found = deepest_drawdown(ledger)
    assert found == Drawdown(pytest.approx(0.2), day(3), day(5), day(6))
    later = run(np.append(levels[1:] / levels[:-1] - 1, -0.9), np.ones(6), FREE)
    assert deepest_drawdown(later) == Drawdown(pytest.approx(1 - 0.1 / 1.21), day(6), day(8), None)


def test_a_fall_from_the_start_starts_at_the_first_fill() -> None:
    found = deepest_drawdown(run(np.array([-0.1, 0.05]), np.ones(2), FREE))
    assert found == Drawdown(pytest.approx(0.1), day(2), day(3), None)


def test_no_fall_no_dates() -> None:
    ledger = run(np.array([0.1, 0.0]), np.ones(2), FREE)
    assert deepest_drawdown(ledger) is None


def test_a_bankrupt_strategy_is_flagged_and_scored() -> None:
    ledger = run(np.array([0.01, -0.5, 0.1]), np.full(3, 3.0))
    card = scorecard(ledger, baselines(ledger, np.zeros(3), COSTS))
    assert card.bankrupt_on == day(4)
    assert card.value("cagr") == card.value("total_return") == -1.0


@pytest.mark.parametrize("weights", [[0.0, 0.0, 0.0], [0.0], [1.0]])
def test_degenerate_paths_have_undefined_figures_not_nan(weights: list[float]) -> None:
    n = len(weights)
    ledger = run(np.zeros(n), np.array(weights))
    card = scorecard(ledger, baselines(ledger, np.zeros(n), COSTS))
    for score in card.scores:
        assert all(value is None or math.isfinite(value) for _, value in score.values), score.name
    assert card.value("sharpe") is None


def test_what_cannot_be_compared_is_refused(strategy: pl.DataFrame, others: dict[str, pl.DataFrame]) -> None:
    with pytest.raises(DataError, match="'buy_and_hold' baseline is needed"):
        scorecard(strategy, {})
    with pytest.raises(DataError, match="is the ledger's own name"):
        scorecard(strategy, {**others, "strategy": strategy})
    with pytest.raises(DataError, match="'buy_and_hold' has other days"):
        scorecard(strategy[1:], others)
    with pytest.raises(DataError, match="no rows"):
        scorecard(strategy[:0], {name: frame[:0] for name, frame in others.items()})


def test_a_wrong_name_is_answered_with_the_right_one(
    strategy: pl.DataFrame, others: dict[str, pl.DataFrame]
) -> None:
    card = scorecard(strategy, others)
    with pytest.raises(DataError, match="did you mean 'sharpe'"):
        card.value("sharp")
    with pytest.raises(DataError, match="did you mean 'buy_and_hold'"):
        card.value("sharpe", "buy_hold")
