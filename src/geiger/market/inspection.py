"""The one place that says what is doubtful about loaded prices: `geiger data` and every run ask here."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import replace

from geiger.market.actions import mismatch
from geiger.market.calendar import sessions
from geiger.market.doubts import CLOSE_FIRST, FUTURE_DAYS, NOT_DAILY, Doubt, check, in_order
from geiger.market.loaded import Loaded
from geiger.market.rhythm import observed_market

FARTHEST_EAST = dt.timedelta(hours=14)  # where each day begins first
NOT_ADJUSTED = "DATA_ADJUSTMENT_UNKNOWN"  # what a reader notes where there is no adjusted close
UNUSABLE = (NOT_DAILY, FUTURE_DAYS, CLOSE_FIRST)  # errors of which no daily forecast can be made


def inspect(loaded: Loaded, now: dt.datetime | None = None) -> tuple[Doubt, ...]:
    """List every doubt about the whole series, errors first.

    What reading had to say (`loaded.notes`) is not repeated.

    Parameters
    ----------
    loaded : Loaded
    now : datetime with a zone, optional
        Stands in for the clock: a bar of a day that has begun nowhere yet is an error.
    """
    prices = loaded.prices
    if not prices.height:
        return ()
    market = observed_market(loaded.symbol, prices)
    found: Sequence[Doubt] = check(
        prices,
        sessions=sessions(market, prices["day"][0], prices["day"][-1]),
        trades_every_day=market.days_per_year == 365,
        last_day=((now or dt.datetime.now(dt.UTC)).astimezone(dt.UTC) + FARTHEST_EAST).date(),
    )
    if not market.has_open:  # only closes are used there, and they may come first
        found = [replace(one, severity="warning") if one.code == CLOSE_FIRST else one for one in found]
    # Without an adjusted close nothing says whether the prices hold the dividends.
    adjusted = all(note.code != NOT_ADJUSTED for note in loaded.notes)
    wrong = mismatch(prices, loaded.actions) if adjusted else None
    return in_order([*found, *([wrong] if wrong else [])])


def unusable(doubts: Sequence[Doubt]) -> Doubt | None:
    """Return the first error of which no daily forecast can be made, None where there is none."""
    return next((doubt for doubt in doubts if doubt.severity == "error" and doubt.code in UNUSABLE), None)
