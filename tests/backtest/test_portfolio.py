"""Portfolios: by hand, against a broker that counts cash and shares, and what must always hold."""

from __future__ import annotations

import dataclasses
import itertools

import hypothesis.extra.numpy as hnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geiger.backtest import figures
from geiger.backtest.baselines import BUY_AND_HOLD, VOLATILITY_MATCHED
from geiger.backtest.costs import Costs
from geiger.backtest.portfolio import (
    EXPOSURE_MATCHED,
    Held,
    Tradable,
    capacity,
    equal_weight,
    exposure_matched,
    hold,
    long_only,
    long_short,
    outermost,
    portfolio_baselines,
    portfolio_ledger,
    portfolio_record,
    smoothed,
    volatility_matched,
)
from geiger.backtest.scorecard import scorecard
from geiger.backtest.simulate import simulate_many
from geiger.columns import LEDGER, require
from geiger.errors import DataError, SettingError
from geiger.figures import ScoreName

NAN = np.nan
FREE = Costs(cost_bps=0.0, borrow_rate=0.0, margin_spread=0.0)
DEAR = Costs(cost_bps=12.0, slippage_bps=3.0, borrow_rate=0.03, cash_yield=0.02, margin_spread=0.05)


def market_of(
    opens: np.ndarray, closes: np.ndarray | None = None, money: np.ndarray | None = None
) -> Tradable:
    opens = np.asarray(opens, dtype=np.float64)
    day = np.datetime64("2020-01-01") + np.arange(len(opens))
    return Tradable(day, opens, opens if closes is None else np.asarray(closes, dtype=np.float64), money)


def random_market(rng: np.random.Generator, days: int, names: int, missing: float = 0.0) -> Tradable:
    closes = 50 * np.exp(np.cumsum(rng.normal(0, 0.02, (days, names)), axis=0))
    opens = closes * np.exp(rng.normal(0, 0.01, (days, names)))
    gone = rng.random((days, names)) < missing
    return market_of(np.where(gone, NAN, opens), np.where(gone, NAN, closes), np.where(gone, NAN, 1e6))


def broker(
    market: Tradable, wanted: np.ndarray, costs: Costs, band: float, year: int
) -> dict[str, list[float]]:
    """The same by counting cash and shares, order by order."""
    rate = (costs.cost_bps + costs.slippage_bps) / 10_000
    decided = [t for t in range(len(wanted) - 2) if np.isfinite(wanted[t]).all()]
    names = wanted.shape[1]
    cash, shares = 1.0, [0.0] * names
    told: dict[str, list[float]] = {"equity": [], "net": [], "turnover": [], "exposure": [], "closed": [0.0]}
    for t in range(decided[0], decided[-1] + 1):
        now, fill, out = market.closes[t], market.opens[t + 1], market.opens[t + 2]
        held = [shares[i] * now[i] if shares[i] else 0.0 for i in range(names)]
        at_close = [value / (cash + sum(held)) for value in held]
        start = cash + sum(shares[i] * fill[i] for i in range(names) if shares[i])
        traded = 0.0
        for i in range(names):
            if np.isnan(fill[i]) or np.isnan(wanted[t, i]):
                continue
            if abs(wanted[t, i] - at_close[i]) > band or wanted[t, i] == 0.0:
                order = wanted[t, i] * start / fill[i] - shares[i]
                shares[i] += order
                cash -= order * fill[i] + rate * abs(order) * fill[i]
                traded += abs(order) * fill[i]
        long = sum(max(shares[i], 0.0) * fill[i] for i in range(names) if shares[i])
        short = sum(max(-shares[i], 0.0) * fill[i] for i in range(names) if shares[i])
        idle, borrowed = max(0.0, start - long - short), max(0.0, long + short - start)
        cash += (
            idle * costs.cash_yield
            - borrowed * (costs.cash_yield + costs.margin_spread)
            - short * costs.borrow_rate
        ) / year
        told["exposure"].append((long + short) / start)
        for i in range(names):
            if shares[i] and (np.isnan(out[i]) or t == decided[-1]):
                told["closed"][0] += float(np.isnan(out[i]))
                price = market.closes[t + 1, i] if np.isnan(out[i]) else out[i]
                cash += shares[i] * price - rate * abs(shares[i]) * price
                traded += abs(shares[i]) * price
                shares[i] = 0.0
        equity = cash + sum(shares[i] * out[i] for i in range(names) if shares[i])
        told["equity"].append(equity)
        told["net"].append(equity / start - 1)
        told["turnover"].append(traded / start)
    return told


