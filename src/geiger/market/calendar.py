"""When each market is open, when its bar is complete, and which symbol belongs to which market.

A bar of day t may only be joined to a symbol whose own close of day t is not earlier; `closes_later` is
the one place that says so. Where a close is not sure, it counts as the earliest for a symbol and as the
latest for a context: the doubt costs a day of lag and never a look ahead.
"""

from __future__ import annotations

import re
import warnings
from bisect import bisect_left, bisect_right
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from geiger.errors import SettingError

SYMBOL = re.compile(r"[A-Za-z0-9^=_][A-Za-z0-9^=._-]{0,23}")
PORTS = (f"{port}{number}" for port in ("COM", "LPT") for number in range(10))
RESERVED = frozenset({"CON", "PRN", "AUX", "NUL", *PORTS})  # Windows keeps these names for devices
MIDNIGHT = time(0, 0)
EARLIEST_ZONE = "Pacific/Kiritimati"  # where each date begins first, at 10:00 UTC of the day before
# The library knows regular holidays from 1970 on, whatever it accepts; its years before that are wrong.
EARLIEST, LATEST = date(1970, 1, 1), date(2199, 12, 31)
USUAL = (date(2000, 1, 1), date(2029, 12, 31))  # most series lie in it
ON_RECORD = (date(2020, 1, 1), date(2020, 12, 31))  # by every exchange
# Winter, summer, and the weeks in which America and Europe disagree on daylight saving.
PROBE_DAYS = (date(2023, 1, 16), date(2023, 3, 20), date(2023, 7, 17), date(2023, 11, 2))


@dataclass(frozen=True)
class Market:
    """One market and its clock.

    Attributes
    ----------
    name : str
        Word for people.
    exchange : str or None
        Code in `exchange_calendars`, None where no exchange keeps a calendar.
    timezone : str
        IANA name of the zone in which `close` is read.
    close : time
        Local time at which the bar of a day is complete; 00:00 is the end of that day.
    days_per_year : int
        Bars in a year: 252 on exchanges, 260 for foreign exchange, 365 where every day trades. What a series
        itself shows goes before its name: see `geiger.market.rhythm.observed_market`.
    has_open : bool
        False where the open is only the last close and nobody can trade at it.
    close_known : bool
        False where `close` is a guess; such a close is never trusted.
    shortened : timedelta
        How much earlier than `close` a shortened day may end (the default covers every exchange here).
    """

    name: str
    exchange: str | None
    timezone: str
    close: time
    days_per_year: int = 252
    has_open: bool = True
    close_known: bool = True
    shortened: timedelta = timedelta(hours=4, minutes=30)

    @property
    def known(self) -> bool:
        """Whether the symbol's market was recognised."""
        return self.name != UNKNOWN.name


UNKNOWN = Market("unknown", None, EARLIEST_ZONE, time(12, 0), close_known=False)
US = Market("New York", "XNYS", "America/New_York", time(16, 0), shortened=timedelta(hours=3))
CBOE_INDEX = Market("Cboe index", "XNYS", "America/Chicago", time(15, 15))
CRYPTO = Market("crypto", None, "UTC", MIDNIGHT, days_per_year=365, shortened=timedelta())
# A vendor's currency bar may name the start of its day as the close, with high and low of the hours after it.
FX = Market(
    "foreign exchange",
    None,
    "Europe/London",
    MIDNIGHT,
    days_per_year=260,
    has_open=False,
    close_known=False,
    shortened=timedelta(),
)
# Settlements lie hours before the end of the session, and which of the two a source quotes is not said.
FUTURES = Market("futures", "CMES", "America/Chicago", time(17, 0), close_known=False)

