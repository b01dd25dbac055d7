from __future__ import annotations

import datetime as dt
import math

import numpy as np
import polars as pl
import pytest

from geiger.backtest import (
    LABELS,
    Costs,
    Drawdown,
    baselines,
    deepest_drawdown,
    figures,
    scorecard,
    simulate,
)
from geiger.errors import DataError

COSTS = Costs(cost_bps=10.0)
FREE = Costs(cost_bps=0.0, borrow_rate=0.0, margin_spread=0.0)


def run(
    returns: np.ndarray, weights: np.ndarray, costs: Costs = COSTS, start: dt.date = dt.date(2020, 12, 1)
) -> pl.DataFrame:
    n = len(returns)
    calendar = [start + dt.timedelta(days=i) for i in range(n + 2)]
    rows = pl.DataFrame(
        {
            "day": calendar[:n],
            "entry_day": calendar[1 : n + 1],
            "known_on": calendar[2:],
            "simple": np.asarray(returns, dtype=np.float64),
        }
    )
    held = pl.DataFrame({"day": rows["day"], "weight": np.asarray(weights, dtype=np.float64)})
    return simulate(rows, held, costs)


@pytest.fixture(scope="module")
def returns() -> np.ndarray:
    return np.random.default_rng(11).normal(0.0004, 0.012, 300)


@pytest.fixture(scope="module")
def strategy(returns: np.ndarray) -> pl.DataFrame:
    return run(returns, np.random.default_rng(12).uniform(-0.5, 1.0, 300))


@pytest.fixture(scope="module")
def others(strategy: pl.DataFrame, returns: np.ndarray) -> dict[str, pl.DataFrame]:
    return baselines(strategy, np.roll(returns, 2), COSTS)


def test_buy_and_hold_pays_one_entry_and_one_exit(
    returns: np.ndarray, others: dict[str, pl.DataFrame]
) -> None:
    turnover = others["buy_and_hold"]["turnover"].to_numpy()
    assert turnover[[0, -1]].tolist() == [1.0, 1.0 + returns[-1]]  # what it has become by then
    assert not turnover[1:-1].any()


def test_constant_exposure_holds_the_mean_net_weight_and_pays_for_its_drift(
    strategy: pl.DataFrame, others: dict[str, pl.DataFrame]
) -> None:
    held = others["constant_exposure"]
    assert set(held["weight"]) == {strategy["weight"].to_numpy().mean()}
    assert (held["turnover"].to_numpy()[1:-1] > 0).all()


def test_volatility_matched_has_the_volatility_of_the_strategy(
    strategy: pl.DataFrame, others: dict[str, pl.DataFrame]
) -> None:
    matched = others["volatility_matched"]["net"].to_numpy()
    assert matched.std() == pytest.approx(strategy["net"].to_numpy().std(), rel=2e-3)


def test_sign_persistence_follows_the_last_known_return(
    others: dict[str, pl.DataFrame], returns: np.ndarray
) -> None:
    assert others["sign_persistence"]["weight"].to_list() == np.sign(np.roll(returns, 2)).tolist()


def test_baselines_have_the_days_and_costs_of_the_strategy(
    strategy: pl.DataFrame, others: dict[str, pl.DataFrame]
) -> None:
    clock = ["day", "fill_day", "exit_day", "asset_return"]
    for ledger in others.values():
        assert ledger.select(clock).equals(strategy.select(clock))
        np.testing.assert_allclose(ledger["cost"], 0.001 * ledger["turnover"].to_numpy(), rtol=1e-12)


def test_a_flat_strategy_has_flat_yardsticks() -> None:
    flat = run(np.array([0.01, -0.02, 0.03]), np.zeros(3))
    for name in ("constant_exposure", "volatility_matched"):
        assert not baselines(flat, np.zeros(3), COSTS)[name]["weight"].to_numpy().any()


@pytest.mark.parametrize("last", [np.zeros(2), np.array([0.0, np.nan, 0.0])])
def test_baselines_need_one_known_return_a_row(last: np.ndarray) -> None:
    with pytest.raises(DataError, match="one finite number for each of the 3"):
        baselines(run(np.zeros(3), np.zeros(3)), last, COSTS)


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
