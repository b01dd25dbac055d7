"""Content-hashed snapshots of prices: what a run used can be found again, bit for bit.

``root/{SYMBOL}_{hash}.parquet`` holds the prices, ``root/index.jsonl`` one line for every time a snapshot
became the newest of its symbol. Nothing is overwritten; the hash is of the numbers, not of the file.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from geiger.columns import PRICES, require
from geiger.errors import DataError, SettingError
from geiger.files import read_frame, write_frame
from geiger.market.calendar import valid_symbol
from geiger.market.doubts import Doubt
from geiger.market.loaded import Loaded

HASH_VERSION = "geiger prices v1"  # a hash of another version never equals one of this
HASH = re.compile(r"[0-9a-f]{64}")
SHORT = 12  # hexadecimal digits in a file name
TOLERANCE = 1e-6  # relative; below it sources round differently and rewrite nothing
SHAPE = ("open", "high", "low")  # compared as ratios to the close, which no adjustment changes


@dataclass(frozen=True)
class Snapshot:
    """One line of the index."""

    symbol: str
    hash: str  # 64 hexadecimal digits, see `content_hash`
    source: str
    where: str
    first: str  # ISO day of the first row
    last: str
    rows: int
    saved_at: str  # ISO time, UTC
    layout: str = ""
    notes: tuple[Doubt, ...] = ()  # what the source had to say, which its prices alone do not show

    @property
    def file_name(self) -> str:
        """Name of the Parquet file inside the store."""
        return f"{self.symbol}_{self.hash[:SHORT]}.parquet"


@dataclass(frozen=True)
class Change:
    """How a source's later history differs from an earlier one, on the days that both span.

    Attributes
    ----------
    days : tuple of date
        Days whose return or bar differs, and days that only one of the two has, ascending.
    rescaled : bool
        Whether other days stand on another level, as after a new dividend: that changes no return.
    """

    days: tuple[date, ...]
    rescaled: bool


def content_hash(prices: pl.DataFrame) -> str:
    """Return 64 hexadecimal digits that depend on every bit of the PRICES frame and on nothing else."""
    require(prices, PRICES)
    digest = hashlib.sha256(f"{HASH_VERSION}\n{prices.height}\n".encode())
    for name in PRICES.columns:
        digest.update(f"{name}\n".encode())
        digest.update(_little_endian(prices[name]).tobytes())
    return digest.hexdigest()


def _little_endian(column: pl.Series) -> npt.NDArray[Any]:
    if column.dtype == pl.Date:
        return column.to_physical().to_numpy().astype("<i4")
    return column.to_numpy().astype("<f8")


def changed_days(old: pl.DataFrame, new: pl.DataFrame) -> Change:
    """Say which days a source has rewritten between two PRICES frames.

    A day counts as rewritten when its log return, the shape of its bar (open, high, low against close) or the
    money traded (close x volume) differs by more than 1e-6, or when only one of the two has it. A common
    factor on the whole past is reported as `Change.rescaled` instead.

    Examples
    --------
    >>> bars = {"day": [date(2020, 1, 2), date(2020, 1, 3)]}
    >>> bars |= {name: [10.0, 11.0] for name in ("open", "high", "low", "close", "raw_close")}
    >>> old = pl.DataFrame(bars | {"volume": [5.0, 6.0]})
    >>> halved = old.with_columns(pl.col("open", "high", "low", "close") * 0.5, pl.col("volume") * 2)
    >>> changed_days(old, halved)
    Change(days=(), rescaled=True)
    """
    require(old, PRICES)
    require(new, PRICES)
    if not (old.height and new.height):
        return Change((), rescaled=False)
    first, last = max(old["day"][0], new["day"][0]), min(old["day"][-1], new["day"][-1])
    one, two = (frame.filter(pl.col("day").is_between(first, last)) for frame in (old, new))
    only_one = set(one["day"]) ^ set(two["day"])
    one, two = (frame.filter(~pl.col("day").is_in(sorted(only_one))) for frame in (one, two))
    if not one.height:
        return Change(tuple(sorted(only_one)), rescaled=False)
    differs = _differs(one, two)
    moved = np.abs(_ratio(two["close"], one["close"]) - 1.0) > TOLERANCE
    days = only_one | set(one["day"].filter(pl.Series(differs)))
    return Change(tuple(sorted(days)), rescaled=bool((moved & ~differs).any()))


def _differs(one: pl.DataFrame, two: pl.DataFrame) -> npt.NDArray[np.bool_]:
    logs = [np.log(frame["close"].to_numpy()) for frame in (one, two)]
    returns = [np.diff(log, prepend=log[0]) for log in logs]
    differs = np.abs(returns[0] - returns[1]) > TOLERANCE
    for name in SHAPE:
        shapes = [_ratio(frame[name], frame["close"]) for frame in (one, two)]
        differs |= np.abs(shapes[0] - shapes[1]) > TOLERANCE
    money = [(frame["close"] * frame["volume"]).to_numpy() for frame in (one, two)]
    return np.asarray(differs | (np.abs(money[0] - money[1]) > TOLERANCE * np.maximum(*money)))


def _ratio(upper: pl.Series, lower: pl.Series) -> npt.NDArray[np.float64]:
    return (upper / lower).to_numpy()


@dataclass(frozen=True)
class Store:
    """A folder of snapshots."""

    root: Path

    def save(self, loaded: Loaded) -> Snapshot:
        """Keep these prices and return their snapshot; content that is there already is not written again."""
        prices, digest = loaded.prices, content_hash(loaded.prices)
        snapshot = Snapshot(
            valid_symbol(loaded.symbol),
            digest,
            loaded.source,
            loaded.where,
            first=str(prices["day"].min()),
            last=str(prices["day"].max()),
            rows=prices.height,
            saved_at=datetime.now(UTC).isoformat(timespec="seconds"),
            layout=loaded.layout,
            notes=loaded.notes,
        )
        if not self._holds(snapshot):
            write_frame(self.root / snapshot.file_name, prices)
        newest = self.latest(loaded.symbol)
        if newest is not None and newest.hash == digest:
            return newest
        self._append(snapshot)
        return snapshot

    def load(self, symbol: str, prefix: str) -> Loaded:
        """Return the snapshot of `symbol` whose hash starts with `prefix`.

        Raises
        ------
        DataError
            No such snapshot, more than one, or a file that no longer holds what was saved.
        """
        found = {entry.hash: entry for entry in self.history(symbol) if entry.hash.startswith(prefix)}
        if not found:
            known = ", ".join(entry.hash[:SHORT] for entry in self.history(symbol)) or "none"
            raise DataError(f"{self.root}: no snapshot of {symbol} with hash {prefix[:64]!r}; known: {known}")
        if len(found) > 1:
            many = f"{len(found)} snapshots of {symbol} start with {prefix!r}"
            raise DataError(f"{self.root}: {many}; give more digits")
        snapshot = next(iter(found.values()))
        path = self.root / snapshot.file_name
        prices = _read(path)
        if content_hash(prices) != snapshot.hash:
            raise DataError(f"{path}: not the numbers that were saved; fetch or add {symbol} again")
        layout = f"snapshot of {snapshot.source} {snapshot.where}"
        return Loaded(symbol, prices, "store", str(path), snapshot.notes, layout)

    def latest(self, symbol: str) -> Snapshot | None:
        """Return the newest snapshot of `symbol`, or None."""
        return next(reversed(self.history(symbol)), None)

    def history(self, symbol: str) -> tuple[Snapshot, ...]:
        """Return every snapshot of `symbol` in the order in which they were saved."""
        valid_symbol(symbol)
        return tuple(entry for entry in self._entries() if entry.symbol == symbol)

    def symbols(self) -> tuple[str, ...]:
        """Return the symbols that have a snapshot, ascending."""
        return tuple(sorted({entry.symbol for entry in self._entries()}))

    def _holds(self, snapshot: Snapshot) -> bool:
        try:
            return content_hash(_read(self.root / snapshot.file_name)) == snapshot.hash
        except DataError:
            return False

    @property
    def _index(self) -> Path:
        return self.root / "index.jsonl"

    def _entries(self) -> list[Snapshot]:
        try:
            lines = self._index.read_text(encoding="utf-8").split("\n")
        except (FileNotFoundError, NotADirectoryError):
            return []
        except (OSError, UnicodeDecodeError) as error:
            why = getattr(error, "strerror", None) or "no text"
            raise DataError(f"{self._index}: cannot be read ({why}); move it away and save again") from None
        entries = (_entry(line) for line in lines)
        return [entry for entry in entries if entry is not None]

    def _append(self, snapshot: Snapshot) -> None:
        line = json.dumps(asdict(snapshot), ensure_ascii=False)
        try:
            with self._index.open("ab+") as index:
                index.seek(0, os.SEEK_END)
                if index.tell():
                    index.seek(-1, os.SEEK_END)
                    line = line if index.read() == b"\n" else "\n" + line  # a kill may have left half a line
                index.write(f"{line}\n".encode())
        except OSError as error:
            raise DataError(f"{self._index}: cannot be written ({error}); check the folder") from None


def _entry(line: str) -> Snapshot | None:
    """Return the snapshot a line of the index names; None for half a line and for a name that is none."""
    try:
        fields = json.loads(line)
        notes = [Doubt(**{**note, "days": tuple(note["days"])}) for note in fields.pop("notes", [])]
        entry = Snapshot(**fields, notes=tuple(notes))
        valid_symbol(entry.symbol)
        return entry if HASH.fullmatch(entry.hash) else None
    except (ValueError, TypeError, KeyError, AttributeError, SettingError):
        return None


def _read(path: Path) -> pl.DataFrame:
    try:
        return require(read_frame(path), PRICES)
    except DataError as error:
        raise DataError(f"{error}; fetch or add it again") from None
