"""Scores of many symbols become positions, positions one ledger: the accounting of a portfolio.

Grids (D, N), a row a day and a column a symbol, NaN where a symbol has nothing. Row t is decided at the close
of day t from scores dated <= t, filled at the open of t+1 and known at the open of t+2, where the fill of row
t+1 follows at the same price. With w_i the weights over the interval and r_i the simple returns of it::

    G, S      = sum |w_i|, sum of max(-w_i, 0)
    gross     = sum w_i r_i
    financing = max(0, 1 - G) cash - max(0, G - 1) (cash + spread) - S borrow           (each a day)
    cost      = c sum |w_i - w_i before the trade|
    net       = gross + financing - cost                 equity_t = equity_{t-1} (1 + net)

All of a row is measured in the equity at its start, as in `geiger.backtest.simulate`; of one symbol, held by
fractions, the two say the same. Between trades positions drift with their prices: w_i before the trade is
w_i (1 + r_i) / (1 + net) of the row before.

What cannot be traded. A wanted symbol without an open at t+1 is not bought. A held one without an open at t+2
is closed at its last price, the close of t+1 (its open where there is none), and pays for that trade; nobody
knows beforehand, so neither trade is put anywhere else, and a side may stand short of its half for a day.

With a band a position is left to drift unless, at the close of the decision, it stands further than the band
from what is wanted; beyond, it is traded to what is wanted. A symbol that is not wanted at all is sold.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl

from geiger.backtest import figures
from geiger.backtest.baselines import BUY_AND_HOLD, VOLATILITY_MATCHED
from geiger.backtest.costs import Costs
from geiger.columns import LEDGER, require
from geiger.cross_section import Portfolio
from geiger.errors import DataError, SettingError
from geiger.metrics import lagged_error
from geiger.native import native

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Days = npt.NDArray[np.datetime64]

EXPOSURE_MATCHED: Final = "exposure_matched"
VOLUME_SHARE = 0.01  # of a symbol's traded money that a trade may be, where capacity ends
VOLUME_ROWS = 21  # days whose mean traded money stands for a day's
ERROR_LAGS = 5  # days over which differences of returns hang together
_ROUNDING = 1e-12  # as a share of what two numbers are, below which they do not differ


@dataclass(frozen=True, eq=False)
class Tradable:
    """What can be bought and sold.

    Attributes
    ----------
    day : array (D,) of datetime64[D]
        Of one calendar, ascending.
    opens, closes : array (D, N)
        On one basis, adjusted for splits and dividends.
    money : array (D, N), optional
        Traded that day, close x volume; NaN or 0 where unknown.
    """

    day: Days
    opens: Floats
    closes: Floats
    money: Floats | None = None

    def __post_init__(self) -> None:
        shapes = {self.opens.shape, self.closes.shape}
        shapes |= set() if self.money is None else {self.money.shape}
        if len(shapes) != 1 or self.opens.ndim != 2 or len(self.opens) != len(self.day):
            raise DataError(f"portfolio: {len(self.day)} days and grids of shapes {sorted(shapes)}")
        for name, prices in (("opens", self.opens), ("closes", self.closes)):
            if (prices <= 0).any() or np.isinf(prices).any():
                row, column = np.argwhere((prices <= 0) | np.isinf(prices))[0]
                raise DataError(f"portfolio: {name} has no price above 0 in row {row}, column {column}")

    @cached_property
    def daily_money(self) -> Floats | None:
        """Mean money traded over the last 21 days with a volume (D, N), known at the close of its row."""
        if self.money is None:
            return None
        known = np.isfinite(self.money) & (self.money > 0)
        total, count = np.where(known, self.money, 0.0).cumsum(axis=0), known.cumsum(axis=0)
        for through in (total, count):
            through[VOLUME_ROWS:] -= through[:-VOLUME_ROWS].copy()
        return np.where(count > 0, total / np.maximum(count, 1), np.nan)


@dataclass(frozen=True, eq=False)
class Held:
    """What became of a portfolio over T rows, consecutive decision days.

    Attributes
    ----------
    rows : array of int (T,)
        Of the calendar, the decision days.
    weights : array (T, N)
        Shares of equity held over each interval.
    trades : array (T, N)
        Absolute shares of equity traded at each fill, closings after it left out.
    gross, financing, turnover, cost, net, equity : array (T,)
    closed : int
        Positions closed at a last price because their symbol had no next open.
    """

    rows: npt.NDArray[np.int64]
    weights: Floats
    trades: Floats
    gross: Floats
    financing: Floats
    turnover: Floats
    cost: Floats
    net: Floats
    equity: Floats
    closed: int

    @property
    def exposure(self) -> Floats:
        """Sum of the absolute weights (T,)."""
        return np.asarray(np.abs(self.weights).sum(axis=1))

    @property
    def net_exposure(self) -> Floats:
        """Sum of the weights (T,)."""
        return np.asarray(self.weights.sum(axis=1))


def equal_weight(scores: Floats, least: int) -> Floats:
    """Return one n-th for each of the n symbols that have a score; no row with fewer than `least` of them.

    In all wanted weights (D, N) a row without numbers decides nothing, and in the others a symbol that is not
    wanted is 0.
    """
    return _decided(np.isfinite(scores).astype(np.float64), scores, least)


def long_short(scores: Floats, least: int, volatility: Floats | None = None) -> Floats:
    """Return wanted weights (D, N): as far from the day's mean score, so large; each side half of equity.

    Long what lies above the mean, short what lies below: a constant added to all scores of a day, or a factor
    above 0, changes nothing. A day on which all scores are one wants nothing at all.

    Parameters
    ----------
    volatility : array (D, N), optional
        Daily, known at the close of its row: weights are divided by it, so that a calm symbol and a wild one
        of one score risk the same. A symbol without one is not wanted.
    """
    beyond = _beyond(scores, least)
    if volatility is not None:
        known = volatility > 0
        beyond = np.where(known, beyond / np.where(known, volatility, 1.0), 0.0)
    sides = (np.maximum(beyond, 0.0), np.maximum(-beyond, 0.0))
    return _two_sides(*sides, scores, least)


def outermost(quantile: Floats, count: int, least: int) -> Floats:
    """Return wanted weights (D, N): long the highest quantile, short the lowest, all of a side alike.

    Each side is half of equity; a day on which one of them is empty wants nothing at all.

    Parameters
    ----------
    quantile : array (D, N)
        Number of the quantile of each symbol that has a score, 1 to `count`.
    """
    highest, lowest = ((quantile == number).astype(np.float64) for number in (count, 1))
    return _two_sides(highest, lowest, quantile, least)


def long_only(scores: Floats, least: int) -> Floats:
    """Return wanted weights (D, N) that sum to 1: one n-th each, tilted by the distance from the mean score.

    A symbol one standard deviation above the day's mean has double weight, one that lies as far below none.
    A constant added to all scores of a day, or a factor above 0, changes nothing.
    """
    beyond = _beyond(scores, least)
    names = np.maximum(np.isfinite(scores).sum(axis=1, keepdims=True), 1)
    deviation = np.sqrt((beyond**2).sum(axis=1, keepdims=True) / names)
    tilt = 1.0 + beyond / np.where(deviation > 0.0, deviation, 1.0)
    return _decided(np.where(np.isfinite(scores), np.maximum(tilt, 0.0), 0.0), scores, least)


def smoothed(scores: Floats, halflife: float, least: int) -> Floats:
    """Return the exponential mean of each symbol's scores beyond the day's mean (D, N).

    A score counts half after `halflife` days on which the symbol has one. Row t knows scores through t; a
    symbol has a smoothed score on the days on which it has a score.
    """
    if not (math.isfinite(halflife) and halflife > 0):
        raise SettingError(f"halflife must be a finite number of days above 0, got {halflife}")
    seen = np.isfinite(scores) & (np.isfinite(scores).sum(axis=1) >= least)[:, None]
    beyond, keep = _beyond(scores, least), 0.5 ** (1.0 / halflife)
    total, weight = np.zeros(scores.shape[1]), np.zeros(scores.shape[1])
    found = np.full(scores.shape, np.nan)
    for row, there in enumerate(seen):
        total = np.where(there, keep * total + beyond[row], total)
        weight = np.where(there, keep * weight + 1.0, weight)
        found[row, there] = total[there] / weight[there]
    return found


def hold(
    market: Tradable,
    wanted: Floats,
    costs: Costs,
    *,
    band: float = 0.0,
    days_per_year: int = 252,
    liquidate: bool = True,
) -> Held:
    """Account for a portfolio of wanted weights, from the first day that decides to the last that is known.

    Parameters
    ----------
    market : Tradable
    wanted : array (D, N)
        Shares of equity, decided at the close of each row; a row of NaN decides nothing and leaves what is
        held to drift.
    costs : Costs
    band : float
        Share of equity by which a position may stand off from what is wanted before it is traded.
    liquidate : bool
        Whether the last row pays for closing what is held.

    Raises
    ------
    DataError
        The grid has another shape than the market's, a row is half decided, or no decision can be filled and
        known.
    """
    decided = _checked(market, wanted, band, days_per_year)
    rows = np.arange(decided[0], decided[-1] + 1)
    fill, close, out = market.opens[rows + 1], market.closes[rows + 1], market.opens[rows + 2]
    bought, stays = np.isfinite(fill), np.isfinite(out)
    last, price = np.where(np.isfinite(close), close, fill), np.where(bought, fill, 1.0)
    returns = np.where(bought, np.where(stays, out, last) / price - 1.0, 0.0)
    to_close = np.where(bought, last / price - 1.0, 0.0)
    weights, trades = (np.zeros((len(rows), wanted.shape[1])) for _ in range(2))
    gross, financing, turnover, net, equity = (np.zeros(len(rows)) for _ in range(5))
    closed = _account(
        np.ascontiguousarray(wanted[rows]),
        returns,
        to_close,
        bought,
        stays,
        float(band),
        costs.per_turnover,
        costs.cash_yield / days_per_year,
        (costs.cash_yield + costs.margin_spread) / days_per_year,
        costs.borrow_rate / days_per_year,
        liquidate,
        weights,
        trades,
        gross,
        financing,
        turnover,
        net,
        equity,
    )
    cost = costs.per_turnover * turnover
    return Held(rows, weights, trades, gross, financing, turnover, cost, net, equity, int(closed))


def portfolio_ledger(market: Tradable, held: Held, equal: Held) -> pl.DataFrame:
    """Return the LEDGER frame of a portfolio: its weight is the gross exposure, its asset is equal weight.

    Parameters
    ----------
    held : Held
        The portfolio.
    equal : Held
        Equal weight on the same days, whose gross return is the return of the asset.
    """
    if not np.array_equal(held.rows, equal.rows):
        raise DataError("portfolio: equal weight has other days than the portfolio; hold both on the same")
    day = pl.Series(market.day.astype("datetime64[D]"))
    frame = pl.DataFrame(
        {
            "day": day[held.rows],
            "fill_day": day[held.rows + 1],
            "exit_day": day[held.rows + 2],
            "weight": held.exposure,
            "asset_return": equal.gross,
            "turnover": held.turnover,
            "gross": held.gross,
            "financing": held.financing,
            "cost": held.cost,
            "net": held.net,
            "equity": held.equity,
        }
    )
    return require(frame, LEDGER)


def exposure_matched(held: Held, equal: Floats) -> Floats:
    """Return wanted weights (D, N) of equal weight that has a portfolio's net exposure on each of its days.

    Two sides that differ by rounding alone have none.

    Parameters
    ----------
    equal : array (D, N)
        Wanted weights of equal weight, see `equal_weight`.
    """
    net = held.net_exposure
    net = np.where(np.abs(net) > _ROUNDING * held.exposure, net, 0.0)
    found = np.full(equal.shape, np.nan)
    found[held.rows] = net[:, None] * equal[held.rows]
    return found


def volatility_matched(held: Held, equal: Held, wanted: Floats) -> Floats:
    """Return wanted weights (D, N) of equal weight, the rest in cash, with a portfolio's realised volatility.

    A yardstick, no strategy: its one share is set by the whole sample.

    Parameters
    ----------
    equal, wanted
        What became of equal weight, and its wanted weights.
    """
    still = held.net.size < 2 or figures.is_constant(held.net) or figures.is_constant(equal.net)
    return wanted * (0.0 if still else float(held.net.std(ddof=1) / equal.net.std(ddof=1)))


def portfolio_baselines(
    market: Tradable,
    held: Held,
    wanted_equal: Floats,
    costs: Costs,
    *,
    days_per_year: int = 252,
    liquidate: bool = True,
) -> dict[str, pl.DataFrame]:
    """Return the LEDGER of each baseline of a portfolio, on its days and at its costs.

    ``buy_and_hold`` is equal weight, set anew every day; ``exposure_matched`` is it with the portfolio's net
    exposure of each day; ``volatility_matched`` the constant share of it, the rest in cash, that has the
    portfolio's realised volatility.

    Parameters
    ----------
    wanted_equal : array (D, N)
        Wanted weights of equal weight, on all days of the portfolio.
    """
    days = np.full(len(wanted_equal), False)
    days[held.rows] = True
    wanted = np.where(days[:, None], wanted_equal, np.nan)

    def run(weights: Floats) -> Held:
        return hold(market, weights, costs, days_per_year=days_per_year, liquidate=liquidate)

    equal = run(wanted)
    found = {
        BUY_AND_HOLD: equal,
        EXPOSURE_MATCHED: run(exposure_matched(held, wanted)),
        VOLATILITY_MATCHED: run(volatility_matched(held, equal, wanted)),
    }
    return {name: portfolio_ledger(market, one, equal) for name, one in found.items()}


def capacity(market: Tradable, held: Held) -> float | None:
    """Return the money with which half of all that is traded is at most 1% of what its symbol trades a day.

    In the currency of the prices; None where no volume is known or nothing is traded. What a symbol trades a
    day is the mean of the 21 days up to the decision that have a volume.
    """
    if market.daily_money is None:
        return None
    daily = market.daily_money[held.rows]
    used = (held.trades > 0) & (daily > 0)
    if not used.any():
        return None
    trades = held.trades[used]
    money = VOLUME_SHARE * daily[used] / trades
    order = np.argsort(money)
    half = np.searchsorted(np.cumsum(trades[order]), 0.5 * trades.sum())
    return float(money[order][min(half, len(order) - 1)])


def portfolio_record(
    name: str, market: Tradable, held: Held, equal: Held, costs: Costs, days_per_year: int = 252
) -> Portfolio:
    """Return the figures of a portfolio.

    Parameters
    ----------
    equal : Held
        Equal weight on the same days at the same costs.
    """
    size = equal.exposure
    matched = held.net_exposure * np.where(size > 0.0, equal.gross / np.where(size > 0.0, size, 1.0), 0.0)
    gain = held.net - matched
    error = None if gain.size < 2 else lagged_error(gain - gain.mean(), ERROR_LAGS) * days_per_year
    return Portfolio(
        name=name,
        cost_bps=costs.cost_bps + costs.slippage_bps,
        days=int(held.net.size),
        net=float(held.net.mean()) * days_per_year,
        volatility=figures.volatility(held.net, days_per_year),
        sharpe=figures.sharpe(held.net, days_per_year, costs.cash_yield),
        against=float(gain.mean()) * days_per_year,
        against_error=error,
        turnover=figures.turnover_a_year(held.turnover, days_per_year),
        break_even_bps=figures.break_even_bps(held.gross - matched, held.turnover),
        beta=figures.beta(held.net, equal.net),
        drawdown=figures.max_drawdown(held.net),
        capacity=capacity(market, held),
        closed=held.closed,
    )


def _beyond(scores: Floats, least: int) -> Floats:
    """Return scores less the mean of their day (D, N); 0 without one, and where all are one but rounding."""
    seen = np.isfinite(scores)
    count = seen.sum(axis=1, keepdims=True)
    values = np.where(seen, scores, 0.0)
    beyond = np.where(
        seen & (count >= least), values - values.sum(axis=1, keepdims=True) / np.maximum(count, 1), 0.0
    )
    rounding = _ROUNDING * np.abs(values).max(axis=1, keepdims=True, initial=0.0)
    return np.where(np.abs(beyond).max(axis=1, keepdims=True, initial=0.0) > rounding, beyond, 0.0)


def _two_sides(long: Floats, short: Floats, scores: Floats, least: int) -> Floats:
    """Return sizes (D, N) >= 0 as two sides of half of equity each; 0 where either side is empty."""
    long, short = (0.5 * _decided(side, scores, least) for side in (long, short))
    two = (long.sum(axis=1) > 0) & (short.sum(axis=1) > 0)
    return np.where(two[:, None] | np.isnan(long), long - short, 0.0)


def _decided(sizes: Floats, scores: Floats, least: int) -> Floats:
    """Return sizes (D, N) >= 0 as shares of their row; 0 where all are 0, NaN where a day does not count."""
    total = sizes.sum(axis=1, keepdims=True)
    shares = np.where(total > 0.0, sizes / np.where(total > 0.0, total, 1.0), 0.0)
    names = np.isfinite(scores).sum(axis=1)
    return np.where((names >= least)[:, None], shares, np.nan)


def _checked(market: Tradable, wanted: Floats, band: float, days_per_year: int) -> npt.NDArray[np.int64]:
    """Return the rows that decide, or refuse what cannot be traded."""
    if wanted.shape != market.opens.shape:
        raise DataError(
            f"portfolio: weights of shape {wanted.shape} on prices of {market.opens.shape}; give one a price"
        )
    if not (math.isfinite(band) and band >= 0):
        raise SettingError(f"band must be a finite share of equity of 0 or more, got {band}")
    if days_per_year < 1:
        raise SettingError(f"days_per_year must be at least 1, got {days_per_year}")
    decides = np.isfinite(wanted).sum(axis=1)
    half = (decides > 0) & (decides < wanted.shape[1])
    if half.any():
        raise DataError(f"portfolio: row {int(half.argmax())} decides on some symbols only; give the rest 0")
    decided = np.flatnonzero(decides[:-2])
    if not decided.size:
        raise DataError("portfolio: no decision has both a fill and an exit; give days up to two after one")
    return decided


@native
def _account(  # pragma: no cover - compiled
    wanted: Floats,
    returns: Floats,
    to_close: Floats,
    bought: Bools,
    stays: Bools,
    band: float,
    cost: float,
    cash: float,
    margin: float,
    borrow: float,
    liquidate: bool,
    weights: Floats,
    trades: Floats,
    gross: Floats,
    financing: Floats,
    turnover: Floats,
    net: Floats,
    equity: Floats,
) -> int:
    rows, names = wanted.shape
    before = np.zeros(names)  # weights before the trade
    at_close = np.zeros(names)  # weights at the close of the decision
    wealth, closed = 1.0, 0
    for t in range(rows):
        traded = size = short = earned = day = 0.0
        for i in range(names):
            w, ask = before[i], wanted[t, i]
            off = abs(ask - at_close[i])
            if bought[t, i] and not np.isnan(ask) and (off > band or ask == 0.0):
                w = ask
            if wealth <= 0.0:
                w = 0.0
            weights[t, i] = w
            trades[t, i] = abs(w - before[i])
            traded += trades[t, i]
            size += abs(w)
            short += max(-w, 0.0)
            earned += w * returns[t, i]
            day += w * to_close[t, i]
        carry = 0.0
        if wealth > 0.0:
            carry = max(0.0, 1.0 - size) * cash - max(0.0, size - 1.0) * margin - short * borrow
        by_close = 1.0 + day + carry - cost * traded
        for i in range(names):
            w = weights[t, i]
            at_close[i] = w * (1.0 + to_close[t, i]) / by_close if by_close > 0.0 else 0.0
            if w != 0.0 and (not stays[t, i] or (liquidate and t == rows - 1)):
                traded += abs(w) * (1.0 + returns[t, i])
                if not stays[t, i]:
                    closed += 1
        made = max(earned + carry - cost * traded, -1.0)
        for i in range(names):
            w = weights[t, i]
            left = made <= -1.0 or not stays[t, i]
            before[i] = 0.0 if left else w * (1.0 + returns[t, i]) / (1.0 + made)
        wealth *= 1.0 + made
        gross[t], financing[t], turnover[t], net[t], equity[t] = earned, carry, traded, made, wealth
    return closed
