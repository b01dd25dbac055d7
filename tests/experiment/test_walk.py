"""A walk of one model, fold by fold."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from geiger.experiment.plan import WalkPlan, plan
from geiger.experiment.run import run
from geiger.experiment.walk import walk
from helpers.runs import experiment, locked_experiment


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
