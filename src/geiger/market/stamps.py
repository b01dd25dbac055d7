"""Cells that say when a bar was: which day of the exchange they mean, proved by the file itself or refused.

A file has one date style. ``03/04/2020`` can be read two ways; it is read only where other cells of the same
file leave one way. A time of day may hide the exchange's day, or show that a bar is no day, and is refused.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import polars as pl

from geiger.errors import DataError
from geiger.market.headings import quote, shown

Where = Callable[[int, str], str]  # (row, column) -> where that is, for a message

_TIME = (
    r"(?:[T ] ?(?P<hour>[0-9]{1,2}):(?P<minute>[0-9]{2})(?::(?P<seconds>[0-9]{2})(?:\.[0-9]{1,9})?)?"
    r"(?: ?(?P<half>[AaPp])[Mm])? ?(?P<zone>Z|(?:UTC|GMT)?[+-][0-9]{2}:?[0-9]{2}|UTC|GMT)?)?$"
)
_YEAR, _PAIR, _NAME = r"(?P<year>(?:1[7-9]|2[0-2])[0-9]{2})", "[0-9]{1,2}", r"(?P<month>[A-Za-z]{3,9})"
_LAYOUTS: Mapping[str, str] = {
    "year first": rf"^{_YEAR}[-/.](?P<month>{_PAIR})[-/.](?P<day>{_PAIR})",
    "digits only": rf"^{_YEAR}(?P<month>[0-9]{{2}})(?P<day>[0-9]{{2}})",
    "day.month.year": rf"^(?P<day>{_PAIR})\.(?P<month>{_PAIR})\.{_YEAR}",
    "year last": rf"^(?P<first>{_PAIR})[-/](?P<second>{_PAIR})[-/]{_YEAR}",
    "month name first": rf"^{_NAME}\.? (?P<day>{_PAIR}),? {_YEAR}",
    "month name second": rf"^(?P<day>{_PAIR})[ -]{_NAME}\.?[ -]{_YEAR}",
    "year, month, day in words": rf"^{_YEAR}[年년] ?(?P<month>{_PAIR})[月월] ?(?P<day>{_PAIR})[日일]",
}
_MONTHS = (
    *("january", "february", "march", "april", "may", "june"),
    *("july", "august", "september", "october", "november", "december"),
)
_MONTH_NUMBER = {name[:length]: str(i + 1) for i, name in enumerate(_MONTHS) for length in (3, len(name))}
_MONTH_NUMBER["sept"] = "9"
_IS_UTC = r"^(?:Z|UTC|GMT|(?:UTC|GMT)?[+-]00:?00)$"

# Digits that count from 1970: unit -> how many of it are a second, from 1973 to 2103.
_EPOCHS: Mapping[str, int] = {
    "seconds": 1,
    "milliseconds": 10**3,
    "microseconds": 10**6,
    "nanoseconds": 10**9,
}
_FIRST_SECOND, _LAST_SECOND = 10**8, 42 * 10**8

_MINUTE, _HOUR, _DAY = 60, 3600, 86400
_EVENING = 18 * _HOUR  # exchanges are closed; from here on a stamp may open the session of the next day
_OPENS_CURRENCIES = (
    17 * _HOUR
)  # New York's clock, on Sundays too; to the second, for Tel Aviv closes after it
_END_OF_DAY = _DAY - _MINUTE  # 23:59: the last moment of a day, not the evening before another
_EAST = 13 * _HOUR  # UTC; from here on it is the next day at some exchange (Sydney's midnight)
_OPENS_NEW_YORK = (13 * _HOUR + 30 * _MINUTE, 14 * _HOUR + 30 * _MINUTE)  # UTC; no exchange's midnight
_SHORTEST_STEP = 20 * _HOUR  # between two daily bars, stamped at a close that is early on the second day
_SUMMER_TIME = _HOUR  # between the two times of day that the stamps of daily bars may have
_FEWEST_TIMES, _USUAL_SHARE = (
    3,
    0.7,
)  # times of day, and share of rows at the usual one or two, of bars of the day
_FEW_DOUBLES = 0.05  # share of days with a second row that still looks like a slip, not like bars of the day


@dataclass(frozen=True)
class Days:
    """The dates of a column, and what had to be interpreted to get them (empty where nothing had)."""

    day: pl.Series
    layout: str
    proof: int | None  # the row that shows which of two numbers is the day
    times_dropped: int  # number of stamps with a time of day other than midnight
    utc: bool = False  # whether these stood in UTC


def is_date(text: str) -> bool:
    """Whether a cell looks like a date in any layout, or counts from 1970.

    >>> is_date("19980102 00:00"), is_date("1577836800000"), is_date("Open")
    (True, True, False)
    """
    return any(re.match(head + _TIME, text) for head in _LAYOUTS.values()) or _epoch_unit(text) is not None


def as_text(column: pl.Series) -> pl.Series:
    """Return dates, stamps and whole numbers as the text that `to_days` reads; a zone stays beside it."""
    if isinstance(column.dtype, pl.Datetime):
        zone = "%:z" if column.dtype.time_zone else ""
        return column.dt.to_string(f"%Y-%m-%d %H:%M:%S{zone}")
    if column.dtype == pl.Date:
        return column.dt.to_string("%Y-%m-%d")
    if column.dtype == pl.Time:
        return column.dt.to_string("%H:%M:%S")
    if column.dtype.is_float() and (column.drop_nulls().drop_nans() % 1 == 0).all():
        return column.fill_nan(None).cast(pl.Int64, strict=False).cast(pl.String)
    try:
        return column.cast(pl.String)
    except pl.exceptions.PolarsError:
        kind = shown(str(column.dtype), 40)
        raise DataError(f"column {quote(column.name)} holds {kind}, not dates; convert it first") from None


def joined(day: pl.Series, time: pl.Series) -> pl.Series | None:
    """Return date and time of day as one stamp, or None where the second column holds no times of day.

    >>> joined(pl.Series(["2020.01.02"]), pl.Series(["0930"])).to_list()
    ['2020.01.02 09:30']
    """
    colons = time.str.replace(r"^([0-9]{2})([0-9]{2})([0-9]{2})?$", "$1:$2:$3").str.strip_suffix(":")
    if not colons.str.contains(r"^[0-9]{1,2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]+)?)?$").fill_null(True).all():
        return None
    return day + (" " + colons).fill_null("")


def to_days(column: pl.Series, label: str, where: Where) -> Days:
    """Return the dates of a column of text without missing cells.

    A stamp with a time zone keeps the date written in it, which is the exchange's own day. What is written in
    UTC, or counted from 1970, keeps its UTC day where the file shows that this is the exchange's.

    Raises
    ------
    DataError
        A cell is no date, or of two dates; bars are shorter than a day; the times of day stand in the evening
        before, or hide the exchange's day.
    """
    unit = _epoch_unit(column[0])
    if unit is not None:
        return _from_epochs(column, unit, label, where)
    layout = next((name for name, head in _LAYOUTS.items() if re.match(head + _TIME, column[0])), None)
    if layout is None:
        raise DataError(
            f"{where(0, label)}: found {quote(column[0])}, expected a date; write it as 2020-03-31"
        )
    parts = column.str.extract_groups(_LAYOUTS[layout] + _TIME).struct.unnest()
    _refuse_unmatched(column, parts["year"].is_null(), label, where)
    first_is_day, proof = (
        _order_of_day_and_month(column, parts, label, where) if layout == "year last" else (None, None)
    )
    if first_is_day is not None:
        parts = parts.rename(
            {"first": "day", "second": "month"} if first_is_day else {"first": "month", "second": "day"}
        )
        layout = "day/month/year" if first_is_day else "month/day/year"
    month = parts["month"]
    if layout.startswith("month name"):
        month = month.str.to_lowercase().replace_strict(_MONTH_NUMBER, default=None, return_dtype=pl.String)
    written = parts["year"] + "-" + month.str.zfill(2) + "-" + parts["day"].str.zfill(2)
    day = written.str.to_date("%Y-%m-%d", strict=False)
    _refuse_unmatched(column, day.is_null(), label, where)
    utc = parts["zone"].fill_null("").str.contains(_IS_UTC)
    stamps = _Stamps(column, day, _second_of_day(parts), utc, label, where)
    return stamps.days(layout, proof)


def _epoch_unit(text: str) -> str | None:
    if not re.fullmatch(r"[0-9]{9,19}(?:\.0*)?", text):
        return None
    count = int(text.partition(".")[0])
    return next(
        (unit for unit, size in _EPOCHS.items() if _FIRST_SECOND <= count / size < _LAST_SECOND), None
    )


def _from_epochs(column: pl.Series, unit: str, label: str, where: Where) -> Days:
    size = _EPOCHS[unit]
    count = column.str.extract(r"^([0-9]{9,19})(?:\.0*)?$").cast(pl.Int64, strict=False)
    second = count // size
    strange = ~second.is_between(_FIRST_SECOND, _LAST_SECOND).fill_null(False)
    if strange.any():
        row = int(strange.arg_max() or 0)
        raise DataError(
            f"{where(row, label)}: found {quote(column[row])}, expected {unit} since 1970 like "
            f"{quote(column[0])} above; correct the cell, or write every date as 2020-03-31"
        )
    day = (second // _DAY).cast(pl.Int32).cast(pl.Date)
    utc = pl.Series([True] * len(column), dtype=pl.Boolean)
    stamps = _Stamps(column, day, second % _DAY, utc, label, where)
    return stamps.days(f"{unit} since 1970", 0)


def _second_of_day(parts: pl.DataFrame) -> pl.Series:
    hour, minute, second = (parts[name].cast(pl.Int64).fill_null(0) for name in ("hour", "minute", "seconds"))
    half = parts["half"].str.to_lowercase()
    twelve = pl.DataFrame({"hour": hour, "half": half}).select(
        pl.when(pl.col("half").is_null())
        .then("hour")
        .otherwise(pl.col("hour") % 12 + pl.when(pl.col("half") == "p").then(12).otherwise(0))
    )
    return twelve.to_series() * _HOUR + minute * _MINUTE + second


@dataclass(frozen=True)
class _Stamps:
    """Dates as written, the second of that day, and whether the clock was that of UTC: one row a bar."""

    written: pl.Series
    day: pl.Series
    second: pl.Series
    utc: pl.Series
    label: str
    where: Where

    def days(self, layout: str, proof: int | None) -> Days:
        self._refuse_bars_within_the_day()
        self._refuse_evenings()
        self._refuse_hidden_days()
        timed = self.second > 0
        return Days(self.day, layout, proof, int(timed.sum()), bool((timed & self.utc).any()))

    def _found(self, row: int) -> str:
        return f"{self.where(row, self.label)}: found {quote(self.written[row])}"

    def _refuse_bars_within_the_day(self) -> None:
        bars = pl.DataFrame({"day": self.day, "second": self.second}).with_row_index("row").unique(
            ["day", "second"], keep="first"
        ).sort("day", "second")  # fmt: skip
        moment = bars["day"].cast(pl.Int64) * _DAY + bars["second"]
        close = (moment.diff() < _SHORTEST_STEP).fill_null(False)
        if not close.any() and self._times_change():
            close = (bars["second"] != bars["second"].shift(1)).fill_null(False)
        share = float(close.sum()) / bars.height
        doubled = (bars["day"].diff() == dt.timedelta(0)).fill_null(False)
        if not close.any() or (bars.height > 1 / _FEW_DOUBLES and share < _FEW_DOUBLES):
            return  # a single day that occurs twice is refused as such
        second = int((doubled if doubled.any() else close).arg_max() or 0)
        times = ", ".join(_clock(moment) for moment in bars["second"][second - 1 : second + 1])
        row = int(bars["row"][second])
        raise DataError(
            f"{self._found(row)}, several bars a day ({times}, ...): aggregate them to daily bars first"
        )

    def _times_change(self) -> bool:
        """Return whether bars stand at so many times of day that each is one of several bars of its day."""
        usual = int(self.second.mode().min() or 0)  # type: ignore[arg-type]
        near = (self.second - usual).abs() <= _SUMMER_TIME
        return self.second.n_unique() >= _FEWEST_TIMES and float(near.sum()) < _USUAL_SHARE * len(near)

    def _refuse_evenings(self) -> None:
        """Refuse bars that begin in the evening before their day: Sundays and no Fridays show it."""
        late = ((self.second >= _EVENING) & (self.second < _END_OF_DAY)) | (self.second == _OPENS_CURRENCIES)
        sundays, fridays = (int((late & (self.day.dt.weekday() == day)).sum()) for day in (7, 5))
        if sundays and fridays * 5 < sundays:
            row = int((late & (self.day.dt.weekday() == 7)).arg_max() or 0)
            raise DataError(
                f"{self._found(row)}; stamps stand in the evening of the day before "
                f"({_times(sundays, 'Sunday')} present, {_times(fridays, 'Friday')}): shift them to the "
                "exchange's own date"
            )

    def _refuse_hidden_days(self) -> None:
        """Refuse times in UTC at which it may be the next day in the east, unless Fridays show it is not."""
        open_ = self.utc & (self.second >= _EAST) & (self.second < _END_OF_DAY)
        open_ = open_ & ~self.second.is_in(_OPENS_NEW_YORK)
        if open_.any() and not (open_ & (self.day.dt.weekday() == 5)).any():
            row = int(open_.arg_max() or 0)
            raise DataError(
                f"{self._found(row)}, a time of day in UTC, which hides the exchange's own date; "
                "write that date"
            )


def _clock(second: int) -> str:
    return f"{second // _HOUR:02}:{second % _HOUR // _MINUTE:02}"


def _times(count: int, name: str) -> str:
    return f"no {name}s" if not count else f"1 {name}" if count == 1 else f"{count} {name}s"


def _order_of_day_and_month(
    column: pl.Series, parts: pl.DataFrame, label: str, where: Where
) -> tuple[bool, int]:
    """Say whether the first number is the day, and which row proves it."""
    first, second = (parts[name].cast(pl.Int32) > 12 for name in ("first", "second"))
    if first.any() == second.any():
        row = int(second.arg_max() or 0)
        why = (
            f"but {quote(column[int(first.arg_max() or 0)])} elsewhere reads the other way round"
            if first.any()
            else "and no date of the file has a day above 12 to show whether day or month stands first"
        )
        raise DataError(f"{where(row, label)}: found {quote(column[row])}, {why}; write dates as 2020-03-31")
    return bool(first.any()), int((first if first.any() else second).arg_max() or 0)


def _refuse_unmatched(column: pl.Series, wrong: pl.Series, label: str, where: Where) -> None:
    if wrong.any():
        row = int(wrong.arg_max() or 0)
        like = "" if row == 0 else f" like {quote(column[0])} above"
        raise DataError(
            f"{where(row, label)}: found {quote(column[row])}, expected a date{like}; correct the cell, "
            "remove a row that is no bar, or write every date as 2020-03-31"
        )
