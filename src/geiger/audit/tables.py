"""What a stage hands on, as rows that each say by when they claim to be known; and which of them moved.

One rule serves every stage: **alter what comes after a cut, and nothing that claims to be known by then may
move.** A leak is a row that claims to be known and is not.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from geiger.experiment.out_of_fold import Days, days_of
from geiger.learning.windows import Floats


@dataclass(frozen=True, eq=False)
class Table:
    """What one stage hands on.

    Attributes
    ----------
    stage : str
        One of `stages.STAGES`.
    columns : tuple of str
    rows : (n,) datetime64[D]
        The day that names each row.
    known : (n,) datetime64[D]
        By the close of which day its values claim to be known; not a time where that lies after the data.
    values : (n, m) float64
    tolerance : float
        How far a value may move where the arrays have another length, in deviations of its column: matrix
        code adds in another order then. 0 is to the bit.
    may_lack : bool
        Whether a row may be missing where rows after the cut are, because nobody could know its outcome.
    rounding : float or (m,) float64
        How far a value of each column may move in any world, in deviations: a user's own arithmetic may add
        in an order that depends on other rows.
    """

    stage: str
    columns: tuple[str, ...]
    rows: Days
    known: Days
    values: Floats
    tolerance: float = 0.0
    may_lack: bool = False
    rounding: float | Floats = 0.0

    @classmethod
    def of(
        cls,
        stage: str,
        frame: pl.DataFrame,
        columns: Sequence[str],
        *,
        row: str = "day",
        known: str = "day",
        tolerance: float = 0.0,
        may_lack: bool = False,
    ) -> Table:
        """Return a frame's numbers; days among `columns` count as numbers of days."""
        values = [
            frame[name].cast(pl.Date).to_physical() if frame[name].dtype == pl.Date else frame[name]
            for name in columns
        ]
        matrix = np.stack([one.cast(pl.Float64).fill_null(np.nan).to_numpy() for one in values], axis=1)
        return cls(
            stage, tuple(columns), days_of(frame[row]), days_of(frame[known]), matrix, tolerance, may_lack
        )


@dataclass(frozen=True)
class Moved:
    """The first value of a table that moved and should not have.

    Attributes
    ----------
    row : date
        Its row.
    size : float
        Largest move of its column, in deviations of the column; infinite where a value came or went.
    rows, last : int, date
        How many of its rows moved, and the last of them.
    columns : int
        How many columns moved.
    member : str, optional
        Of a panel: the symbol whose row it is.
    members : int
        How many symbols moved.
    """

    stage: str
    column: str
    row: dt.date
    size: float
    rows: int
    last: dt.date
    columns: int
    member: str | None = None
    members: int = 1


def moved(base: Table, other: Table, cut: dt.date, *, truncated: bool = False) -> Moved | None:
    """Return the first value known by `cut` that differs between two worlds, or None.

    Parameters
    ----------
    truncated : bool
        Whether the other world ends at the cut: then arrays are shorter, and `Table.tolerance` holds.
    """
    claimed = base.known <= np.datetime64(cut, "D")
    return _differing(base, other, claimed, truncated)


def moved_after(base: Table, other: Table, cut: dt.date) -> Moved | None:
    """Return the first value of the rows from `cut` on that differs between two worlds, or None."""
    return _differing(base, other, base.rows >= np.datetime64(cut, "D"), truncated=False)


def _differing(base: Table, other: Table, claimed: npt.NDArray[np.bool_], truncated: bool) -> Moved | None:
    if base.columns != other.columns:
        return _renamed(base, other)
    if not claimed.any():
        return None
    place = np.minimum(np.searchsorted(other.rows, base.rows[claimed]), max(len(other.rows) - 1, 0))
    there = other.rows[place] == base.rows[claimed] if len(other.rows) else np.zeros(len(place), bool)
    rows, before = base.rows[claimed], base.values[claimed]
    if truncated and base.may_lack:
        rows, before, place, there = rows[there], before[there], place[there], there[there]
    if not len(rows):
        return None
    after = (
        np.where(there[:, None], other.values[place], np.nan)
        if len(other.rows)
        else np.full_like(before, np.nan)
    )
    differs = ~((before == after) | (np.isnan(before) & np.isnan(after))) | ~there[:, None]
    room = np.maximum(base.rounding, base.tolerance if truncated else 0.0)
    if np.any(room > 0.0):
        with np.errstate(invalid="ignore"):
            differs &= ~(np.abs(before - after) <= room * _deviation(base.values))
    if not differs.any():
        return None
    column = int(differs.any(axis=0).argmax())
    at = np.flatnonzero(differs[:, column])
    return Moved(
        stage=base.stage,
        column=base.columns[column],
        row=rows[at[0]].astype(dt.date),
        size=_size(before[at, column], after[at, column], _deviation(base.values)[column]),
        rows=len(at),
        last=rows[at[-1]].astype(dt.date),
        columns=int(differs.any(axis=0).sum()),
    )


def _renamed(base: Table, other: Table) -> Moved:
    name = next((a for a in base.columns if a not in other.columns), other.columns[-1])
    first, last = base.rows[0].astype(dt.date), base.rows[-1].astype(dt.date)
    return Moved(base.stage, name, first, np.inf, len(base.rows), last, 1)


def _deviation(values: Floats) -> Floats:
    """Return the deviation of each column (m,), its size where it does not vary, 1 where it is 0."""
    finite = np.where(np.isfinite(values), values, 0.0)
    spread = finite.std(axis=0)
    spread = np.where(spread > 0.0, spread, np.abs(finite).max(axis=0, initial=0.0))
    return np.where(spread > 0.0, spread, 1.0)


def _size(before: Floats, after: Floats, unit: float) -> float:
    gone = np.isnan(before) != np.isnan(after)
    return float("inf") if gone.any() else float(np.nanmax(np.abs(before - after)) / unit)
