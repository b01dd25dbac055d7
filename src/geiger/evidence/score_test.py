"""The standardised score test, of what forecasts know beyond what everybody knew.

What everybody knew is the drift, the volatility, and that the mean may move with the volatility. Forecast and
outcome are cleaned of these, each with what was known on its own day, and what is left is multiplied:

    s_t     volatility of a day, an exponential mean (.94) of squared daily returns through t
    u_t     (y_t - ybar_t) / (s_t sqrt h): the outcome beside the mean of all outcomes known at t
    v_t     u_t, cut at +-1.5, less its fit on (1, 1/s) over all rows known at t
    g_t     (f_t - fbar_t) / s_t: the forecast beside its own last year, less what goes with 1/s in earlier
            rows, cut at 3 root mean squares
    c_t     g_t v_t, the score of a day

Without skill the mean of the scores is 0. Dividing by the volatility keeps few wild days from deciding, the
cut of outcomes and forecasts bounds what one day can do, and the fit on 1/s takes away what a forecast that
is nothing but volatility would earn where skewness follows the volatility. Both are cleaned of it, so an
error in one fit meets what the other left and does not count. What moves slowly against the returns it is
judged by, such as minus the mean of a year, has a statistic whose mean is above 0: `bias` is taken off. A
forecast that follows a mean
which truly changes (a regime) is informative about it and can pass: see docs/evidence/verdict.md.

The same scores tell how much of the outcome a forecast explains: `ScoreTest.slope`.
"""

from __future__ import annotations

import math
from bisect import insort
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt
from numpy.typing import ArrayLike

from geiger.errors import DataError
from geiger.evidence.day_test import DayTest, Floats, Ints
from geiger.evidence.errors_of_mean import cosine_count, cosine_error, white_error

DECAY = 0.94
FIRST = 60  # rows: the volatility begins with their mean square, and a fit needs as many
FLOOR = 0.25  # of the expanding median of the variance
CUT_OUTCOME = 1.5  # deviations
CUT_FORECAST = 3.0  # root mean squares of earlier rows
FORECASTS_BACK = 252  # earlier forecasts beside which one is looked at
SKIPPED = 20  # first test rows, whose forecasts have too few earlier ones
SHRUNK = 21  # rows without any slope that a forecast's slope on 1/s is shrunk by
MOST_BIAS = 0.42  # deviations: a random walk's, the mean of Dickey and Fuller's t
LEVEL = 0.01  # of the p with all tries counted, below which it rings: see docs/verdict.md
ENOUGH = 250  # scores: with fewer nothing is told


@dataclass(frozen=True)
class Scores:
    """The rows that count, oldest first; every column has shape (n,).

    Attributes
    ----------
    row : int
        Position among the rows that were given.
    c : float
        Scores, without unit.
    g, u, s : float
        Forecast and outcome in units of the volatility, before and after which see the module; volatility of
        a day, log return.
    """

    row: Ints
    c: Floats
    g: Floats
    u: Floats
    s: Floats


@dataclass(frozen=True, kw_only=True)
class ScoreTest(DayTest):
    """What the scores of one symbol say.

    Nothing is told from fewer than 250 scores. At a horizon of 1 the statistic is normal. A slope of 1 is a
    calibrated forecast. For the bias see `_bias`; the variances are those of g and u.
    """

    scores: Scores

    @property
    def row(self) -> Ints:
        """Position of each score's row among those that were given (n,)."""
        return self.scores.row

    @property
    def c(self) -> Floats:
        """Scores (n,)."""
        return self.scores.c


def score_test(
    returns: ArrayLike, outcome: ArrayLike, known_from: ArrayLike, forecast: ArrayLike, horizon: int = 1
) -> ScoreTest:
    """Test whether forecasts know anything of their outcomes, with what was known on each day alone.

    Parameters
    ----------
    returns : array (N,)
        Daily log return of each row, known at its close; not a number on the first row.
    outcome : array (N,)
        Log return that a decision at the close of a row can still earn; not a number where it is not known.
    known_from : array of int (N,)
        First row at whose close the outcome of a row is known, above its own; never falling.
    forecast : array (N,)
        Out-of-sample forecast made at the close of a row, log return; not a number on all other rows.
    horizon : int
        Days that an outcome spans.

    Raises
    ------
    DataError
        The columns differ in length, `known_from` lies at or before its own row, or the horizon is not
        positive.

    References
    ----------
    White (1980); Lazarus, Lewis, Stock & Watson (2018), HAR Inference, for horizons above 1; Stambaugh
    (1999), Predictive Regressions, for what the bias corrects.
    """
    scores, v, uncut_slope = _scores(*_columns(returns, outcome, known_from, forecast, horizon), horizon)
    forecast_variance, outcome_variance = (float(x.var()) if x.size else 0.0 for x in (scores.g, scores.u))
    told = ScoreTest(
        scores=scores,
        horizon=horizon,
        forecast_variance=forecast_variance,
        outcome_variance=outcome_variance,
    )
    c, n = scores.c, scores.c.size
    terms = cosine_count(n) if horizon > 1 else None
    if n < ENOUGH:
        return told
    mean, error = float(c.mean()), white_error(c) if terms is None else cosine_error(c, terms)
    information = float((scores.g**2 * (np.abs(scores.u) < CUT_OUTCOME)).mean())
    if not (error > 0.0 and information > 0.0):
        return told
    bias = _bias(scores, v, int(np.asarray(known_from)[scores.row[0]] - scores.row[0]), horizon)
    statistic, scale = mean / error - bias, math.sqrt(horizon) / information
    return ScoreTest(
        scores=scores,
        horizon=horizon,
        mean=mean,
        error=error,
        bias=bias,
        statistic=statistic,
        dof=terms,
        p_value=_p_value(statistic, terms),
        slope=mean * scale,
        slope_error=error * scale,
        uncut_slope=uncut_slope,
        forecast_variance=forecast_variance,
        outcome_variance=outcome_variance,
    )


