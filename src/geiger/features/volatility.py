"""How much the price moves: close to close, inside the bar, in which direction and how evenly."""

from __future__ import annotations

import numpy as np

from geiger.features.bars import (
    TIE,
    TINY,
    Bars,
    feature,
    log_ratio,
    mean,
    mean_var,
    ratio,
    shift,
    std,
    total,
)
from geiger.features.kernels import Array, smooth, window_moment, window_rank


def volatility(bars: Bars, n: int) -> Array:
    """Sample standard deviation of the last n daily log returns."""
    return bars.volatility(n)


def ewma_volatility(bars: Bars) -> Array:
    """Root of the exponential mean (rate 0.06) of squared returns, started at the mean of the first 21.

    Source: RiskMetrics 1996.
    """
    return np.sqrt(smooth(bars.returns**2, 0.06, 21))


def absolute_return(bars: Bars, n: int) -> Array:
    """Mean |log return| of n days.

    Source: Corsi 2009 (his day, week and month).
    """
    return mean(bars.sizes, n)


def parkinson(bars: Bars, n: int) -> Array:
    """Root of the mean over n days of log(high / low)^2 / (4 log 2).

    Source: Parkinson 1980.
    """
    values: Array = np.sqrt(mean(bars.log_ranges**2, n) / (4.0 * np.log(2.0)))
    return values


def garman_klass(bars: Bars, n: int) -> Array:
    """Root of the mean over n days of log(high / low)^2 / 2 - (2 log 2 - 1) log(close / open)^2.

    Source: Garman and Klass 1980.
    """
    variance = 0.5 * bars.log_ranges**2 - (2.0 * np.log(2.0) - 1.0) * bars.bodies**2
    return np.sqrt(np.maximum(mean(variance, n), 0.0))


def _rogers_satchell_days(bars: Bars) -> Array:
    up = np.log(bars.high / bars.close) * np.log(bars.high / bars.open)
    values: Array = up + np.log(bars.low / bars.close) * np.log(bars.low / bars.open)
    return values


def rogers_satchell(bars: Bars, n: int) -> Array:
    """Root of the mean over n days of log(h/c) log(h/o) + log(l/c) log(l/o).

    Source: Rogers and Satchell 1991.
    """
    return np.sqrt(np.maximum(mean(_rogers_satchell_days(bars), n), 0.0))


def yang_zhang(bars: Bars, n: int) -> Array:
    """Root of var(gaps) + k var(bodies) + (1 - k) Rogers-Satchell, n days, k = .34 / (1.34 + (n+1)/(n-1)).

    Source: Yang and Zhang 2000.
    """
    k = 0.34 / (1.34 + (n + 1) / (n - 1))
    inside = np.maximum(mean(_rogers_satchell_days(bars), n), 0.0)
    return np.sqrt(std(bars.gaps, n) ** 2 + k * std(bars.bodies, n) ** 2 + (1.0 - k) * inside)


def average_true_range(bars: Bars) -> Array:
    """Wilder mean over 14 days of the true range / close.

    Source: Wilder 1978.
    """
    return bars.true_range_14 / bars.close


def true_range_ratio(bars: Bars) -> Array:
    """Today's true range / its Wilder mean over 14 days; 1 without a range."""
    return ratio(bars.true_range, bars.true_range_14, TINY * bars.close, 1.0)


def volatility_ratio(bars: Bars, m: int, n: int) -> Array:
    """log(standard deviation of the last m returns / that of the last n); 0 where either is 0."""
    return log_ratio(bars.volatility(m), bars.volatility(n), TINY)


def downside_share(bars: Bars, n: int) -> Array:
    """Sum of squared negative returns / sum of squared returns of the last n days; 1/2 where all are 0.

    Source: Barndorff-Nielsen, Kinnebrock and Shephard 2010.
    """
    falls = total(np.minimum(bars.returns, 0.0) ** 2, n)
    return ratio(falls, total(bars.returns**2, n), TINY**2, 0.5)


