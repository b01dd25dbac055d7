from __future__ import annotations

import warnings
from datetime import UTC, date, datetime, time
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geiger.errors import SettingError
from geiger.market import calendar
from geiger.market.calendar import (
    US,
    Market,
    close_instant,
    closes_later,
    covered,
    market_of,
    next_session,
    open_instant,
    sessions,
    valid_symbol,
)


@pytest.mark.parametrize(
    ("symbol", "exchange"),
    [
        ("AAPL", "XNYS"),
        ("V", "XNYS"),
        ("BRK.B", "XNYS"),
        ("BRK-B", "XNYS"),
        ("BF-B", "XNYS"),
        ("BAC-PL", "XNYS"),
        ("^GSPC", "XNYS"),
        ("^VIX", "XNYS"),
        ("AIR.PA", "XPAR"),
        ("SAP.DE", "XETR"),
        ("^GDAXI", "XETR"),
        ("HSBA.L", "XLON"),
        ("7203.T", "XTKS"),
        ("^N225", "XTKS"),
        ("0700.HK", "XHKG"),
        ("RELIANCE.NS", "XBOM"),
        ("^NSEI", "XBOM"),
        ("REI-UN.TO", "XTSE"),
        ("BHP.AX", "XASX"),
        ("PETR4.SA", "BVMF"),
        ("005930.KS", "XKRX"),
        ("2330.TW", "XTAI"),
        ("600519.SS", "XSHG"),
        ("000001.SZ", "XSHG"),
        ("BTC-USD", None),
        ("EURUSD=X", None),
    ],
)
def test_a_suffix_names_the_exchange(symbol: str, exchange: str | None) -> None:
    market = market_of(symbol)
    assert market.known
    assert market.exchange == exchange


@pytest.mark.parametrize("symbol", ["X.ZZ", "^NOBODY", "ABC-XYZ", "RELIANCE", "7203", "my_prices"])
def test_a_name_that_fits_no_market_is_unknown(symbol: str) -> None:
    market = market_of(symbol)
    assert not market.known
    assert sessions(market, date(2020, 1, 1), date(2020, 1, 31)) is None
    assert next_session(market, date(2020, 1, 3)) == date(2020, 1, 6)


def test_days_per_year_and_opens_come_from_the_market() -> None:
    assert market_of("BTC-USD").days_per_year == 365
    assert {market_of(name).days_per_year for name in ("AAPL", "^N225", "X.ZZ", "ES=F")} == {252}
    assert market_of("EURUSD=X").days_per_year == 260
    assert not market_of("EURUSD=X").has_open
    assert all(market_of(name).has_open for name in ("AAPL", "BTC-USD", "AIR.PA"))


@pytest.mark.parametrize(
    ("symbol", "day", "instant"),
    [
        ("AAPL", date(2023, 1, 16), datetime(2023, 1, 16, 21, 0, tzinfo=UTC)),
        ("AAPL", date(2023, 7, 17), datetime(2023, 7, 17, 20, 0, tzinfo=UTC)),
        ("^VIX", date(2023, 7, 17), datetime(2023, 7, 17, 20, 15, tzinfo=UTC)),
        ("^N225", date(2023, 7, 17), datetime(2023, 7, 17, 6, 0, tzinfo=UTC)),
        ("BTC-USD", date(2023, 7, 17), datetime(2023, 7, 18, 0, 0, tzinfo=UTC)),
        ("EURUSD=X", date(2023, 7, 17), datetime(2023, 7, 17, 23, 0, tzinfo=UTC)),
        # Days that the exchange shortens: 13:00 in New York, and the auction of 14:05 in Paris (12:55 + 10).
        ("AAPL", date(2023, 7, 3), datetime(2023, 7, 3, 17, 0, tzinfo=UTC)),
        ("^VIX", date(2023, 7, 3), datetime(2023, 7, 3, 17, 15, tzinfo=UTC)),
        ("AIR.PA", date(2023, 12, 22), datetime(2023, 12, 22, 16, 35, tzinfo=UTC)),
        ("AIR.PA", date(2024, 12, 24), datetime(2024, 12, 24, 13, 10, tzinfo=UTC)),
        # Tokyo trades half an hour longer since November 2024.
        ("^N225", date(2025, 3, 3), datetime(2025, 3, 3, 6, 30, tzinfo=UTC)),
        ("AAPL", date(2023, 7, 4), datetime(2023, 7, 4, 20, 0, tzinfo=UTC)),  # no session: the usual hour
    ],
)
def test_close_in_universal_time(symbol: str, day: date, instant: datetime) -> None:
    assert close_instant(market_of(symbol), day) == instant


