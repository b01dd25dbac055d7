"""Pandas tables as people have them, made into the columns that a Parquet file would hold."""

from __future__ import annotations

from typing import Any

import polars as pl

from geiger.errors import DataError
from geiger.market.headings import meaning_of, shown
from geiger.market.layouts import distinct


def from_pandas(frame: Any) -> pl.DataFrame:
    """Return a pandas table with its index among the columns and each heading as one text.

    Headings of several levels become ``('Close', 'AAPL')``. Stamps with a zone become text: the clock there
    and its distance from UTC. Periods become text as well.

    Raises
    ------
    DataError
        It is no pandas table, a heading with a meaning occurs twice, or a column mixes kinds of values.
    """
    flat = copied(frame)
    dated = any(meaning_of(part) == "day" for name in frame.columns for part in _parts(name))
    flat.columns = distinct([str(name) for name in frame.columns])
    if flat.index.nlevels > 1 or not dated:
        if flat.index.nlevels == 1:
            flat.index.name = "Date"
        try:
            flat = flat.reset_index()
        except ValueError as error:
            raise DataError(f"the index cannot become a column ({shown(str(error), 120)})") from None
    zoned = [name for name in flat.columns if getattr(flat[name].dtype, "tz", None) is not None]
    flat = flat.assign(**{name: flat[name].dt.strftime("%Y-%m-%d %H:%M:%S%z") for name in zoned})
    periods = [name for name in flat.columns if str(flat[name].dtype).startswith("period")]
    return to_polars(flat.assign(**{name: flat[name].astype(str) for name in periods}))


def copied(frame: Any) -> Any:
    """Return a shallow copy of a pandas table; refuse what is none."""
    if not (hasattr(frame, "reset_index") and hasattr(frame, "columns")):
        raise DataError(f"expected a pandas or polars DataFrame, got {type(frame).__name__}")
    return frame.copy(deep=False)


def to_polars(flat: Any) -> pl.DataFrame:
    """Return a pandas table with plain headings as a polars one; the index is left out."""
    try:
        return pl.from_pandas(flat)
    except (ValueError, TypeError, pl.exceptions.PolarsError) as error:
        why = shown(str(error), 120)
        raise DataError(f"a column mixes kinds of values ({why}); convert it first") from None


def _parts(name: Any) -> list[str]:
    return [str(part) for part in name] if isinstance(name, tuple) else [str(name)]