@pytest.mark.parametrize(
    ("costs", "band", "missing"), list(itertools.product((FREE, DEAR), (0.0, 0.05), (0.0, 0.08)))
)
def test_a_broker_who_counts_cash_and_shares_says_the_same(costs: Costs, band: float, missing: float) -> None:
    rng = np.random.default_rng(7)
    market = random_market(rng, 80, 6, missing)
    scores = np.where(np.isfinite(market.closes), rng.normal(size=(80, 6)), NAN)
    wanted = long_short(scores, 3) + 0.2 * equal_weight(scores, 3)
    wanted[:5], wanted[30:33] = NAN, NAN
    held, told = hold(market, wanted, costs, band=band), broker(market, wanted, costs, band, 252)
    for name in ("equity", "net", "turnover", "exposure"):
        np.testing.assert_allclose(getattr(held, name), told[name], rtol=1e-9, atol=1e-12)
    assert held.closed == told["closed"][0]
    assert (held.closed > 0) == (missing > 0)


def test_one_symbol_by_fractions_is_what_the_simulation_says() -> None:
    rng = np.random.default_rng(3)
    opens = 20 * np.exp(np.cumsum(rng.normal(0, 0.02, (60, 1)), axis=0))
    wanted = rng.uniform(-1.5, 1.5, (60, 1))
    wanted[58:] = NAN
    held = hold(market_of(opens), wanted, DEAR)
    paths = simulate_many(opens[2:, 0] / opens[1:-1, 0] - 1, wanted[:58], DEAR)
    for name in ("net", "equity", "turnover", "financing"):
        np.testing.assert_allclose(getattr(held, name), getattr(paths, name)[:, 0], rtol=0, atol=1e-12)


def test_two_symbols_by_hand() -> None:
    """10 bp: .075 is earned and .001 paid; .55 and -.475 of 1.074 are traded back to halves, then closed."""
    market = market_of([[9.0, 21.0], [10.0, 20.0], [11.0, 19.0], [11.0, 19.0]])
    wanted = np.array([[0.5, -0.5], [0.5, -0.5], [NAN, NAN], [NAN, NAN]])
    held = hold(market, wanted, Costs(cost_bps=10.0, borrow_rate=0.0))
    drift = [0.5 - 0.55 / 1.074, 0.5 - 0.475 / 1.074]
    traded = abs(drift[0]) + drift[1]
    np.testing.assert_allclose(held.gross, [0.075, 0.0], atol=1e-12)
    np.testing.assert_allclose(held.turnover, [1.0, traded + 1.0], atol=1e-12)
    np.testing.assert_allclose(held.net, [0.074, -0.001 * (traded + 1.0)], atol=1e-12)
    np.testing.assert_allclose(held.trades[1], np.abs(drift), atol=1e-12)
    assert traded == pytest.approx(0.069832, abs=1e-6)


def test_a_row_earns_from_the_next_open_to_the_one_after_it() -> None:
    opens = np.array([[1.0, 1.0], [10.0, 1.0], [12.0, 1.0], [99.0, 1.0]])
    wanted = np.array([[1.0, 0.0], *[[NAN, NAN]] * 3])
    held = hold(market_of(opens), wanted, FREE)
    assert held.rows.tolist() == [0]
    assert held.net[0] == pytest.approx(0.2)


def test_a_symbol_without_a_next_open_is_closed_at_its_last_price_and_pays() -> None:
    opens = np.array([[5.0, 5.0], [10.0, 10.0], [NAN, 10.0], [20.0, 10.0], [20.0, 10.0]])
    closes = np.array([[5.0, 5.0], [11.0, 10.0], [NAN, 10.0], [20.0, 10.0], [20.0, 10.0]])
    wanted = np.array([[0.5, 0.5], [0.5, 0.5], [0.0, 0.0], [NAN, NAN], [NAN, NAN]])
    held = hold(market_of(opens, closes), wanted, Costs(cost_bps=100.0), liquidate=False)
    assert held.closed == 1
    assert held.gross[0] == pytest.approx(0.05)  # to the close of 11, not to the later 20
    assert held.turnover[0] == pytest.approx(1.0 + 0.55)
    assert held.weights[1].tolist() == [0.0, 0.5]  # wanted, and without an open not bought
    assert held.gross[1] == 0.0


