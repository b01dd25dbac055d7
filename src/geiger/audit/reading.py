"""The reader's own proof: the file read again without its later lines must give the same earlier bars."""

from __future__ import annotations

import datetime as dt
import io
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
            cut(path, whole["day"], rows, shorter)
            others.append(Table.of("reader", read_prices(shorter, series.symbol).prices, COLUMNS))
            values += rows * len(COLUMNS)
    return Reread([base] * len(others), others, values)


def _parquet(path: Path, whole: pl.Series, rows: int, to: Path) -> None:
    frame = pl.read_parquet(path)
    if frame.height != len(whole):
        raise DataError(f"{path} has {frame.height} rows and {len(whole)} bars: which are later is not sure")
    half = io.BytesIO()
    frame.head(len(whole) // 2).write_parquet(half)
    kept = frame.head(rows) if _ends_early(path, half.getvalue(), whole) else frame.tail(rows)
    kept.write_parquet(to)


def _lines(path: Path, whole: pl.Series, rows: int, to: Path) -> None:
    """Keep the head and the lines of the first `rows` bars, in whichever order they stand."""
    lines, total = path.read_bytes().splitlines(keepends=True), len(whole)
    filled = [i for i, line in enumerate(lines) if line.strip()]
    if len(filled) < total:
        raise DataError(f"{path} has fewer lines than bars: which are later is not sure")
    bars = filled[-total:]
    head = lines[: bars[0]]
    if len(head) > 12:
        raise DataError(f"{path} has lines that are no bars among its bars: which are later is not sure")
    half = b"".join([*head, *(lines[i] for i in bars[: total // 2])])
    forward = _ends_early(path, half, whole)
    kept = bars[:rows] if forward else bars[total - rows :]
    to.write_bytes(b"".join([*head, *(lines[i] for i in kept)]))


def _ends_early(path: Path, half: bytes, whole: pl.Series) -> bool:
    """Say whether the first half of a file's lines holds its older bars."""
    with TemporaryDirectory() as folder:
        one = Path(folder) / path.name
        one.write_bytes(half)
        return bool(read_prices(one, path.stem).prices["day"][-1] < whole[-1])
