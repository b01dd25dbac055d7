"""What the user's own functions and frames hold, as frames of ours: numbers, one row a bar, by day.

Strict: what could be read in two ways is refused in one line that says what came and what was expected.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from geiger.errors import DataError
from geiger.files import read_frame, write_frame
from geiger.market.frames import to_polars
from geiger.records import Notice

TABLE_VERSION = "geiger own table v1"  # a hash of another version never equals one of this
NO_DAY = -(2**31)  # in a hash, in place of a day that is missing
KEYS = ("day", "known_on")
BARS = ("day", "open", "high", "low", "close", "volume")  # what a function is given


def plain_frame(given: Any, name: str, fallback: str = "column") -> pl.DataFrame:
    """Return a table, a series or an array as a polars frame; an index of days becomes the column `day`.

    Parameters
    ----------
    name : str
        Whose it is, for messages.
    fallback : str
        What a series is called that has no name, or still that of a bar's column, and an array, whose columns
        are numbered where they are several.
    """
    if isinstance(given, pl.DataFrame | pl.LazyFrame):
        return given.lazy().collect()
    if isinstance(given, pl.Series):
        return given.alias(_named(given.name, fallback)).to_frame()
    if isinstance(given, np.ndarray) and given.ndim in (1, 2):
        columns = [given] if given.ndim == 1 else list(given.T)
        names = [fallback] if len(columns) == 1 else [f"{fallback}_{i}" for i in range(1, len(columns) + 1)]
        return pl.DataFrame(dict(zip(names, columns, strict=True)))
    if type(given).__module__.split(".")[0] == "pandas":
        return _from_pandas(given, name, fallback)
    raise DataError(
        f"{name}: returned {type(given).__name__}; expected a polars or pandas frame, a series, or an array "
        "of one or two dimensions, one row a bar"
    )


def _named(name: Any, fallback: str) -> str:
    return fallback if not name or name in BARS else str(name)


def _from_pandas(given: Any, name: str, fallback: str) -> pl.DataFrame:
    table = given.to_frame(_named(given.name, fallback)) if given.ndim == 1 else given
    heads = [str(column) for column in table.columns]
    doubled = {head for head in heads if heads.count(head) > 1}
    if doubled:
        raise DataError(f"{name}: has {len(doubled)} column names twice: {', '.join(sorted(doubled))}")
    table = table.set_axis(heads, axis=1)
    if "day" not in heads and table.index.dtype.kind != "i":
        table = table.rename_axis("day").reset_index()
    return to_polars(table)


def days_in(column: pl.Series, name: str) -> pl.Series:
    """Return a column of days as dates: dates, times at midnight, or text as 2012-03-31."""
    found = column
    if column.dtype == pl.String:
        found = column.str.to_date("%Y-%m-%d", strict=False)
    elif _at_midnight(column):
        found = column.dt.date()
    if found.dtype != pl.Date or found.null_count():
        raise DataError(f"{name}: column {column.name!r} must hold a day in every row, such as 2012-03-31")
    return found


def known_days(column: pl.Series, name: str) -> pl.Series:
    """Return for each row the first day at whose close it counts as known.

    A date is known at that day's close. A moment counts from the day after its date in UTC: that is after
    it in every market, at the price of a day where the market closed later on the same date.
    """
    zone = column.dtype.time_zone if isinstance(column.dtype, pl.Datetime) else None
    if not isinstance(column.dtype, pl.Datetime) or (zone is None and _at_midnight(column)):
        return days_in(column, name)
    moment = column if zone is None else column.dt.convert_time_zone("UTC")
    if moment.null_count():
        raise DataError(f"{name}: column {column.name!r} must hold a day or a moment in every row")
    return moment.dt.date().dt.offset_by("1d")


def _at_midnight(column: pl.Series) -> bool:
    """Whether a column holds times that are all midnight, as pandas writes days."""
    midnight = dt.time(0)
    return isinstance(column.dtype, pl.Datetime) and bool((column.dt.time().drop_nulls() == midnight).all())


def numbers_in(frame: pl.DataFrame, name: str) -> pl.DataFrame:
    """Return the columns other than days as float64, missing values as NaN."""
    columns = [column for column in frame if column.name not in KEYS]
    if not columns:
        raise DataError(f"{name}: has no column of numbers beside the days")
    for column in columns:
        if not (column.dtype.is_numeric() or column.dtype in (pl.Boolean, pl.Null)):
            raise DataError(f"{name}: column {column.name!r} holds {column.dtype}, not numbers")
        if not column.name.strip() or not column.name.isprintable():
            raise DataError(f"{name}: {column.name!r} is no name of a column; give it a plain one")
    return pl.DataFrame([column.cast(pl.Float64).fill_null(np.nan) for column in columns])


def on_bars(given: Any, days: pl.Series, name: str, fallback: str) -> pl.DataFrame:
    """Return what a function answered for bars of `days`: one row a bar, in their order, `day` first."""
    frame = plain_frame(given, name, fallback)
    if frame.height != len(days):
        raise DataError(
            f"{name}: returned {frame.height} rows for {len(days)} bars; return one row a bar, NaN where "
            "nothing is known yet"
        )
    if "day" in frame.columns:
        found = days_in(frame["day"], name)
        differs = (found != days).arg_true()
        if len(differs):
            row = differs[0]
            raise DataError(
                f"{name}: returned other days than the bars have: {found[row]} in row {row}, where the bar "
                f"is of {days[row]}"
            )
    rest = [column for column in frame if column.name in KEYS and column.name != "day"]
    return pl.DataFrame([days.alias("day"), *numbers_in(frame, name), *rest])


@dataclass(frozen=True)
class DayTable:
    """A frame of the user's own by day, and from when on each row counts as known.

    Attributes
    ----------
    rows : frame
        ``day``, ``known_on`` (both dates), and float columns.
    dated : bool
        Whether `known_on` was given; else each row counts as known at the close of its own day.
    """

    rows: pl.DataFrame
    dated: bool

    @classmethod
    def of(cls, given: Any, name: str) -> DayTable:
        """Check a frame by day."""
        frame = plain_frame(given, name)
        if "day" not in frame.columns:
            raise DataError(f"{name}: has no column 'day', by which its rows are joined to the bars")
        if not frame.height:
            raise DataError(f"{name}: has no rows")
        day = days_in(frame["day"], name)
        dated = "known_on" in frame.columns
        known_on = (known_days(frame["known_on"], name) if dated else day).alias("known_on")
        early = (known_on < day).arg_true()
        if len(early):
            row = early[0]
            raise DataError(f"{name}: the row of {day[row]} says it was known before, on {known_on[row]}")
        rows = pl.DataFrame([day, known_on, *numbers_in(frame, name)]).sort("known_on", "day")
        twice = rows.filter(pl.struct(KEYS).is_duplicated())
        if twice.height:
            raise DataError(
                f"{name}: has two rows of {twice['day'][0]} that became known on the same day; keep one"
            )
        return cls(rows, dated)

    @property
    def names(self) -> tuple[str, ...]:
        """The columns of numbers."""
        return tuple(name for name in self.rows.columns if name not in KEYS)

    def on(self, days: pl.Series) -> pl.DataFrame:
        """Return, for each of `days`, the newest row that was known at its close; NaN before the first one.

        Of rows known by then it is the one of the latest day, and of one day the one known last.
        """
        newest = self.rows.filter(pl.col("day") >= pl.col("day").cum_max())
        newest = newest.unique("known_on", keep="last", maintain_order=True).drop("day")
        joined = pl.DataFrame([days.alias("day")]).join_asof(newest, left_on="day", right_on="known_on")
        return joined.select("day", *self.names).fill_null(np.nan)

    def doubts(self, days: pl.Series, name: str) -> tuple[Notice, ...]:
        """Say what its clock takes for granted, and where it ends long before the bars do."""
        found = []
        if not self.dated:
            text = (
                f"{name}: without a column known_on each row counts as known at the close of its own day; "
                "is that so?"
            )
            found.append(Notice("OWN_KNOWN_SAME_DAY", text))
        places = days.search_sorted(self.rows["known_on"]).to_numpy()
        gap, carried = int(np.diff(places).max(initial=1)), len(days) - 1 - int(places[-1])
        if carried > gap:
            text = (
                f"{name}: its last row was known on {self.rows['known_on'][-1]} and serves {carried} later "
                f"bars; before, none served more than {gap}"
            )
            found.append(Notice("OWN_DATA_OLD", text))
        return tuple(found)

    @cached_property
    def digest(self) -> str:
        """64 hexadecimal digits that depend on every name, day and number, and on nothing else."""
        return hash_of(self.rows, (TABLE_VERSION, str(self.dated)))

    def continues(self, earlier: DayTable) -> bool:
        """Whether all that it holds up to the last row of `earlier` is what that holds, bit by bit."""
        until = self.rows.filter(pl.col("known_on") <= earlier.rows["known_on"].max())
        return self.dated == earlier.dated and hash_of(until) == hash_of(earlier.rows)

    def keep(self, folder: Path) -> None:
        """Keep it under its hash, so that a run can be repeated without what it was read from."""
        path = folder / f"{self.digest}.parquet"
        if not path.exists():
            write_frame(path, self.rows if self.dated else self.rows.drop("known_on"))

    @classmethod
    def kept(cls, folder: Path, digest: str, name: str) -> DayTable | None:
        """Return the one that was kept under this hash; None where there is none.

        Raises
        ------
        DataError
            It is no longer what was kept.
        """
        path = folder / f"{digest}.parquet"
        if not path.exists():
            return None
        table = cls.of(read_frame(path), name)
        if table.digest != digest:
            raise DataError(f"{path}: not the numbers that were kept; give the frame again")
        return table


def hash_of(frame: pl.DataFrame, words: Sequence[str] = ()) -> str:
    """Return the SHA-256 of the names and bits of a frame of dates and floats."""
    digest = hashlib.sha256("\n".join((*words, *frame.columns, str(frame.height))).encode())
    for column in frame:
        if column.dtype == pl.Date:
            bits = column.to_physical().fill_null(NO_DAY).to_numpy().astype("<i4")
        else:
            bits = column.to_numpy().astype("<f8")
            bits[np.isnan(bits)] = np.nan  # NaN has a sign bit, which says nothing
        digest.update(bits.tobytes())
    return digest.hexdigest()
