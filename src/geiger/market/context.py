"""What a symbol's day may know of the rest of the market: an index and a volatility index, joined by date.

A value of the context is used on the symbol's day t only if it was complete at the symbol's close of t.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import timedelta

import numpy as np
import numpy.typing as npt
import polars as pl

from geiger.columns import CONTEXT, PRICES, require
from geiger.market.calendar import Market, closes_later, market_of, sessions
from geiger.market.doubts import DAYS_SHOWN, Doubt, Severity
from geiger.market.rhythm import observed_market

CODES: Mapping[str, str] = {
    "CONTEXT_MISSING": "there is no market context, so its features are constant 0",
    "CONTEXT_LAGGED": "the context closes after the symbol, so each day uses its value of an earlier date",
    "CONTEXT_PARTIAL": "the context has no value on some of the symbol's days",
    "CONTEXT_OLD": "the context ends before the symbol, whose last days repeat its last value",
}
PREFERRED = ("^GSPC", "SPY", "^IXIC", "QQQ", "^DJI", "DIA")
FAMILIES = (
    frozenset({"^GSPC", "SPY", "VOO", "IVV"}),
    frozenset({"^IXIC", "QQQ", "^NDX"}),
    frozenset({"^DJI", "DIA"}),
)
VOLATILITY = "^VIX"
FEW_DAYS = 5
LONGEST_AGE = 10  # calendar days; an older value says nothing of today (the longest holidays close 10 days)

Named = tuple[str, pl.DataFrame]  # symbol and its PRICES


def default_context(symbol: str, available: Collection[str]) -> str | None:
    """Return the index that serves `symbol` as its market, or None where none is available.

    An index that is the symbol itself, or follows the same stocks, would say nothing new.

    >>> default_context("AAPL", ["SPY", "^GSPC"]), default_context("SPY", ["^GSPC", "QQQ"])
    ('^GSPC', 'QQQ')
    """
    own = next((family for family in FAMILIES if symbol in family), frozenset({symbol}))
    return next((name for name in PREFERRED if name in available and name not in own), None)


def default_volatility(symbol: str, available: Collection[str]) -> str | None:
    """Return the volatility index for `symbol`, or None where none is available."""
    return VOLATILITY if VOLATILITY in available and symbol != VOLATILITY else None


def align_context(
    days: pl.Series,
    symbol: str,
    market: Named | None,
    volatility: Named | None,
    *,
    own: Market | None = None,
) -> tuple[pl.DataFrame, tuple[Doubt, ...]]:
    """Return the CONTEXT frame on the symbol's days, and what is doubtful about it.

    Parameters
    ----------
    days : Series of Date
        The symbol's days, ascending.
    symbol : str
        Whose close decides what is known.
    market, volatility : (symbol, PRICES frame), optional
        The index and the volatility index; None leaves the column empty.
    own : Market, optional
        The symbol's market, where its rows say more of it than its name does.

    Returns
    -------
    CONTEXT frame
        Row t holds the last close that was complete at the symbol's close of day t: of the same date, or of
        an earlier one where the context may close later. Missing before the context begins and where the
        last value is older than 10 calendar days.
    tuple of Doubt
        What is missing, since when, and what was lagged.
    """
    doubts: list[Doubt] = []
    columns = [days.alias("day")]
    own = market_of(symbol) if own is None else own
    for name, word, given in (
        ("market_close", "market context", market),
        ("market_volatility", "volatility index", volatility),
    ):
        if given is None:
            columns.append(pl.Series(name, [None] * len(days), dtype=pl.Float64))
            text = f"there is no {word}: its features are constant 0"
            doubts.append(Doubt("CONTEXT_MISSING", "warning", (), len(days), text))
            continue
        lagged = closes_later(observed_market(*given), own)
        values = _known_closes(days, given, lagged=lagged)
        columns.append(values.alias(name))
        doubts += _doubts(days, symbol, given, word, values, lagged=lagged)
    return require(pl.DataFrame(columns), CONTEXT), tuple(doubts)


def _known_closes(days: pl.Series, given: Named, *, lagged: bool) -> pl.Series:
    """Return the last close of the context known on each day; missing where there is none or an old one."""
    prices = require(given[1], PRICES)
    if not prices.height:
        return pl.Series([None] * len(days), dtype=pl.Float64)
    theirs, ours = _numbers(prices["day"]), _numbers(days)
    row = np.searchsorted(theirs, ours, side="left" if lagged else "right") - 1
    fresh = (row >= 0) & (ours - theirs[np.maximum(row, 0)] <= LONGEST_AGE)
    closes = pl.Series(prices["close"].to_numpy()[np.maximum(row, 0)])
    return closes.set(pl.Series(~fresh), None)


def _numbers(days: pl.Series) -> npt.NDArray[np.int32]:
    return days.to_physical().to_numpy()


def _doubts(
    days: pl.Series, symbol: str, given: Named, word: str, values: pl.Series, *, lagged: bool
) -> list[Doubt]:
    name, prices = given
    empty = days.filter(values.is_null())
    shown = tuple(map(str, empty[:DAYS_SHOWN]))
    if len(empty) == len(days):
        text = f"{name} as the {word} has no value on any day of {symbol}: its features are constant 0"
        return [Doubt("CONTEXT_MISSING", "warning", shown, len(empty), text)]
    found = []
    if len(empty):
        span = f"its data run from {prices['day'][0]} to {prices['day'][-1]}"
        between = f"between {empty[0]} and {empty[-1]}" if len(empty) > 1 else f"on {empty[0]}"
        text = f"{name} as the {word} has no value on {len(empty)} of {len(days)} days, {between} ({span})"
        severity: Severity = "note" if len(empty) <= FEW_DAYS else "warning"  # a lagged context misses one
        found.append(Doubt("CONTEXT_PARTIAL", severity, shown, len(empty), text))
    if lagged:
        text = f"{name} may close later than {symbol}: each day uses its last close of an earlier date"
        found.append(Doubt("CONTEXT_LAGGED", "note", (), len(days), text))
    return found + _age(days, symbol, given, word, lagged=lagged)


def _age(days: pl.Series, symbol: str, given: Named, word: str, *, lagged: bool) -> list[Doubt]:
    """Say how many sessions the context lacks before the symbol's last day, where it lacks any."""
    name, prices = given
    known = prices["day"].filter(prices["day"] <= days[-1])
    if not len(known):
        return []
    newest = days[-1] - timedelta(days=1) if lagged else days[-1]
    first = known[-1] + timedelta(days=1)
    expected = sessions(observed_market(name, prices), first, newest)
    if expected is None:  # no calendar of the context: the symbol's own days stand in
        expected = days.filter(days.is_between(first, newest)).to_list()
    if not expected:
        return []
    behind = "1 session" if len(expected) == 1 else f"{len(expected)} sessions"
    text = (
        f"{name} as the {word} has no bar after {known[-1]}, {behind} short of what the last bar of {symbol} "
        f"({days[-1]}) could know: its features stand still; give its prices up to {newest}"
    )
    return [Doubt("CONTEXT_OLD", "warning", tuple(map(str, expected[:DAYS_SHOWN])), len(expected), text)]