def test_without_a_close_the_last_price_is_the_open() -> None:
    opens = np.array([[5.0], [10.0], [NAN], [NAN]])
    held = hold(
        market_of(opens, np.array([[5.0], [NAN], [NAN], [NAN]])), np.array([[1.0]] + [[NAN]] * 3), FREE
    )
    assert (held.gross[0], held.closed) == (0.0, 1)


def test_a_day_that_decides_nothing_leaves_positions_to_drift() -> None:
    opens = np.array([[1.0, 1.0], [1.0, 1.0], [2.0, 1.0], [2.0, 2.0], [2.0, 2.0]])
    wanted = np.array([[0.5, 0.5], [NAN, NAN], [0.5, 0.5], [NAN, NAN], [NAN, NAN]])
    held = hold(market_of(opens), wanted, FREE)
    np.testing.assert_allclose(held.weights[1], [1 / 1.5, 0.5 / 1.5])
    assert held.turnover[1] == 0.0
    np.testing.assert_allclose(held.weights[2], [0.5, 0.5])


def test_a_band_leaves_what_is_near_and_sells_what_is_not_wanted() -> None:
    opens = np.ones((5, 3))
    wanted = np.array([[0.40, 0.02, 0.30], [0.43, 0.0, 0.38], *[[NAN] * 3] * 3])
    held = hold(market_of(opens), wanted, FREE, band=0.05)
    np.testing.assert_allclose(held.weights, [[0.40, 0.0, 0.30], [0.40, 0.0, 0.38]])
    assert hold(market_of(opens), wanted, FREE).weights[0, 1] == 0.02
    kept = np.array([[0.40, 0.10, 0.30], [0.40, 0.0, 0.30], *[[NAN] * 3] * 3])
    assert hold(market_of(opens), kept, FREE, band=0.2).weights[:, 1].tolist() == [0.0, 0.0]
    assert hold(market_of(opens), kept, FREE, band=0.05).weights[:, 1].tolist() == [0.10, 0.0]


def test_the_band_looks_at_the_close_of_the_decision_not_at_the_fill() -> None:
    """The position jumps between the close and the open: who decides at the close does not know it."""
    opens = np.array([[1.0, 1.0], [1.0, 1.0], [2.0, 1.0], [2.0, 1.0]])
    closes = np.array([[1.0, 1.0], [1.0, 1.0], [2.0, 1.0], [2.0, 1.0]])
    wanted = np.array([[0.5, 0.5], [0.5, 0.5], [NAN, NAN], [NAN, NAN]])
    held = hold(market_of(opens, closes), wanted, FREE, band=0.05)
    np.testing.assert_allclose(held.weights[1], [1 / 1.5, 0.5 / 1.5])


def test_all_that_is_lost_stays_lost() -> None:
    opens = np.array([[1.0, 1.0], [1.0, 1.0], [4.0, 1.0], [1.0, 1.0], [1.0, 1.0]])
    wanted = np.array([[-0.5, 0.5], [-0.5, 0.5], [-0.5, 0.5], [NAN, NAN], [NAN, NAN]])
    held = hold(market_of(opens), wanted, FREE)
    assert held.equity.tolist() == [0.0, 0.0, 0.0]
    assert not held.weights[1:].any()
    assert held.net.tolist() == [-1.0, 0.0, 0.0]


scores_of = hnp.arrays(
    np.float64, st.tuples(st.integers(2, 12), st.integers(3, 8)), elements=st.floats(-5, 5, width=16)
)


@given(scores_of, st.floats(-100, 100), st.floats(0.01, 50))
@settings(max_examples=60, deadline=None)
def test_neither_a_constant_nor_a_factor_changes_what_is_wanted(
    scores: np.ndarray, constant: float, factor: float
) -> None:
    for way in (long_short, long_only):
        np.testing.assert_allclose(way(factor * scores + constant, 2), way(scores, 2), atol=1e-9)


