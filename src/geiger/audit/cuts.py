"""Where an audit cuts: both edges of the first, the middle and the last fold, and the last row of all.

A fold is touched by the cuts in its own test rows; those alone need refitting.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from geiger.experiment.material import Material
from geiger.learning.folds import Fold

FIRST_TEST_ROW, INSIDE, LAST_ROW = "first test row", "inside a middle fold", "last development row"


@dataclass(frozen=True)
class Cut:
    """One cut: what is decided at the close of `day`, and before, may not know what comes after.

    Attributes
    ----------
    row : int
        Of the development rows.
    fold : Fold, optional
        Whose test rows it lies in; None behind the last labelled row.
    why : str
        What is special about it.
    """

    row: int
    day: dt.date
    why: str
    fold: Fold | None = None


def cuts_of(material: Material, folds: Sequence[Fold]) -> tuple[Cut, ...]:
    """Return the cuts of a walk, by row, each row once."""
    first, middle, last = folds[0], folds[len(folds) // 2], folds[-1]
    end = material.prices.height - 1
    asked = (
        (first.test.start, FIRST_TEST_ROW, first),
        (first.test[-1], "last row of the first fold", first),
        (middle.test.start, "first row of a middle fold", middle),
        (middle.test[len(middle.test) // 2], INSIDE, middle),
        (last.test[-1], "last test row", last),
        (end, LAST_ROW, None),
    )
    found: dict[int, Cut] = {}
    for row, why, fold in asked:
        found.setdefault(row, Cut(row, material.prices["day"][row], why, fold))
    return tuple(found[row] for row in sorted(found))
