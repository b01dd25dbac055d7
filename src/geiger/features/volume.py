"""How much is traded, on which side, and what trading costs. Without volume values are neutral."""

from __future__ import annotations

import numpy as np

from geiger.features.bars import (
    TIE,
    TINY,
    Bars,
    ema,
    feature,
    imbalance,
    log_ratio,
    mean,
    ratio,
    shift,
    total,
)
from geiger.features.kernels import Array, window_rank


def volume_shock(bars: Bars, n: int) -> Array:
    """(volume - mean volume of n days) / (volume + that mean); 0 without volume."""
    return imbalance(bars.volume, mean(bars.volume, n))


def volume_trend(bars: Bars, m: int, n: int) -> Array:
    """(mean volume of m days - that of n days) / their sum; 0 without volume."""
    return imbalance(mean(bars.volume, m), mean(bars.volume, n))


def volume_z(bars: Bars, n: int) -> Array:
    """(volume - mean of n days) / standard deviation of n days; 0 where it does not vary."""
    middle, var = bars.moments("volume", n)
    return ratio(bars.volume - middle, np.sqrt(var), TINY * middle, 0.0)


def volume_rank(bars: Bars, n: int) -> Array:
    """Share of the other volumes of n days that are smaller than today's; ties count half.

    Source: Gervais, Kaniel and Mingelgrin 2001.
    """
    return window_rank(bars.volume, n, 0.0)


def balance_of_volume(bars: Bars, n: int) -> Array:
    """(volume of rising days - volume of falling days) / volume of the last n days; 0 without volume.

    Source: Granville 1963 (the change of his on-balance volume).
    """
    return ratio(total(bars.signs * bars.volume, n), total(bars.volume, n), 0.0, 0.0)


def money_flow(bars: Bars, n: int) -> Array:
    """Sum of volume x place of the close in its bar (-1 .. 1) / volume of the last n days; 0 without volume.

    Source: Chaikin 1982.
    """
    return ratio(total(bars.close_location * bars.volume, n), total(bars.volume, n), 0.0, 0.0)


def _known_volume(bars: Bars, smoothed: Array) -> Array:
    # Long after the last trade an exponential mean is only a rounded echo: it counts as no volume.
    floor = TINY * np.maximum.accumulate(bars.volume) if bars.rows else bars.volume
    return np.where(smoothed <= floor, 0.0, smoothed)


def accumulation_oscillator(bars: Bars) -> Array:
    """(EMA 3 - EMA 10 of the accumulation line) / EMA 10 of the volume; 0 without volume.

    With F = volume x place of the close in its bar, the line's EMA n lags it by (n - 1)/2 x EMA n of F.

    Source: Chaikin 1982.
    """
    flow = bars.close_location * bars.volume
    return ratio(4.5 * ema(flow, 10) - ema(flow, 3), _known_volume(bars, ema(bars.volume, 10)), 0.0, 0.0)


def money_flow_index(bars: Bars) -> Array:
    """Money of days with a rising typical price / money of rising and falling days, 14 days; 1/2 without any.

    Source: Quong and Soudack 1989.
    """
    before = shift(bars.typical, 1)
    change = bars.typical - before
    rising = np.where(np.isnan(change), np.nan, change > TIE * bars.typical)
    falling = np.where(np.isnan(change), np.nan, change < -TIE * bars.typical)
    flow = bars.typical * bars.volume
    up, down = total(rising * flow, 14), total(falling * flow, 14)
    return ratio(up, up + down, 0.0, 0.5)


def force_index(bars: Bars) -> Array:
    """EMA 13 of return x volume / EMA 13 of volume; 0 without volume.

    Source: Elder 1993.
    """
    volume = np.where(np.isnan(bars.returns), np.nan, bars.volume)
    return ratio(ema(bars.returns * volume, 13), _known_volume(bars, ema(volume, 13)), 0.0, 0.0)


def illiquidity_ratio(bars: Bars, m: int, n: int) -> Array:
    """log(A of m days / A of n days), A = mean of |return| / money over days with trading; 0 where A is 0.

    Source: Amihud 2002.
    """
    traded = np.where(np.isnan(bars.returns), np.nan, bars.money > 0.0)
    impact = ratio(bars.sizes, bars.money, 0.0, 0.0)
    short = ratio(total(impact, m), total(traded, m), 0.0, 0.0)
    long = ratio(total(impact, n), total(traded, n), 0.0, 0.0)
    return log_ratio(short, long)