@given(scores_of, st.booleans())
@settings(max_examples=60, deadline=None)
def test_each_side_is_half_or_nothing_is_wanted(scores: np.ndarray, scaled: bool) -> None:
    volatility = 0.01 * (1 + np.arange(scores.shape[1])) * np.ones(scores.shape) if scaled else None
    wanted = long_short(scores, 2, volatility)
    long, short = np.maximum(wanted, 0).sum(axis=1), np.maximum(-wanted, 0).sum(axis=1)
    np.testing.assert_allclose(long, short, atol=1e-12)
    alike = np.ptp(scores, axis=1) < 1e-9
    np.testing.assert_allclose(long, np.where(alike, 0.0, 0.5), atol=1e-12)


@given(scores_of)
@settings(max_examples=60, deadline=None)
def test_long_only_sums_to_one_and_shorts_nothing(scores: np.ndarray) -> None:
    wanted = long_only(scores, 2)
    np.testing.assert_allclose(wanted.sum(axis=1), 1.0)
    assert (wanted >= 0).all()
    order = np.argsort(scores, axis=1)
    assert (np.diff(np.take_along_axis(wanted, order, axis=1), axis=1) >= -1e-12).all()


def test_weights_by_hand() -> None:
    scores = np.array([[3.0, 1.0, NAN, 2.0, 0.0]])
    np.testing.assert_allclose(long_short(scores, 4), [[0.375, -0.125, 0.0, 0.125, -0.375]])
    np.testing.assert_allclose(equal_weight(scores, 4), [[0.25, 0.25, 0.0, 0.25, 0.25]])
    volatility = np.array([[0.01, 0.01, 0.01, 0.03, 0.02]])  # 1.5 and 1/6 long, 1/2 and 3/4 short
    np.testing.assert_allclose(long_short(scores, 4, volatility), [[0.45, -0.2, 0.0, 0.05, -0.3]], atol=1e-12)
    tilt = 1 + np.array([1.5, -0.5, 0.5, -1.5]) / np.sqrt(1.25)
    tilt = np.maximum(tilt, 0) / np.maximum(tilt, 0).sum()
    np.testing.assert_allclose(long_only(scores, 4)[0, [0, 1, 3, 4]], tilt)
    for way in (long_short, long_only, equal_weight):
        assert np.isnan(way(scores, 5)).all()


def test_a_symbol_without_a_volatility_is_not_wanted_and_no_side_stands_alone() -> None:
    scores = np.array([[2.0, 1.0, 0.0]])
    assert long_short(scores, 3, np.array([[NAN, 0.01, 0.01]])).tolist() == [[0.0, 0.0, 0.0]]


def test_outermost_quantiles_by_hand() -> None:
    quantile = np.array([[1.0, 2.0, NAN, 3.0, 3.0, 1.0, 1.0], [1.0, 1.0, NAN, 1.0, 2.0, 2.0, 2.0]])
    third = -0.5 / 3
    np.testing.assert_allclose(
        outermost(quantile, 3, 5), [[third, 0.0, 0.0, 0.25, 0.25, third, third], [0.0] * 7]
    )
    assert np.isnan(outermost(quantile, 3, 7)).all()


def test_smoothing_by_hand() -> None:
    """Half after a day: symbol 0 stands 1, -1 and 1 above the mean; symbol 2 has no second day."""
    scores = np.array([[1.0, -1.0, 0.0], [9.0, 11.0, NAN], [6.0, 4.0, 5.0]])
    got = smoothed(scores, 1.0, 2)
    np.testing.assert_allclose(got[:, 0], [1.0, (0.5 - 1) / 1.5, (0.25 - 0.5 + 1) / 1.75])
    np.testing.assert_allclose(got[:, 2], [0.0, NAN, 0.0])
    few = smoothed(scores, 1.0, 3)
    assert np.isnan(few[1]).all()
    np.testing.assert_allclose(few[2, 0], (0.5 + 1) / 1.5)  # the day between has left no trace


def test_what_is_wanted_knows_nothing_of_later_scores() -> None:
    rng = np.random.default_rng(5)
    scores, volatility = rng.normal(size=(40, 6)), rng.uniform(0.01, 0.03, (40, 6))
    ways = {
        "long_short": lambda s, v: long_short(s, 3, v),
        "long_only": lambda s, v: long_only(s, 3),
        "equal": lambda s, v: equal_weight(s, 3),
        "smoothed": lambda s, v: smoothed(s, 2.0, 3),
    }
    for way in ways.values():
        np.testing.assert_array_equal(way(scores[:25], volatility[:25]), way(scores, volatility)[:25])