@pytest.mark.parametrize(
    ("symbol", "day", "instant"),
    [
        ("AAPL", date(2023, 1, 17), datetime(2023, 1, 17, 14, 30, tzinfo=UTC)),
        ("AAPL", date(2023, 7, 17), datetime(2023, 7, 17, 13, 30, tzinfo=UTC)),
        ("^N225", date(2023, 7, 18), datetime(2023, 7, 18, 0, 0, tzinfo=UTC)),
        ("ES=F", date(2023, 7, 18), datetime(2023, 7, 17, 22, 0, tzinfo=UTC)),  # the evening before
        ("BTC-USD", date(2023, 7, 17), datetime(2023, 7, 17, 0, 0, tzinfo=UTC)),
        # Nobody can say: when the date begins in the first of all time zones, 14 hours before Greenwich.
        ("X.ZZ", date(2023, 7, 17), datetime(2023, 7, 16, 10, 0, tzinfo=UTC)),
        ("AAPL", date(2023, 7, 16), datetime(2023, 7, 15, 10, 0, tzinfo=UTC)),  # a Sunday has no session
    ],
)
def test_open_in_universal_time(symbol: str, day: date, instant: datetime) -> None:
    assert open_instant(market_of(symbol), day) == instant


@pytest.mark.parametrize("symbol", ["AAPL", "7203.T", "AIR.PA", "ES=F", "BTC-USD", "EURUSD=X", "0700.HK"])
def test_a_session_opens_after_the_one_before_it_closed(symbol: str) -> None:
    market = market_of(symbol)
    days = sessions(market, date(2022, 1, 1), date(2023, 12, 31))
    assert days is not None
    if symbol != "EURUSD=X":  # it has no open
        assert all(close_instant(market, one) <= open_instant(market, two) for one, two in pairwise(days))
    assert all(close_instant(market, one) < close_instant(market, two) for one, two in pairwise(days))


@pytest.mark.parametrize(
    ("context", "symbol", "later"),
    [
        ("^GSPC", "AAPL", False),
        ("^VIX", "AAPL", True),
        ("^GSPC", "^VIX", False),
        ("^GSPC", "AIR.PA", True),
        ("^FCHI", "AAPL", False),
        ("^GDAXI", "AAPL", False),
        ("^N225", "AAPL", False),
        ("^GSPC", "^N225", True),
        ("^GSPC", "BTC-USD", False),
        ("BTC-USD", "AAPL", True),
        ("^GSPC", "EURUSD=X", True),
        ("EURUSD=X", "BTC-USD", True),
        ("BTC-USD", "EURUSD=X", True),
        ("^GSPC", "RY.TO", False),
        ("RY.TO", "AAPL", True),  # Toronto closes at four when New York closes at one
        ("^FCHI", "HSBA.L", True),  # the same hour, but London shortens other days
        ("^N225", "0700.HK", True),  # Hong Kong's half days end before Tokyo's close
        ("^FCHI", "AIR.PA", False),
        ("^GSPC", "GC=F", True),  # a settlement whose hour nobody says
        ("ES=F", "AAPL", True),
        ("^GSPC", "X.ZZ", True),
        ("X.ZZ", "AAPL", True),
    ],
)
def test_which_context_closes_later(context: str, symbol: str, later: bool) -> None:
    assert closes_later(market_of(context), market_of(symbol)) is later


