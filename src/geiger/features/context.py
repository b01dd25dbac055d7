"""The market around the symbol: an index, and a volatility index where one is given.

A value is 0 without a context, on rows where the context has none, and until its window lies inside the
context; days lost in a hole of the context count as days on which the market stood still.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from geiger.features.bars import (
    TIE,
    TINY,
    Bars,
    feature,
    highest,
    log_ratio,
    ratio,
    shift,
    total,
)
from geiger.features.kernels import Array, window_mean, window_rank

# A sensitivity beyond this says only that the market hardly moved.
MAX_BETA = 10.0


def _where_known(bars: Bars, values: Array, known: npt.NDArray[np.bool_], warmup: int) -> Array:
    out = np.where(known & ~np.isnan(values), values, 0.0)
    if bars.has_context:
        out[:warmup] = np.nan
    return out


def _market(bars: Bars, values: Array, warmup: int) -> Array:
    return _where_known(bars, values, bars.market_known, warmup)


def _implied(bars: Bars, values: Array, warmup: int) -> Array:
    return _where_known(bars, values, bars.implied_known, warmup)


def market_return(bars: Bars, n: int) -> Array:
    """log(index / index n days ago)."""
    return _market(bars, np.log(bars.market_close / shift(bars.market_close, n)), n)


def market_volatility(bars: Bars, n: int) -> Array:
    """Sample standard deviation of the last n daily log returns of the index."""
    return _market(bars, bars.volatility(n, "market_returns"), n)


def market_volatility_ratio(bars: Bars, m: int, n: int) -> Array:
    """log(standard deviation of the last m index returns / that of the last n); 0 where either is 0."""
    values = log_ratio(bars.volatility(m, "market_returns"), bars.volatility(n, "market_returns"), TINY)
    return _market(bars, values, n)


def market_to_mean(bars: Bars, n: int) -> Array:
    """log(index / mean of its last n closes)."""
    return _market(bars, np.log(bars.market_close / window_mean(bars.market_close, n)), n - 1)


def market_drawdown(bars: Bars, n: int) -> Array:
    """log(index / its highest close of the last n days)."""
    return _market(bars, np.log(bars.market_close / highest(bars.market_close, n)), n - 1)


def _beta(bars: Bars, n: int) -> Array:
    var = bars.moments("market_returns", n)[1]
    return np.clip(
        ratio(bars.covariance("returns", "market_returns", n), var, TINY**2, 0.0), -MAX_BETA, MAX_BETA
    )


def market_beta(bars: Bars, n: int) -> Array:
    """Covariance with index returns / their variance over n days, in [-10, 10]; 0 where it stood still.

    Source: Sharpe 1964.
    """
    return _market(bars, _beta(bars, n), n)


def market_downside_beta(bars: Bars, n: int) -> Array:
    """Beta over those of the last n days on which the index fell, in [-10, 10]; 0 without such days.

    Source: Ang, Chen and Xing 2006.
    """
    market = bars.market_returns
    fell = np.where(np.isnan(market), np.nan, market < 0.0)
    days = total(fell, n)
    mean_market = ratio(total(fell * market, n), days, 0.0, 0.0)
    mean_own = ratio(total(fell * bars.returns, n), days, 0.0, 0.0)
    cov = ratio(total(fell * market * bars.returns, n), days, 0.0, 0.0) - mean_market * mean_own
    var = ratio(total(fell * market * market, n), days, 0.0, 0.0) - mean_market * mean_market
    # Differences of two sums: a variance this small is rounding.
    floor = np.maximum(TIE * mean_market * mean_market, TINY**2)
    return _market(bars, np.clip(ratio(cov, var, floor, 0.0), -MAX_BETA, MAX_BETA), n)


def market_correlation(bars: Bars, n: int) -> Array:
    """Correlation with index returns over n days; 0 where either stood still."""
    return _market(bars, bars.correlation("returns", "market_returns", n), n)


def market_idiosyncratic_share(bars: Bars, n: int) -> Array:
    """1 - squared correlation with index returns over n days.

    Source: Ang, Hodrick, Xing and Zhang 2006; Morck, Yeung and Yu 2000.
    """
    explained = bars.correlation("returns", "market_returns", n) ** 2
    return _market(bars, 1.0 - explained, n)


def market_residual_momentum(bars: Bars, m: int, n: int) -> Array:
    """(m-day return - beta x the index's) / (residual standard deviation x sqrt(m)), both fitted over n days.

    In [-20, 20]; 0 without a residual.

    Source: Blitz, Huij and Martens 2011.
    """
    beta, own = _beta(bars, n), bars.moments("returns", n)[1]
    deviation = np.sqrt(np.maximum(own - beta * bars.covariance("returns", "market_returns", n), 0.0))
    residual = total(bars.returns, m) - beta * total(bars.market_returns, m)
    # Where the index explains all but rounding, what is left has no direction.
    floor = np.maximum(TINY, 1e-6 * np.sqrt(own))
    values = ratio(residual, deviation * np.sqrt(m), floor, 0.0)
    return _market(bars, np.clip(values, -20.0, 20.0), n)


def market_relative_return(bars: Bars, n: int) -> Array:
    """n-day log return - that of the index."""
    own = np.log(bars.close / shift(bars.close, n))
    return _market(bars, own - np.log(bars.market_close / shift(bars.market_close, n)), n)


def market_relative_volatility(bars: Bars, n: int) -> Array:
    """log(standard deviation of the last n returns / that of the index); 0 where either is 0."""
    return _market(bars, log_ratio(bars.volatility(n), bars.volatility(n, "market_returns"), TINY), n)


def implied_level(bars: Bars) -> Array:
    """Volatility index / 100 / sqrt(252): the quoted standard deviation of one day.

    Source: Whaley 2000.
    """
    return _implied(bars, bars.implied / 100.0 / np.sqrt(252.0), 0)


def implied_to_mean(bars: Bars, n: int) -> Array:
    """log(volatility index / its mean of the last n days)."""
    return _implied(bars, np.log(bars.implied / window_mean(bars.implied, n)), n - 1)


def implied_change(bars: Bars, n: int) -> Array:
    """log(volatility index / its value n days ago)."""
    return _implied(bars, np.log(bars.implied / shift(bars.implied, n)), n)


def implied_rank(bars: Bars, n: int) -> Array:
    """Share of the volatility index's other values of n days that are lower than today's; ties count half."""
    return _implied(bars, window_rank(bars.implied, n, TIE), n - 1)


def implied_premium(bars: Bars, n: int) -> Array:
    """log(volatility index / 100 / sqrt(252) / standard deviation of n index returns); 0 where that is 0.

    Source: Bollerslev, Tauchen and Zhou 2009.
    """
    quoted = bars.implied / 100.0 / np.sqrt(252.0)
    values = log_ratio(quoted, bars.volatility(n, "market_returns"), TINY)
    return _where_known(bars, values, bars.implied_known & bars.market_known, n)


FEATURES = (
    *(feature("market_return_{n}", market_return, n, "log return", n=n) for n in (1, 5, 21, 252)),
    feature("market_volatility_{n}", market_volatility, 21, "log return a day", n=21),
    feature("market_volatility_ratio_{m}_{n}", market_volatility_ratio, 252, "log ratio", m=21, n=252),
    feature("market_to_mean_{n}", market_to_mean, 199, "log ratio", n=200),
    feature("market_drawdown_{n}", market_drawdown, 251, "log ratio", n=252),
    *(feature("market_beta_{n}", market_beta, n, "ratio", n=n) for n in (63, 252)),
    feature("market_downside_beta_{n}", market_downside_beta, 252, "ratio", n=252),
    feature("market_correlation_{n}", market_correlation, 63, "correlation", n=63),
    feature("market_idiosyncratic_share_{n}", market_idiosyncratic_share, 126, "share", n=126),
    feature(
        "market_residual_momentum_{m}_{n}", market_residual_momentum, 252, "standard deviations", m=126, n=252
    ),
    feature("market_relative_return_{n}", market_relative_return, 21, "log return", n=21),
    feature("market_relative_volatility_{n}", market_relative_volatility, 63, "log ratio", n=63),
    feature("implied_level", implied_level, 0, "log return a day"),
    *(feature("implied_to_mean_{n}", implied_to_mean, n - 1, "log ratio", n=n) for n in (252,)),
    *(feature("implied_change_{n}", implied_change, n, "log ratio", n=n) for n in (1, 5)),
    feature("implied_rank_{n}", implied_rank, 125, "share", n=126),
    feature("implied_premium_{n}", implied_premium, 21, "log ratio", n=21),
)
