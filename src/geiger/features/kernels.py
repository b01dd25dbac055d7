"""Compiled rolling kernels that every group of features shares.

Each window is computed afresh from its own last rows, so a value depends on those rows alone and has the same
bits whatever comes before or after them. The outer loop runs over lags, a few at once, and the inner one over
days: the inner steps are independent of each other, which lets the compiler use vector instructions without
reordering a sum. It does so only where a loop writes to one or two arrays, hence the short separate loops.

Input arrays may start with NaN (a return has no first row); NaN never follows a number. Results are NaN until
the window lies inside the numbers.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from geiger.native import native

Array = npt.NDArray[np.float64]


@native
def divide(above: Array, below: Array, floor: Array, neutral: float) -> Array:
    """Return above / below, and `neutral` where `below` is no larger than `floor`; NaN stays NaN."""
    out = np.empty(len(above))
    for i in range(len(above)):
        unknown = np.isnan(above[i]) or np.isnan(below[i])
        quotient = above[i] / below[i] if below[i] > floor[i] else neutral
        out[i] = np.nan if unknown else quotient
    return out


@native
def window_dot(x: Array, weights: Array) -> Array:
    """Return sum of weights[j] * x[t - j]; weights[0] belongs to today."""
    n, width = len(x), len(weights)
    out = np.full(n, np.nan)
    if n < width:
        return out
    total = out[width - 1 :]
    total[:] = 0.0
    for lag in range(0, width - 3, 4):
        a, b = x[width - 1 - lag : n - lag], x[width - 2 - lag : n - lag - 1]
        c, d = x[width - 3 - lag : n - lag - 2], x[width - 4 - lag : n - lag - 3]
        wa, wb, wc, wd = weights[lag], weights[lag + 1], weights[lag + 2], weights[lag + 3]
        for i in range(len(total)):
            total[i] += (wa * a[i] + wb * b[i]) + (wc * c[i] + wd * d[i])
    for lag in range(width - width % 4, width):
        a, wa = x[width - 1 - lag : n - lag], weights[lag]
        for i in range(len(total)):
            total[i] += wa * a[i]
    return out


@native
def window_mean(x: Array, width: int) -> Array:
    """Return the mean of the last `width` values, measured from today's: exact where all are equal."""
    n = len(x)
    out = np.full(n, np.nan)
    if n < width:
        return out
    now, shift = x[width - 1 :], out[width - 1 :]
    shift[:] = 0.0
    for lag in range(0, width - 3, 4):
        a, b = x[width - 1 - lag : n - lag], x[width - 2 - lag : n - lag - 1]
        c, d = x[width - 3 - lag : n - lag - 2], x[width - 4 - lag : n - lag - 3]
        for i in range(len(now)):
            shift[i] += ((a[i] - now[i]) + (b[i] - now[i])) + ((c[i] - now[i]) + (d[i] - now[i]))
    for lag in range(width - width % 4, width):
        a = x[width - 1 - lag : n - lag]
        for i in range(len(now)):
            shift[i] += a[i] - now[i]
    for i in range(len(now)):
        shift[i] = now[i] + shift[i] / width
    return out


@native
def window_cov(x: Array, mean_x: Array, y: Array, mean_y: Array, width: int) -> Array:
    """Return the population covariance of the last `width` rows about today's means."""
    n = len(x)
    out = np.full(n, np.nan)
    if n < width:
        return out
    total, centre_x, centre_y = out[width - 1 :], mean_x[width - 1 :], mean_y[width - 1 :]
    total[:] = 0.0
    for lag in range(0, width - 2, 3):
        a, b = x[width - 1 - lag : n - lag], x[width - 2 - lag : n - lag - 1]
        c, p = x[width - 3 - lag : n - lag - 2], y[width - 1 - lag : n - lag]
        q, r = y[width - 2 - lag : n - lag - 1], y[width - 3 - lag : n - lag - 2]
        for i in range(len(total)):
            mx, my = centre_x[i], centre_y[i]
            total[i] += (a[i] - mx) * (p[i] - my) + (b[i] - mx) * (q[i] - my) + (c[i] - mx) * (r[i] - my)
    for lag in range(width - width % 3, width):
        a, p = x[width - 1 - lag : n - lag], y[width - 1 - lag : n - lag]
        for i in range(len(total)):
            total[i] += (a[i] - centre_x[i]) * (p[i] - centre_y[i])
    for i in range(len(total)):
        total[i] /= width
    return out


