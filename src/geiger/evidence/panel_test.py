"""The test of a panel: whether forecasts know which symbols do better, and whether they know the market.

**Selection** compares the symbols of a day with each other. What everybody knew of them on that day is how
far each goes with the market (its beta) and how much it moves, now and usually (its volatility): what goes
with these is taken off forecasts and outcomes alike, day by day, and what is left is multiplied:

    s_it    volatility of a symbol, an exponential mean (.94) of its squared daily returns through t
    l_it    the same over its last 252 days, all alike
    b_it    slope of its daily returns on those of the equally weighted market, last 756 days through t
    u_it    residual of y_it on (1, b_it, s_it, l_it) over the symbols of day t, weights 1 / s_it^2,
            in units of s_it sqrt h; cut at +-3
    g_it    residual of the forecast in the same way, cut at 3 root mean squares of earlier days
    S_t     sum_i g_it u_it / sqrt(K_t) over the K_t symbols of the day: its score

A day is one observation however many symbols it has: symbols that move together are not counted as several.
Days with fewer than 10 symbols have no score. The mean score over its equal-weighted cosine error follows
Student's t without skill. Only what sets symbols apart on one and the same day counts, so a forecast of the
market, or one that is nothing but beta or volatility, earns nothing here.

Why three years, two volatilities and +-3, and not a beta of 252 days, one volatility and the +-1.5 of a
single symbol: betas of a year err so much that a slow forecast of beta or volatility earns a part of what the
market earns, and a near cut moves the mean of skewed returns, which differ from symbol to symbol for good
(docs/evidence/panel.md).

**Timing** is the other half: the mean forecast of a day against the return of the equally weighted market, by
the test of a single symbol. They are two tries.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
from numpy.typing import ArrayLike

from geiger.errors import DataError
from geiger.evidence.day_test import DayTest, Floats, Ints
from geiger.evidence.errors_of_mean import cosine_count, cosine_error
from geiger.evidence.score_test import (
    CUT_FORECAST,
    ENOUGH,
    FIRST,
    SKIPPED,
    ScoreTest,
    daily_volatility,
    score_test,
)

Bools = npt.NDArray[np.bool_]

LEAST_NAMES = 10  # symbols that a day needs
BETA_BACK = 756  # days of returns that a beta is made of; FIRST of them at least
SLOW_BACK = 252  # days of returns that the usual volatility is made of; FIRST of them at least
CUT_OUTCOME = 3.0  # daily volatilities
FLAT = 1e-9  # of the largest forecast of a day: less is the rounding of a regression, and no spread


@dataclass(frozen=True, eq=False)
class Grid:
    """Prices of a panel, day by symbol; not a number where a symbol has nothing.

    Attributes
    ----------
    returns : array (D, N)
        Daily log return, close to close, known at the close of its day.
    outcome : array (D, N)
        Log return that a decision at the close of a day can still earn.
    known_from : array of int (D,)
        First day at whose close the outcomes of a day are known, above its own; never falling.
    horizon : int
        Days that an outcome spans.
    late : array of bool (D, N), optional
        Outcomes that are known later than that, of symbols that did not trade meanwhile: selection scores
        them, and the market of timing does without.

    Raises
    ------
    DataError
        Shapes differ, an outcome is known on its own day or before, or the horizon is not positive.
    """

    returns: Floats
    outcome: Floats
    known_from: Ints
    horizon: int = 1
    late: Bools | None = None

    def __post_init__(self) -> None:
        shapes = {x.shape for x in (self.returns, self.outcome, self.late) if x is not None}
        days = self.returns.shape[:1]
        if len(shapes) != 1 or self.returns.ndim != 2 or self.known_from.shape != days:
            raise DataError(
                f"panel test: returns and outcomes have shapes {sorted(shapes)}, known_from "
                f"{self.known_from.shape}; give days by symbols, and one row number a day"
            )
        if self.horizon < 1:
            raise DataError(f"panel test: an outcome spans at least 1 day, not {self.horizon}")
        own = np.arange(self.known_from.size)
        if (self.known_from <= own).any() or (np.diff(self.known_from) < 0).any():
            raise DataError(
                "panel test: known_from must lie above its own day and never fall; give the day at whose "
                "close all outcomes of a day are known"
            )

    @cached_property
    def market(self) -> Floats:
        """Log return of all symbols held alike (D,), known at the close; not a number without any."""
        return equal_weight(self.returns)

    @cached_property
    def volatility(self) -> Floats:
        """Volatility of each symbol and day (D, N), known at its close; see `panel_volatility`."""
        return panel_volatility(self.returns)

    @cached_property
    def usual_volatility(self) -> Floats:
        """Root mean square of a symbol's returns of the last 252 days (D, N), known at the close of a day."""
        there = np.isfinite(self.returns)
        n = _last(there.astype(np.float64), SLOW_BACK)
        square = _last(np.where(there, np.square(self.returns), 0.0), SLOW_BACK)
        return np.where(n >= FIRST, np.sqrt(np.maximum(square, 0.0) / np.maximum(n, 1.0)), np.nan)

    @cached_property
    def beta(self) -> Floats:
        """Slope of each symbol on the market (D, N), known at the close of a day; see `betas`."""
        return betas(self.returns, self.market)