def test_rows_know_nothing_of_later_prices() -> None:
    rng = np.random.default_rng(6)
    market = random_market(rng, 40, 5, 0.05)
    scores = np.where(np.isfinite(market.closes), rng.normal(size=(40, 5)), NAN)
    wanted = long_short(scores, 2)
    whole = hold(market, wanted, DEAR, band=0.03, liquidate=False)
    opens, closes = market.opens.copy(), market.closes.copy()
    opens[23:] *= 3.0
    closes[22:] *= 2.0  # row 20 exits at the open of 22
    other = hold(market_of(opens, closes), wanted, DEAR, band=0.03, liquidate=False)
    np.testing.assert_array_equal(whole.weights[:21], other.weights[:21])
    np.testing.assert_array_equal(whole.net[:21], other.net[:21])
    np.testing.assert_array_equal(whole.trades[:21], other.trades[:21])


def test_free_of_cost_equity_is_the_product_of_what_weights_earned() -> None:
    rng = np.random.default_rng(8)
    market = random_market(rng, 50, 7)
    wanted = long_short(rng.normal(size=(50, 7)), 5)
    held = hold(market, wanted, FREE)
    returns = market.opens[2:] / market.opens[1:-1] - 1
    np.testing.assert_allclose(held.equity, np.cumprod(1 + (wanted[:48] * returns).sum(axis=1)), rtol=1e-12)
    np.testing.assert_allclose(held.net_exposure, 0.0, atol=1e-12)
    dear = hold(market, wanted, dataclasses.replace(FREE, cost_bps=30.0))
    assert (dear.equity < held.equity).all()


def test_one_score_and_still_prices_trade_once() -> None:
    wanted = long_short(np.tile([3.0, 1.0, 2.0], (10, 1)), 3)
    held = hold(market_of(np.ones((10, 3))), wanted, FREE, liquidate=False)
    assert held.turnover.tolist() == [1.0] + [0.0] * 7


