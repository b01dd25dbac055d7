"""Where an audit cuts."""

from __future__ import annotations

from geiger.audit.cuts import cuts_of
from geiger.experiment.cut import plan_folds
from geiger.experiment.material import Material
from helpers.runs import small
from helpers.stacks import material

CONFIG = small(refit=30, min_train=150)


def folds_and_rows(known: Material) -> tuple[list[range], list[int]]:
    folds = plan_folds(known, CONFIG)
    return [fold.test for fold in folds], [cut.row for cut in cuts_of(known, folds)]


def test_cuts_lie_at_edges_of_the_first_the_middle_and_the_last_fold_and_at_the_end() -> None:
    known = material()
    tests, rows = folds_and_rows(known)
    middle = tests[len(tests) // 2]
    edges = {tests[0][0], tests[0][-1], middle[0], tests[-1][-1]}
    assert edges < set(rows)
    assert rows[-1] == known.prices.height - 1
    assert rows == sorted(set(rows))
    assert len(rows) >= 5


def test_each_cut_names_the_fold_whose_test_rows_hold_it() -> None:
    known = material()
    for cut in cuts_of(known, plan_folds(known, CONFIG)):
        assert cut.day == known.prices["day"][cut.row]
        assert cut.fold is None or cut.row in cut.fold.test


def test_one_fold_has_each_cut_once() -> None:
    known = material()
    folds = plan_folds(known, CONFIG)[-1:]
    rows = [cut.row for cut in cuts_of(known, folds)]
    assert len(rows) == len(set(rows)) >= 3
