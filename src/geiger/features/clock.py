"""The calendar, from the dates of the rows so far: nothing here knows when the next session is."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from geiger.features.bars import Bars, feature
from geiger.features.kernels import Array

Days = npt.NDArray[np.datetime64]


def _weekday(day: Days) -> Array:
    # 1970-01-01, day 0, was a Thursday; Monday is 0.
    return ((day.astype(np.int64) + 3) % 7).astype(np.float64)


def weekday_sin(bars: Bars) -> Array:
    """sin(2 pi weekday / 7), Monday is 0."""
    return np.sin(2.0 * np.pi * _weekday(bars.day) / 7.0)


def weekday_cos(bars: Bars) -> Array:
    """cos(2 pi weekday / 7), Monday is 0."""
    return np.cos(2.0 * np.pi * _weekday(bars.day) / 7.0)


def monday(bars: Bars) -> Array:
    """1 on Mondays, else 0.

    Source: French 1980.
    """
    values: Array = (_weekday(bars.day) == 0.0).astype(np.float64)
    return values


def _year_angle(day: Days) -> Array:
    start = day.astype("datetime64[Y]").astype("datetime64[D]")
    values: Array = 2.0 * np.pi * (day - start).astype(np.float64) / 365.25
    return values


def year_sin(bars: Bars) -> Array:
    """sin(2 pi x days since 1 January / 365.25)."""
    return np.sin(_year_angle(bars.day))


def year_cos(bars: Bars) -> Array:
    """cos(2 pi x days since 1 January / 365.25)."""
    return np.cos(_year_angle(bars.day))


def _weekdays_in(first: Days, last: Days) -> Array:
    return np.busday_count(first, last).astype(np.float64)


def _of_period(day: Days, months: int) -> tuple[Array, Array]:
    # Weekdays of the calendar month or quarter up to and with this day, and all of them; holidays count too.
    month = day.astype("datetime64[M]").astype(np.int64)
    first = (month - month % months).astype("datetime64[M]")
    start, end = first.astype("datetime64[D]"), (first + months).astype("datetime64[D]")
    return _weekdays_in(start, day + 1), _weekdays_in(start, end)


def month_progress(bars: Bars) -> Array:
    """Weekdays of the month so far, today included / all weekdays of the month."""
    passed, all_of_them = _of_period(bars.day, 1)
    return passed / all_of_them


def turn_of_month(bars: Bars) -> Array:
    """1 on the last weekday of a month and the first three, else 0.

    Source: Lakonishok and Smidt 1988.
    """
    passed, all_of_them = _of_period(bars.day, 1)
    values: Array = ((passed <= 3.0) | (passed == all_of_them)).astype(np.float64)
    return values


def quarter_progress(bars: Bars) -> Array:
    """Weekdays of the quarter so far, today included / all weekdays of the quarter."""
    passed, all_of_them = _of_period(bars.day, 3)
    return passed / all_of_them


def january(bars: Bars) -> Array:
    """1 in January, else 0.

    Source: Rozeff and Kinney 1976.
    """
    values: Array = (bars.day.astype("datetime64[M]").astype(np.int64) % 12 == 0).astype(np.float64)
    return values


def weekdays_missed(bars: Bars) -> Array:
    """Weekdays between the last session and this one, at most 5.

    Source: Lakonishok and Smidt 1988 (holidays).
    """
    missed = np.full(bars.rows, np.nan)
    missed[1:] = np.minimum(_weekdays_in(bars.day[:-1] + 1, bars.day[1:]), 5.0)
    return missed


def expiry_week(bars: Bars) -> Array:
    """1 from Monday to Friday of the week of the month's third Friday, else 0.

    Source: Stivers and Sun 2013.
    """
    weekday = _weekday(bars.day).astype(np.int64)
    friday = bars.day - weekday + 4
    date = (friday - friday.astype("datetime64[M]").astype("datetime64[D]")).astype(np.int64) + 1
    values: Array = ((weekday <= 4) & (date >= 15) & (date <= 21)).astype(np.float64)
    return values


FEATURES = (
    feature("weekday_sin", weekday_sin, 0, "number"),
    feature("weekday_cos", weekday_cos, 0, "number"),
    feature("monday", monday, 0, "flag"),
    feature("year_sin", year_sin, 0, "number"),
    feature("year_cos", year_cos, 0, "number"),
    feature("month_progress", month_progress, 0, "share"),
    feature("turn_of_month", turn_of_month, 0, "flag"),
    feature("quarter_progress", quarter_progress, 0, "share"),
    feature("january", january, 0, "flag"),
    feature("weekdays_missed", weekdays_missed, 1, "days"),
    feature("expiry_week", expiry_week, 0, "flag"),
)
