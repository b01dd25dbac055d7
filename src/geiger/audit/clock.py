"""Labels against the clock: known in time for every fold, and moved by the day on which they become known."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

import numpy as np

from geiger.audit.cuts import Cut
from geiger.audit.tables import Moved, Table
from geiger.experiment.cut import use_folds
from geiger.experiment.material import Material
from geiger.experiment.out_of_fold import days_of
from geiger.experiment.plan import WalkPlan
from geiger.learning.folds import Fold


def folds_of(planned: WalkPlan, material: Material) -> Iterator[tuple[Material, Fold]]:
    """Yield every fold, scored or for use, with the material whose rows it counts."""
    yield from ((material, fold) for fold in planned.folds)
    config = planned.experiment.config
    yield from ((material.whole, fold) for fold in use_folds(material, config, planned.folds))


def late_labels(material: Material, fold: Fold) -> tuple[int, tuple[Moved, Cut] | None]:
    """Return how many labels a fold learns, and those that are known only after its first decision."""
    days, known = days_of(material.prices["day"]), days_of(material.target["known_on"])
    rows, decided = np.r_[fold.train, fold.valid], days[fold.test.start]
    late = rows[~(known[rows] <= decided)]  # a day that nobody knows is late too
    if not late.size:
        return len(rows), None
    first, last = (days[row].astype(dt.date) for row in (late[0], late[-1]))
    name, count = f"known_on of fold {fold.index}", len(late)
    found = Moved("labels", name, first, float(count), count, last, 1)
    return len(rows), (found, Cut(fold.test.start, decided.astype(dt.date), "first row of a fold", fold))


def still_labels(base: Table, other: Table, next_day: np.datetime64) -> Iterator[Moved]:
    """Yield labels that claim to become known on the altered day and did not move with it."""
    rows = np.flatnonzero(base.known == next_day)
    for row in rows[np.isfinite(base.values[rows, 0])]:
        if base.values[row, 0] == other.values[row, 0]:
            day = base.rows[row].astype(dt.date)
            yield Moved("labels", "value (did not move with its own day)", day, 0.0, 1, day, 1)