# Where an auction after continuous trading sets the closing price, `close` is the end of the auction.
PARIS = Market("Paris", "XPAR", "Europe/Paris", time(17, 35))
AMSTERDAM = Market("Amsterdam", "XAMS", "Europe/Amsterdam", time(17, 35))
BRUSSELS = Market("Brussels", "XBRU", "Europe/Brussels", time(17, 35))
LISBON = Market("Lisbon", "XLIS", "Europe/Lisbon", time(16, 35))
XETRA = Market("Xetra", "XETR", "Europe/Berlin", time(17, 35))
FRANKFURT = Market("Frankfurt", "XFRA", "Europe/Berlin", time(22, 0), close_known=False)  # hours moved often
LONDON = Market("London", "XLON", "Europe/London", time(16, 35))
MILAN = Market("Milan", "XMIL", "Europe/Rome", time(17, 35))
MADRID = Market("Madrid", "XMAD", "Europe/Madrid", time(17, 35))
ZURICH = Market("Zurich", "XSWX", "Europe/Zurich", time(17, 30))
STOCKHOLM = Market("Stockholm", "XSTO", "Europe/Stockholm", time(17, 30))
HELSINKI = Market("Helsinki", "XHEL", "Europe/Helsinki", time(18, 30))
COPENHAGEN = Market("Copenhagen", "XCSE", "Europe/Copenhagen", time(17, 0))
OSLO = Market("Oslo", "XOSL", "Europe/Oslo", time(16, 25))
TOKYO = Market("Tokyo", "XTKS", "Asia/Tokyo", time(15, 0))
HONG_KONG = Market("Hong Kong", "XHKG", "Asia/Hong_Kong", time(16, 10))
INDIA = Market("India", "XBOM", "Asia/Kolkata", time(15, 30))
TORONTO = Market("Toronto", "XTSE", "America/Toronto", time(16, 0))
SYDNEY = Market("Sydney", "XASX", "Australia/Sydney", time(16, 12))
# São Paulo follows New York's clock and not its own daylight saving, by rules that changed over the years.
SAO_PAULO = Market("São Paulo", "BVMF", "America/Sao_Paulo", time(17, 0), close_known=False)
SEOUL = Market("Seoul", "XKRX", "Asia/Seoul", time(15, 30))
TAIPEI = Market("Taipei", "XTAI", "Asia/Taipei", time(13, 30))
SHANGHAI = Market("Shanghai", "XSHG", "Asia/Shanghai", time(15, 0))
SHENZHEN = replace(SHANGHAI, name="Shenzhen")  # one calendar by order of the same regulator

SUFFIXES = {
    "PA": PARIS,
    "AS": AMSTERDAM,
    "BR": BRUSSELS,
    "LS": LISBON,
    "DE": XETRA,
    "F": FRANKFURT,
    "L": LONDON,
    "MI": MILAN,
    "MC": MADRID,
    "SW": ZURICH,
    "ST": STOCKHOLM,
    "HE": HELSINKI,
    "CO": COPENHAGEN,
    "OL": OSLO,
    "T": TOKYO,
    "HK": HONG_KONG,
    "NS": INDIA,
    "BO": INDIA,
    "TO": TORONTO,
    "V": TORONTO,
    "AX": SYDNEY,
    "SA": SAO_PAULO,
    "KS": SEOUL,
    "KQ": SEOUL,
    "TW": TAIPEI,
    "SS": SHANGHAI,
    "SZ": SHENZHEN,
}
INDICES = {
    **dict.fromkeys(("^GSPC", "^IXIC", "^NDX", "^DJI", "^RUT", "^NYA", "^OEX", "^MID", "^SOX"), US),
    **dict.fromkeys(("^VIX", "^VXN", "^VVIX", "^VIX3M", "^SKEW"), CBOE_INDEX),
    "^FCHI": PARIS,
    "^AEX": AMSTERDAM,
    "^GDAXI": XETRA,
    "^FTSE": LONDON,
    "^IBEX": MADRID,
    "^SSMI": ZURICH,
    "^N225": TOKYO,
    "^HSI": HONG_KONG,
    "^NSEI": INDIA,
    "^BSESN": INDIA,
    "^GSPTSE": TORONTO,
    "^AXJO": SYDNEY,
    "^BVSP": SAO_PAULO,
    "^KS11": SEOUL,
    "^TWII": TAIPEI,
}
FIAT = {"USD", "EUR", "GBP", "JPY", "CHF", "CAD", "AUD", "KRW", "INR", "BRL", "CNY", "HKD", "TRY", "RUB"}
QUOTE_CURRENCIES = frozenset(FIAT | {"BTC", "ETH", "USDT", "USDC"})
EURONEXT = frozenset({"XPAR", "XAMS", "XBRU", "XLIS"})  # they shorten the same days by the same hours


def valid_symbol(symbol: str) -> str:
    """Return `symbol` if it may become part of a file name, else raise `SettingError`.

    The only gate between names from outside and names of files: 1 to 24 letters, digits and ``^ = . _ -``,
    neither starting with a dot or a dash nor ending with a dot, without two dots in a row, and not a name
    that Windows keeps for a device.

    >>> valid_symbol("BRK.B"), valid_symbol("^GSPC"), valid_symbol("EURUSD=X")
    ('BRK.B', '^GSPC', 'EURUSD=X')
    """
    if not SYMBOL.fullmatch(symbol) or ".." in symbol or symbol.endswith("."):
        raise SettingError(
            f"{symbol[:60]!r} is no symbol; a symbol has 1 to 24 letters, digits or ^ = . _ - "
            "and starts with neither a dot nor a dash, like AAPL, BRK-B or ^GSPC"
        )
    if symbol.split(".")[0].upper() in RESERVED:
        raise SettingError(f"{symbol!r} cannot name a file on Windows; store it under another name")
    return symbol


