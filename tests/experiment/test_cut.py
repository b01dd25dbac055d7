"""The folds of a material under its settings."""

from __future__ import annotations

from dataclasses import replace

from geiger.experiment.cut import cut_folds, plan_folds, use_folds
from helpers.runs import small
from helpers.stacks import material


def test_settings_say_where_the_folds_lie() -> None:
    folds = cut_folds(10, 500, small(min_train=300, refit=80))
    assert [fold.test for fold in folds] == [range(311, 391), range(391, 471), range(471, 500)]
    assert [fold.valid.stop for fold in folds] == [310, 390, 470]  # one row of gap
    assert all(fold.train.start == 10 for fold in folds)
    rolling = cut_folds(10, 500, small(min_train=300, refit=80, rolling=320))
    assert [fold.train.start for fold in rolling] == [10, 70, 150]
    assert cut_folds(10, 500, small(min_train=300, refit=80, max_folds=2)) == folds[1:]


def test_scored_folds_cover_the_rows_whose_outcome_is_known() -> None:
    known = replace(material(), warmup=20)
    folds = plan_folds(known, small())
    assert (folds[0].test.start, folds[-1].test.stop) == (20 + 300 + 1, known.labelled)


def test_folds_behind_the_scored_ones_go_on_over_what_is_locked() -> None:
    whole = material()
    rows = whole.prices.height
    config = small(refit=30)
    scored = plan_folds(whole, config)
    (alone,) = use_folds(whole, config, scored)  # nothing is locked
    assert alone.index == scored[-1].index + 1
    assert (alone.valid.stop, alone.test) == (rows - 2, range(rows - 1, rows))
    cut = rows - 50
    development = replace(whole, prices=whole.prices.head(cut), beyond=whole)
    ahead = use_folds(development, config, scored)
    assert [fold.test for fold in ahead] == [
        range(cut - 1, cut + 29),
        range(cut + 29, rows - 1),
        range(rows - 1, rows),
    ]
    assert all(fold.valid.stop == fold.test.start - 1 for fold in ahead)