def daily_volatility(returns: ArrayLike) -> Floats:
    """Return the volatility of each row as known at its close (N,), log return; not a number on the first 59.

    The root of an exponential mean of squared returns, begun with the mean square of the first 60 rows; the
    mean never falls below a quarter of the median that it has had so far. A row without a return leaves it as
    it was. A price that has not moved yet has no volatility.
    """
    return _volatility(np.ascontiguousarray(returns, dtype=np.float64).tobytes())


@lru_cache(maxsize=4)  # many forecasts are tested on the same prices, and this is most of a test's time
def _volatility(returns: bytes) -> Floats:
    squares = np.square(np.frombuffer(returns))
    found = np.full(squares.size, np.nan)
    first = squares[:FIRST][np.isfinite(squares[:FIRST])]
    if squares.size >= FIRST and first.size:
        variance, seen = float(first.mean()), list[float]()
        for row, square in enumerate(squares[FIRST - 1 :].tolist(), FIRST - 1):
            if row >= FIRST and math.isfinite(square):
                variance = DECAY * variance + (1.0 - DECAY) * square
            insort(seen, variance)
            half = len(seen) // 2
            median = seen[half] if len(seen) % 2 else 0.5 * (seen[half - 1] + seen[half])
            floored = max(variance, FLOOR * median)
            found[row] = math.sqrt(floored) if floored > 0.0 else math.nan
    found.flags.writeable = False
    return found


def _columns(
    returns: ArrayLike, outcome: ArrayLike, known_from: ArrayLike, forecast: ArrayLike, horizon: int
) -> tuple[Floats, Floats, Ints, Floats]:
    r, y, f = (np.asarray(x, dtype=np.float64) for x in (returns, outcome, forecast))
    known = np.asarray(known_from)
    if not r.shape == y.shape == f.shape == known.shape or r.ndim != 1:
        raise DataError(
            f"score test: returns, outcome, known_from and forecast have shapes {r.shape}, {y.shape}, "
            f"{known.shape} and {f.shape}; give four columns of equal length"
        )
    if horizon < 1:
        raise DataError(f"score test: an outcome spans at least 1 day, not {horizon}")
    known = known.astype(np.int64)
    if (known <= np.arange(known.size)).any() or (np.diff(known) < 0).any():
        raise DataError(
            "score test: known_from must lie above its own row and never fall; give the row at whose close "
            "each outcome is known"
        )
    return r, y, known, f


