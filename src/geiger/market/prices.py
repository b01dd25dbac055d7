"""The canonical daily price frame, made from tables with the usual column names.

The total-return bar is the quoted bar times (adjusted close / close); volume is put on the same basis, so
that close x volume stays the money traded that day.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from typing import Any

import polars as pl

from geiger.columns import PRICES, require
from geiger.errors import DataError
from geiger.market.frames import copied, to_polars
from geiger.market.headings import ACTIONS, BAR, match_columns, meaning_of, require_columns, shown

QUOTES = (*BAR, "close", "adj", "raw_close")

# No market quotes prices outside these bounds; products of two prices stay finite inside them.
LEAST_PRICE, LARGEST_PRICE = 1e-15, 1e15
LARGEST_VOLUME = 1e20

Place = Callable[[int, str], str]  # (row of the table, meaning of the column) -> where that is, for a message

_FIRST_DAY, _LAST_DAY = dt.date(1700, 1, 1), dt.date(2299, 12, 31)
_HIDDEN_DATE = (
    "column {!r} holds times of day in UTC, which hide the exchange's own date; "
    "convert it to the exchange's time zone first"
)
_DAYS_IN_TEXT = {r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$": "%Y-%m-%d", r"^[0-9]{8}$": "%Y%m%d"}


def from_frame(frame: Any) -> pl.DataFrame:
    """Turn a pandas or polars table with yfinance-like columns into a PRICES frame.

    Parameters
    ----------
    frame : pandas.DataFrame or polars.DataFrame
        One row a day, ascending; a date index or column; Open, High, Low, Close in any letter case, and where
        they exist Adj Close and Volume. The two-level columns of yfinance are read when they hold one symbol.
        A table of closes alone is allowed (open = high = low = close): `geiger.market.doubts.check` says so.

    Returns
    -------
    polars.DataFrame
        PRICES. Without an adjusted close the prices are taken as they are. Time stamps keep their local date.

    Raises
    ------
    DataError
        A column is missing or doubled, a price is missing or not above 0, days do not ascend.

    Examples
    --------
    >>> table = pl.DataFrame({"Date": ["2020-01-02"], "Close": [50.0], "Adj Close": [25.0], "Volume": [7]})
    >>> from_frame(table).row(0)[4:]
    (25.0, 50.0, 14.0)
    """
    flat = frame if isinstance(frame, pl.DataFrame) else _from_pandas(frame)
    if flat.columns == list(PRICES.columns):
        return _within_bounds(require(flat, PRICES))
    labels = match_columns(flat.columns)
    require_columns(labels, flat.columns)
    return canonical(
        quoted(flat, labels), lambda row, meaning: f"table, row {row}, column {labels[meaning]!r}"
    )


def slice_days(
    prices: pl.DataFrame, start: dt.date | None = None, end: dt.date | None = None
) -> pl.DataFrame:
    """Return the rows from `start` to `end`, both included; None means from the first or to the last row."""
    day = pl.col("day")
    first = pl.lit(True) if start is None else day >= start
    last = pl.lit(True) if end is None else day <= end
    return prices.filter(first & last)


def quoted(frame: pl.DataFrame, labels: Mapping[str, str]) -> pl.DataFrame:
    """Return the known columns under their meanings: day as a date, everything else as float."""
    columns = [_within_calendar(_as_days(frame[labels["day"]]), labels["day"])]
    for meaning in (*QUOTES, "volume"):
        if meaning in labels:
            columns.append(_as_numbers(frame[labels[meaning]]).alias(meaning))
    return pl.DataFrame(columns)


def canonical(table: pl.DataFrame, place: Place) -> pl.DataFrame:
    """Return the PRICES frame of a `quoted` table; `place` words where a fault is.

    Raises
    ------
    DataError
        A price is missing, not finite or not above 0, a volume is below 0, or days do not ascend.
    """
    if not table.height:
        raise DataError("no rows with prices; give at least one day")
    _refuse_bad_numbers(table, place)
    _refuse_disorder(table["day"], place)
    close = pl.col("close")
    parts = {part: pl.col(part) if part in table.columns else close for part in BAR}
    scale = pl.col("adj") / close if "adj" in table.columns else pl.lit(1.0)
    volume = pl.col("volume").fill_null(0.0).fill_nan(0.0) if "volume" in table.columns else pl.lit(0.0)
    frame = table.select(
        pl.col("day"),
        *((parts[part] * scale).alias(part) for part in BAR),
        (pl.col("adj") if "adj" in table.columns else close).alias("close"),
        (pl.col("raw_close") if "raw_close" in table.columns else close).alias("raw_close"),
        (volume / scale).alias("volume"),
    )
    return _within_bounds(require(frame, PRICES))


def actions_of(table: pl.DataFrame) -> pl.DataFrame | None:
    """Return what a `quoted` table itself says of dividends, capital gains and splits.

    Returns
    -------
    polars.DataFrame, optional
        ``day``; ``dividend`` and ``capital_gain`` in money a share (0 = none); ``split``, new shares for an
        old one (1 = none, also where the file writes 0). A column is null where the file has none, an empty
        cell means none. None where the table has no such column at all.
    """
    if not any(name in table.columns for name in ACTIONS):
        return None
    columns = [table["day"]]
    for name in ACTIONS:
        none = 1.0 if name == "split" else 0.0
        column = table[name] if name in table.columns else pl.Series(name, [None] * table.height, pl.Float64)
        if name in table.columns:
            column = column.fill_nan(None).fill_null(none)
            column = column.set(column == 0, none)
        columns.append(column)
    return pl.DataFrame(columns)


def _from_pandas(frame: Any) -> pl.DataFrame:
    """Turn a pandas table into a polars one with plain headings; its index becomes a column if need be."""
    flat = copied(frame)
    flat.columns = _single_level(frame.columns)
    if len(set(flat.columns)) < len(flat.columns):
        raise DataError(f"a column occurs twice among {', '.join(map(repr, flat.columns))}; keep one")
    if not any(meaning_of(name) == "day" for name in flat.columns):
        flat.index.name = "Date"
        flat = flat.reset_index()
    stamps = next(name for name in flat.columns if meaning_of(name) == "day")
    if getattr(flat[stamps].dtype, "tz", None) is not None:
        flat = flat.assign(**{stamps: _local_stamps(flat[stamps])})
    return to_polars(flat)


def _local_stamps(column: Any) -> Any:
    """Return pandas time stamps without their zone, as the clock there shows them."""
    if str(column.dtype.tz) == "UTC" and (column != column.dt.normalize()).any():
        raise DataError(_HIDDEN_DATE.format(column.name))
    return column.dt.tz_localize(None)


def _single_level(columns: Any) -> list[str]:
    """Return the price words of one- or two-level pandas columns, refusing several symbols."""
    if columns.nlevels == 1:
        return [str(name) for name in columns]
    levels = [[str(name) for name in columns.get_level_values(level)] for level in range(columns.nlevels)]
    words = next((names for names in levels if any(meaning_of(name) == "close" for name in names)), None)
    if words is None:
        raise DataError("no column 'Close' in any level of the columns; name one so")
    symbols = {name for names in levels if names is not words for name in names} - {""}
    if len(symbols) > 1:
        listing = ", ".join(sorted(map(shown, symbols))[:5])
        raise DataError(
            f"the columns hold several symbols ({listing}); pick one, as in "
            f"frame.xs({sorted(symbols)[0]!r}, axis=1, level=1)"
        )
    return words


def _as_days(column: pl.Series) -> pl.Series:
    """Return dates; a time stamp keeps the date of its own time zone."""
    if column.dtype == pl.Date:
        return column.alias("day")
    if isinstance(column.dtype, pl.Datetime):
        if column.dtype.time_zone == "UTC" and (column.dt.time() != dt.time()).any():
            raise DataError(_HIDDEN_DATE.format(column.name))
        return column.dt.date().alias("day")
    for pattern, layout in _DAYS_IN_TEXT.items():
        if column.dtype == pl.String and column.str.contains(pattern).all():
            return column.str.to_date(layout, strict=False).alias("day")
    example = shown(str(column[0])) if len(column) else "nothing"
    raise DataError(
        f"column {column.name!r} holds no dates ({column.dtype}: {example}); convert it to dates first"
    )


def _within_calendar(day: pl.Series, label: str) -> pl.Series:
    """Refuse days that no exchange has seen, before anything tries to write them as text."""
    outside = ~day.is_between(_FIRST_DAY, _LAST_DAY).fill_null(True)
    if outside.any():
        row = int(outside.arg_max() or 0)
        raise DataError(
            f"column {label!r}: the day in row {row} is before {_FIRST_DAY.year} or after {_LAST_DAY.year}; "
            "check the unit of the dates"
        )
    return day


def _as_numbers(column: pl.Series) -> pl.Series:
    if column.dtype == pl.Null or column.dtype.is_numeric():
        return column.cast(pl.Float64)
    raise DataError(f"column {column.name!r} holds {column.dtype}, not numbers; convert it first")


def _refuse_bad_numbers(table: pl.DataFrame, place: Place) -> None:
    for meaning in (name for name in QUOTES if name in table.columns):
        column = table[meaning].fill_nan(None)
        row = _first_false(column.is_between(LEAST_PRICE, LARGEST_PRICE).fill_null(False))
        if row is not None:
            raise DataError(f"{place(row, meaning)}: {_price_fault(column[row])}")
    if "volume" in table.columns:
        volume = table["volume"].fill_nan(None)
        row = _first_false(volume.is_between(0, LARGEST_VOLUME).fill_null(True))
        if row is not None:
            raise DataError(
                f"{place(row, 'volume')}: found {volume[row]:g}, and a volume is a number from 0 to "
                f"{LARGEST_VOLUME:g}; correct the cell or empty it"
            )


def _first_false(flags: pl.Series) -> int | None:
    return None if flags.all() else int((~flags).arg_max() or 0)


def _price_fault(value: float | None) -> str:
    if value is None:
        return "no price, though other prices of that day are there; fill the cell or remove the row"
    bounds = f"above 0 and below {LARGEST_PRICE:g}"
    return f"found {value:g}, and a price is a number {bounds}; correct the cell or remove the row"


def _refuse_disorder(day: pl.Series, place: Place) -> None:
    if day.null_count():
        row = int(day.is_null().arg_max() or 0)
        raise DataError(f"{place(row, 'day')}: no date; fill the cell or remove the row")
    step = day.cast(pl.Int32).diff()
    wrong = (step <= 0).fill_null(False)
    if not wrong.any():
        return
    row = int(wrong.arg_max() or 0)
    if step[row] == 0:
        raise DataError(
            f"{place(row, 'day')}: {day[row]} occurs twice; keep the right one of its rows (one bar a day)"
        )
    raise DataError(
        f"{place(row, 'day')}: {day[row]} stands after {day[row - 1]}; sort the rows by date, oldest first"
    )


def _within_bounds(prices: pl.DataFrame) -> pl.DataFrame:
    """Refuse adjusted prices that left the bounds: adjusted and quoted close do not belong together."""
    for name in (*BAR, "close", "raw_close"):
        outside = ~prices[name].is_between(LEAST_PRICE, LARGEST_PRICE)
        if outside.any():
            row = int(outside.arg_max() or 0)
            raise DataError(
                f"prices: {name} of {prices['day'][row]} is {prices[name][row]:g} after adjustment; "
                "check Close against Adj Close on that day"
            )
    if (prices["volume"] < 0).any():
        raise DataError(
            f"prices: volume of {prices['day'][int(prices['volume'].arg_min() or 0)]} is below 0; correct it"
        )
    return prices
