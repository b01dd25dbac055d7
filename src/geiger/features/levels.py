"""Where the price stands between its own past highs and lows."""

from __future__ import annotations

import numpy as np

from geiger.features.bars import (
    TINY,
    Bars,
    ema,
    feature,
    highest,
    lowest,
    mean,
    mean_var,
    ratio,
    wilder,
)
from geiger.features.kernels import Array, window_age, window_drawdown, window_rank


def range_position(bars: Bars, n: int) -> Array:
    """(close - lowest low) / (highest high - lowest low) of the last n days; 1/2 without a range.

    Source: Donchian 1960 (his channel).
    """
    bottom, top = lowest(bars.low, n), highest(bars.high, n)
    return ratio(bars.close - bottom, top - bottom, TINY * bars.close, 0.5)


def channel_width(bars: Bars, n: int) -> Array:
    """log(highest high / lowest low) of the last n days.

    Source: Donchian 1960 (his channel).
    """
    return np.log(highest(bars.high, n) / lowest(bars.low, n))


def close_to_high(bars: Bars, n: int) -> Array:
    """log(close / highest close of the last n days).

    Source: George and Hwang 2004 (over 52 weeks).
    """
    return np.log(bars.close / highest(bars.close, n))


def close_to_low(bars: Bars, n: int) -> Array:
    """log(close / lowest close of the last n days).

    Source: George and Hwang 2004 (over 52 weeks).
    """
    return np.log(bars.close / lowest(bars.close, n))


def days_since_high(bars: Bars, n: int) -> Array:
    """Days since the highest high of the last n days / (n - 1).

    Source: Bhootra and Hur 2013.
    """
    return window_age(bars.high, n) / (n - 1.0)


def days_since_low(bars: Bars, n: int) -> Array:
    """Days since the lowest low of the last n days / (n - 1).

    Source: Bhootra and Hur 2013.
    """
    return window_age(-bars.low, n) / (n - 1.0)


def bollinger_position(bars: Bars, n: int) -> Array:
    """(close - mean) / (2 standard deviations) of the last n closes; 0 where they do not vary.

    Source: Bollinger 2001.
    """
    middle, var = mean_var(bars.close, n)
    return ratio(bars.close - middle, 2.0 * np.sqrt(var), TINY * bars.close, 0.0)


def keltner_position(bars: Bars) -> Array:
    """(close - EMA 20 of the close) / (2 x Wilder mean of the true range over 10 days); 0 without a range.

    Source: Keltner 1960, as changed by Raschke.
    """
    return ratio(bars.close - ema(bars.close, 20), 2.0 * wilder(bars.true_range, 10), TINY * bars.close, 0.0)


def max_drawdown(bars: Bars, n: int) -> Array:
    """Deepest fall of the close from an earlier peak inside the last n days, 0 or below."""
    return window_drawdown(bars.close, n)


def ulcer_index(bars: Bars, n: int) -> Array:
    """Root of the mean over n days of the squared fall below the highest close of n days.

    Source: Martin and McCann 1989.
    """
    return np.sqrt(mean((bars.close / highest(bars.close, n) - 1.0) ** 2, n))


def close_rank(bars: Bars, n: int) -> Array:
    """Share of the other closes of n days that are lower than today's; ties count half."""
    return window_rank(bars.close, n, 0.0)


FEATURES = (
    *(feature("range_position_{n}", range_position, n - 1, "share", n=n) for n in (63, 252)),
    feature("channel_width_{n}", channel_width, 62, "log ratio", n=63),
    *(feature("close_to_high_{n}", close_to_high, n - 1, "log ratio", n=n) for n in (21, 63, 252)),
    feature("close_to_low_{n}", close_to_low, 251, "log ratio", n=252),
    feature("days_since_high_{n}", days_since_high, 251, "share", n=252),
    feature("days_since_low_{n}", days_since_low, 251, "share", n=252),
    feature("bollinger_position_{n}", bollinger_position, 19, "bands", n=20),
    feature("keltner_position_20_10", keltner_position, 19, "bands"),
    feature("max_drawdown_{n}", max_drawdown, 62, "share", n=63),
    feature("ulcer_index_{n}", ulcer_index, 26, "share", n=14),
    feature("close_rank_{n}", close_rank, 125, "share", n=126),
)