def portfolio(seed: int = 9) -> tuple[Tradable, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    market = random_market(rng, 300, 8)
    scores = rng.normal(size=(300, 8))
    scores[:20] = NAN
    return market, scores, equal_weight(scores, 5)


def test_the_ledger_feeds_the_scorecard() -> None:
    market, scores, equal = portfolio()
    held = hold(market, long_short(scores, 5), DEAR)
    others = portfolio_baselines(market, held, equal, DEAR)
    ledger = portfolio_ledger(market, held, hold(market, equal, DEAR))
    assert require(ledger, LEDGER).height == 278
    assert ledger["day"][0].isoformat() == "2020-01-21"
    assert (ledger["exit_day"] - ledger["fill_day"]).dt.total_days().unique().to_list() == [1]
    assert set(others) == {BUY_AND_HOLD, EXPOSURE_MATCHED, VOLATILITY_MATCHED}
    np.testing.assert_allclose(ledger["asset_return"], others[BUY_AND_HOLD]["gross"])
    np.testing.assert_allclose(others[BUY_AND_HOLD]["weight"], 1.0)
    assert not others[EXPOSURE_MATCHED]["weight"].to_numpy().any()
    card = scorecard(ledger, others)
    same = card.value(ScoreName.VOLATILITY, VOLATILITY_MATCHED)
    assert same == pytest.approx(card.value(ScoreName.VOLATILITY), rel=0.02)
    assert card.value(ScoreName.BREAK_EVEN_COST) == pytest.approx(
        1e4 * held.gross.sum() / held.turnover.sum()
    )


def test_matched_equal_weight_has_the_exposure_of_each_day() -> None:
    market, scores, equal = portfolio()
    held = hold(market, 0.3 * equal + long_short(scores, 5), FREE, band=0.02)
    matched = hold(market, exposure_matched(held, equal), FREE)
    np.testing.assert_allclose(matched.net_exposure, held.net_exposure, atol=1e-12)
    assert 0.1 < held.net_exposure.min() < held.net_exposure.max() < 0.5


def test_nothing_that_moves_has_no_volatility_to_match() -> None:
    market, scores, equal = portfolio()
    flat = hold(market_of(np.ones((300, 8))), long_short(scores, 5), FREE)
    assert not np.nan_to_num(volatility_matched(flat, hold(market, equal, FREE), equal)).any()


def test_figures_of_a_portfolio() -> None:
    market, scores, equal = portfolio()
    held, even = hold(market, long_short(scores, 5), DEAR), hold(market, equal, DEAR)
    told = portfolio_record("x", market, held, even, DEAR)
    assert (told.name, told.cost_bps, told.days, told.closed) == ("x", 15.0, 278, 0)
    assert told.net == pytest.approx(252 * held.net.mean())
    assert told.against == pytest.approx(told.net)  # no exposure, so nothing is earned for it
    assert told.against_error == pytest.approx(252 * held.net.std() / np.sqrt(278), rel=0.3)
    assert told.break_even_bps == pytest.approx(1e4 * held.gross.sum() / held.turnover.sum())
    assert told.beta == pytest.approx(np.polyfit(even.net, held.net, 1)[0])
    assert told.drawdown == figures.max_drawdown(held.net)
    itself = portfolio_record("equal", market, even, even, DEAR)
    assert itself.against == pytest.approx(-252 * (even.cost - even.financing).mean(), abs=1e-9)
    assert itself.break_even_bps == pytest.approx(0.0, abs=1e-9)
    assert itself.beta == pytest.approx(1.0)


def test_equal_weight_costs_what_its_drift_costs() -> None:
    market, _, equal = portfolio()
    free, paid = hold(market, equal, FREE), hold(market, equal, dataclasses.replace(FREE, cost_bps=10.0))
    np.testing.assert_allclose(free.gross, (market.opens[22:] / market.opens[21:-1] - 1).mean(axis=1)[:278])
    assert 0 < paid.turnover[1:-1].mean() < 0.02
    np.testing.assert_allclose(paid.net, paid.gross - 0.001 * paid.turnover)


def test_capacity_by_hand() -> None:
    """A million a day and trades of .3 and .1 in turn: half of what is traded is in trades of .3."""
    market = market_of(np.ones((6, 2)), money=np.array([[2e6, NAN]] + [[1e6, 0.0]] * 5))
    zeros = np.zeros(2)
    trades = np.array([[0.3, 0.2], [0.1, 0.2]])
    held = Held(np.array([0, 1]), trades, trades, *[zeros] * 6, 0)
    assert capacity(market, held) == pytest.approx(0.01 * 2e6 / 0.3)
    assert capacity(market_of(np.ones((6, 2))), held) is None
    assert capacity(market, Held(np.array([0, 1]), trades, 0 * trades, *[zeros] * 6, 0)) is None


def test_money_of_a_day_is_known_at_its_close() -> None:
    rng = np.random.default_rng(2)
    money = rng.uniform(1e5, 1e6, (60, 3))
    money[rng.random((60, 3)) < 0.2] = NAN
    daily = market_of(np.ones((60, 3)), money=money).daily_money
    assert daily is not None
    expected = [[np.nanmean(money[max(0, t - 20) : t + 1, i]) for i in range(3)] for t in range(5, 60)]
    np.testing.assert_allclose(daily[5:], expected)


def test_what_cannot_be_traded_is_refused() -> None:
    market, _, equal = portfolio()
    with pytest.raises(DataError, match="shape"):
        hold(market, equal[:, :3], FREE)
    half = equal.copy()
    half[50, 2] = NAN
    with pytest.raises(DataError, match="row 50 decides on some symbols only"):
        hold(market, half, FREE)
    with pytest.raises(DataError, match="no decision has both"):
        hold(market, np.full_like(equal, NAN), FREE)
    with pytest.raises(SettingError, match="band"):
        hold(market, equal, FREE, band=-0.1)
    with pytest.raises(SettingError, match="days_per_year"):
        hold(market, equal, FREE, days_per_year=0)
    with pytest.raises(SettingError, match="halflife"):
        smoothed(equal, 0.0, 3)
    with pytest.raises(DataError, match="opens has no price above 0 in row 3, column 1"):
        market_of(np.where((np.arange(12) == 7).reshape(6, 2), 0.0, 1.0))
    with pytest.raises(DataError, match="grids of shapes"):
        Tradable(market.day, market.opens, market.closes[:5])
    short = hold(market, np.where(np.arange(300)[:, None] < 100, equal, NAN), FREE)
    with pytest.raises(DataError, match="other days"):
        portfolio_ledger(market, short, hold(market, equal, FREE))