def _scores(
    returns: Floats, outcome: Floats, known_from: Ints, forecast: Floats, horizon: int
) -> tuple[Scores, Floats, float | None]:
    """Return the scores, the cleaned outcomes of their rows, and the slope without cuts."""
    s = daily_volatility(returns)
    weight = np.nan_to_num(1.0 / np.square(s))
    usable = np.isfinite(outcome) & (weight > 0.0)
    # known[t]: of so many rows the outcome is known at the close of t
    known = np.searchsorted(known_from, np.arange(s.size), side="right")
    y, q = np.where(usable, outcome, 0.0), np.where(usable, weight, 0.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        ybar = _through(q * y)[known] / _through(q)[known]
        u = (outcome - ybar) / (s * math.sqrt(horizon))
    v = _cleaned(np.clip(u, -CUT_OUTCOME, CUT_OUTCOME), 1.0 / s, known)

    test = np.flatnonzero(np.isfinite(forecast) & (weight > 0.0))
    uncut, g = _forecasts(forecast[test], s[test], weight[test])
    counted = np.arange(test.size) >= SKIPPED
    counted &= np.isfinite(g) & np.isfinite(v[test])
    rows, g, uncut = test[counted], g[counted], uncut[counted]
    scores = Scores(rows, g * v[rows], g, u[rows], s[rows])
    spread = float(np.square(uncut).sum())
    slope = float((uncut * scores.u).sum()) / spread * math.sqrt(horizon) if spread > 0.0 else None
    return scores, v[rows], slope


def _forecasts(forecast: Floats, s: Floats, weight: Floats) -> tuple[Floats, Floats]:
    """Return g (n,) before and after the cut, from the test rows alone; the first has no earlier one."""
    with np.errstate(divide="ignore", invalid="ignore"):
        uncut = (forecast - _last(weight * forecast) / _last(weight)) / s
        # Forecasts that do not move leave the rounding of a mean: it is no spread.
        uncut = np.where(np.abs(uncut * s) <= 1e-12 * np.abs(forecast), 0.0, uncut)
    uncut = _without_volatility(uncut, 1.0 / s)
    with np.errstate(divide="ignore", invalid="ignore"):
        earlier = np.isfinite(uncut)
        mean_square = _through(np.where(earlier, np.square(uncut), 0.0))[:-1] / _through(earlier)[:-1]
    bound = CUT_FORECAST * np.sqrt(np.where(np.isfinite(mean_square), mean_square, np.nan))
    return uncut, np.clip(uncut, -bound, bound)


def _without_volatility(g: Floats, x: Floats) -> Floats:
    """Return g (n,) less its slope on x in earlier rows times x, from 20 of them on.

    The level stays: it is off already, and to take it from all earlier rows once more costs persistent
    forecasts a tenth of their power. The slope is shrunk as if 21 more rows had shown none.
    """
    line = _line(g, x, np.arange(g.size))
    with np.errstate(divide="ignore", invalid="ignore"):
        slope = line.slope / (1.0 + SHRUNK / line.n)
        return np.where(line.n >= SKIPPED, g - slope * line.beyond, g)


def _cleaned(z: Floats, x: Floats, known: Ints) -> Floats:
    """Return z (N,) less its least-squares fit on (1, x), each row with what was known at it.

    Not a number where fewer than 60 rows are known. Where x has not moved the fit is the mean.
    """
    line = _line(z, x, known)
    return np.where(line.n >= FIRST, z - line.mean - line.slope * line.beyond, np.nan)


@dataclass(frozen=True)
class _Line:
    """The least-squares line of each row through the rows known at it; every column has shape (N,)."""

    n: Floats  # rows known
    mean: Floats  # of z
    slope: Floats  # 0 where x has not moved
    beyond: Floats  # x less its mean


def _line(z: Floats, x: Floats, known: Ints) -> _Line:
    usable = np.isfinite(z) & np.isfinite(x)
    middle = float(x[usable][0]) if usable.any() else 0.0  # any constant: it keeps the sums from cancelling
    x = (x - middle) / middle if middle else x
    zs, xs = np.where(usable, z, 0.0), np.where(usable, x, 0.0)
    n, sx, sz, sxx, sxz = (
        _through(values)[known] for values in (usable.astype(float), xs, zs, xs * xs, xs * zs)
    )
    with np.errstate(divide="ignore", invalid="ignore"):
        spread = sxx - sx * sx / n
        slope = np.where(spread > 1e-12 * n, (sxz - sx * sz / n) / spread, 0.0)
        return _Line(n, sz / n, slope, x - sx / n)


def _bias(scores: Scores, v: Floats, span: int, horizon: int) -> float:
    """Return the mean that the statistic has without skill, in standard errors, where it is above 0.

    A forecast that keeps phi of itself from row to row, and whose news go against the outcomes it is judged
    by with correlation -d, has a t statistic of mean d phi / sqrt(n (1 - phi^2)): a year's reversal of seven
    years is .2 too high. The news of a row's outcome come in over the `span` rows until it is known.
    Below 0 nothing is given back: a trend follower gains nothing.
    """
    g, n = scores.g, scores.g.size
    square = float((g * g).sum())
    kept = float((g[1:] * g[:-1]).sum()) / square if square > 0.0 else 0.0
    news = g[1:] - kept * g[:-1]
    size = math.sqrt(float((news * news).mean()) * float((v * v).mean()))
    if kept <= 0.0 or size <= 0.0 or n <= span:
        return 0.0
    # news[i] is that of row i + 1
    together = sum(float((news[lag - 1 :] * v[: n - lag]).sum()) / n for lag in range(1, span + 1))
    against = min(1.0, -together / size / math.sqrt(horizon))
    left = n * (1.0 - kept * kept)
    return max(0.0, against) * min(MOST_BIAS, kept / math.sqrt(left) if left > 0.0 else MOST_BIAS)


def _through(values: npt.NDArray[np.floating | np.bool_]) -> Floats:
    """Return the sums of the first 0, 1, ... N values (N + 1,)."""
    return np.concatenate(([0.0], np.cumsum(values, dtype=np.float64)))


def _last(values: Floats) -> Floats:
    """Return the sum of the 252 values before each (n,); 0 before the first."""
    # Windows, and no differences of running sums: those keep the rounding of the largest weight there was.
    padded = np.concatenate((np.zeros(FORECASTS_BACK), values))
    windows = np.lib.stride_tricks.sliding_window_view(padded, FORECASTS_BACK)[:-1]
    return np.asarray(windows.sum(axis=1))


def _p_value(statistic: float, dof: int | None) -> float:
    if dof is None:
        return 0.5 * math.erfc(statistic / math.sqrt(2.0))
    from scipy.special import stdtr

    return float(stdtr(dof, -statistic))