def market_of(symbol: str) -> Market:
    """Return the market of `symbol`, read from its suffix or from the names of known indices.

    A name without suffix is a US stock where it looks like one (one to five letters); any other name is of
    an unknown market, whose close is never trusted.

    >>> [market_of(name).name for name in ("AAPL", "BRK.B", "BF-B", "AIR.PA", "BTC-USD", "EURUSD=X", "X.ZZ")]
    ['New York', 'New York', 'New York', 'Paris', 'crypto', 'foreign exchange', 'unknown']
    """
    name = symbol.upper()
    if name.startswith("^"):
        return INDICES.get(name, UNKNOWN)
    if name.endswith("=X"):
        return FX
    if name.endswith("=F"):
        return FUTURES
    if "." in name:
        return _of_suffix(name.rpartition(".")[2])
    if "-" in name:
        return _of_dash(name.rpartition("-")[2])
    return US if re.fullmatch(r"[A-Z]{1,5}", name) else UNKNOWN


def _of_suffix(suffix: str) -> Market:
    share_class = US if re.fullmatch(r"[A-Z]", suffix) else UNKNOWN
    return SUFFIXES.get(suffix, share_class)


def _of_dash(tail: str) -> Market:
    if tail in QUOTE_CURRENCIES:
        return CRYPTO
    return US if re.fullmatch(r"[A-Z]{1,2}", tail) else UNKNOWN  # share classes, preferred shares, warrants


