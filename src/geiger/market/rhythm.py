"""How often a series has a bar, how many bars make a year, and which of its rows only repeat the last one.

All of it is read from the rows, never from the symbol's name. What a year is rests on the first two years of
rows alone, so that rows to come change neither the lock-box nor the sizing of an earlier forecast.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import polars as pl

from geiger.market.calendar import CRYPTO, FX, PARIS, UNKNOWN, US, Market, market_of, sessions

Flags = npt.NDArray[np.bool_]

JUDGED_ROWS = 504  # two years on an exchange, and the least training before the first forecast
EVERY_DAY = replace(CRYPTO, name="every calendar day", close_known=False)
_FEWEST_ROWS = 14  # fewer do not show which days of the week trade
_FX_ROWS = 250  # fewer hold too few holidays to tell an exchange from a market without any
_FX_COVERAGE = 0.98  # of weekdays; exchanges reach 0.97, the shortest lists of holidays (Euronext) 0.99
_USUAL_DAY = 0.10  # share of rows from which a day of the week trades as a rule (one in seven is 0.14)
_SIX_DAYS = 313  # a year of six trading days a week, as some feeds of currencies cut it
_SAME = 1e-9  # relative; a copied row went through the same arithmetic
_RARE_STEP = 2  # days between two bars, for most of a series
_SPARSE_STEP = 4  # days between two bars, beyond any ordinary weekend
_SPARSE_ROWS = 21


def observed_market(symbol: str | None, prices: pl.DataFrame) -> Market:
    """Return the market of a series: its clock by the symbol's name, its year by its own rows.

    A series with bars on all seven days of the week is round the clock whatever it is called; one without
    is not, and where its name says otherwise, its market is unknown. A series without any volume that has
    bars on weekdays when exchanges everywhere rest is foreign exchange. Copied rows do not count. A series
    that is too short to show any of this gets what its name says.

    Parameters
    ----------
    symbol : str, optional
    prices : PRICES frame
        The first 504 rows are looked at.
    """
    named = UNKNOWN if symbol is None else market_of(symbol)
    first = prices.head(JUDGED_ROWS)
    own = first.filter(pl.Series(~_repeats(first), dtype=pl.Boolean))
    if own.height < _FEWEST_ROWS or np.median(day_steps(own)) >= _RARE_STEP:
        return named
    week = np.bincount(own["day"].dt.weekday().to_numpy(), minlength=8)[1:] / own.height
    usual = week > _USUAL_DAY
    if usual.all():
        return named if named is CRYPTO else EVERY_DAY
    market = _currency(named, own)
    if usual[:5].all() and usual[5:].any():
        return replace(market, days_per_year=_SIX_DAYS)
    return market


def copied_rows(prices: pl.DataFrame) -> Flags:
    """Flag the rows (n,) that repeat the row before in every cell.

    Only rows that trading could not repeat: with a volume, or with prices that moved within the day. The flat
    bars without volume with which vendors fill holidays are a doubt of their own.
    """
    moved = (prices["high"] > prices["low"]) | (prices["volume"] > 0)
    return np.asarray(_repeats(prices) & moved.to_numpy())


def sparse_rows(prices: pl.DataFrame) -> Flags:
    """Flag the rows (n,) around which a bar stands for more than a day: weekly, monthly or rarer ones.

    Of 21 steps around such a row most are of four days or more; all rows of a series where most steps are of
    two days or more. Holes in a daily series are no such thing.
    """
    steps = day_steps(prices)
    if steps.size < 4:  # so few steps are no rhythm
        return np.zeros(prices.height, dtype=bool)
    if np.median(steps) >= _RARE_STEP:
        return np.ones(prices.height, dtype=bool)
    around = pl.Series(steps).rolling_median(_SPARSE_ROWS, min_samples=_SPARSE_ROWS, center=True)
    around = around.fill_null(strategy="forward").fill_null(strategy="backward")  # rows near both ends
    long = around.fill_null(1).to_numpy() >= _SPARSE_STEP
    return np.concatenate([[False], long])


def day_steps(prices: pl.DataFrame) -> npt.NDArray[np.int32]:
    """Return the calendar days (n - 1,) between each bar and the one before."""
    return prices["day"].cast(pl.Int32).diff().drop_nulls().to_numpy()


def _repeats(prices: pl.DataFrame) -> Flags:
    """Flag the rows whose cells are all those of the row before."""
    cells = prices.drop("day").to_numpy()
    same = np.zeros(len(cells), dtype=bool)
    same[1:] = (np.abs(cells[1:] - cells[:-1]) <= _SAME * np.abs(cells[:-1])).all(axis=1)
    return same


def _currency(named: Market, own: pl.DataFrame) -> Market:
    """Tell foreign exchange from the rest, in a series that rests on some days of the week."""
    first, last = own["day"][0], own["day"][-1]
    weekdays = np.busday_count(first, last + dt.timedelta(days=1))
    full = (own["day"].dt.weekday() <= 5).sum() >= _FX_COVERAGE * weekdays
    if named is FX:
        return FX if full or own.height < _FX_ROWS else replace(FX, days_per_year=252)
    if full and own.height >= _FX_ROWS and (own["volume"] == 0).all() and _trades_on_holidays(own["day"]):
        return FX
    return UNKNOWN if named is CRYPTO else named


def _trades_on_holidays(days: pl.Series) -> bool:
    """Say whether most weekdays on which New York and Paris both rest have a bar (Christmas, Good Friday)."""
    first, last = days[0], days[-1]
    trading = {*(sessions(US, first, last) or ()), *(sessions(PARIS, first, last) or ())}
    span = (first + dt.timedelta(days=n) for n in range((last - first).days + 1))
    holidays = {day for day in span if day.weekday() < 5 and day not in trading}
    have = holidays & set(days)
    return bool(trading and holidays) and 2 * len(have) > len(holidays)
