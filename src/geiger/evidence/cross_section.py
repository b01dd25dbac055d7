"""What scores know of the symbols of a day beside each other: rank correlations, quantiles, rivals.

All of it reads grids: arrays (D, N), a row a day and a column a symbol, NaN where a symbol has nothing that
day. Row t of the scores knows the close of day t and nothing later; row t of the outcomes is what a decision
at that close can still earn. Outcomes of all symbols of a day share its news, so a day is one observation:
everything is first made a number a day, and the error is that of the mean over days.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from geiger.cross_section import Kind, Member, Quantile, RankIC, RankRival
from geiger.errors import DataError
from geiger.evidence.errors_of_mean import newey_west_error
from geiger.metrics import correlation, correlation_error
from geiger.native import native

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Days = npt.NDArray[np.datetime64]

BETA_ROWS = 252  # of a rolling beta, and the fewest of them
LEAST_BETA_ROWS = 126
_ROUNDING = 1e-9  # as a share of a day's spread: what is left below it is no number


def ranks(values: Floats) -> Floats:
    """Return the rank of each value in its row, from 1; equal ones share the mean of theirs.

    >>> ranks(np.array([[0.3, np.nan, 0.1, 0.3]]))
    array([[2.5, nan, 1. , 2.5]])
    """
    found = np.empty(values.shape)
    values = np.require(values, np.float64, ["C", "W"])  # read-only arrays would be one more type to compile
    _tied_ranks(values, np.argsort(values, axis=1), found)
    return found


def centred(values: Floats, least: int = 1) -> Floats:
    """Return each row less its mean; a row with fewer than `least` values has none."""
    seen = np.isfinite(values)
    count = seen.sum(axis=1)
    mean = np.where(seen, values, 0.0).sum(axis=1) / np.maximum(count, 1)
    return np.where(seen & (count >= least)[:, None], values - mean[:, None], np.nan)


def rank_ic(scores: Floats, outcomes: Floats, least: int) -> Floats:
    """Return the rank correlation of each day (D,), over the symbols that have both (Spearman 1904).

    A day is NaN with fewer than `least` such symbols, or where all have one score or one outcome: such a day
    ranks nothing.

    >>> rank_ic(np.array([[1.0, 2.0, 3.0]]), np.array([[-0.1, 0.3, 0.2]]), least=3)
    array([0.5])
    """
    _alike("rank correlation", scores, outcomes)
    both = np.isfinite(scores) & np.isfinite(outcomes)
    x, y = (np.nan_to_num(centred(ranks(np.where(both, v, np.nan)), least)) for v in (scores, outcomes))
    spread = np.sqrt((x * x).sum(axis=1) * (y * y).sum(axis=1))
    return np.where(spread > 0.0, (x * y).sum(axis=1) / np.where(spread > 0.0, spread, 1.0), np.nan)


def mean_ic(kind: Kind, name: str, daily: Floats, horizon: int = 1) -> RankIC:
    """Return the record of daily rank correlations (D,); days that are NaN do not count.

    Parameters
    ----------
    horizon : int
        Days that an outcome spans: the error allows for those that overlap.
    """
    counted = daily[np.isfinite(daily)]
    if not counted.size:
        return RankIC(kind=kind, name=name, days=0)
    error = newey_west_error(counted, horizon) if counted.size > 1 else None
    deviation = float(counted.std(ddof=1)) if counted.size > 1 else None
    return RankIC(
        kind=kind,
        name=name,
        days=int(counted.size),
        mean=float(counted.mean()),
        deviation=deviation,
        error=error,
    )


def ics_by_year(daily: Floats, day: Days, horizon: int = 1) -> tuple[RankIC, ...]:
    """Return the record of each calendar year that has a day which counts."""
    years = day.astype("datetime64[Y]")
    each = (mean_ic("year", str(year), daily[years == year], horizon) for year in np.unique(years))
    return tuple(one for one in each if one.days)


def ics_by_period(
    daily: Floats,
    day: Days,
    periods: Mapping[str, tuple[np.datetime64, np.datetime64]],
    horizon: int = 1,
) -> tuple[RankIC, ...]:
    """Return the record of each period, given by its name as its first and last day."""
    return tuple(
        mean_ic("period", name, daily[(day >= first) & (day <= last)], horizon)
        for name, (first, last) in periods.items()
    )


def holding(opens: Floats, horizon: int) -> Floats:
    """Return the log return of holding from the next open over `horizon` days (D, N), NaN at the end."""
    return np.log(_later(opens, 1 + horizon) / _later(opens, 1))


def parts(opens: Floats, closes: Floats) -> dict[str, Floats]:
    """Return the log returns of the parts of what follows a decision (D, N), NaN at the end.

    The gap is gone before the fill at the next open; day and night after it add up to the outcome of one day.
    """
    fill = _later(opens, 1)
    return {
        "gap before the fill": np.log(fill / closes),
        "day after it": np.log(_later(closes, 1) / fill),
        "night after that": np.log(_later(opens, 2) / _later(closes, 1)),
    }


def late(outcomes: Floats) -> Floats:
    """Return what a decision earns that is filled one day late: the outcome of the next row."""
    return _later(outcomes, 1)


def market_betas(returns: Floats, least: int) -> Floats:
    """Return the beta of each symbol to the mean of all, as known at the close of each day (D, N).

    The slope of its daily returns on the mean return of the day's symbols, over the last 252 rows on which
    both are there, NaN with fewer than 126 of them in that span. Row t knows returns through t.

    Parameters
    ----------
    returns : array (D, N)
        Close to close, known at the close of their row.
    least : int
        Symbols that the mean of a day is made of at least.
    """
    seen = np.isfinite(returns)
    count = seen.sum(axis=1)
    mean = np.where(seen, returns, 0.0).sum(axis=1) / np.maximum(count, 1)
    both = seen & (count >= least)[:, None]
    y, x = np.where(both, returns, 0.0), np.where(both, mean[:, None], 0.0)
    n, sx, sy, sxx, sxy = (_rolling_sum(v, BETA_ROWS) for v in (both.astype(float), x, y, x * x, x * y))
    n1 = np.maximum(n, 1.0)
    variance = sxx - sx * sx / n1
    told = (n >= LEAST_BETA_ROWS) & (variance > _ROUNDING * sxx)
    return np.where(told, (sxy - sx * sy / n1) / np.where(told, variance, 1.0), np.nan)


def neutral(scores: Floats, *exposures: Floats) -> Floats:
    """Return what is left of each day's scores beside their fit on 1 and the exposures (D, N).

    Least squares over the symbols of a day that have score and exposures; the others are NaN. Exposures that
    say the same twice count once. Scores that are nothing but the fit leave 0.
    """
    for exposure in exposures:
        _alike("neutral scores", scores, exposure)
    seen = np.isfinite(scores) & np.logical_and.reduce([np.isfinite(e) for e in exposures])
    y, *x = (np.nan_to_num(centred(np.where(seen, v, np.nan))) for v in (scores, *exposures))
    x = [v / np.where((size := _size(v)) > 0.0, size, 1.0) for v in x]
    gram = np.empty((len(scores), len(x), len(x)))
    cross = np.empty((len(scores), len(x)))
    for i, a in enumerate(x):
        cross[:, i] = (a * y).sum(axis=1)
        for j, b in enumerate(x):
            gram[:, i, j] = (a * b).sum(axis=1)
    slope = (np.linalg.pinv(gram, rcond=1e-10, hermitian=True) @ cross[:, :, None])[:, :, 0]
    left = y - sum((slope[:, i, None] * a for i, a in enumerate(x)), start=np.zeros_like(y))
    left = np.where(np.abs(left) > _ROUNDING * _size(y), left, 0.0)
    return np.where(seen, left, np.nan)


def beside_rival(
    name: str, scores: Floats, rival: Floats, outcomes: Floats, least: int, horizon: int = 1
) -> RankRival:
    """Return a rival's rank correlation and what ours adds, over the symbols and days that both have."""
    both = np.isfinite(scores) & np.isfinite(rival)
    ours, theirs = (rank_ic(np.where(both, v, np.nan), outcomes, least) for v in (scores, rival))
    counted = np.isfinite(ours) & np.isfinite(theirs)
    theirs, gain = theirs[counted], (ours - theirs)[counted]
    if theirs.size < 2:
        return RankRival(name=name, days=int(theirs.size))
    return RankRival(
        name=name,
        days=int(theirs.size),
        mean=float(theirs.mean()),
        error=newey_west_error(theirs, horizon),
        gain=float(gain.mean()),
        gain_error=newey_west_error(gain, horizon),
    )