NAMES = {
    "XNYS": "AAPL",
    "XTSE": "RY.TO",
    "XPAR": "AIR.PA",
    "XAMS": "ASML.AS",
    "XLON": "HSBA.L",
    "XETR": "SAP.DE",
}
NAMES |= {"XSTO": "ABB.ST", "XOSL": "EQNR.OL", "XTKS": "7203.T", "XHKG": "0700.HK", "XASX": "BHP.AX"}


@pytest.mark.slow
def test_no_real_close_of_a_context_comes_after_the_symbols_close() -> None:
    """The closes of every session 1998-2024, shortened days and clock changes included, from the library."""
    import exchange_calendars

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        closes = {
            code: exchange_calendars.get_calendar(code, start="1998-01-01", end="2024-12-31").closes
            for code in NAMES
        }
    same_day = 0
    for late, context in NAMES.items():
        for early, symbol in NAMES.items():
            if closes_later(market_of(context), market_of(symbol)):
                continue
            both = closes[late].index.intersection(closes[early].index)
            assert (closes[late][both] <= closes[early][both]).all(), (context, symbol)
            same_day += late != early
    assert same_day > 20  # or the test proves nothing


def test_sessions_of_new_york_in_old_and_new_years() -> None:
    new_york = market_of("AAPL")
    week = sessions(new_york, date(2001, 9, 10), date(2001, 9, 18))
    assert week == [date(2001, 9, 10), date(2001, 9, 17), date(2001, 9, 18)]  # closed after the attacks
    assert sessions(new_york, date(2023, 12, 23), date(2023, 12, 26)) == [date(2023, 12, 26)]
    old = sessions(new_york, date(1972, 1, 1), date(1972, 12, 31))
    assert old is not None
    assert len(old) == 251
    assert date(1972, 12, 28) not in old  # mourning for President Truman
    assert sessions(new_york, date(1962, 1, 1), date(1962, 12, 31)) is None
    assert sessions(new_york, date(2020, 1, 4), date(2020, 1, 5)) == []
    assert sessions(new_york, date(2020, 1, 5), date(2020, 1, 4)) == []


def test_sessions_across_decades_equal_their_parts() -> None:
    paris = market_of("AIR.PA")
    whole = sessions(paris, date(1999, 6, 1), date(2021, 3, 31))
    parts = [sessions(paris, date(year, 1, 1), date(year, 12, 31)) or [] for year in range(1999, 2022)]
    inside = [day for part in parts for day in part if date(1999, 6, 1) <= day <= date(2021, 3, 31)]
    assert whole == inside


@pytest.mark.parametrize("exchange", ["XNYS", "XSHG", "XTKS", "CMES"])
def test_the_usual_calendar_says_what_one_of_a_decade_says(exchange: str) -> None:
    market = Market("any", exchange, "UTC", time(0, 0))
    first, last = date(2020, 1, 1), date(2025, 12, 31)
    alone = calendar._library_calendar(exchange, first, last)
    assert sessions(market, first, last) == list(alone.sessions.date)
    for day in (date(2021, 1, 4), date(2022, 11, 25), date(2024, 7, 3), date(2025, 5, 1)):
        hours = calendar._hours(market, day)
        assert (hours is not None) == alone.is_session(day.isoformat())
        if hours is not None:
            assert hours.open == alone.session_open(day.isoformat())
            assert hours.close == alone.session_close(day.isoformat())


def test_one_calendar_serves_all_questions_about_usual_years(monkeypatch: pytest.MonkeyPatch) -> None:
    made = []

    def counted(exchange: str, *span: date) -> object:
        made.append(span)
        return real(exchange, *span)

    real = calendar._library_calendar
    monkeypatch.setattr(calendar, "_library_calendar", counted)
    for name in ("_usual", "_bounds", "_years", "_exchange_days", "_hours"):
        getattr(calendar, name).cache_clear()
    covered(US, date(2005, 1, 1), date(2023, 1, 1))
    sessions(US, date(2005, 1, 1), date(2023, 1, 1))
    close_instant(US, date(2023, 1, 3))
    next_session(US, date(2019, 12, 31))
    assert made == [calendar.USUAL]
    assert sessions(US, date(1992, 1, 1), date(1992, 1, 3)) == [date(1992, 1, 2), date(1992, 1, 3)]
    assert len(made) == 2