@dataclass(frozen=True, eq=False)
class PanelScores:
    """The days that count, oldest first.

    Attributes
    ----------
    row : array of int (n,)
        Position among the days that were given.
    c : array (n,)
        Scores, without unit.
    names : array of int (n,)
        Symbols of each day.
    g, u, s : array (n, N)
        Forecast and uncut outcome beyond beta and volatility, in units of the volatility, and that itself;
        g and u are not a number where a symbol has no part.
    """

    row: Ints
    c: Floats
    names: Ints
    g: Floats
    u: Floats
    s: Floats


@dataclass(frozen=True, kw_only=True)
class SelectionTest(DayTest):
    """What the scores of a panel say of its symbols against each other.

    Nothing is told from fewer than 250 days. Slope and variances are those of g and u over symbols and days.

    Attributes
    ----------
    together : float
        Mean correlation of what two symbols add to the score of a day, 0 or more: how little another symbol
        adds to the symbols that there are.
    """

    scores: PanelScores
    together: float = 0.0

    @property
    def row(self) -> Ints:
        """Position of each score's day among the days that were given (n,)."""
        return self.scores.row

    @property
    def c(self) -> Floats:
        """Scores (n,)."""
        return self.scores.c

    @property
    def names(self) -> float:
        """Mean number of symbols of a day that counts; 0 without one."""
        return float(self.scores.names.mean()) if self.n else 0.0

    def names_for(self, times: float) -> int | None:
        """Return how many symbols, over the same days, would know `times` as much of the effect's square.

        The information of K symbols is K / (1 + (K - 1) r), with r how they go together; None where no number
        is enough.
        """
        if not self.n or not math.isfinite(times):
            return None
        rest = (1.0 + (self.names - 1.0) * self.together) / self.names / times  # (1 + (K - 1) r) / K wanted
        if rest <= self.together:
            return None
        return math.ceil((1.0 - self.together) / (rest - self.together))


def selection_test(grid: Grid, score: ArrayLike, least_names: int = LEAST_NAMES) -> SelectionTest:
    """Test whether forecasts know which symbols of a day do better than others.

    Parameters
    ----------
    grid : Grid
    score : array (D, N)
        Out-of-sample forecast made at the close of a day, in units of the symbol's volatility, of any size;
        not a number elsewhere.
    least_names : int
        Symbols with forecast, outcome, volatility and beta that a day needs.

    Raises
    ------
    DataError
        The forecasts have another shape than the grid.

    References
    ----------
    Fama & MacBeth (1973) for one regression a day; Lazarus, Lewis, Stock & Watson (2018), HAR Inference.
    """
    f = np.asarray(score, dtype=np.float64)
    if f.shape != grid.returns.shape:
        raise DataError(f"panel test: forecasts have shape {f.shape}, and the panel {grid.returns.shape}")
    scores, uncut_slope = _scores(grid, f, least_names)
    part = np.isfinite(scores.g)
    forecast_variance, outcome_variance = (
        float(x[part].var()) if part.any() else 0.0 for x in (scores.g, scores.u)
    )
    told = SelectionTest(
        scores=scores,
        horizon=grid.horizon,
        forecast_variance=forecast_variance,
        outcome_variance=outcome_variance,
    )
    c, n = scores.c, scores.c.size
    if n < ENOUGH:
        return told
    terms = cosine_count(n)
    mean, error = float(c.mean()), cosine_error(c, terms)
    informed = np.where(part & (np.abs(scores.u) < CUT_OUTCOME), np.square(scores.g), 0.0).sum(axis=1)
    information = float((informed / np.sqrt(scores.names)).mean())
    if not (error > 0.0 and information > 0.0):
        return told
    from scipy.special import stdtr

    statistic, scale = mean / error, math.sqrt(grid.horizon) / information
    return SelectionTest(
        scores=scores,
        horizon=grid.horizon,
        mean=mean,
        error=error,
        statistic=statistic,
        dof=terms,
        p_value=float(stdtr(terms, -statistic)),
        slope=mean * scale,
        slope_error=error * scale,
        uncut_slope=uncut_slope,
        forecast_variance=forecast_variance,
        outcome_variance=outcome_variance,
        together=_together(scores),
    )


