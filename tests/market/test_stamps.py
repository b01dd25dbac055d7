from __future__ import annotations

import datetime as dt

import polars as pl
import pytest

from geiger.errors import DataError
from geiger.market.readers import read_prices
from helpers.price_files import Read, notes, said, stamped


def days(first: int, count: int, clock: str, weekend: bool = False) -> list[str]:
    every = [dt.date(2024, 3, first) + dt.timedelta(days=day) for day in range(count)]
    return [f"{day}{clock}" for day in every if weekend or day.weekday() < 5]


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


def test_stamps_keep_the_date_that_is_written(write) -> None:
    text = "Date,Close\n2022-11-10 00:00:00+05:30,1182.32\n2022-11-11 00:00:00+05:30,1186.8\n"
    assert read_prices(write(text)).prices["day"].to_list() == [dt.date(2022, 11, 10), dt.date(2022, 11, 11)]


def test_times_of_the_local_clock_are_cut_and_noted(write) -> None:
    reading = read_prices(write("Date,Close\n2020-01-02 16:00:00,10.5\n2020-01-03 16:00:00,10.6\n"))
    assert notes(reading)["DATA_TIME_OF_DAY"] == 2
