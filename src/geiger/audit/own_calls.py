"""A user's own features, called at many more cuts than a fit could be repeated at.

A look ahead may stand in few rows: on Mondays, at the end of a month. It shows where a cut falls on such a
row alone, so cuts are laid on days of every kind. A file is run anew for each call: what an earlier call left
in its memory is no answer to another future.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np
import polars as pl

from geiger.audit.pipeline import ROUNDING
from geiger.audit.tables import Moved, Table, moved
from geiger.audit.worlds import FUTURES
from geiger.errors import GeigerError
from geiger.experiment.material import Material
from geiger.experiment.out_of_fold import days_of
from geiger.experiment.own import OwnFeatures, own_features
from geiger.seeds import generator

EVENLY = 16  # cuts, beside those of each kind of day
OF_A_KIND = 3
LONG_BREAK = 4  # days to the next bar: a week-end has 3
ALTERNATING = ("noise", "truncated")


@dataclass
class Called:
    """What came of it.

    Attributes
    ----------
    leaks : list of (Moved, str, int)
        What moved first of each column, the future in which it did, and the row of the cut.
    still : tuple of str
        Columns that never moved behind a cut either: nothing that was altered is in them.
    failed : str or None
        What the first call said that ended; None where all gave an answer.
    """

    calls: int = 0
    values: int = 0
    leaks: list[tuple[Moved, str, int]] = field(default_factory=list)
    still: tuple[str, ...] = ()
    failed: str | None = None


def call_own(features: OwnFeatures, material: Material) -> Called:
    """Ask a function for its columns of bars whose future is another, cut by cut.

    Parameters
    ----------
    material : Material
        Of the world as it is.
    """
    base, found = _table(features, material, material.prices), Called()
    waiting = set(base.columns)
    for place, row in enumerate(rows_to_cut(material.prices, material.warmup)):
        kind = ALTERNATING[place % 2]
        rng = generator(0, "audit", "own features", material.symbol, row)
        try:
            other = _table(_anew(features), material, FUTURES[kind].alter(material.prices, row + 1, rng))
        except GeigerError as error:
            found.failed = found.failed or str(error)
            continue
        found.calls, found.values = found.calls + 1, found.values + (row + 1) * len(base.columns)
        first = moved(base, other, material.prices["day"][row], truncated=kind == "truncated")
        if first is not None:
            found.leaks.append((first, kind, row))
            break
        if kind == "noise":
            waiting -= _livened(base, other, row)
    found.still = tuple(name for name in base.columns if name in waiting) if found.calls > 1 else ()
    return found


def rows_to_cut(prices: pl.DataFrame, first: int) -> list[int]:
    """Return rows from `first` on: evenly spread, and some of each kind of day."""
    days, last = prices["day"], prices.height - 1
    month, gap = days.dt.month(), days.diff().dt.total_days().shift(-1).fill_null(1)
    kinds = [days.dt.weekday() == number for number in range(1, 8)]
    kinds += [month != month.shift(-1), month != month.shift(1), days.dt.year() != days.dt.year().shift(-1)]
    kinds += [gap >= LONG_BREAK, prices["volume"] == 0.0]
    found = set(_spread(np.arange(first, last + 1), EVENLY))
    for kind in kinds:
        rows = kind.fill_null(value=False).arg_true().to_numpy()
        found |= set(_spread(rows[(rows >= first) & (rows < last)], OF_A_KIND))
    return sorted(found)


def _spread(rows: np.ndarray, most: int) -> list[int]:
    places = (np.arange(min(most, len(rows))) + 0.5) * len(rows) / max(min(most, len(rows)), 1)
    return [int(rows[int(place)]) for place in places]


def _table(features: OwnFeatures, material: Material, prices: pl.DataFrame) -> Table:
    made, days = features.build(prices).drop("day"), days_of(prices["day"])
    named = material.own.columns if len(material.own.columns) == made.width else tuple(made.columns)
    return Table("features", named, days, days, made.to_numpy(), rounding=ROUNDING)


def _livened(base: Table, other: Table, row: int) -> set[str]:
    """Return the columns that are other numbers behind the cut, as they are where they are made of bars."""
    before, after = base.values[row + 1 :], other.values[row + 1 :]
    same = (before == after) | (np.isnan(before) & np.isnan(after))
    return {name for name, alike in zip(base.columns, same.all(axis=0), strict=True) if not alike}


def _anew(features: OwnFeatures) -> OwnFeatures:
    """Return the same function of a file that is run anew; a function given in memory as it is."""
    if features.where is None or features.digest is None:
        return features
    with _names_kept():
        again = own_features(f"{features.where}:{features.name.rpartition(':')[2]}")
    return again if again is not None and again.digest == features.digest else features


@contextmanager
def _names_kept() -> Iterator[None]:
    """Leave the modules of own files as they were: an estimator's class is looked up there."""
    before = {name: module for name, module in sys.modules.items() if name.startswith("geiger_own_")}
    try:
        yield
    finally:
        sys.modules.update(before)