def quantile_numbers(scores: Floats, count: int) -> Floats:
    """Return the quantile of each score in its row (D, N), from 1, the lowest, to `count`; ties share one.

    >>> quantile_numbers(np.array([[0.3, np.nan, 0.1, 0.2, 0.4]]), 2)
    array([[ 2., nan,  1.,  1.,  2.]])
    """
    names = np.isfinite(scores).sum(axis=1, keepdims=True)
    return np.asarray(np.floor((ranks(scores) - 0.5) / np.maximum(names, 1) * count) + 1.0)


def quantile_returns(scores: Floats, returns: Floats, count: int, least: int) -> Floats:
    """Return the mean of each quantile's returns beyond the day's mean (D, `count`), the lowest first.

    A day with fewer than `least` symbols, and a quantile without one, is NaN.

    Parameters
    ----------
    returns : array (D, N)
        Simple, of a holding interval.
    """
    _alike("quantiles", scores, returns)
    both = np.isfinite(scores) & np.isfinite(returns)
    beyond = centred(np.where(both, returns, np.nan), least)
    number = quantile_numbers(np.where(np.isfinite(beyond), scores, np.nan), count)
    found = np.full((len(scores), count), np.nan)
    for quantile in range(count):
        inside = number == quantile + 1
        held = inside.sum(axis=1)
        total = np.where(inside, beyond, 0.0).sum(axis=1)
        found[:, quantile] = np.where(held > 0, total / np.maximum(held, 1), np.nan)
    return found