@native
def window_var(x: Array, mean: Array, width: int) -> Array:
    """Return the population variance of the last `width` values about today's `mean`."""
    n = len(x)
    out = np.full(n, np.nan)
    if n < width:
        return out
    total, centre = out[width - 1 :], mean[width - 1 :]
    total[:] = 0.0
    for lag in range(0, width - 3, 4):
        a, b = x[width - 1 - lag : n - lag], x[width - 2 - lag : n - lag - 1]
        c, d = x[width - 3 - lag : n - lag - 2], x[width - 4 - lag : n - lag - 3]
        for i in range(len(total)):
            step_a, step_b, step_c, step_d = (
                a[i] - centre[i],
                b[i] - centre[i],
                c[i] - centre[i],
                d[i] - centre[i],
            )
            total[i] += (step_a * step_a + step_b * step_b) + (step_c * step_c + step_d * step_d)
    for lag in range(width - width % 4, width):
        a = x[width - 1 - lag : n - lag]
        for i in range(len(total)):
            step_a = a[i] - centre[i]
            total[i] += step_a * step_a
    for i in range(len(total)):
        total[i] /= width
    return out


@native
def window_moment(x: Array, mean: Array, width: int, power: int) -> Array:
    """Return the third or fourth central moment of the last `width` values about today's `mean`."""
    n = len(x)
    out = np.full(n, np.nan)
    if n < width:
        return out
    total, centre = out[width - 1 :], mean[width - 1 :]
    total[:] = 0.0
    for lag in range(width):
        past = x[width - 1 - lag : n - lag]
        if power == 3:
            for i in range(len(total)):
                step = past[i] - centre[i]
                total[i] += step * step * step
        else:
            for i in range(len(total)):
                step = past[i] - centre[i]
                square = step * step
                total[i] += square * square
    for i in range(len(total)):
        total[i] /= width
    return out


@native
def window_deviation(x: Array, mean: Array, width: int) -> Array:
    """Return the mean absolute deviation of the last `width` values from today's `mean`."""
    n = len(x)
    out = np.full(n, np.nan)
    if n < width:
        return out
    total, centre = out[width - 1 :], mean[width - 1 :]
    total[:] = 0.0
    for lag in range(width):
        past = x[width - 1 - lag : n - lag]
        for i in range(len(total)):
            total[i] += abs(past[i] - centre[i])
    for i in range(len(total)):
        total[i] /= width
    return out


@native
def window_max(x: Array, width: int) -> Array:
    """Return the largest of the last `width` values."""
    n = len(x)
    out = np.full(n, np.nan)
    if n < width:
        return out
    best, oldest = out[width - 1 :], x[: n - width + 1]
    best[:] = x[width - 1 :]
    for lag in range(0, width - 3, 4):
        a, b = x[width - 1 - lag : n - lag], x[width - 2 - lag : n - lag - 1]
        c, d = x[width - 3 - lag : n - lag - 2], x[width - 4 - lag : n - lag - 3]
        for i in range(len(best)):
            best[i] = max(max(max(a[i], b[i]), max(c[i], d[i])), best[i])
    for lag in range(width - width % 4, width):
        a = x[width - 1 - lag : n - lag]
        for i in range(len(best)):
            best[i] = max(a[i], best[i])
    for i in range(len(best)):
        best[i] = np.nan if np.isnan(oldest[i]) else best[i]
    return out


@native
def window_age(x: Array, width: int) -> Array:
    """Return how many rows ago the largest of the last `width` values stood; of equals the latest counts."""
    n = len(x)
    out = np.full(n, np.nan)
    if n < width:
        return out
    age, oldest, best = out[width - 1 :], x[: n - width + 1], x[width - 1 :].copy()
    age[:] = 0.0
    for lag in range(1, width):
        past = x[width - 1 - lag : n - lag]
        rows = float(lag)
        for i in range(len(best)):
            age[i] = rows if past[i] > best[i] else age[i]
        for i in range(len(best)):
            best[i] = past[i] if past[i] > best[i] else best[i]
    for i in range(len(age)):
        age[i] = np.nan if np.isnan(oldest[i]) else age[i]
    return out


