"""What a stage of a panel hands on: rows of many symbols, and which of them moved.

The rule is that of `tables`; a row is a day and a symbol, and symbols are found by their names, for another
world may lack some.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from geiger.audit.tables import Moved, Table, moved
from geiger.experiment.out_of_fold import Days

Values = npt.NDArray[np.floating]


@dataclass(frozen=True, eq=False)
class PanelTable:
    """What one stage hands on, row by row.

    Attributes
    ----------
    stage : str
        One of `stages.PANEL_STAGES`.
    columns : tuple of str
    symbols : tuple of str (N,)
        Names that `member` counts.
    rows : (n,) datetime64[D]
        Ascending.
    member : (n,) int
    known : (n,) datetime64[D]
        By the close of which day the values of a row claim to be known.
    values : (n, m) floating
    tolerance, may_lack
        As of `Table`.
    """

    stage: str
    columns: tuple[str, ...]
    symbols: tuple[str, ...]
    rows: Days
    member: npt.NDArray[np.integer]
    known: Days
    values: Values
    tolerance: float = 0.0
    may_lack: bool = False

    def of(self, place: int) -> Table:
        """Return the rows of one member."""
        own = self.member == place
        return Table(
            self.stage,
            self.columns,
            self.rows[own],
            self.known[own],
            self.values[own].astype(np.float64),
            self.tolerance,
            self.may_lack,
        )


def moved_in_panel(
    base: PanelTable, other: PanelTable, cut: dt.date | None, *, shorter: bool = False
) -> Moved | None:
    """Return the first value known by `cut` that differs between two worlds, or None.

    Parameters
    ----------
    cut : date, optional
        None holds all rows of the members that both worlds have against each other.
    shorter : bool
        Whether rows are missing in the other world: then arrays have another length, and the table's
        tolerance holds.
    """
    last = dt.date.max if cut is None else cut
    suspects = _suspects(base, other, last, lacking=cut is None or (shorter and base.may_lack))
    there = {symbol: place for place, symbol in enumerate(other.symbols)}
    found = []
    for place in suspects:
        symbol = base.symbols[place]
        if symbol in there:
            theirs = other.of(there[symbol])
        elif cut is None:
            continue
        else:
            theirs = _none(other)
        ours = base.of(int(place))
        if cut is None:
            ours = replace(ours, known=ours.rows, may_lack=True)
        one = moved(ours, theirs, last, truncated=shorter or cut is None)
        if one is not None:
            found.append(replace(one, member=symbol))
    if not found:
        return None
    columns = {name: i for i, name in enumerate(base.columns)}
    first = min(found, key=lambda one: (columns[one.column], one.row))
    alike = sum(one.column == first.column for one in found)
    return replace(first, members=alike)


def _suspects(
    base: PanelTable, other: PanelTable, last: dt.date, *, lacking: bool
) -> npt.NDArray[np.integer]:
    """Return the members with a row known by `last` that the other world lacks, or has otherwise."""
    claimed = np.flatnonzero(base.known <= np.datetime64(last, "D"))
    if not claimed.size:
        return np.empty(0, dtype=np.int64)
    if not len(other.rows):
        return np.empty(0, np.int64) if lacking else np.unique(base.member[claimed])
    names = {symbol: place for place, symbol in enumerate(base.symbols)}
    number = np.array([names.get(symbol, len(names)) for symbol in other.symbols], dtype=np.int64)
    ours, theirs = _keys(base.rows, base.member), _keys(other.rows, number[other.member])
    order = np.argsort(theirs, kind="stable")
    place = order[np.minimum(np.searchsorted(theirs, ours[claimed], sorter=order), len(theirs) - 1)]
    there = theirs[place] == ours[claimed]
    before, after = base.values[claimed], other.values[place]
    same = np.asarray(((before == after) | (np.isnan(before) & np.isnan(after))).all(axis=1))
    suspect = there & ~same if lacking else ~(there & same)
    return np.unique(base.member[claimed[suspect]])


def _keys(rows: Days, member: npt.NDArray[np.integer]) -> npt.NDArray[np.int64]:
    return rows.astype("datetime64[D]").astype(np.int64) * 100_000 + member


def _none(table: PanelTable) -> Table:
    empty = np.empty(0, dtype="datetime64[D]")
    return Table(table.stage, table.columns, empty, empty, np.empty((0, len(table.columns))))
