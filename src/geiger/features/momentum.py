"""Past returns over many horizons, and the oscillators made of them."""

from __future__ import annotations

import numpy as np

from geiger.features.bars import (
    TIE,
    TINY,
    Bars,
    feature,
    highest,
    lowest,
    mean,
    ratio,
    shift,
    total,
    wilder,
)
from geiger.features.kernels import Array, window_deviation, window_mean, window_rank


def log_return(bars: Bars, n: int) -> Array:
    """log(close / close n days ago)."""
    return np.log(bars.close / shift(bars.close, n))


def momentum_skip(bars: Bars) -> Array:
    """log(close 21 days ago / close 252 days ago).

    Source: Jegadeesh and Titman 1993.
    """
    return np.log(shift(bars.close, 21) / shift(bars.close, 252))


def time_series_momentum(bars: Bars, n: int) -> Array:
    """log(close / close n days ago) / (standard deviation of 63 daily returns x sqrt(n)), in [-20, 20].

    Source: Moskowitz, Ooi and Pedersen 2012.
    """
    deviation = bars.volatility(63)
    out = ratio(log_return(bars, n), deviation * np.sqrt(n), TINY, 0.0)
    # A stretch far longer than the window can move while the window itself stood still.
    return np.clip(out, -20.0, 20.0)


def rsi(bars: Bars, n: int) -> Array:
    """Wilder mean of rises / (that of rises + that of falls) over n days; 1/2 where the close stood still.

    Source: Wilder 1978.
    """
    change = bars.close - bars.previous_close
    rises = wilder(np.maximum(change, 0.0), n)
    falls = wilder(np.maximum(-change, 0.0), n)
    return ratio(rises, rises + falls, TINY * bars.close, 0.5)


def stochastic_k(bars: Bars) -> Array:
    """(close - low) / (high - low) of the last 14 days; 1/2 without a range.

    Source: Lane 1984.
    """
    bottom, top = lowest(bars.low, 14), highest(bars.high, 14)
    return ratio(bars.close - bottom, top - bottom, TINY * bars.close, 0.5)


def stochastic_d(bars: Bars) -> Array:
    """Mean of the last three 14-day stochastics.

    Source: Lane 1984.
    """
    return mean(stochastic_k(bars), 3)


def cci(bars: Bars) -> Array:
    """(typical price - its 20-day mean) / (1.5 x its mean absolute deviation); 0 where it stood still.

    Source: Lambert 1980 (whose index is 100 times this).
    """
    middle = window_mean(bars.typical, 20)
    deviation = window_deviation(bars.typical, middle, 20)
    return ratio(bars.typical - middle, 1.5 * deviation, TINY * bars.close, 0.0)


def ultimate(bars: Bars) -> Array:
    """(4 A7 + 2 A14 + A28) / 7, where An = sum of (close - true low) / sum of true ranges; 1/2 without any.

    Source: Williams 1985.
    """
    pressure = bars.close - np.minimum(bars.low, bars.previous_close)
    floor = TINY * bars.close
    parts = [
        weight * ratio(total(pressure, n), total(bars.true_range, n), floor, 0.5)
        for weight, n in ((4.0, 7), (2.0, 14), (1.0, 28))
    ]
    return (parts[0] + parts[1] + parts[2]) / 7.0


def return_rank(bars: Bars, n: int) -> Array:
    """Share of the other returns of n days that are smaller than today's; ties count half."""
    return window_rank(bars.returns, n, TIE)


def max_return(bars: Bars, n: int) -> Array:
    """Largest daily log return of the last n days.

    Source: Bali, Cakici and Whitelaw 2011.
    """
    return highest(bars.returns, n)


def min_return(bars: Bars, n: int) -> Array:
    """Smallest daily log return of the last n days.

    Source: Bali, Cakici and Whitelaw 2011.
    """
    return lowest(bars.returns, n)


def information_discreteness(bars: Bars, n: int) -> Array:
    """Sign of the n-day return x (share of falling days - share of rising days).

    Source: Da, Gurun and Warachka 2014.
    """
    return -np.sign(bars.close - shift(bars.close, n)) * mean(bars.signs, n)


FEATURES = (
    *(feature("return_{n}", log_return, n, "log return", n=n) for n in (1, 2, 3, 5, 10, 21, 63, 126, 252)),
    feature("momentum_12_1", momentum_skip, 252, "log return"),
    feature("time_series_momentum_{n}", time_series_momentum, 63, "standard deviations", n=63),
    feature("time_series_momentum_{n}", time_series_momentum, 252, "standard deviations", n=252),
    feature("rsi_{n}", rsi, 2, "share", n=2),
    feature("rsi_{n}", rsi, 14, "share", n=14),
    feature("stochastic_k_14", stochastic_k, 13, "share"),
    feature("stochastic_d_14_3", stochastic_d, 15, "share"),
    feature("cci_20", cci, 19, "mean deviations"),
    feature("ultimate_7_14_28", ultimate, 28, "share"),
    feature("return_rank_{n}", return_rank, 126, "share", n=126),
    feature("max_return_{n}", max_return, 21, "log return", n=21),
    feature("min_return_{n}", min_return, 21, "log return", n=21),
    feature("information_discreteness_{n}", information_discreteness, 252, "share", n=252),
)