@native
def window_rank(x: Array, width: int, tie: float) -> Array:
    """Return the share of the `width - 1` values before today's that lie below it; ties count half.

    Values nearer than `tie` are equal: rounding must not decide a rank.
    """
    n = len(x)
    out = np.full(n, np.nan)
    if n < width:
        return out
    rank, oldest, now = out[width - 1 :], x[: n - width + 1], x[width - 1 :]
    rank[:] = 0.0
    for lag in range(1, width):
        past = x[width - 1 - lag : n - lag]
        for i in range(len(now)):
            step = now[i] - past[i]
            rank[i] += 1.0 if step > tie else (0.5 if step >= -tie else 0.0)
    for i in range(len(rank)):
        rank[i] = np.nan if np.isnan(oldest[i]) else rank[i] / (width - 1)
    return out


@native
def window_drawdown(x: Array, width: int) -> Array:
    """Return the deepest fall from an earlier peak inside the last `width` values, a share (0 or below)."""
    n = len(x)
    out = np.full(n, np.nan)
    if n < width:
        return out
    deepest, peak = out[width - 1 :], x[: n - width + 1].copy()
    deepest[:] = 0.0
    for lag in range(width - 2, -1, -1):
        price = x[width - 1 - lag : n - lag]
        for i in range(len(peak)):
            peak[i] = price[i] if price[i] > peak[i] else peak[i]
            fall = price[i] / peak[i] - 1.0
            deepest[i] = fall if fall < deepest[i] else deepest[i]
    return out


@native
def walk_sums(x: Array, width: int) -> tuple[Array, Array]:
    """Return sum and sum of squares of the walk back from today.

    Step k of the walk is the sum of x[t - j] over j < k, for k = 1 .. width.
    """
    n = len(x)
    first, second = np.full(n, np.nan), np.full(n, np.nan)
    if n < width:
        return first, second
    sums, squares = first[width - 1 :], second[width - 1 :]
    walk = np.zeros(len(sums))
    sums[:] = 0.0
    squares[:] = 0.0
    for lag in range(width):
        past = x[width - 1 - lag : n - lag]
        for i in range(len(walk)):
            walk[i] += past[i]
        for i in range(len(walk)):
            sums[i] += walk[i]
            squares[i] += walk[i] * walk[i]
    return first, second


@native
def walk_range(x: Array, drift: Array, width: int) -> Array:
    """Return highest - lowest point of the walk back from today from 0 in steps x[t - j] - drift[t]."""
    n = len(x)
    out = np.full(n, np.nan)
    if n < width:
        return out
    high, mean = out[width - 1 :], drift[width - 1 :]
    walk, low = np.zeros(len(high)), np.zeros(len(high))
    high[:] = 0.0
    for lag in range(width):
        past = x[width - 1 - lag : n - lag]
        for i in range(len(walk)):
            walk[i] += past[i] - mean[i]
        for i in range(len(walk)):
            high[i] = max(walk[i], high[i])
            low[i] = min(walk[i], low[i])
    for i in range(len(walk)):
        # The walk ends as NaN where a value was missing, and its extremes may have missed that.
        high[i] = np.nan if np.isnan(walk[i]) else high[i] - low[i]
    return out


@native
def smooth(x: Array, rate: float, seed_rows: int) -> Array:
    """Return e[t] = e[t-1] + rate * (x[t] - e[t-1]), started at the mean of the first `seed_rows` values."""
    n = len(x)
    out = np.full(n, np.nan)
    first = 0
    while first < n and np.isnan(x[first]):
        first += 1
    start = first + seed_rows - 1
    if start >= n:
        return out
    shift = 0.0
    for t in range(first, start):
        shift += x[t] - x[start]
    value = x[start] + shift / seed_rows
    out[start] = value
    for t in range(start + 1, n):
        value += rate * (x[t] - value)
        out[t] = value
    return out


@native
def smooth_adaptive(x: Array, rate: Array, start: int) -> Array:
    """Return e[t] = e[t-1] + rate[t] * (x[t] - e[t-1]) from row `start`, with x[start - 1] before it."""
    n = len(x)
    out = np.full(n, np.nan)
    if start >= n:
        return out
    value = x[start - 1]
    for t in range(start, n):
        value += rate[t] * (x[t] - value)
        out[t] = value
    return out
