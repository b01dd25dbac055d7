"""Kinds of files that can be read in one way only, or are refused with the remedy that fits."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import polars as pl
import pytest

from geiger.errors import DataError
from geiger.market.readers import Reading, read_given, read_prices
from geiger.market.sources import load

Read = Callable[..., Reading]
BARS = "Date,Open,High,Low,Close\n2020-01-02,1,2,0.5,1.5\n2020-01-03,1.5,2,1,1.75\n"
JAN = dt.date(2020, 1, 1)


@pytest.fixture
def read(tmp_path: Path) -> Read:
    def from_content(
        content: str | bytes | pl.DataFrame | pd.DataFrame, symbol: str | None = None
    ) -> Reading:
        path = tmp_path / ("a.parquet" if isinstance(content, pl.DataFrame | pd.DataFrame) else "a.csv")
        if isinstance(content, pl.DataFrame):
            content.write_parquet(path)
        elif isinstance(content, pd.DataFrame):
            content.to_parquet(path)
        else:
            path.write_bytes(content.encode() if isinstance(content, str) else content)
        return read_prices(path, symbol)

    return from_content


def said(reading: Reading, code: str) -> str:
    (note,) = (note for note in reading.notes if note.code == code)
    return note.text


# several symbols in one file

SYMBOL_HEADINGS = [
    *("symbol", "ticker", "tic", "ts_code", "instrument", "unique_id", "Stock", "code", "Name", "asset"),
    *("stock_symbol", "sec_code", "Company", "kind", "RIC", "coin", "underlying"),
]


def panel(heading: str) -> pl.DataFrame:
    days = [JAN + dt.timedelta(days=offset) for offset in (1, 2, 1, 2)]
    return pl.DataFrame(
        {"date": days, heading: ["QQ", "QQ", "RR", "RR"], "close": [10.0, 11.0, 500.0, 505.0]}
    )


@pytest.mark.parametrize("heading", SYMBOL_HEADINGS)
@pytest.mark.parametrize("stored", [False, True])
def test_several_symbols_are_refused_or_the_asked_one_is_read(read: Read, heading: str, stored: bool) -> None:
    content = panel(heading) if stored else panel(heading).write_csv()
    with pytest.raises(DataError, match=rf"column '{heading}' holds several symbols \(QQ, RR\); ask for one"):
        read(content)
    with pytest.raises(DataError, match=r"several symbols \(QQ, RR\), not SS"):
        read(content, "SS")
    reading = read(content, "RR")
    assert reading.prices["close"].to_list() == [500.0, 505.0]
    assert reading.symbol == "RR"
    assert said(reading, "DATA_ONE_OF_SEVERAL").startswith("RR was read out of 2 symbols in column")


def test_days_that_do_not_repeat_are_no_excuse_for_two_symbols(read: Read) -> None:
    with pytest.raises(DataError, match="several symbols"):
        read("date,close,tic\n2020-01-02,10,QQ\n2020-01-03,11,QQ\n2020-01-06,500,RR\n")


def test_a_column_with_one_symbol_is_fine(read: Read) -> None:
    assert read(BARS.replace("Close\n", "Close,tic\n").replace("5\n", "5,QQ\n")).prices.height == 2


def test_a_file_is_taken_as_the_symbol_that_its_rows_name(tmp_path: Path) -> None:
    panel("tic").write_csv(tmp_path / "all.csv")
    loaded = load("RR", data=tmp_path / "all.csv")
    assert loaded.prices["close"].to_list() == [500.0, 505.0]
    assert "DATA_FILE_NAME" not in {note.code for note in loaded.notes}


def wide(swapped: bool = False) -> pd.DataFrame:
    words = pd.MultiIndex.from_product([["Close", "Volume"], ["QQ", "RR"]], names=["Price", "Ticker"])
    days = pd.DatetimeIndex(["2020-01-02", "2020-01-03"], name="Date")
    frame = pd.DataFrame([[1.5, 500.0, 7, 8], [1.75, 505.0, 9, 10]], columns=words, index=days)
    return frame.swaplevel(axis=1) if swapped else frame


@pytest.mark.parametrize("swapped", [False, True])
@pytest.mark.parametrize("stored", [False, True])
def test_two_levels_of_columns(read: Read, swapped: bool, stored: bool) -> None:
    both = wide(swapped)
    alone = both.loc[:, both.columns.get_level_values("Ticker") == "QQ"]
    assert read(alone if stored else alone.to_csv()).prices["close"].to_list() == [1.5, 1.75]
    content = both if stored else both.to_csv()
    with pytest.raises(DataError, match=r"several symbols \(QQ, RR\)"):
        read(content)
    assert read(content, "RR").prices["close"].to_list() == [500.0, 505.0]


@pytest.mark.parametrize("joint", ["{0}_{1}", "{1}.{0}", "{0} {1}"])
def test_words_and_symbols_in_one_heading(read: Read, joint: str) -> None:
    flat = wide().reset_index()
    flat.columns = pd.Index(["Date", *(joint.format(*levels) for levels in wide().columns)])
    for content in (flat, flat.to_csv(index=False)):
        assert read(content, "RR").prices["close"].to_list() == [500.0, 505.0]


# what stands above the headings

ABOVE = {
    "an address": ("https://example.org/prices\n", 2),
    "two titles and a blank line": ("Example Inc.\nDaily, USD\n\n", 4),
    "facts": ("Symbol: QQ\nFrom: 2020-01-01\n", 3),
    "an open quotation mark": ('Example "Inc\n', 2),
    "blank cells": (",,,,\nExample,,,,\n", 3),
}


@pytest.mark.parametrize("kind", ABOVE)
def test_lines_above_the_headings_are_left_out_and_said(read: Read, kind: str) -> None:
    above, line = ABOVE[kind]
    reading = read(above + BARS)
    assert reading.prices.equals(read(BARS).prices)
    assert f"the headings stand in line {line}" in said(reading, "DATA_HEADINGS")
    with pytest.raises(DataError, match=rf"line {line + 2}, column 'Close': found 'x'"):
        read(above + BARS.replace("1.75", "x"))


@pytest.mark.parametrize(
    ("first", "sign"), [("sep=;", ";"), ("SEP=,", ","), ("sep=\t", "\t"), ('"sep=|"', "|")]
)
def test_a_line_that_names_the_separator_is_obeyed(read: Read, first: str, sign: str) -> None:
    assert read(f"\ufeff{first}\n" + BARS.replace(",", sign)).prices.equals(read(BARS).prices)


def test_data_above_the_headings_are_not_left_out(read: Read) -> None:
    with pytest.raises(DataError, match=r"rows of data .* stand above the headings"):
        read("2019-12-31,1,2,0.5,1.5\n" + BARS)


MESSAGES = {
    "limit": "Error: rate limit exceeded",
    "thanks": "Thank you for using us! The limit is 25 requests a day, 5 a minute. Please pay, or wait.",
    "status": "429, Too Many Requests",
    "json": '{"error": {"code": 7}}',
    "json array": '["no such symbol"]',
    "json cut short": '[{"Date": "2020-01-02", "Close"',
    "page": "\ufeff \n<!DOCTYPE html>\n<html><title>Log in</title></html>",
    "xml": "<?xml version='1.0'?><error/>",
    "table": "<table><tr><td>2020-01-02</td><td>1.5</td></tr></table>",
}


@pytest.mark.parametrize("kind", MESSAGES)
@pytest.mark.parametrize("name", ["a.csv", "a.parquet"])
def test_a_servers_message_is_called_so(tmp_path: Path, kind: str, name: str) -> None:
    (tmp_path / name).write_text(MESSAGES[kind])
    shown = re.escape(" ".join(MESSAGES[kind].strip("\ufeff \n").split())[:80])
    with pytest.raises(DataError, match=f"^{name}: this is a server's message, not prices: '{shown}"):
        read_prices(tmp_path / name)


@pytest.mark.parametrize("text", ["ACME\nZZZ\n", "Dear diary\n" + "nothing happened today\n" * 100])
def test_a_text_that_no_server_would_send_is_called_a_text(tmp_path: Path, text: str) -> None:
    (tmp_path / "X.csv").write_text(text)
    with pytest.raises(DataError, match=r"^X\.csv: this is a text, not prices: '"):
        read_prices(tmp_path / "X.csv")


# numbers

NUMBERS = {
    '"1,23,45,678"': 12345678.0,
    '"1,00,000.50"': 100000.5,
    "12 345.5": 12345.5,
    "1\u00a0234\u00a0567": 1234567.0,
    "1\u202f234.5": 1234.5,
    "1\u2009234.5": 1234.5,
    "1'234.5": 1234.5,
    "0": 0.0,
}


@pytest.mark.parametrize("written", NUMBERS)
def test_groups_of_digits(read: Read, written: str) -> None:
    reading = read(f"Date,Close,Volume\n2020-01-02,10.25,{written}\n")
    assert reading.prices["volume"].to_list() == [NUMBERS[written]]


def test_decimal_commas_with_blanks(read: Read) -> None:
    reading = read("Date;Close\n2020-01-02;2\u00a0119,580\n2020-01-03;12\u00a0119,5\n")
    assert reading.prices["close"].to_list() == [2119.58, 12119.5]


@pytest.mark.parametrize("cell", ["2\u00a011,5x", "a\\b"])
def test_signs_are_escaped_once_or_not_at_all(read: Read, cell: str) -> None:
    with pytest.raises(DataError) as caught:
        read(f"Date;Close\n2020-01-02;{cell}\n")
    assert f"found '{cell.replace(chr(160), chr(92) + 'xa0')}'" in str(caught.value)


THREE = "Date;Close;Volume\n2020-01-02;196{0}840;{1}\n2020-01-03;197{0}480;{1}\n"


@pytest.mark.parametrize("sign", [".", ","])
def test_three_decimals_beside_a_number_without_groups_are_fractions(read: Read, sign: str) -> None:
    reading = read(THREE.format(sign, "3900"))
    assert reading.prices["close"].to_list() == [196.84, 197.48]
    assert "'3900' (a.csv, line 2, column 'Volume') shows it" in said(reading, "DATA_NUMBER_STYLE")


def test_a_number_without_groups_beside_one_that_may_have_them_shows_nothing(read: Read) -> None:
    with pytest.raises(DataError, match="can mean a fraction or thousands"):
        read("Date;Close;Volume\n2020-01-02;196.840;3,900\n2020-01-03;197.480;3900\n")


@pytest.mark.parametrize("volume", ["390", "0", "3.900", "3,900"])
def test_three_decimals_beside_nothing_else_are_refused(read: Read, volume: str) -> None:
    with pytest.raises(DataError, match="can mean a fraction or thousands"):
        read(THREE.format(".", volume))


# stamps


def stamped(stamps: list[str], heading: str = "time") -> str:
    rows = "".join(f"{stamp},{row + 1}\n" for row, stamp in enumerate(stamps))
    return f"{heading},close\n{rows}"


def days(first: int, count: int, clock: str, weekend: bool = False) -> list[str]:
    every = [dt.date(2024, 3, first) + dt.timedelta(days=day) for day in range(count)]
    return [f"{day}{clock}" for day in every if weekend or day.weekday() < 5]


@pytest.mark.parametrize("heading", ["time", "timestamp", "DateTime", "Trade Date", "Date Time", "dt", "t"])
def test_words_for_a_column_of_days(read: Read, heading: str) -> None:
    assert read(stamped(["2020-01-02"], heading)).prices["day"].to_list() == [dt.date(2020, 1, 2)]


@pytest.mark.parametrize(("unit", "size"), [("seconds", 1), ("milliseconds", 10**3), ("microseconds", 10**6)])
@pytest.mark.parametrize("second", [0, 14 * 3600 + 1800, 86399])
def test_counts_from_1970(read: Read, unit: str, size: int, second: int) -> None:
    count = (1577923200 + second) * size  # 2020-01-02
    reading = read(stamped([str(count)]))
    assert reading.prices["day"].to_list() == [dt.date(2020, 1, 2)]
    assert f"{unit} since 1970: '{count}' in line 2 is 2020-01-02" in said(reading, "DATA_DATE_STYLE")
    stored = read(pl.DataFrame({"time": [count], "close": [1.0]}))
    assert stored.prices.equals(reading.prices)


UTC_DAYS = {
    "last second": ["2020-01-02T23:59:59.999Z"],
    "a market without pause": days(1, 8, "T20:00:00Z", weekend=True),
    "Fridays": days(4, 7, " 21:00:00+00:00"),
    "New York opens": ["2020-01-02T14:30:00Z", "2020-01-03T14:30:00Z"],
    "morning": ["2020-01-02T08:00:00Z"],
}


@pytest.mark.parametrize("kind", UTC_DAYS)
def test_a_time_in_utc_keeps_its_day_where_that_is_the_exchanges(read: Read, kind: str) -> None:
    reading = read(stamped(UTC_DAYS[kind]))
    assert reading.prices["day"].cast(str).to_list() == [stamp[:10] for stamp in UTC_DAYS[kind]]
    assert "their day in UTC" in said(reading, "DATA_TIME_OF_DAY")


@pytest.mark.parametrize("stamps", [["2020-01-02T15:00:00Z"], ["1577977200"], ["2020-01-02 18:30:00+00:00"]])
def test_a_time_in_utc_that_may_be_the_next_day_is_refused(read: Read, stamps: list[str]) -> None:
    with pytest.raises(DataError, match="hides the exchange's own date"):
        read(stamped(stamps))


@pytest.mark.parametrize(
    ("clock", "stored"),
    [
        *((clock, False) for clock in (" 22:00:00", " 21:00", "T19:00:00-05:00", " 17:00:00", "T22:00:00Z")),
        *((clock, True) for clock in (" 22:00:00", " 17:00:00", "T22:00:00Z")),
    ],
)
def test_stamps_of_the_evening_before_are_refused(read: Read, clock: str, stored: bool) -> None:
    evenings = [f"2024-03-{day:02}{clock}" for day in (3, 4, 5, 6, 7, 10)]  # Sunday to Thursday, Sunday
    text = stamped(evenings)
    with pytest.raises(
        DataError, match=r"evening of the day before \(2 Sundays present, no Fridays\): shift"
    ):
        read(pl.read_csv(text.encode(), try_parse_dates=True) if stored else text)


@pytest.mark.parametrize("clock", ["", " 00:00", " 16:00:00", " 17:25"])
def test_exchanges_that_trade_on_sundays_keep_their_days(read: Read, clock: str) -> None:
    sundays = [f"2024-03-{day:02}{clock}" for day in (3, 4, 5, 6, 7, 10)]
    assert read(stamped(sundays)).prices["day"].cast(str).to_list() == [stamp[:10] for stamp in sundays]


@pytest.mark.parametrize("clock", ["16:00:00", "22:00:00"])
def test_times_of_day_are_noted_alike_in_text_and_parquet(read: Read, clock: str) -> None:
    stamps = days(4, 8, f" {clock}")
    text = stamped(stamps)
    stored = read(pl.read_csv(text.encode(), try_parse_dates=True))
    assert (stored.notes, stored.prices.height) == (read(text).notes, 6)


WITHIN = {
    "hours": [f"2020-01-02 {hour}:30:00-05:00" for hour in (10, 11, 12)],
    "one bar of the first day": ["2020-01-02 15:30", "2020-01-03 09:30", "2020-01-03 10:30"],
    "last of one day, first of the next": ["2020-01-02 15:30", "2020-01-03 09:30"],
    "one bar of each day": ["2020-01-02 09:30", "2020-01-03 11:30", "2020-01-06 13:30"],
    "two hours apart": ["2020-01-02 09:30", "2020-01-03 11:30", "2020-01-06 09:30", "2020-01-07 12:30"],
    "some days of many": sorted([*days(1, 28, " 15:30"), *days(11, 8, " 10:30")]),
    "four hours": [f"2020-01-02T{hour:02}:00:00Z" for hour in (0, 4, 8)],
    "afternoon": ["1/13/2020 9:30 AM", "1/13/2020 1:30 PM"],
    "counted": ["1577975400", "1577979000"],
    "newest first": ["2020-01-03 10:30", "2020-01-03 09:30", "2020-01-02 15:30"],
}


@pytest.mark.parametrize("kind", WITHIN)
def test_bars_within_the_day_are_refused(read: Read, kind: str) -> None:
    with pytest.raises(DataError, match=r"several bars a day \(\d\d:30|several bars a day \(00:00, 04:00"):
        read(stamped(WITHIN[kind]))


def test_date_and_time_in_two_columns_are_one_stamp(read: Read) -> None:
    text = "date,time,close\n2020-01-02,{},1\n2020-01-02,{},2\n"
    with pytest.raises(DataError, match=r"several bars a day \(09:30, 10:30, ...\)"):
        read(text.format("09:30", "10:30"))
    with pytest.raises(DataError, match="occurs twice"):
        read(text.format("00:00", "00:00"))


def test_a_day_that_a_live_bar_doubles_is_not_taken_for_bars_of_the_day(read: Read) -> None:
    stamps = [*days(1, 60, " 00:00:00"), "2024-04-29 16:00:01"]
    with pytest.raises(DataError, match="2024-04-29 occurs twice; keep the right one"):
        read(stamped(stamps))


def test_a_close_that_comes_early_makes_no_second_bar(read: Read) -> None:
    stamps = ["2024-07-02 16:00", "2024-07-03 13:00", "2024-07-05 16:00", "2024-07-08 16:00"]
    assert read(stamped(stamps)).prices.height == 4


def test_evenings_on_every_day_of_the_week_are_days(read: Read) -> None:
    stamps = days(
        2, 9, " 22:00", weekend=True
    )  # Saturday to Sunday of the next week: two Sundays, one Friday
    assert read(stamped(stamps)).prices["day"].cast(str).to_list() == [stamp[:10] for stamp in stamps]


# encodings

PROVED = {
    "gbk": "日期,开盘,收盘,最高,最低\n2020-01-02,1,1.5,2,0.5\n",
    "big5": "日期,開盤價,收盤價,最高價,最低價\n2020-01-02,1,1.5,2,0.5\n",
    "shift_jis": "日付,始値,終値,高値,安値\n2020-01-02,1,1.5,2,0.5\n",
    "euc-kr": "날짜,시가,종가,고가,저가\n2020-01-02,1,1.5,2,0.5\n",
    "cp1251": "Дата,Откр.,Цена,Макс.,Мин.\n2020-01-02,1,1.5,2,0.5\n",
    "cp1250": "Data,Otwarcie,Zamknięcie,Najwyższy,Najniższy\n2020-01-02,1,1.5,2,0.5\n",
    "utf-16-le": "Date,Open,Close,High,Low\n2020-01-02,1,1.5,2,0.5\n",
}


@pytest.mark.parametrize("encoding", PROVED)
def test_an_encoding_in_which_the_headings_are_words(read: Read, encoding: str) -> None:
    reading = read(PROVED[encoding].encode(encoding))
    assert reading.prices.row(0)[:5] == (dt.date(2020, 1, 2), 1.0, 2.0, 0.5, 1.5)
    assert "not UTF-8 and was read as" in said(reading, "DATA_ENCODING")


UNPROVED = {
    "GB18030": ("gbk", "股票,成本\n2020-01-02,1\n"),
    "SHIFT_JIS": ("shift_jis", "はじめ,おわり\n2020-01-02,1\n"),
    "EUC-KR": ("euc-kr", "시작가,마감\n2020-01-02,1\n"),
    "CP1251": ("cp1251", "Сутки,Курс\n2020-01-02,1\n"),
}


@pytest.mark.parametrize("likely", UNPROVED)
def test_an_encoding_that_nothing_proves_is_named(read: Read, likely: str) -> None:
    encoding, text = UNPROVED[likely]
    first = text.splitlines()[0]
    says = rf"likely {likely} .* first line is '{first}'; convert it \(iconv -f {likely} -t UTF-8"
    with pytest.raises(DataError, match=says):
        read(text.encode(encoding))


@pytest.mark.parametrize("mark", [b"PK\x03\x04", b"\x1f\x8b\x08"])
def test_archives_are_called_so(read: Read, mark: bytes) -> None:
    with pytest.raises(DataError, match=r"archive.*unpack it"):
        read(mark + b"rest")


# tables in memory

MARCH = [dt.date(2024, 3, day) for day in (4, 5, 6, 7, 8, 11)]


def in_memory(**columns: object) -> pd.DataFrame:
    """Return six daily closes of Monday to Monday, indexed by day."""
    return pd.DataFrame({"Close": [10.0, 11.0, 12.0, 13.0, 14.0, 15.0], **columns}, pd.DatetimeIndex(MARCH))


@pytest.mark.parametrize("zone", [None, "America/New_York", "+05:30"])
@pytest.mark.parametrize("stored", [False, True])
def test_stamps_in_a_table_keep_the_day_of_their_own_zone(read: Read, zone: str | None, stored: bool) -> None:
    table = in_memory()
    table.index = (table.index + pd.Timedelta(hours=9)).tz_localize(zone)
    reading = read(table) if stored else read_given(table)
    assert reading.prices["day"].to_list() == MARCH


@pytest.mark.parametrize("zone", [None, "America/New_York", "-05:00"])
def test_evenings_in_a_table_are_refused(zone: str | None) -> None:
    table = in_memory()
    table.index = (table.index - pd.Timedelta(hours=2)).tz_localize(zone)
    for given in (table, pl.from_pandas(table.tz_localize(None).reset_index(names="Date"))):
        with pytest.raises(DataError, match=r"table, row 1, .*2 Sundays present, no Fridays"):
            read_given(given)


def test_a_table_of_several_symbols_is_not_one_series() -> None:
    table = in_memory(tic=["QQ", "QQ", "QQ", "RR", "RR", "RR"])
    for given in (table, table.set_index("tic", append=True).rename_axis(["Date", "tic"])):
        with pytest.raises(DataError, match=r"several symbols \(QQ, RR\)"):
            read_given(given)
        assert read_given(given, "RR").prices["close"].to_list() == [13.0, 14.0, 15.0]


@pytest.mark.parametrize("swapped", [False, True])
def test_a_table_with_two_levels_of_columns(swapped: bool) -> None:
    assert read_given(wide(swapped), "RR").prices["close"].to_list() == [500.0, 505.0]


def test_what_a_table_lists_is_kept_beside_its_prices() -> None:
    reading = read_given(in_memory(Dividends=[0, 0, 0.5, 0, 0, 0]))
    assert reading.actions is not None
    assert reading.actions["dividend"].to_list() == [0, 0, 0.5, 0, 0, 0]
    assert "DATA_ADJUSTMENT_UNKNOWN" in {note.code for note in reading.notes}


def test_periods_are_days_or_refused(read: Read) -> None:
    daily, monthly = in_memory(), in_memory()
    daily.index = daily.index.to_period("D")
    monthly.index = pd.period_range("2020-01", periods=6, freq="M")
    assert read_given(daily).prices["day"].to_list() == MARCH
    with pytest.raises(DataError, match="found '2020-01', expected a date"):
        read_given(monthly)
    with pytest.raises(DataError, match=r"column 'Date' holds Extension.*, not dates"):
        read(daily.rename_axis("Date"))


def test_what_is_no_table_is_refused() -> None:
    with pytest.raises(DataError, match="expected a pandas or polars DataFrame, got dict"):
        read_given({"Close": [1.0]})
    with pytest.raises(DataError, match="a column mixes kinds of values"):
        read_given(in_memory(Note=[1, "a", None, 2.5, b"b", "c"]))
    with pytest.raises(DataError, match="the index cannot become a column"):
        read_given(in_memory(tic="QQ").rename_axis("Date").set_index("tic", append=True, drop=False))


# rows that are no bars, and ids


def test_a_footer_is_to_be_removed(read: Read) -> None:
    with pytest.raises(
        DataError, match=r"line 4: found 'Source: somebody' alone under 5 headings.*remove the line"
    ):
        read(BARS + "Source: somebody\n")
    with pytest.raises(DataError, match=r"line 4, .*found 'Average', .*remove a row that is no bar"):
        read(BARS + "Average,1,2,1,1.6\n")


def test_ids_in_digits_part_symbols(read: Read) -> None:
    rows = "date,close,line id\n2020-01-02,10,7\n2020-01-03,11,7\n2020-01-02,500,8\n2020-01-03,505,8\n"
    for content in (rows, pl.read_csv(rows.encode(), try_parse_dates=True)):
        with pytest.raises(DataError, match=r"'line id' holds several symbols \(7, 8\)"):
            read(content)


def test_symbols_that_differ_in_their_letters_alone(read: Read) -> None:
    with pytest.raises(DataError, match="QQ and qq, which differ in small and capital letters alone"):
        read("date,close,tic\n2020-01-02,10,QQ\n2020-01-03,11,qq\n", "QQ")


def test_a_nested_column_is_not_read(read: Read) -> None:
    frame = pl.DataFrame({"date": MARCH[:2], "close": [1.0, 2.0], "ticker": [["a"], ["b"]]})
    assert read(frame).prices.height == 2
