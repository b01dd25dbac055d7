"""Text cells of price files: which numbers and dates they mean, proved by the file itself or refused.

A file has one number style and one date style. ``133.382`` and ``03/04/2020`` can be read two ways; they are
read only where other cells of the same file leave one way.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

import polars as pl

from geiger.errors import DataError
from geiger.market.prices import shown

NumberStyle = Literal["point", "comma"]  # the decimal sign; the other one groups thousands
Spot = tuple[str, int]  # (column, row)
Where = Callable[[int, str], str]  # (row, column) -> where that is, for a message

_EMPTY_WORDS = ["", "null", "nan", "na", "n/a", "#n/a", "none", "-", "--"]
_AROUND_NUMBERS = " \t\u00a0$€£¥₹"

_SUFFIXES: Mapping[str, float] = {"": 1.0, "K": 1e3, "M": 1e6, "B": 1e9, "T": 1e12}

_POINT = r"^[+-]?(?:(?:[0-9]+|[1-9][0-9]{0,2}(?:,[0-9]{3})+)(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,4})?$"
_COMMA = r"^[+-]?(?:(?:[0-9]+|[1-9][0-9]{0,2}(?:\.[0-9]{3})+)(?:,[0-9]*)?|,[0-9]+)(?:[eE][+-]?[0-9]{1,4})?$"

_TIME = (
    r"(?:[T ] ?(?P<time>[0-9]{1,2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,9})?)?(?: ?[AaPp][Mm])?)"
    r" ?(?P<zone>Z|UTC|GMT|[+-][0-9]{2}:?[0-9]{2})?)?$"
)
_YEAR, _PAIR, _NAME = r"(?P<year>(?:1[7-9]|2[0-2])[0-9]{2})", "[0-9]{1,2}", r"(?P<month>[A-Za-z]{3,9})"
_LAYOUTS: Mapping[str, str] = {
    "year first": rf"^{_YEAR}[-/.](?P<month>{_PAIR})[-/.](?P<day>{_PAIR})",
    "digits only": rf"^{_YEAR}(?P<month>[0-9]{{2}})(?P<day>[0-9]{{2}})",
    "day.month.year": rf"^(?P<day>{_PAIR})\.(?P<month>{_PAIR})\.{_YEAR}",
    "year last": rf"^(?P<first>{_PAIR})[-/](?P<second>{_PAIR})[-/]{_YEAR}",
    "month name first": rf"^{_NAME}\.? (?P<day>{_PAIR}),? {_YEAR}",
    "month name second": rf"^(?P<day>{_PAIR})[ -]{_NAME}\.?[ -]{_YEAR}",
}
_MONTHS = (
    *("january", "february", "march", "april", "may", "june"),
    *("july", "august", "september", "october", "november", "december"),
)
_MONTH_NUMBER = {name[:length]: str(i + 1) for i, name in enumerate(_MONTHS) for length in (3, len(name))}
_MONTH_NUMBER["sept"] = "9"
_MIDNIGHT = r"^0?0:00(?::00(?:\.0+)?)?$|^12:00(?::00)? ?[Aa][Mm]$"
_IS_UTC = r"^(?:Z|UTC|GMT|[+-]00:?00)$"


@dataclass(frozen=True)
class Numbers:
    """How a file writes numbers, and the cell that proves it (None where nothing needs a proof)."""

    style: NumberStyle
    proof: Spot | None


@dataclass(frozen=True)
class Days:
    """The dates of a column, and what had to be interpreted to get them (empty where nothing had)."""

    day: pl.Series
    layout: str
    proof: int | None  # the row that shows which of two numbers is the day
    times_dropped: int  # number of stamps with a time of day other than midnight


def trim(column: pl.Series) -> pl.Series:
    """Return the cells without blanks and currency signs around them; empty words become missing."""
    bare = column.str.strip_chars(_AROUND_NUMBERS)
    return bare.set(bare.str.to_lowercase().is_in(_EMPTY_WORDS), None)


def is_date(text: str) -> bool:
    """Whether a cell looks like a date in any layout.

    >>> is_date("19980102 00:00"), is_date("Open")
    (True, False)
    """
    return any(re.match(head + _TIME, text) for head in _LAYOUTS.values())


def plain_number(text: str) -> float | None:
    """Return a cell without separators as a number, None if it is none.

    >>> plain_number("136300"), plain_number("1,5")
    (136300.0, None)
    """
    return float(text) if re.fullmatch(r"[0-9]{1,15}(?:\.[0-9]+)?", text.strip()) else None


def split_suffix(column: pl.Series) -> tuple[pl.Series, pl.Series]:
    """Return the cells without a trailing K, M, B or T, and the factor it stands for."""
    suffix = column.str.extract(r"([KMBTkmbt])$", 1).fill_null("").str.to_uppercase()
    factor = suffix.replace_strict(_SUFFIXES, return_dtype=pl.Float64)
    return column.str.replace(r" ?[KMBTkmbt]$", ""), factor


def number_style(cells: Mapping[str, pl.Series], witnesses: Mapping[str, pl.Series], where: Where) -> Numbers:
    """Return the one style in which every cell is a number.

    Parameters
    ----------
    cells : mapping of column label to trimmed cells
        All must be numbers.
    witnesses : mapping
        Further columns of the file (a change in percent, say); asked only if `cells` leave both styles open.
    where : callable
        Words the place of a cell.

    Raises
    ------
    DataError
        A cell is no number, two cells contradict each other, or both styles stay possible.
    """
    for label, column in cells.items():
        _refuse_no_numbers(column, label, where)
    point, comma = _only(cells, _POINT, _COMMA), _only(cells, _COMMA, _POINT)
    if point and comma:
        raise DataError(
            f"{where(comma[1], comma[0])}: found {_text(cells, comma)!r} (decimal comma), "
            f"but {_text(cells, point)!r} at {where(point[1], point[0])} has a decimal point; "
            "write all numbers one way"
        )
    open_cell = None if point or comma else _first(cells, lambda text: text.str.contains(r"[.,]"))
    if open_cell is None:
        return Numbers("comma" if comma else "point", comma or point)
    point, comma = _only(witnesses, _POINT, _COMMA), _only(witnesses, _COMMA, _POINT)
    if bool(point) == bool(comma):
        raise DataError(
            f"{where(open_cell[1], open_cell[0])}: {_text(cells, open_cell)!r} can mean a fraction or "
            "thousands, and no cell of the file shows which; write numbers without thousands separators "
            "and with other than 3 decimals"
        )
    return Numbers("comma" if comma else "point", comma or point)


def to_numbers(column: pl.Series, style: NumberStyle) -> pl.Series:
    """Return the cells as floats; missing stays missing."""
    if style == "comma":
        column = column.str.replace_all(".", "", literal=True).str.replace(",", ".", literal=True)
    else:
        column = column.str.replace_all(",", "", literal=True)
    return column.cast(pl.Float64)


def numbers_or_none(column: pl.Series, style: NumberStyle) -> pl.Series | None:
    """Return the cells as floats, or None where one of them is no number in this style.

    >>> numbers_or_none(pl.Series(["0.25", None]), "point").to_list()
    [0.25, None]
    >>> numbers_or_none(pl.Series(["4:1"]), "point")
    """
    right = column.str.contains(_COMMA if style == "comma" else _POINT)
    return to_numbers(column, style) if right.fill_null(True).all() else None


def is_grouped(column: pl.Series, style: NumberStyle) -> bool:
    """Whether any cell groups its thousands."""
    return bool(column.str.contains("." if style == "comma" else ",", literal=True).any())


def to_days(column: pl.Series, label: str, where: Where) -> Days:
    """Return the dates of a column of text without missing cells.

    A stamp with a time zone keeps the date written in it, which is the exchange's own day. A time of day in
    UTC hides that day and is refused.
    """
    layout = next((name for name, head in _LAYOUTS.items() if re.match(head + _TIME, column[0])), None)
    if layout is None:
        raise DataError(
            f"{where(0, label)}: found {shown(column[0])!r}, expected a date; write it as 2020-03-31"
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
    return Days(day, layout, proof, _count_times(column, parts, label, where))


def _order_of_day_and_month(
    column: pl.Series, parts: pl.DataFrame, label: str, where: Where
) -> tuple[bool, int]:
    """Say whether the first number is the day, and which row proves it."""
    first, second = (parts[name].cast(pl.Int32) > 12 for name in ("first", "second"))
    if first.any() == second.any():
        row = int(second.arg_max() or 0)
        why = (
            f"but {shown(column[int(first.arg_max() or 0)])!r} elsewhere reads the other way round"
            if first.any()
            else "and no date of the file has a day above 12 to show whether day or month stands first"
        )
        raise DataError(
            f"{where(row, label)}: found {shown(column[row])!r}, {why}; write dates as 2020-03-31"
        )
    return bool(first.any()), int((first if first.any() else second).arg_max() or 0)


def _count_times(column: pl.Series, parts: pl.DataFrame, label: str, where: Where) -> int:
    moved = ~parts["time"].fill_null("00:00").str.contains(_MIDNIGHT)
    hidden = moved & parts["zone"].fill_null("").str.contains(_IS_UTC)
    if hidden.any():
        row = int(hidden.arg_max() or 0)
        raise DataError(
            f"{where(row, label)}: found {shown(column[row])!r}, a time of day in UTC, which hides the "
            "exchange's own date; write that date"
        )
    return int(moved.sum())


def _refuse_unmatched(column: pl.Series, wrong: pl.Series, label: str, where: Where) -> None:
    if wrong.any():
        row = int(wrong.arg_max() or 0)
        like = "" if row == 0 else f" like {shown(column[0])!r} above"
        raise DataError(
            f"{where(row, label)}: found {shown(column[row])!r}, expected a date{like}; correct the cell, "
            "or write every date as 2020-03-31"
        )


def _refuse_no_numbers(column: pl.Series, label: str, where: Where) -> None:
    wrong = (~(column.str.contains(_POINT) | column.str.contains(_COMMA))).fill_null(False)
    if wrong.any():
        row = int(wrong.arg_max() or 0)
        raise DataError(
            f"{where(row, label)}: found {shown(column[row])!r}, expected a number; "
            "correct the cell or remove the row"
        )


def _only(cells: Mapping[str, pl.Series], wanted: str, other: str) -> Spot | None:
    """Return the first cell that is a number in the wanted style and not in the other."""
    return _first(cells, lambda text: text.str.contains(wanted) & ~text.str.contains(other))


def _first(cells: Mapping[str, pl.Series], test: Callable[[pl.Series], pl.Series]) -> Spot | None:
    for label, column in cells.items():
        hit = test(column).fill_null(False)
        if hit.any():
            return label, int(hit.arg_max() or 0)
    return None


def _text(cells: Mapping[str, pl.Series], spot: Spot) -> str:
    return shown(cells[spot[0]][spot[1]])