def quantiles(daily: Floats, horizon: int = 1) -> tuple[Quantile, ...]:
    """Return the record of each column of `quantile_returns`."""
    return tuple(_quantile(number, column, horizon) for number, column in enumerate(daily.T, start=1))


def spread(daily: Floats, horizon: int = 1) -> Quantile:
    """Return the mean of the highest quantile less that of the lowest; its number is 0."""
    return _quantile(0, daily[:, -1] - daily[:, 0], horizon)


def persistence(scores: Floats, least: int) -> float | None:
    """Return the mean rank correlation of a day's scores with those of the day before."""
    return mean_ic("all", "", rank_ic(scores[1:], scores[:-1], least)).mean


def explained(
    forecasts: Floats, outcomes: Floats, least: int, horizon: int = 1
) -> tuple[float, float] | None:
    """Return the share of the outcomes' variance over symbols that forecasts explain, and its error.

    1 - sum (u - f)^2 / sum u^2 with outcomes u and forecasts f less their means of the day: out of sample,
    against a forecast of 0. None without a day of `least` symbols.

    Parameters
    ----------
    forecasts, outcomes : array (D, N)
        Both in daily volatilities known at the decision, so that wild days and symbols do not decide alone.
    """
    _alike("share explained", forecasts, outcomes)
    both = np.isfinite(forecasts) & np.isfinite(outcomes)
    f, u = (np.nan_to_num(centred(np.where(both, v, np.nan), least)) for v in (forecasts, outcomes))
    counted = both.sum(axis=1) >= least
    total = (u * u).sum(axis=1)[counted]
    gain = total - ((u - f) ** 2).sum(axis=1)[counted]
    if total.size < 2 or not total.sum() > 0.0:
        return None
    share = float(gain.sum() / total.sum())
    return share, newey_west_error(gain - share * total, horizon) / float(total.mean())


def member_records(
    symbols: Sequence[str],
    day: Days,
    scores: Floats,
    outcomes: Floats,
    least: int,
    horizon: int = 1,
    left_out: Sequence[int] | None = None,
) -> tuple[Member, ...]:
    """Return what each symbol's own scores know of its outcomes, over time.

    Parameters
    ----------
    scores, outcomes : array (D, N)
        Both in daily volatilities; both are compared beyond their means of the day.
    left_out : sequence of int, optional
        Rows of each symbol that were left out.
    """
    _alike("members", scores, outcomes)
    both = np.isfinite(scores) & np.isfinite(outcomes)
    x, y = (centred(np.where(both, v, np.nan), least) for v in (scores, outcomes))
    found = []
    for column, symbol in enumerate(symbols):
        scored = day[np.isfinite(scores[:, column])]
        rows = np.isfinite(x[:, column])
        own = (x[rows, column], y[rows, column])
        some = bool(rows.any())
        found.append(
            Member(
                symbol=symbol,
                first=str(scored[0]) if scored.size else "",
                last=str(scored[-1]) if scored.size else "",
                days=int(scored.size),
                left_out=0 if left_out is None else int(left_out[column]),
                correlation=correlation(*own) if some else None,
                error=correlation_error(*own, horizon) if some else None,
            )
        )
    return tuple(found)


@native
def _tied_ranks(  # pragma: no cover - compiled
    values: Floats, order: npt.NDArray[np.int64], found: Floats
) -> None:
    rows, columns = values.shape
    for row in range(rows):
        first = 0
        while first < columns:
            value = values[row, order[row, first]]
            stop = first + 1
            while stop < columns and values[row, order[row, stop]] == value:
                stop += 1
            rank = np.nan if np.isnan(value) else 0.5 * (first + stop - 1) + 1.0
            for place in range(first, stop):
                found[row, order[row, place]] = rank
            first = stop


def _quantile(number: int, daily: Floats, horizon: int) -> Quantile:
    counted = daily[np.isfinite(daily)]
    if counted.size < 2:
        return Quantile(number=number, days=int(counted.size))
    error = newey_west_error(counted, horizon)
    return Quantile(number=number, days=int(counted.size), mean=float(counted.mean()), error=error)


def _later(values: Floats, rows: int) -> Floats:
    """Return each value as it is `rows` rows later; NaN at the end."""
    found = np.full(values.shape, np.nan)
    if rows < len(values):
        found[: len(values) - rows] = values[rows:]
    return found


def _rolling_sum(values: Floats, rows: int) -> Floats:
    """Return the sum of the last `rows` rows up to and with each, of all where there are fewer."""
    through = np.cumsum(values, axis=0)
    through[rows:] -= through[:-rows].copy()
    return through


def _size(values: Floats) -> Floats:
    """Return the root mean square of each row (D, 1), in which missing values stand as 0."""
    return np.asarray(np.sqrt(np.mean(values * values, axis=1, keepdims=True)))


def _alike(what: str, one: Floats, other: Floats) -> None:
    if one.ndim != 2 or one.shape != other.shape:
        raise DataError(f"{what}: grids of shapes {one.shape} and {other.shape}; give two of days x symbols")