def test_a_day_before_the_first_session_on_record_is_none() -> None:
    """The calendar of Tokyo begins on a day of rest."""
    assert close_instant(market_of("7203.T"), date(1997, 1, 5)) == datetime(1997, 1, 5, 6, tzinfo=UTC)


def test_what_no_calendar_records_is_said() -> None:
    tokyo = market_of("^N225")
    assert covered(tokyo, date(1990, 1, 1), date(2000, 1, 1)) == (date(1997, 1, 1), date(2000, 1, 1))
    assert sessions(tokyo, date(1990, 1, 1), date(1995, 1, 1)) is None
    partial = sessions(tokyo, date(1990, 1, 1), date(1997, 1, 31))
    assert partial is not None
    assert partial[0] == date(1997, 1, 6)
    assert covered(market_of("X.ZZ"), date(2020, 1, 1), date(2020, 1, 2)) is None


def test_crypto_trades_every_day_and_currencies_on_weekdays() -> None:
    span = (date(2020, 2, 28), date(2020, 3, 2))
    assert len(sessions(market_of("BTC-USD"), *span) or []) == 4
    assert sessions(market_of("EURUSD=X"), *span) == [date(2020, 2, 28), date(2020, 3, 2)]


def test_the_next_session_skips_holidays() -> None:
    assert next_session(market_of("AAPL"), date(2023, 12, 29)) == date(2024, 1, 2)
    assert next_session(market_of("^N225"), date(2019, 4, 26)) == date(2019, 5, 7)  # ten days of holidays
    assert next_session(market_of("BTC-USD"), date(2023, 12, 30)) == date(2023, 12, 31)
    assert next_session(market_of("600519.SS"), date(2100, 1, 1)) == date(2100, 1, 4)  # beyond every record


def test_a_market_is_a_plain_record() -> None:
    market = Market("here", None, "UTC", time(16, 0))
    assert market.known
    assert market.days_per_year == 252


@pytest.mark.parametrize(
    "symbol",
    [
        "AAPL",
        "^GSPC",
        "BRK.B",
        "BRK-B",
        "EURUSD=X",
        "REI-UN.TO",
        "0700.HK",
        "a",
        "X" * 24,
        "_own",
        "COM",
        "CONN",
    ],
)
def test_good_symbols_pass(symbol: str) -> None:
    assert valid_symbol(symbol) == symbol


@pytest.mark.parametrize(
    "symbol",
    [
        "",
        "X" * 25,
        "../../etc/passwd",
        "..",
        "A..B",
        ".hidden",
        "-rf",
        "A/B",
        "A\\B",
        "A B",
        "A\n",
        "A\x00",
        "C:",
        "A*",
        "AAPL.",
        "Ä",
        "٣",
        "CON",
        "con",
        "NUL.PA",
        "com1",
        "LPT9.csv",
        "$(id)",
    ],
)
def test_bad_symbols_are_refused_in_one_line(symbol: str) -> None:
    with pytest.raises(SettingError) as caught:
        valid_symbol(symbol)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 300


@given(st.text(max_size=30))
def test_what_passes_the_gate_is_one_plain_file_name(text: str) -> None:
    try:
        name = valid_symbol(text)
    except SettingError:
        return
    assert name.isascii()
    assert not set(name) & set('/\\:*?"<>| \t\n\x00')
    assert name[0] not in ".-"
    assert ".." not in name


@given(st.text(alphabet="ABCDEFXT^=.-0129", min_size=1, max_size=12))
def test_every_name_has_a_market(text: str) -> None:
    market = market_of(text)
    assert market.days_per_year in (252, 260, 365)
    assert closes_later(market_of("^GSPC"), market) in (True, False)
