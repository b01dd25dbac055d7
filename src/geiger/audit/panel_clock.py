"""Labels of a panel against the clock: a fold learns none that is known only after its first decision.

A symbol that did not trade for some days has labels that are late; nobody knew on their day how late.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from geiger.audit.cuts import Cut
from geiger.audit.panel_pipeline import Made
from geiger.audit.tables import Moved
from geiger.experiment.out_of_fold import Days, days_of
from geiger.learning.folds import Fold
from geiger.panel.folds import counting, rows_of, use_fold
from geiger.panel.material import PanelMaterial
from geiger.panel.plan import PanelPlan
from geiger.panel.targets import Targets
from geiger.settings import paced_in_a_panel

WHY = "first row of a fold"


def folds_for(planned: PanelPlan) -> Mapping[str, tuple[Fold, ...]]:
    """Return every fold of each base model, scored or for use."""
    config = planned.work.config
    return {
        base: (*folds, use_fold(planned.material, paced_in_a_panel(config, base)))
        for base, folds in planned.folds.items()
    }


def late_labels(
    material: PanelMaterial, targets: Targets, folds: Mapping[str, Sequence[Fold]]
) -> Iterator[tuple[int, tuple[Moved, Cut] | None]]:
    """Yield, fold by fold, how many labels it learns, and those that are known after its first decision."""
    days, known = days_of(material.calendar), days_of(material.known_on)
    counted = counting(material)
    learned = np.isfinite(targets.selection) | np.isfinite(targets.timing)
    for base, cut in folds.items():
        for fold in cut:
            span = rows_of(material, counted, range(fold.train.start, fold.valid.stop))
            rows = span.start + np.flatnonzero(learned[span])
            first = int(counted[fold.test.start])
            late = rows[~(known[rows] <= days[first])]  # a day that nobody knows is late too
            moved = None
            if late.size:
                moved = (
                    _late(material, days, late, f"known_on of fold {fold.index} of {base}"),
                    _cut(days, first),
                )
            yield len(rows), moved


def learned_too_much(made: Made) -> Iterator[tuple[Moved, Cut]]:
    """Yield fits that learned from more rows than there are labels known by their first decision."""
    material, known = made.material, days_of(made.material.known_on)
    counted, place = counting(material), 0
    for base, cut in made.folds.items():
        fitted = made.walk.folds[place : place + len(cut)]
        place += len(cut)
        for one in fitted:
            fold, first = one.fold, int(counted[one.fold.test.start])
            span = rows_of(material, counted, range(fold.train.start, fold.valid.stop))
            there = int((known[span] <= made.days[first]).sum())
            if one.learned_rows > there:
                day = made.days[first].astype(dt.date)
                extra = float(one.learned_rows - there)
                column = f"rows learned from by fold {fold.index} of {base}"
                yield Moved("labels", column, day, extra, int(extra), day, 1), _cut(made.days, first)


def _late(material: PanelMaterial, days: Days, late: np.ndarray, column: str) -> Moved:
    first, last = (days[material.day[row]].astype(dt.date) for row in (late[0], late[-1]))
    members = np.unique(material.member[late])
    return Moved(
        stage="labels",
        column=column,
        row=first,
        size=float(len(late)),
        rows=len(late),
        last=last,
        columns=1,
        member=material.symbols[int(material.member[late[0]])],
        members=len(members),
    )


def _cut(days: Days, place: int) -> Cut:
    return Cut(place, days[place].astype(dt.date), WHY)
