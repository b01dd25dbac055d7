"""Every figure of a ledger, defined once, as a function of its columns.

A figure that is undefined is None, never NaN or infinite: fewer than two rows, a path that does not move,
nothing traded. All returns are simple and net unless said otherwise; `days_per_year` rows make a year.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from geiger.backtest.costs import BASIS_POINT

Floats = NDArray[np.float64]


def is_constant(values: Floats) -> bool:
    """Return whether `values` (n,) do not move, beyond what rounding explains.

    Moves below 1e-100 count as none: their squares would vanish.
    """
    return values.size == 0 or float(np.ptp(values)) <= max(1e-12 * float(np.abs(values).max()), 1e-100)


def total_return(net: Floats) -> float | None:
    """Growth of the equity over all rows: the product of 1 + net, less 1."""
    return float(np.prod(1.0 + net) - 1.0) if net.size else None


def cagr(net: Floats, days_per_year: int) -> float | None:
    """Compound annual growth rate of the equity; -1 after a bankruptcy."""
    if net.size < 2:
        return None
    if (net <= -1.0).any():
        return -1.0
    yearly = days_per_year * float(np.log1p(net).mean())
    return math.expm1(yearly) if yearly < 700 else None


def volatility(net: Floats, days_per_year: int) -> float | None:
    """Yearly volatility: standard deviation (ddof 1) of the net returns times the root of the days."""
    return float(net.std(ddof=1)) * math.sqrt(days_per_year) if net.size > 1 else None


def sharpe(net: Floats, days_per_year: int, cash_yield: float = 0.0) -> float | None:
    """Mean of net - cash over its standard deviation (ddof 1), times the root of the days of a year.

    `cash_yield` is the yearly interest on cash.
    """
    if net.size < 2 or is_constant(net):
        return None
    excess = net - cash_yield / days_per_year
    return float(excess.mean() / excess.std(ddof=1)) * math.sqrt(days_per_year)


def sharpe_t(net: Floats, days_per_year: int, cash_yield: float = 0.0) -> float | None:
    """t-statistic of the Sharpe ratio against 0: Sharpe times the root of the years."""
    ratio = sharpe(net, days_per_year, cash_yield)
    return None if ratio is None else ratio * math.sqrt(net.size / days_per_year)


def drawdown(net: Floats) -> Floats:
    """Share of the highest equity so far that is lost at each row (n,); the start counts as equity 1."""
    equity = np.cumprod(1.0 + net)
    return 1.0 - equity / np.maximum(np.maximum.accumulate(equity), 1.0)


def max_drawdown(net: Floats) -> float | None:
    """Largest drawdown; 0 for a path that never falls."""
    return float(drawdown(net).max()) if net.size else None


def calmar(net: Floats, days_per_year: int) -> float | None:
    """CAGR over the largest drawdown."""
    growth, deepest = cagr(net, days_per_year), max_drawdown(net)
    return growth / deepest if growth is not None and deepest else None


def time_in_market(weight: Floats) -> float | None:
    """Share of rows that hold a position."""
    return float((weight != 0).mean()) if weight.size else None


def mean_exposure(weight: Floats) -> float | None:
    """Mean absolute weight."""
    return float(np.abs(weight).mean()) if weight.size else None


def turnover_a_year(turnover: Floats, days_per_year: int) -> float | None:
    """Equity traded a year, one way: buying and selling it all once is 2."""
    return float(turnover.mean()) * days_per_year if turnover.size else None


def break_even_bps(gross: Floats, turnover: Floats) -> float | None:
    """Cost of one unit of turnover, in basis points, at which the gross return is used up."""
    traded = float(turnover.sum())
    return float(gross.sum()) / traded / BASIS_POINT if traded > 0 else None


def hit_rate(gross: Floats) -> float | None:
    """Share of rows (days) whose position gained before costs; those without gain or loss are left out."""
    moved = gross[gross != 0]
    return float((moved > 0).mean()) if moved.size else None


def beta(net: Floats, market: Floats) -> float | None:
    """Slope of the net returns on those of buy-and-hold."""
    if net.size < 2 or is_constant(market):
        return None
    return float(np.cov(net, market)[0, 1] / market.var(ddof=1))


def correlation(net: Floats, market: Floats) -> float | None:
    """Correlation of the net returns with those of buy-and-hold."""
    if net.size < 2 or is_constant(market) or is_constant(net):
        return None
    return float(np.corrcoef(net, market)[0, 1])


def beats(net: Floats, other: Floats, days_per_year: int) -> float | None:
    """Difference of the two compound annual growth rates: 0.05 is five percentage points a year."""
    mine, theirs = cagr(net, days_per_year), cagr(other, days_per_year)
    return None if mine is None or theirs is None else mine - theirs


def difference_p(
    net: Floats, other: Floats, seed: int | np.random.Generator, reps: int = 2000, mean_block: float = 10.0
) -> float | None:
    """One-sided p-value that the mean of net - other, a day, is not above 0.

    Stationary bootstrap (Politis and Romano, 1994) of the differences, centred on 0: days are drawn in
    blocks of geometric length, `mean_block` on average, so that dependence between near days stays. The
    p-value is the share of `reps` resamples, the sample itself included, whose mean reaches the one found.
    """
    difference = net - other
    if difference.size < 2 or is_constant(difference):
        return None
    rng = np.random.default_rng(seed)
    days, found = difference.size, float(difference.mean())
    centred = difference - found
    at = rng.integers(days, size=reps)
    total = centred[at].copy()
    for _ in range(days - 1):
        new_block = rng.random(reps) < 1.0 / mean_block
        at = np.where(new_block, rng.integers(days, size=reps), (at + 1) % days)
        total += centred[at]
    return float(1 + (total / days >= found).sum()) / (1 + reps)


def wfe(test_net: Floats, in_sample_nets: Sequence[Floats]) -> float | None:
    """Walk-forward efficiency: mean net return of the stitched test rows over that of the train rows.

    The denominator is the mean of the folds' own means, each fold's train rows traded by its final fit at
    the same costs. A ratio of means, not a mean of ratios (Pardo, 2008). None, which counts as a fail, where
    the in-sample mean is not above 0: two losses would look good.
    """
    if len(test_net) == 0 or not in_sample_nets or any(len(fold) == 0 for fold in in_sample_nets):
        return None
    in_sample = float(np.mean([np.mean(fold) for fold in in_sample_nets]))
    return float(np.mean(test_net)) / in_sample if in_sample > 0 else None
