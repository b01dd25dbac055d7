"""The same walk on other labels: forecasts alone, and with the plan's own labels the run's own bits."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from geiger.experiment.plan import Plan, plan
from geiger.experiment.relearned import fewer_fits
from geiger.experiment.run import run
from geiger.learning.folds import walk_forward
from helpers.runs import experiment, small, stack_experiment


@pytest.mark.parametrize("every", [1, 2, 3, 50])
@pytest.mark.parametrize("horizon", [1, 5])
def test_fewer_fits_forecast_the_same_rows(every: int, horizon: int) -> None:
    folds = walk_forward(10, 1000, horizon=horizon, min_train=300, refit=63)
    fewer = fewer_fits(folds, every)
    rows = [row for fold in fewer for row in fold.test]
    assert rows == [row for fold in folds for row in fold.test]
    assert len(fewer) == -(-len(folds) // every)
    for fold in fewer:  # no label is learned from that is not known before the first decision
        assert fold.valid[-1] + horizon < fold.test[0]


def plan_of(tmp_path: Path, market: pl.DataFrame, model: str, **changes: object) -> Plan:
    return plan(experiment(tmp_path, market, model, small(**changes)))


@pytest.mark.parametrize("model", ["ridge", "lgb"])
def test_with_its_own_labels_it_is_the_run(tmp_path: Path, market: pl.DataFrame, model: str) -> None:
    planned = plan_of(tmp_path, market, model, workers=1)
    (again,) = planned.relearned([planned.material])
    assert again.equals(run(planned).forecasts)


@pytest.mark.parametrize("model", ["lgb"])
def test_workers_change_no_bit(tmp_path: Path, market: pl.DataFrame, model: str) -> None:
    one, two = (plan_of(tmp_path, market, model, workers=workers) for workers in (1, 2))
    worlds = [_world(one, shift) for shift in (0.0, 0.01)]
    first, second = (list(planned.relearned(worlds)) for planned in (one, two))
    assert all(a.equals(b) for a, b in zip(first, second, strict=True))
    assert not first[0]["forecast"].equals(first[1]["forecast"])


def test_a_stack_with_its_own_labels_is_the_run(tmp_path: Path, market: pl.DataFrame) -> None:
    planned = plan(stack_experiment(tmp_path, market, workers=1))
    (again,) = planned.relearned([planned.material])
    assert again["forecast"].to_numpy() == pytest.approx(run(planned).forecasts["forecast"].to_numpy())


def test_lighter_is_one_member_and_fewer_folds(tmp_path: Path, market: pl.DataFrame) -> None:
    planned = plan_of(tmp_path, market, "lgb", seeds=3)
    lighter = planned.lighter(160)  # it is fitted every 80 days
    assert (planned.members, lighter.members) == (3, 1)
    assert len(lighter.folds) == -(-len(planned.folds) // 2)
    assert lighter.test_rows == planned.test_rows
    assert planned.lighter(40).folds == planned.folds
    stacked = plan(stack_experiment(tmp_path, market)).lighter(160)
    assert stacked.folds == plan(stack_experiment(tmp_path, market)).folds
    assert all(base.members == 1 for base in stacked.bases)


def _world(planned: Plan, shift: float) -> object:
    noise = np.random.default_rng(0).normal(0.0, 1.0, planned.material.target.height) * shift
    target = planned.material.target.with_columns(value=pl.col("value") + pl.Series(noise))
    return replace(planned.material, target=target)
