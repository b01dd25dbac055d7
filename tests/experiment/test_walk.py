"""A walk of one model, fold by fold."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from geiger.experiment.plan import WalkPlan, plan
from geiger.experiment.run import run
from geiger.experiment.walk import Walk, walk
from geiger.records import Notice
from helpers.folds import fold_output, folds_of
from helpers.runs import experiment, locked_experiment
from helpers.stacks import material


def test_a_study_trains_no_fold_that_it_does_not_score(tmp_path: Path, planted: pl.DataFrame) -> None:
    planned = plan(locked_experiment(tmp_path, planted, "ridge"))
    assert isinstance(planned, WalkPlan)
    done = walk(planned.material, "ridge", planned.forecaster, planned.experiment.config, planned.folds)
    assert done.sealed is None
    assert done.trained is None
    assert "sealed" not in done.frames


def test_train_figures_describe_the_rows_of_the_final_fit(tmp_path: Path, market: pl.DataFrame) -> None:
    planned = plan(experiment(tmp_path, market))
    done = run(planned)
    target = planned.material.target["value"].to_numpy()
    last = planned.folds[-1]
    rows = [*last.train, *last.valid]  # ridge fits both once its penalty is chosen
    assert done.forecasts["train_mean"][-1] == pytest.approx(target[rows].mean())
    assert done.forecasts["train_std"][-1] == pytest.approx(target[rows].std())


def walked(*changes: dict[str, Any]) -> Walk:
    """A walk of which only the folds matter."""
    known, nothing = material(), pl.DataFrame()
    folds = zip(folds_of(known), changes, strict=False)
    outputs = tuple(fold_output(known, fold, **change) for fold, change in folds)
    return Walk("ridge", nothing, nothing, nothing, nothing, outputs)


def test_folds_that_say_the_same_say_it_once() -> None:
    odd = Notice("ODD", "something is odd")
    other = replace(odd, text="something else is")
    done = walked({"notices": (odd,)}, {"notices": ()}, {"notices": (other,), "resumed": True})
    assert [(notice.code, notice.text) for notice in done.notices] == [
        ("ODD", "something is odd; and 1 more such [in 2 of 3 folds: 0, 2]"),
        ("RESUMED", "fold 2 was finished by an earlier run that was stopped"),
    ]


def test_the_log_is_told_what_the_folds_chose() -> None:
    done = walked({}, {})
    text = "Rounds (trees, epochs, or place on the penalty grid) of 4 trainings: median 4, from 3 to 5."
    assert done.notes == (text,)
    none = [replace(fold, result=replace(fold.result, rounds=())) for fold in done.folds]
    assert replace(done, folds=tuple(none)).notes == ()


def test_a_walk_that_trained_nothing_for_use_leaves_no_model() -> None:
    assert walked({}).model_for_use({}) is None
