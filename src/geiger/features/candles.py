"""The shape of single bars: gaps, bodies, shadows and what they do in a row."""

from __future__ import annotations

import numpy as np

from geiger.features.bars import (
    TINY,
    Bars,
    feature,
    imbalance,
    lowest,
    mean,
    ratio,
    shift,
    total,
)
from geiger.features.kernels import Array


def gap_ratio(bars: Bars) -> Array:
    """(open - last close) / Wilder mean of the true range over 14 days; 0 without a range."""
    gap = bars.open - bars.previous_close
    return ratio(gap, bars.true_range_14, TINY * bars.close, 0.0)


def overnight_tilt(bars: Bars, n: int) -> Array:
    """Sum of log(open / last close) / sum of |overnight| and |daytime| returns of n days; 0 without any.

    Source: Lou, Polk and Skouras 2019.
    """
    travelled = total(np.abs(bars.gaps) + np.abs(bars.bodies), n)
    return ratio(total(bars.gaps, n), travelled, TINY, 0.0)


def overnight_variance_share(bars: Bars, n: int) -> Array:
    """Sum of squared overnight returns / that of overnight and daytime ones, n days; 1/2 without any."""
    overnight = total(bars.gaps**2, n)
    daytime = np.where(np.isnan(bars.gaps), np.nan, bars.bodies)
    return ratio(overnight, overnight + total(daytime**2, n), TINY**2, 0.5)


def body(bars: Bars) -> Array:
    """(close - open) / (high - low); 0 without a range."""
    return ratio(bars.close - bars.open, bars.high - bars.low, TINY * bars.close, 0.0)


def upper_shadow(bars: Bars) -> Array:
    """(high - higher of open and close) / (high - low); 0 without a range."""
    shadow = bars.high - np.maximum(bars.open, bars.close)
    return ratio(shadow, bars.high - bars.low, TINY * bars.close, 0.0)


def lower_shadow(bars: Bars) -> Array:
    """(lower of open and close - low) / (high - low); 0 without a range."""
    shadow = np.minimum(bars.open, bars.close) - bars.low
    return ratio(shadow, bars.high - bars.low, TINY * bars.close, 0.0)


def close_location(bars: Bars) -> Array:
    """((close - low) - (high - close)) / (high - low); 0 without a range."""
    return bars.close_location


def mean_close_location(bars: Bars, n: int) -> Array:
    """Mean over n days of ((close - low) - (high - close)) / (high - low)."""
    return mean(bars.close_location, n)


def range_ratio(bars: Bars, n: int) -> Array:
    """(R - mean R of n days) / (R + that mean), R = log(high / low); 0 without a range."""
    return imbalance(bars.log_ranges, mean(bars.log_ranges, n))


def range_overlap(bars: Bars) -> Array:
    """Overlap of today's and yesterday's ranges / their common span, below 0 for a gap; 1 without a span."""
    high, low = shift(bars.high, 1), shift(bars.low, 1)
    shared = np.minimum(bars.high, high) - np.maximum(bars.low, low)
    spanned = np.maximum(bars.high, high) - np.minimum(bars.low, low)
    return ratio(shared, spanned, TINY * bars.close, 1.0)


def narrow_range(bars: Bars) -> Array:
    """Narrowest log(high / low) of the last 7 days / today's: 1 on a narrowest day; 1 without a range.

    Source: Crabel 1990.
    """
    return ratio(lowest(bars.log_ranges, 7), bars.log_ranges, TINY, 1.0)


def engulfing(bars: Bars) -> Array:
    """1 where a rising body holds yesterday's falling one, -1 where a falling one holds a rising one, else 0.

    One end of the two bodies may coincide.

    Source: Nison 1991.
    """
    opened, closed = shift(bars.open, 1), shift(bars.close, 1)
    top, bottom = np.maximum(bars.open, bars.close), np.minimum(bars.open, bars.close)
    old_top, old_bottom = np.maximum(opened, closed), np.minimum(opened, closed)
    holds = (top >= old_top) & (bottom <= old_bottom) & ((top > old_top) | (bottom < old_bottom))
    side = np.sign(bars.close - bars.open)
    turned = (side != 0.0) & (side == -np.sign(closed - opened))
    return np.where(np.isnan(opened), np.nan, np.where(holds & turned, side, 0.0))


FEATURES = (
    feature("gap_ratio_14", gap_ratio, 14, "true ranges"),
    feature("overnight_tilt_{n}", overnight_tilt, 21, "share", n=21),
    feature("overnight_variance_share_{n}", overnight_variance_share, 63, "share", n=63),
    feature("body", body, 0, "share of range"),
    feature("upper_shadow", upper_shadow, 0, "share of range"),
    feature("lower_shadow", lower_shadow, 0, "share of range"),
    feature("close_location", close_location, 0, "share of range"),
    feature("mean_close_location_{n}", mean_close_location, 9, "share of range", n=10),
    feature("range_ratio_{n}", range_ratio, 20, "share", n=21),
    feature("range_overlap", range_overlap, 1, "share"),
    feature("narrow_range_7", narrow_range, 6, "ratio"),
    feature("engulfing", engulfing, 1, "sign"),
)
