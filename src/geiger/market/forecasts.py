"""Tables of forecasts or returns from other tools: which day, which number, of which symbol.

Read with the same care as prices, and from the same kinds of files. Known are a day with a forecast and,
where there is one, its outcome (the `pred` of Qlib is such a table), and, where there is no forecast, the
daily returns or the equity curve of a strategy, as vectorbt and backtesting.py write them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from geiger.errors import DataError
from geiger.market import cells
from geiger.market.doubts import DAYS_SHOWN, Doubt
from geiger.market.headings import key_of, match_columns, meaning_of, quote
from geiger.market.panels import rows_of
from geiger.market.readers import days_of, naming, table_in_memory, table_of
from geiger.market.table import Table


def _keys(*words: str) -> frozenset[str]:
    return frozenset(key_of(word) for line in words for word in line.split("|"))


# Meaning -> sets of headings, the surest first, as of prices.
MEANINGS: Mapping[str, tuple[frozenset[str], ...]] = {
    "forecast": (
        _keys(
            "forecast|forecasts|prediction|predictions|predicted|pred|preds|y hat|y pred|forecast return",
            "predicted return|expected return|forecast value|predicted value",
        ),
        _keys("score|signal|alpha|mu"),
    ),
    "outcome": (
        _keys("outcome|outcomes|actual|actuals|realized|realised|y true|actual return|true return"),
        _keys("realized return|realised return|next return|forward return|fwd return|future return"),
        _keys("label|target|y"),
    ),
    "returns": (
        _keys("strategy return|strategy returns|portfolio return|portfolio returns|net return|net returns"),
        _keys("return|returns|daily return|daily returns|ret|rets|net"),
    ),
    "equity": (
        _keys("equity|portfolio value|total value|account value|net asset value|nav|balance"),
        _keys("value|total"),
    ),
}

LARGEST = 1e50  # squares of what is larger leave the numbers of a computer
CODES = {"DATA_ORDER": "the rows were not in the order of their days"}


@dataclass(frozen=True)
class ForecastTable:
    """One symbol's forecasts, or the returns of a strategy.

    Attributes
    ----------
    rows : polars.DataFrame
        `day`, ascending, none twice; and of `forecast`, `outcome`, `returns` and `equity` those that the
        table has, float, missing where a cell is empty. Units are the user's own.
    name, layout : str
        The file, and what kind of table it is.
    notes : tuple of Doubt
        Everything that was left out or interpreted.
    symbol : str or None
        The one that the table itself gives these rows.
    """

    rows: pl.DataFrame
    name: str
    layout: str
    notes: tuple[Doubt, ...]
    symbol: str | None = None

    def has(self, meaning: str) -> bool:
        """Return whether there is such a column, with a number in it."""
        return meaning in self.rows.columns and self.rows[meaning].is_not_null().any()


def read_forecasts(given: Any, symbol: str | None = None) -> ForecastTable:
    """Read forecasts, or the returns of a strategy.

    Parameters
    ----------
    given : path, pandas.DataFrame, pandas.Series or polars.DataFrame
        A file (CSV or Parquet) or a table in memory, one row a day; a pandas table may have the days, or days
        and symbols, as its index. A Series holds forecasts.
    symbol : str, optional
        Whose rows to read where the table holds several symbols.

    Raises
    ------
    DataError
        It is a pickle, or cannot be read in one way only; the message names line, column, find and remedy.
    """
    notes: list[Doubt] = []
    if isinstance(given, str | Path):
        with naming(Path(given)):
            return _understood(table_of(Path(given), symbol, notes), symbol, notes)
    if hasattr(given, "to_frame") and not hasattr(given, "columns"):  # a pandas or polars Series
        given = given.to_frame("forecast")
    return _understood(table_in_memory(given), symbol, notes)


def _understood(table: Table, symbol: str | None, notes: list[Doubt]) -> ForecastTable:
    labels = _labels(table)
    table = rows_of(table, labels["day"], symbol, notes)
    if not table.rows:
        raise DataError("a header and no rows below it; export the table again")
    extras = [heading for heading in table.columns if heading not in labels.values()]
    days, _ = days_of(table, labels["day"], extras, notes)
    numbers = _numbers(table, {meaning: name for meaning, name in labels.items() if meaning != "day"}, notes)
    rows = _in_order(pl.DataFrame([days.alias("day"), *numbers]), table, labels["day"], notes)
    return ForecastTable(rows, table.name, table.layout, tuple(notes), table.symbol)


def _labels(table: Table) -> dict[str, str]:
    """Return meaning -> heading of the day and of every column that is read."""
    names = list(table.columns)
    labels = match_columns([name for name in names if meaning_of(name) == "day" or not name.strip()])
    found: dict[str, str] = {}
    for meaning, ranks in MEANINGS.items():
        for keys in ranks:
            same = [name for name in names if key_of(name) in keys]
            if len(same) > 1:
                raise DataError(
                    f"columns {quote(same[0])} and {quote(same[1])} both mean {meaning}; keep one of them"
                )
            if same:
                found.setdefault(meaning, same[0])
    listing = ", ".join(quote(name) for name in names[:12])
    if "day" not in labels:
        raise DataError(f"no column 'day' among {listing}; rename the right one to 'day'")
    if "forecast" in found:  # a return beside a forecast may be that of the day or the next: nobody says
        found = {meaning: name for meaning, name in found.items() if meaning in ("forecast", "outcome")}
    elif "returns" in found or "equity" in found:
        chosen = "returns" if "returns" in found else "equity"
        found = {chosen: found[chosen]}
    else:
        raise DataError(
            f"no column of forecasts among {listing}; call it 'forecast' (or, where there are only results "
            "of a strategy, 'return' or 'equity')"
        )
    return {"day": labels["day"], **found}


def _numbers(table: Table, labels: Mapping[str, str], notes: list[Doubt]) -> list[pl.Series]:
    """Return every column as floats, missing where a cell is empty or not a number."""
    written = {
        name: table.columns[name] for name in labels.values() if table.columns[name].dtype == pl.String
    }
    unit = dict.fromkeys(labels.values(), 1.0)
    for name, column in written.items():
        filled = column.drop_nulls()
        if len(filled) and filled.str.ends_with("%").all():
            written[name], unit[name] = column.str.strip_suffix("%").str.strip_chars(), 0.01
            text = f"column {quote(name)} is in percent: divided by 100"
            notes.append(Doubt("DATA_NUMBER_STYLE", "note", (), len(filled), text))
    style = cells.number_style(written, {}, table.at).style
    found = []
    for meaning, name in labels.items():
        column = table.columns[name]
        if column.dtype not in (pl.String, pl.Null) and not column.dtype.is_numeric():
            raise DataError(f"column {quote(name)} holds {column.dtype}, not numbers; convert it first")
        number = cells.to_numbers(written[name], style) if name in written else column.cast(pl.Float64)
        number = number * unit[name]
        wrong = (number.is_infinite() | (number.abs() > LARGEST)).fill_null(
            False
        ) & ~number.is_nan().fill_null(True)
        if wrong.any():
            row = int(wrong.arg_max() or 0)
            raise DataError(f"{table.at(row, name)}: found {number[row]:g}; correct the cell or empty it")
        found.append(number.fill_nan(None).alias(meaning))
    return found


def _in_order(rows: pl.DataFrame, table: Table, label: str, notes: list[Doubt]) -> pl.DataFrame:
    """Return the rows by day; refuse a row without a day, and a day with two rows."""
    missing = rows["day"].is_null()
    if missing.any():
        row = int(missing.arg_max() or 0)
        raise DataError(f"{table.at(row, label)}: no date; fill the cell or remove the row")
    twice = ~rows["day"].is_first_distinct()
    if twice.any():
        row = int(twice.arg_max() or 0)
        raise DataError(
            f"{table.at(row, label)}: {rows['day'][row]} occurs twice; keep one row a day, the one that was "
            "made first"
        )
    if not rows["day"].is_sorted():
        notes.append(Doubt("DATA_ORDER", "note", (), rows.height, "rows were not in the order of their days"))
    value = "forecast" if "forecast" in rows.columns else rows.columns[-1]
    empty = rows.filter(pl.col(value).is_null())
    if empty.height == rows.height:
        raise DataError(f"no row has a {value}; export the table again")
    if empty.height:
        days = tuple(map(str, empty["day"].sort()[:DAYS_SHOWN]))
        have = "row has" if empty.height == 1 else "rows have"
        text = f"{empty.height} {have} no {value} (first {days[0]})"
        notes.append(Doubt("DATA_EMPTY_ROWS", "note", days, empty.height, text))
    return rows.sort("day")


def returns_of(table: ForecastTable) -> pl.DataFrame:
    """Return `day` and the simple return of each day but the first of an equity curve, float.

    Raises
    ------
    DataError
        An equity is not above 0, or a return loses more than all.
    """
    name = "returns" if table.has("returns") else "equity"
    rows = table.rows.select("day", pl.col(name)).drop_nulls()
    values = rows[name].to_numpy()
    if name == "equity":
        if (values <= 0.0).any():
            day = rows["day"][int(np.argmax(values <= 0.0))]
            raise DataError(
                f"{table.name}: the equity of {day} is not above 0; correct it, or end the curve there"
            )
        rows = rows[1:].with_columns(pl.Series(name, values[1:] / values[:-1] - 1.0))
    if (rows[name] < -1.0).any():
        day = rows["day"][int((rows[name] < -1.0).arg_max() or 0)]
        raise DataError(
            f"{table.name}: the return of {day} loses more than everything; write shares (0.012 for 1.2%)"
        )
    return rows.rename({name: "return"})
