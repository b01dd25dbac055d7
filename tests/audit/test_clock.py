"""Labels against the clock, by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from geiger.audit.clock import folds_of, late_labels, still_labels
from geiger.audit.tables import Table
from geiger.experiment.plan import WalkPlan, plan
from geiger.learning.folds import Fold
from geiger.market.synthetic import garch_market
from helpers.runs import experiment, small
from helpers.stacks import material


def test_a_label_is_late_where_it_is_known_after_the_first_decision() -> None:
    known = material()  # filled at the next open: the label of row t is known on the day of row t + 2
    in_time = Fold(0, range(10, 40), range(41, 60), range(61, 70))
    assert late_labels(known, in_time) == (49, None)
    learned, late = late_labels(known, Fold(0, range(10, 40), range(41, 60), range(60, 70)))
    assert learned == 49
    assert late is not None
    moved, cut = late
    assert (moved.stage, moved.rows, moved.row) == ("labels", 1, known.prices["day"][59])
    assert cut.row == 60


def test_a_label_that_nobody_knows_is_late() -> None:
    known = material()
    end = known.prices.height
    late = late_labels(known, Fold(0, range(10, 40), range(end - 30, end), range(end - 1, end)))[1]
    assert late is not None
    assert late[0].rows == 2


def test_folds_for_use_are_held_against_the_clock_too(tmp_path: Path) -> None:
    planned = plan(experiment(tmp_path, garch_market(900, 3), config=small(lockbox=100)))
    assert isinstance(planned, WalkPlan)
    folds = list(folds_of(planned, planned.material))
    assert len(folds) > len(planned.folds)
    assert {len(one.prices) for one, _ in folds} == {800, 900}
    assert all(late_labels(one, fold)[1] is None for one, fold in folds)


def test_a_label_must_move_with_the_day_on_which_it_becomes_known() -> None:
    days = np.datetime64("2020-01-01") + np.arange(5)
    values = np.arange(5.0)[:, None]
    base = Table("target", ("value",), days, days + 1, values)
    other = Table("target", ("value",), days, days + 1, values + np.array([0, 0, 1, 1, 1.0])[:, None])
    assert not list(still_labels(base, other, days[3]))
    (still,) = still_labels(base, other, days[2])
    assert still.row.isoformat() == "2020-01-02"
