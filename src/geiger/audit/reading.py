"""The reader's own proof: the file read again without its later lines must give the same earlier bars."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import polars as pl

from geiger.audit.tables import Table
from geiger.errors import DataError
from geiger.market.loaded import Loaded
from geiger.market.readers import read_prices
from geiger.market.snapshots import content_hash

COLUMNS = ("open", "high", "low", "close", "raw_close", "volume")


@dataclass(frozen=True)
class Reread:
    """Bars of the whole file, and of the file up to each cut."""

    base: Sequence[Table]
    others: Sequence[Table]
    values: int


def reread(series: Loaded, cuts: Sequence[dt.date]) -> Reread:
    """Read a file of prices again, each time without the lines after a cut.

    Raises
    ------
    DataError
        There is no such file, or it cannot be told which lines come after a cut; the message says why.
    """
    path = Path(series.where)
    if series.source not in ("folder", "file"):
        raise DataError(f"the prices come from no file of their own ({series.source})")
    if not path.is_file():
        raise DataError(f"{path} is gone")
    whole = read_prices(path, series.symbol).prices
    if content_hash(whole) != content_hash(series.prices):
        raise DataError(f"{path} has changed since it was read")
    cut = _parquet if path.suffix.lower() == ".parquet" else _lines
    base = Table.of("reader", whole, COLUMNS)
    others, values = [], 0
    with TemporaryDirectory() as folder:
        for day in cuts:
            rows = int(whole["day"].search_sorted(day, side="right"))
            shorter = Path(folder) / path.name
            cut(path, whole.height, rows, shorter)
            others.append(Table.of("reader", read_prices(shorter, series.symbol).prices, COLUMNS))
            values += rows * len(COLUMNS)
    return Reread([base] * len(others), others, values)


def _parquet(path: Path, total: int, rows: int, to: Path) -> None:
    frame = pl.read_parquet(path)
    if frame.height != total:
        raise DataError(f"{path} has {frame.height} rows and {total} bars: which are later is not sure")
    frame.head(rows).write_parquet(to)


def _lines(path: Path, total: int, rows: int, to: Path) -> None:
    """Keep the head and the lines of the first `rows` bars, in whichever order they stand."""
    lines = path.read_bytes().splitlines(keepends=True)
    filled = [i for i, line in enumerate(lines) if line.strip()]
    if len(filled) < total:
        raise DataError(f"{path} has fewer lines than bars: which are later is not sure")
    bars = filled[-total:]
    head = lines[: bars[0]]
    if len(head) > 12:
        raise DataError(f"{path} has lines that are no bars among its bars: which are later is not sure")
    forward = _first_day(path, head, lines[bars[0]], lines[bars[-1]])
    kept = bars[:rows] if forward else bars[total - rows :]
    to.write_bytes(b"".join([*head, *(lines[i] for i in kept)]))


def _first_day(path: Path, head: list[bytes], first: bytes, last: bytes) -> bool:
    """Say whether a file's oldest bar stands first."""
    with TemporaryDirectory() as folder:
        days = []
        for line in (first, last):
            one = Path(folder) / path.name
            one.write_bytes(b"".join([*head, line]))
            days.append(read_prices(one, path.stem).prices["day"][0])
    return bool(days[0] <= days[1])
