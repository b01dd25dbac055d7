"""A number a day, kept in files that are named after what they hold.

A file is called by the SHA-256 of its days and numbers, so it can be written twice and replaced by nothing
else: whoever knows the name knows whether the content is still the one it was.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt
import polars as pl

from geiger.errors import DataError
from geiger.files import parquet_table, write_frame

DIGEST = re.compile(r"[0-9a-f]{64}")  # what stands in a register may have been written by anyone
State = Literal["whole", "gone", "changed"]


@dataclass(frozen=True, eq=False)
class DayValues:
    """One number a day.

    Attributes
    ----------
    day : array (n,)
        Days since 1970-01-01, int32, ascending, none twice.
    value : array (n,)
        float32, finite: one part in ten million is enough for scores and daily returns.
    """

    day: npt.NDArray[np.int32]
    value: npt.NDArray[np.float32]

    def __post_init__(self) -> None:
        if self.day.shape != self.value.shape or self.day.ndim != 1:
            raise DataError(f"{self.day.shape} days need as many values, got {self.value.shape}")
        if (np.diff(self.day) <= 0).any():
            raise DataError("days must ascend, none twice; sort them first")
        if not np.isfinite(self.value).all():
            raise DataError("a value of a day is not finite; leave such days out")

    @classmethod
    def of(cls, day: Iterable[object], value: Iterable[float]) -> DayValues:
        """Return values by day; `day` may be dates, or days since 1970-01-01.

        >>> from datetime import date
        >>> DayValues.of([date(1970, 1, 2)], [0.5]).day
        array([1], dtype=int32)
        """
        days = pl.Series("day", day).cast(pl.Date).cast(pl.Int32).to_numpy()
        return cls(days, pl.Series("value", value, dtype=pl.Float32, strict=False).to_numpy())

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the days (int32) and then the values (float32), little-endian."""
        found = hashlib.sha256(self.day.astype("<i4").tobytes())
        found.update(self.value.astype("<f4").tobytes())
        return found.hexdigest()

    def __len__(self) -> int:
        return len(self.day)


@dataclass(frozen=True)
class DayFiles:
    """A folder of such files.

    Attributes
    ----------
    column : str
        What a value is called in the files, beside ``day``.
    """

    folder: Path
    column: str

    def path(self, digest: str) -> Path:
        """Return the file that holds, or held, what has this digest."""
        return self.folder / f"{digest}.parquet"

    def keep(self, values: DayValues) -> str:
        """Write values unless they are there, and return their digest.

        Raises
        ------
        DataError
            The folder cannot be written.
        """
        if self.state(values.digest) != "whole":
            day = pl.Series("day", values.day).cast(pl.Date)
            write_frame(self.path(values.digest), pl.DataFrame([day, pl.Series(self.column, values.value)]))
        return values.digest

    def read(self, digest: str) -> DayValues | None:
        """Return what has this digest; None where its file is gone, or holds something else by now."""
        if not DIGEST.fullmatch(digest):
            return None
        import pyarrow as pa  # without a frame in between, which takes most of the time of thousands of files

        try:
            table = parquet_table(self.path(digest).read_bytes())
            day, value = table.column("day").cast(pa.int32()), table.column(self.column).cast(pa.float32())
            if day.null_count or value.null_count:
                return None
            values = DayValues(
                np.asarray(day.to_numpy(), dtype=np.int32), np.asarray(value.to_numpy(), dtype=np.float32)
            )
        except (OSError, ValueError, KeyError, pa.ArrowException, DataError):
            return None
        return values if values.digest == digest else None

    def state(self, digest: str) -> State:
        """Say whether the file of a digest is whole, gone, or holds something else."""
        if self.read(digest) is not None:
            return "whole"
        return "changed" if DIGEST.fullmatch(digest) and self.path(digest).exists() else "gone"
