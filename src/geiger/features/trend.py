"""Where the price stands against its own past means, and how steadily it got there."""

from __future__ import annotations

import numpy as np

from geiger.features.bars import (
    TIE,
    TINY,
    Bars,
    ema,
    feature,
    ratio,
    shift,
    total,
    wilder,
)
from geiger.features.kernels import Array, smooth_adaptive, walk_sums, window_age, window_dot, window_mean


def close_to_mean(bars: Bars, n: int) -> Array:
    """log(close / mean of the last n closes)."""
    return np.log(bars.close / window_mean(bars.close, n))


def mean_cross(bars: Bars, m: int, n: int) -> Array:
    """log(mean of the last m closes / mean of the last n closes).

    Source: Brock, Lakonishok and LeBaron 1992.
    """
    return np.log(window_mean(bars.close, m) / window_mean(bars.close, n))


def adaptive_mean_gap(bars: Bars) -> Array:
    """log(close / adaptive mean), its rate (E x (2/3 - 2/31) + 2/31)^2 with E the 10-day price efficiency.

    Source: Kaufman 1995.
    """
    steps = np.abs(bars.close - bars.previous_close)
    moved = np.abs(bars.close - shift(bars.close, 10))
    efficiency = ratio(moved, total(steps, 10), TINY * bars.close, 0.0)
    rate = (efficiency * (2.0 / 3.0 - 2.0 / 31.0) + 2.0 / 31.0) ** 2
    return np.log(bars.close / smooth_adaptive(bars.close, rate, 10))


def macd(bars: Bars) -> Array:
    """(EMA 12 - EMA 26 of the close) / close.

    Source: Appel 1979.
    """
    return (ema(bars.close, 12) - ema(bars.close, 26)) / bars.close


def macd_histogram(bars: Bars) -> Array:
    """(M - EMA 9 of M) / close, where M = EMA 12 - EMA 26 of the close.

    Source: Appel 1979.
    """
    line = ema(bars.close, 12) - ema(bars.close, 26)
    return (line - ema(line, 9)) / bars.close


def trix(bars: Bars) -> Array:
    """log(E / E of the day before), where E is the close smoothed three times by EMA 15.

    Source: Hutson 1983.
    """
    thrice = ema(ema(ema(bars.close, 15), 15), 15)
    return np.log(thrice / shift(thrice, 1))


def _directional(bars: Bars, n: int) -> tuple[Array, Array]:
    up, down = bars.high - shift(bars.high, 1), shift(bars.low, 1) - bars.low
    margin = TIE * bars.close
    unknown = np.isnan(up)
    plus = np.where(unknown, np.nan, np.where((up > down + margin) & (up > margin), up, 0.0))
    minus = np.where(unknown, np.nan, np.where((down > up + margin) & (down > margin), down, 0.0))
    return wilder(plus, n), wilder(minus, n)


def adx(bars: Bars, n: int) -> Array:
    """Wilder mean over n days of |DI+ - DI-| / (DI+ + DI-).

    Source: Wilder 1978.
    """
    plus, minus = _directional(bars, n)
    return wilder(ratio(np.abs(plus - minus), plus + minus, TINY * bars.close, 0.0), n)


def directional_gap(bars: Bars, n: int) -> Array:
    """DI+ - DI-: Wilder means over n days of upward minus downward movement, over that of the true range.

    Source: Wilder 1978.
    """
    plus, minus = _directional(bars, n)
    return ratio(plus - minus, wilder(bars.true_range, n), TINY * bars.close, 0.0)


def aroon(bars: Bars) -> Array:
    """(days since the lowest low - days since the highest high) / 25, over the last 26 bars.

    Source: Chande 1995.
    """
    return (window_age(-bars.low, 26) - window_age(bars.high, 26)) / 25.0


def slope_weights(n: int) -> Array:
    """Return the weights of the last n - 1 returns in the least-squares slope through n log prices."""
    position = np.arange(n - 1, 0, -1, dtype=np.float64)
    return 6.0 * position * (n - position) / (n * (n * n - 1.0))


def trend_slope(bars: Bars, n: int) -> Array:
    """Least-squares slope of the last n log closes on time."""
    return window_dot(bars.returns, slope_weights(n))


def trend_fit(bars: Bars, n: int) -> Array:
    """R-squared of the line through the last n log closes; 0 where they do not vary."""
    steps, squares = walk_sums(bars.returns, n - 1)
    spread = squares - steps * steps / n
    explained = trend_slope(bars, n) ** 2 * (n * (n * n - 1.0) / 12.0)
    return np.clip(ratio(explained, spread, n * TINY**2, 0.0), 0.0, 1.0)


FEATURES = (
    *(feature("close_to_mean_{n}", close_to_mean, n - 1, "log ratio", n=n) for n in (5, 10, 21, 50, 200)),
    feature("mean_cross_{m}_{n}", mean_cross, 20, "log ratio", m=5, n=21),
    feature("mean_cross_{m}_{n}", mean_cross, 199, "log ratio", m=50, n=200),
    feature("adaptive_mean_gap_10", adaptive_mean_gap, 10, "log ratio"),
    feature("macd_12_26", macd, 25, "share of close"),
    feature("macd_histogram_12_26_9", macd_histogram, 33, "share of close"),
    feature("trix_15", trix, 43, "log return"),
    feature("adx_{n}", adx, 27, "share", n=14),
    # Not 14: on a series of closes alone that would be the RSI of 14 days once more.
    feature("directional_gap_{n}", directional_gap, 28, "share", n=28),
    feature("aroon_25", aroon, 25, "share"),
    *(feature("trend_slope_{n}", trend_slope, n - 1, "log return a day", n=n) for n in (21, 63, 252)),
    feature("trend_fit_{n}", trend_fit, 62, "share", n=63),
)