def sessions(market: Market, first: date, last: date) -> list[date] | None:
    """Return the days in [first, last] on which `market` trades, ascending.

    Days for which the exchange's calendar has no records (before 1997 in Tokyo, say) are left out; see
    `covered`. None means that nobody can say: an unknown market, or no record in the whole range.
    """
    if not market.known:
        return None
    if first > last:
        return []
    if market.exchange is None:
        return _plain_days(first, last, every_day=market.days_per_year == 365)
    span = covered(market, first, last)
    if span is None:
        return None
    days = _exchange_days(market.exchange, span[0].year // 10 * 10, span[1].year // 10 * 10 + 9)
    return list(days[bisect_left(days, span[0]) : bisect_right(days, span[1])])


def covered(market: Market, first: date, last: date) -> tuple[date, date] | None:
    """Return the part of [first, last] for which the sessions of `market` are on record, or None."""
    if not market.known:
        return None
    earliest, latest = (date.min, date.max) if market.exchange is None else _bounds(market.exchange)
    start, end = max(first, earliest), min(last, latest)
    return (start, end) if start <= end else None


def next_session(market: Market, day: date) -> date:
    """Return the first session after `day`; where the calendar has no record, the next weekday.

    >>> next_session(market_of("AAPL"), date(2023, 12, 22))
    datetime.date(2023, 12, 26)
    """
    first, last = day + timedelta(days=1), day + timedelta(days=30)
    ahead = sessions(market, first, last) or _plain_days(first, last, every_day=market.days_per_year == 365)
    return ahead[0]


def close_instant(market: Market, day: date) -> datetime:
    """Return the moment, in UTC, at which the bar of `day` is complete.

    A day that the exchange shortens is complete as much earlier; where its hours have since been prolonged,
    the calendar's close counts.

    >>> close_instant(market_of("AAPL"), date(2023, 11, 24)).isoformat()  # the day after Thanksgiving
    '2023-11-24T18:00:00+00:00'
    """
    regular, hours = _regular_close(market, day), _hours(market, day)
    return regular if hours is None else max(regular - hours.shortened, hours.close)


def open_instant(market: Market, day: date) -> datetime:
    """Return the moment, in UTC, at which the session of `day` opens; it may lie on the day before.

    That of the exchange's calendar, or midnight where every day trades. Where nobody can say it is the
    moment at which that date begins anywhere on Earth, so that the doubt makes a forecast late.

    >>> open_instant(market_of("AAPL"), date(2023, 11, 24)).isoformat()
    '2023-11-24T14:30:00+00:00'
    """
    hours = _hours(market, day)
    if hours is not None:
        return hours.open
    every_day = market.known and market.exchange is None and market.days_per_year == 365
    zone = market.timezone if every_day else EARLIEST_ZONE
    return datetime.combine(day, MIDNIGHT, ZoneInfo(zone)).astimezone(UTC)


def _regular_close(market: Market, day: date) -> datetime:
    """Return when the bar of `day` is complete on a day that is not shortened, in UTC."""
    end_of_day = timedelta(days=1 if market.close == MIDNIGHT else 0)
    local = datetime.combine(day + end_of_day, market.close, ZoneInfo(market.timezone))
    return local.astimezone(UTC)


def closes_later(late: Market, early: Market) -> bool:
    """Say whether the bar of `late`, a context, may be complete only after the close of `early` on its date.

    Where it may, the context must be lagged by a day. A close that is not sure counts as later, and so does
    one that is earlier only on days which the symbol's exchange does not shorten.

    >>> closes_later(US, US), closes_later(CBOE_INDEX, US), closes_later(US, PARIS)
    (False, True, True)
    """
    if not (late.close_known and early.close_known):
        return True
    margin = timedelta() if _shortened_together(late, early) else early.shortened
    return any(_regular_close(late, day) > _regular_close(early, day) - margin for day in PROBE_DAYS)


def _shortened_together(late: Market, early: Market) -> bool:
    """Say whether every shortened day of `early` is one of `late` too, and as short."""
    if late.exchange == early.exchange or {late.exchange, early.exchange} <= EURONEXT:
        return True
    return (late.exchange, early.exchange) == ("XNYS", "XTSE")  # and not the other way round


def _plain_days(first: date, last: date, *, every_day: bool) -> list[date]:
    days = (first + timedelta(days=n) for n in range((last - first).days + 1))
    return [day for day in days if every_day or day.weekday() < 5]


@cache
def _bounds(exchange: str) -> tuple[date, date]:
    calendar = _usual(exchange).calendar
    earliest, latest = calendar.bound_min(), calendar.bound_max()
    return (
        max(EARLIEST, earliest.date()) if earliest else EARLIEST,
        min(LATEST, latest.date()) if latest else LATEST,
    )


class _Span(NamedTuple):
    """The exchange's calendar of the days in [first, last]."""

    calendar: Any
    first: date
    last: date


@cache
def _usual(exchange: str) -> _Span:
    """Return the calendar that serves most questions: to make one takes as long for a year as for many."""
    try:
        return _Span(_library_calendar(exchange, *USUAL), *USUAL)
    except ValueError:  # there is no record of so many years
        return _Span(_library_calendar(exchange, *ON_RECORD), *ON_RECORD)


@cache
def _exchange_days(exchange: str, first_year: int, last_year: int) -> tuple[date, ...]:
    calendar, first, last = _years(exchange, first_year, last_year)
    days = tuple(calendar.sessions.date)
    return days[bisect_left(days, first) : bisect_right(days, last)]


@cache
def _years(exchange: str, first_year: int, last_year: int) -> _Span:
    """Return a calendar of these years, or of more of them, and the days of these years on record."""
    earliest, latest = _bounds(exchange)
    start, end = max(earliest, date(first_year, 1, 1)), min(latest, date(last_year, 12, 31))
    usual = _usual(exchange)
    wide = usual.first <= start and end <= usual.last
    return _Span(usual.calendar if wide else _library_calendar(exchange, start, end), start, end)


@dataclass(frozen=True)
class _Hours:
    """One session by the exchange's calendar, in UTC; `shortened` says by how much it ends early."""

    open: datetime
    close: datetime
    shortened: timedelta


@cache
def _hours(market: Market, day: date) -> _Hours | None:
    """Return the hours of the session of `day`, or None where no calendar has that session on record."""
    if market.exchange is None or covered(market, day, day) is None:
        return None
    calendar = _years(market.exchange, day.year // 10 * 10, day.year // 10 * 10 + 9).calendar
    within = calendar.first_session.date() <= day <= calendar.last_session.date()
    if not within or not calendar.is_session(day.isoformat()):
        return None
    begin, end = (
        found.to_pydatetime().astimezone(UTC)
        for found in (calendar.session_open(day.isoformat()), calendar.session_close(day.isoformat()))
    )
    shortened = timedelta()
    if day in calendar.early_closes.date:
        usual = [at for since, at in calendar.close_times if since is None or since.date() <= day][-1]
        local = datetime.combine(day, usual, ZoneInfo(str(calendar.tz)))
        shortened = max(local.astimezone(UTC) - end, timedelta())
    return _Hours(begin, end, shortened)


def _library_calendar(exchange: str, start: date, end: date) -> Any:
    import exchange_calendars

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the library's own dealings with pandas are not the user's concern
        return exchange_calendars.get_calendar(exchange, start=start.isoformat(), end=end.isoformat())