def timing_test(grid: Grid, forecast: ArrayLike, least_names: int = LEAST_NAMES) -> ScoreTest:
    """Test whether the mean forecast of a day knows the return of the equally weighted market.

    Parameters
    ----------
    grid : Grid
    forecast : array (D, N)
        Out-of-sample forecast made at the close of a day, log return; not a number elsewhere. Days with fewer
        than `least_names` of them have none.

    Raises
    ------
    DataError
        The forecasts have another shape than the grid.
    """
    f = np.asarray(forecast, dtype=np.float64)
    if f.shape != grid.returns.shape:
        raise DataError(f"panel test: forecasts have shape {f.shape}, and the panel {grid.returns.shape}")
    there = np.isfinite(f)
    names = there.sum(axis=1)
    mean = np.where(there, f, 0.0).sum(axis=1) / np.maximum(names, 1)
    of_day = np.where(names >= least_names, mean, np.nan)
    outcome = grid.outcome if grid.late is None else np.where(grid.late, np.nan, grid.outcome)
    return score_test(grid.market, equal_weight(outcome), grid.known_from, of_day, grid.horizon)


def equal_weight(returns: ArrayLike) -> Floats:
    """Return the log return of holding alike all symbols that have one (D,), of log returns (D, N)."""
    r = np.asarray(returns, dtype=np.float64)
    there = np.isfinite(r)
    held = there.sum(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = np.where(there, np.expm1(np.where(there, r, 0.0)), 0.0).sum(axis=1) / held
    return np.asarray(np.log1p(mean))


def panel_volatility(returns: ArrayLike) -> Floats:
    """Return the volatility of each symbol and day as known at its close (D, N), log return.

    Each symbol's own history begins on the day before its first return, see `daily_volatility`.
    """
    r = np.asarray(returns, dtype=np.float64)
    found = np.full(r.shape, np.nan)
    for column in range(r.shape[1]):
        there = np.flatnonzero(np.isfinite(r[:, column]))
        if there.size:
            first = max(int(there[0]) - 1, 0)
            found[first:, column] = daily_volatility(r[first:, column])
    return found


def betas(returns: ArrayLike, market: ArrayLike) -> Floats:
    """Return each symbol's slope on a market (D,) as known at the close of a day (D, N).

    Least squares over the days of the last 756 on which the symbol has a return; not a number with fewer than
    60 of them, or where the market did not move on them.
    """
    r = np.asarray(returns, dtype=np.float64)
    there = np.isfinite(r)
    y = np.where(there, r, 0.0)
    x = np.where(there, np.asarray(market, dtype=np.float64)[:, None], 0.0)
    sums = (there.astype(np.float64), x, y, x * x, x * y)
    n, sx, sy, sxx, sxy = (_last(values, BETA_BACK) for values in sums)
    with np.errstate(divide="ignore", invalid="ignore"):
        spread = sxx - sx * sx / n
        return np.where((n >= FIRST) & (spread > 1e-12 * sxx), (sxy - sx * sy / n) / spread, np.nan)


def _scores(grid: Grid, score: Floats, least_names: int) -> tuple[PanelScores, float | None]:
    """Return the scores of the days that count, and the slope without cuts."""
    s, usual, beta = grid.volatility, grid.usual_volatility, grid.beta
    part = np.logical_and.reduce([np.isfinite(x) for x in (score, grid.outcome, s, usual, beta)])
    names = part.sum(axis=1)
    rows = np.flatnonzero(names >= least_names)
    part, names, s = part[rows], names[rows], s[rows]
    unit = np.where(part, s, 1.0)
    y, f = grid.outcome[rows] / unit, score[rows]
    # The regression with weights 1 / s^2, after a division by s: 1, beta, s and l have become these four.
    columns = (1.0 / unit, beta[rows] / unit, np.ones_like(unit), usual[rows] / unit)
    basis = _basis([np.where(part, column, 0.0) for column in columns])
    u, raw = (_less(np.where(part, z, 0.0), basis) for z in (y / math.sqrt(grid.horizon), f))
    size = np.abs(np.where(part, f, 0.0)).max(axis=1, initial=0.0, keepdims=True)
    raw = np.where(np.abs(raw) <= FLAT * size, 0.0, raw)
    g = _cut(raw, names)
    c = (g * np.clip(u, -CUT_OUTCOME, CUT_OUTCOME)).sum(axis=1) / np.sqrt(names)
    later = slice(SKIPPED, None)
    spread = float(np.square(raw[later]).sum())
    slope = float((raw[later] * u[later]).sum()) / spread * math.sqrt(grid.horizon) if spread > 0.0 else None
    g, u = (np.where(part, z, np.nan) for z in (g, u))
    rows, names = rows.astype(np.int64), names.astype(np.int64)
    return PanelScores(rows[later], c[later], names[later], g[later], u[later], s[later]), slope


def _basis(columns: list[Floats]) -> list[Floats]:
    """Return each day's regressors (n, N), orthogonal and of length 1; they are 0 where a symbol has no part.

    A column that is made of those before it, as 1 / s where all symbols move alike, has no part.
    """
    basis: list[Floats] = []
    for column in columns:
        whole = np.square(column).sum(axis=1, keepdims=True)
        rest = _less(column, basis)
        square = np.square(rest).sum(axis=1, keepdims=True)
        there = square > 1e-16 * whole
        basis.append(np.where(there, rest / np.sqrt(np.where(there, square, 1.0)), 0.0))
    return basis


def _less(z: Floats, basis: list[Floats]) -> Floats:
    """Return each day's least-squares residual of z (n, N) on orthogonal columns (n, N)."""
    for unit in (*basis, *basis):  # twice: once leaves the rounding of what was taken
        z = z - (z * unit).sum(axis=1, keepdims=True) * unit
    return z


def _cut(raw: Floats, names: Ints) -> Floats:
    """Return forecasts (n, N) cut at 3 root mean squares of all earlier days; the first day is 0."""
    squares, counts = np.cumsum(np.square(raw).sum(axis=1)), np.cumsum(names)
    earlier = np.zeros(names.size)
    earlier[1:] = np.sqrt(squares[:-1] / counts[:-1])
    bound = CUT_FORECAST * earlier[:, None]
    return np.clip(raw, -bound, bound)


def _together(scores: PanelScores) -> float:
    """Return the mean correlation of what two symbols add to a day, from how the sums of days spread."""
    part = np.isfinite(scores.g)
    each = np.where(part, scores.g * np.clip(scores.u, -CUT_OUTCOME, CUT_OUTCOME), 0.0)
    alone = float(np.square(each).sum(axis=1).mean())  # of the sum, were they uncorrelated
    of_sum = float((np.square(scores.c) * scores.names).mean())
    pairs = float((scores.names - 1).mean())
    return min(max((of_sum / alone - 1.0) / pairs, 0.0), 1.0) if alone > 0.0 and pairs > 0.0 else 0.0


def _last(values: Floats, back: int) -> Floats:
    """Return the sums of the last `back` rows, each row's own among them (D, N)."""
    total = np.concatenate((np.zeros((1, values.shape[1])), np.cumsum(values, axis=0)))
    end = np.arange(1, total.shape[0])
    return np.asarray(total[end] - total[np.maximum(end - back, 0)])