def volume_return_correlation(bars: Bars, n: int) -> Array:
    """Correlation of return and volume over the last n days; 0 where either does not vary.

    Source: Karpoff 1987.
    """
    return bars.correlation("returns", "volume", n, floor=0.0)


def volume_size_correlation(bars: Bars, n: int) -> Array:
    """Correlation of |return| and volume over the last n days; 0 where either does not vary.

    Source: Karpoff 1987.
    """
    return bars.correlation("sizes", "volume", n, floor=0.0)


def traded_price_gap(bars: Bars, n: int) -> Array:
    """log(close / mean typical price of the last n days, weighted by volume); 0 without volume.

    Source: Berkowitz, Logue and Noser 1988.
    """
    volume = total(bars.volume, n)
    price = ratio(total(bars.typical * bars.volume, n), volume, 0.0, 0.0)
    return log_ratio(bars.close, price)


def corwin_schultz(bars: Bars, n: int) -> Array:
    """Mean over n days of the high-low spread estimate from pairs of days, negative estimates as 0.

    The pair is first freed of the gap between its days.

    Source: Corwin and Schultz 2012.
    """
    before = bars.previous_close
    # A day wholly above or below the last close is moved back by that gap.
    moved = np.where(bars.low > before, before / bars.low, 1.0)
    moved = np.where(bars.high < before, before / bars.high, moved)
    high, low = bars.high * moved, bars.low * moved
    beta = bars.log_ranges**2 + shift(bars.log_ranges, 1) ** 2
    gamma = np.log(np.maximum(high, shift(bars.high, 1)) / np.minimum(low, shift(bars.low, 1))) ** 2
    scale = 3.0 - 2.0 * np.sqrt(2.0)
    alpha = (np.sqrt(2.0 * beta) - np.sqrt(beta)) / scale - np.sqrt(gamma / scale)
    # 2 (e^a - 1) / (1 + e^a) is 2 tanh(a / 2).
    return mean(2.0 * np.tanh(np.maximum(alpha, 0.0) / 2.0), n)


def roll_spread(bars: Bars, n: int) -> Array:
    """2 sqrt(-covariance of returns with those of the day before) over n days; 0 where it is positive.

    Source: Roll 1984.
    """
    cov = bars.covariance("returns", "returns_before", n)
    return 2.0 * np.sqrt(np.maximum(-cov, 0.0))


def zero_return_share(bars: Bars, n: int) -> Array:
    """Share of the last n days whose close is the close of the day before.

    Source: Lesmond, Ogden and Trzcinka 1999.
    """
    return 1.0 - mean(np.abs(bars.signs), n)


FEATURES = (
    feature("volume_shock_{n}", volume_shock, 20, "share", n=21),
    feature("volume_trend_{m}_{n}", volume_trend, 20, "share", m=5, n=21),
    feature("volume_trend_{m}_{n}", volume_trend, 251, "share", m=21, n=252),
    feature("volume_z_{n}", volume_z, 62, "standard deviations", n=63),
    feature("volume_rank_{n}", volume_rank, 49, "share", n=50),
    feature("balance_of_volume_{n}", balance_of_volume, 21, "share", n=21),
    feature("balance_of_volume_{n}", balance_of_volume, 63, "share", n=63),
    feature("money_flow_{n}", money_flow, 20, "share", n=21),
    feature("accumulation_oscillator_3_10", accumulation_oscillator, 9, "days of volume"),
    feature("money_flow_index_14", money_flow_index, 14, "share"),
    feature("force_index_13", force_index, 13, "log return"),
    feature("illiquidity_ratio_{m}_{n}", illiquidity_ratio, 252, "log ratio", m=21, n=252),
    feature("volume_return_correlation_{n}", volume_return_correlation, 63, "correlation", n=63),
    feature("volume_size_correlation_{n}", volume_size_correlation, 63, "correlation", n=63),
    feature("traded_price_gap_{n}", traded_price_gap, 62, "log ratio", n=63),
    feature("corwin_schultz_{n}", corwin_schultz, 21, "share of price", n=21),
    feature("roll_spread_{n}", roll_spread, 64, "share of price", n=63),
    feature("zero_return_share_{n}", zero_return_share, 63, "share", n=63),
)
