"""Yahoo Finance through the optional library yfinance: adjustment explicit, unfinished bars dropped."""

from __future__ import annotations

import importlib
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from geiger.errors import DataError, MissingLibrary
from geiger.market.calendar import Market, close_instant, market_of, valid_symbol
from geiger.market.doubts import DAYS_SHOWN, Doubt
from geiger.market.loaded import Loaded
from geiger.market.prices import from_frame

FIRST_DAY = date(1900, 1, 1)
SETTLING = timedelta(hours=1)  # after the close; the last prices arrive late
PRICE_COLUMNS = ("Open", "High", "Low", "Close", "Adj Close")
CODES = {"DATA_PARTIAL_BAR": "the bar of a day that is not over was left out"}


def fetch_yahoo(
    symbol: str,
    *,
    start: date | None = None,
    end: date | None = None,
    module: Any = None,
    now: datetime | None = None,
) -> Loaded:
    """Fetch daily bars of `symbol` from Yahoo Finance; the caller saves them before use.

    Parameters
    ----------
    symbol : str
        Yahoo's name of it.
    start, end : date, optional
        First and last day, both included; without them all there is.
    module : module, optional
        Stands in for yfinance.
    now : datetime, optional
        Stands in for the clock: bars that are not complete by then are left out, with a note.

    Raises
    ------
    MissingLibrary
        yfinance is not installed.
    DataError
        Yahoo failed or has no such bars.
    """
    valid_symbol(symbol)
    frame = _ask(module or _yfinance(), symbol, start, end)
    notes: list[Doubt] = []
    frame = _finished(frame, market_of(symbol), now or datetime.now(UTC), notes)
    frame = _priced(frame, notes)
    if not len(frame):
        raise _nothing(symbol)
    layout = "yfinance history, split-adjusted prices with an adjusted close"
    return Loaded(symbol, from_frame(frame), "yahoo", "Yahoo Finance", tuple(notes), layout)


def _yfinance() -> Any:
    try:
        return importlib.import_module("yfinance")
    except ImportError:
        raise MissingLibrary(
            'fetching from Yahoo needs the library yfinance; pip install "geiger-lab[yahoo]"'
        ) from None


def _ask(module: Any, symbol: str, start: date | None, end: date | None) -> Any:
    """Return Yahoo's table, a pandas frame indexed by day."""
    span = {"start": (start or FIRST_DAY).isoformat()}
    if end is not None:
        span["end"] = (end + timedelta(days=1)).isoformat()  # the library leaves its end day out
    try:
        frame = module.Ticker(symbol).history(interval="1d", auto_adjust=False, actions=False, **span)
    except Exception as error:  # whatever the library or the network raises, the user gets one line
        why = " ".join(f"{type(error).__name__}: {error}".split())[:200]
        raise DataError(f"Yahoo gave no answer for {symbol} ({why}); try later") from None
    if frame is None or not len(frame):
        raise _nothing(symbol)
    if "Adj Close" not in frame.columns:
        raise DataError(f"Yahoo's table of {symbol} has no 'Adj Close' to adjust by; update yfinance")
    return frame


def _nothing(symbol: str) -> DataError:
    return DataError(f"Yahoo has no daily prices of {symbol} for these days; check the symbol and the dates")


def _finished(frame: Any, market: Market, now: datetime, notes: list[Doubt]) -> Any:
    unfinished = [_complete_at(market, stamp.date()) > now for stamp in frame.index]
    days = [stamp.date() for stamp in frame.index[unfinished]]
    _note(notes, "DATA_PARTIAL_BAR", "of a day that is not over", days)
    return frame[[not flag for flag in unfinished]]


def _complete_at(market: Market, day: date) -> datetime:
    if market.close_known:
        return close_instant(market, day) + SETTLING
    return datetime.combine(day + timedelta(days=1), time(12, 0), UTC)  # the day is over everywhere


def _priced(frame: Any, notes: list[Doubt]) -> Any:
    """Leave out rows that have no price at all, as Yahoo writes some holidays."""
    present = frame[[name for name in PRICE_COLUMNS if name in frame.columns]].notna().any(axis=1)
    _note(notes, "DATA_EMPTY_ROWS", "without any price", [stamp.date() for stamp in frame.index[~present]])
    return frame[present]


def _note(notes: list[Doubt], code: str, what: str, days: list[date]) -> None:
    if days:
        shown = tuple(map(str, days[:DAYS_SHOWN]))
        text = f"{len(days)} row{'s' if len(days) > 1 else ''} {what} left out: {', '.join(shown)}"
        notes.append(Doubt(code, "note", shown, len(days), text))