def skewness(bars: Bars, n: int) -> Array:
    """Third standardised moment of the last n daily returns; 0 where they do not vary.

    Source: Amaya, Christoffersen, Jacobs and Vasquez 2015.
    """
    middle, second = bars.moments("returns", n)
    third = window_moment(bars.returns, middle, n, 3)
    return ratio(third, second * np.sqrt(second), TINY**3, 0.0)


def kurtosis(bars: Bars, n: int) -> Array:
    """Fourth standardised moment of the last n daily returns - 3; 0 where they do not vary.

    Source: Amaya, Christoffersen, Jacobs and Vasquez 2015.
    """
    middle, second = bars.moments("returns", n)
    fourth = window_moment(bars.returns, middle, n, 4)
    return ratio(fourth, second * second, TINY**4, 3.0) - 3.0


def volatility_of_volatility(bars: Bars, n: int) -> Array:
    """Ratio of standard deviation to mean of the last n 21-day volatilities; 0 where they are 0.

    Source: Baltussen, van Bekkum and van der Grient 2018.
    """
    middle, var = mean_var(bars.volatility(21), n)
    return ratio(np.sqrt(var), middle, TINY, 0.0)


def volatility_rank(bars: Bars, n: int) -> Array:
    """Share of the other 21-day volatilities of n days that are smaller than today's; ties count half."""
    return window_rank(bars.volatility(21), n, TIE)


def jump_share(bars: Bars, n: int) -> Array:
    """1 - bipower variation / realised variance of the last n days, in [0, 1]; 0 where all returns are 0.

    Bipower variation is pi/2 x n/(n - 1) x the sum of |r| times the |r| of the day before.

    Source: Barndorff-Nielsen and Shephard 2004.
    """
    pairs = total(bars.sizes * shift(bars.sizes, 1), n - 1)
    bipower = (np.pi / 2.0) * (n / (n - 1.0)) * pairs
    whole = total(bars.returns**2, n)
    return np.clip(1.0 - ratio(bipower, whole, TINY**2, 1.0), 0.0, 1.0)


def bollinger_width(bars: Bars, n: int) -> Array:
    """Four standard deviations of the last n closes / their mean.

    Source: Bollinger 2001.
    """
    middle, var = mean_var(bars.close, n)
    return 4.0 * np.sqrt(var) / middle


FEATURES = (
    *(feature("volatility_{n}", volatility, n, "log return a day", n=n) for n in (5, 21, 63, 252)),
    feature("ewma_volatility", ewma_volatility, 21, "log return a day"),
    *(feature("absolute_return_{n}", absolute_return, n, "log return a day", n=n) for n in (1, 5, 22)),
    feature("parkinson_{n}", parkinson, 9, "log return a day", n=10),
    feature("garman_klass_{n}", garman_klass, 20, "log return a day", n=21),
    feature("rogers_satchell_{n}", rogers_satchell, 62, "log return a day", n=63),
    feature("yang_zhang_{n}", yang_zhang, 126, "log return a day", n=126),
    feature("average_true_range_14", average_true_range, 14, "share of close"),
    feature("true_range_ratio_14", true_range_ratio, 14, "ratio"),
    feature("volatility_ratio_{m}_{n}", volatility_ratio, 21, "log ratio", m=5, n=21),
    feature("volatility_ratio_{m}_{n}", volatility_ratio, 252, "log ratio", m=21, n=252),
    feature("downside_share_{n}", downside_share, 63, "share", n=63),
    feature("skewness_{n}", skewness, 63, "number", n=63),
    feature("kurtosis_{n}", kurtosis, 252, "number", n=252),
    feature("volatility_of_volatility_{n}", volatility_of_volatility, 83, "ratio", n=63),
    feature("volatility_rank_{n}", volatility_rank, 272, "share", n=252),
    feature("jump_share_{n}", jump_share, 63, "share", n=63),
    feature("bollinger_width_{n}", bollinger_width, 19, "ratio", n=20),
)
