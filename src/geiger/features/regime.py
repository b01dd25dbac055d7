"""What kind of walk the price is on: trending, reverting, clustered or ordered."""

from __future__ import annotations

import numpy as np

from geiger.features.bars import (
    TINY,
    Bars,
    feature,
    highest,
    lowest,
    mean,
    mean_var,
    ratio,
    shift,
    total,
)
from geiger.features.kernels import Array, walk_range, walk_sums


def autocorrelation(bars: Bars, n: int) -> Array:
    """Correlation of returns with those of the day before over n days; 0 where they do not vary.

    Source: Lo and MacKinlay 1988.
    """
    return bars.correlation("returns", "returns_before", n)


def size_autocorrelation(bars: Bars, n: int) -> Array:
    """Correlation of |returns| with those of the day before over n days; 0 where they do not vary.

    Source: Ding, Granger and Engle 1993.
    """
    return bars.correlation("sizes", "sizes_before", n)


def variance_ratio(bars: Bars, q: int, n: int) -> Array:
    """Variance of overlapping q-day returns / (q x variance of daily returns) over n days; 1 without any.

    Source: Lo and MacKinlay 1988.
    """
    drift, daily = bars.moments("returns", n)
    count = n - q + 1
    middle, spread = mean_var(np.log(bars.close / shift(bars.close, q)), count)
    long = (spread + (middle - q * drift) ** 2) / (q * (1.0 - q / n))
    return ratio(long, daily * (n / (n - 1.0)), TINY**2, 1.0)


def hurst(bars: Bars, n: int) -> Array:
    """log(rescaled range of the last n returns) / log(n); 1/2 where they do not vary.

    The rescaled range is the range of the walk of returns less their mean, over their standard deviation.

    Source: Hurst 1951.
    """
    drift, var = bars.moments("returns", n)
    rescaled = ratio(walk_range(bars.returns, drift, n), np.sqrt(var), TINY, np.sqrt(n))
    values: Array = np.log(rescaled) / np.log(n)
    return values


def efficiency_ratio(bars: Bars, n: int) -> Array:
    """|log(close / close n days ago)| / sum of the last n |returns|; 0 where the price stood still.

    Source: Kaufman 1995.
    """
    moved = np.abs(np.log(bars.close / shift(bars.close, n)))
    return np.minimum(ratio(moved, total(bars.sizes, n), TINY, 0.0), 1.0)


def choppiness(bars: Bars, n: int) -> Array:
    """log(sum of true ranges / range of true highs and lows) / log(n) over n days; 1 without a range.

    Source: Dreiss 1993.
    """
    top = highest(np.maximum(bars.high, bars.previous_close), n)
    bottom = lowest(np.minimum(bars.low, bars.previous_close), n)
    chopped = ratio(total(bars.true_range, n), top - bottom, TINY * bars.close, float(n))
    values: Array = np.log(chopped) / np.log(n)
    return values


def sign_persistence(bars: Bars, n: int) -> Array:
    """Share of the last n days that moved in the direction of the day before.

    Source: Cowles and Jones 1937.
    """
    product = bars.signs * shift(bars.signs, 1)
    return mean(np.maximum(product, 0.0), n)


def run_length(bars: Bars) -> Array:
    """Days the close has moved in today's direction, signed, at most 10, / 10; 0 on an unchanged close."""
    signs = bars.signs
    row = np.arange(bars.rows)
    turned = np.where(signs != shift(signs, 1), row, 0)
    days = row - np.maximum.accumulate(turned) + 1 if bars.rows else row
    return signs * np.minimum(days, 10) / 10.0


def permutation_entropy(bars: Bars, n: int) -> Array:
    """Entropy of the order of three closes in a row, last n triples / log 6; an equal close counts as lower.

    Source: Bandt and Pompe 2002.
    """
    one, two = bars.previous_close, shift(bars.close, 2)
    code = 4.0 * (bars.close > one) + 2.0 * (one > two) + (bars.close > two)
    entropy: Array = np.zeros(bars.rows)
    for pattern in (0.0, 2.0, 3.0, 4.0, 5.0, 7.0):  # the six that can be
        share = mean(np.where(np.isnan(two), np.nan, code == pattern), n)
        entropy = entropy - share * np.log(np.where(share > 0.0, share, 1.0))
    values: Array = entropy / np.log(6.0)
    return values


def mean_reversion(bars: Bars, n: int) -> Array:
    """Least-squares slope of the day's log return on the log close of the day before, n days, in [-1, 1].

    Source: Dickey and Fuller 1979.
    """
    steps, squares = walk_sums(bars.returns, n)
    moved, own = total(bars.returns, n), total(bars.returns**2, n)
    # Earlier log closes, measured from today's, are minus the walk back from it.
    spread = squares - steps * steps / n
    shared = -0.5 * (moved * moved + own) + moved * steps / n
    # A jump after a standstill has a slope without meaning.
    return np.clip(ratio(shared, spread, n * TINY**2, 0.0), -1.0, 1.0)


def leverage_effect(bars: Bars, n: int) -> Array:
    """Correlation of |return| with the return of the day before over n days; 0 where either does not vary.

    Source: Black 1976.
    """
    return bars.correlation("sizes", "returns_before", n)


FEATURES = (
    *(feature("autocorrelation_{n}", autocorrelation, n + 1, "correlation", n=n) for n in (63, 252)),
    feature("size_autocorrelation_{n}", size_autocorrelation, 127, "correlation", n=126),
    feature("variance_ratio_{q}_{n}", variance_ratio, 126, "ratio", q=5, n=126),
    feature("variance_ratio_{q}_{n}", variance_ratio, 252, "ratio", q=10, n=252),
    feature("hurst_{n}", hurst, 126, "number", n=126),
    *(feature("efficiency_ratio_{n}", efficiency_ratio, n, "share", n=n) for n in (10, 63)),
    feature("choppiness_{n}", choppiness, 14, "share", n=14),
    feature("sign_persistence_{n}", sign_persistence, 64, "share", n=63),
    feature("run_length", run_length, 1, "tens of days"),
    feature("permutation_entropy_{n}", permutation_entropy, 64, "share", n=63),
    feature("mean_reversion_{n}", mean_reversion, 63, "share a day", n=63),
    feature("leverage_effect_{n}", leverage_effect, 127, "correlation", n=126),
)
