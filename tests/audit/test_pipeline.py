"""The tables of the real pipeline: what they hold is what a run holds."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from geiger.audit.cuts import Cut
from geiger.audit.pipeline import (
    Reached,
    StandIns,
    fold_tables,
    material_in,
    material_tables,
    stack_tables,
    trading_tables,
    walk_tables,
)
from geiger.audit.tables import Table
from geiger.audit.worlds import World
from geiger.experiment.evaluation import trade
from geiger.experiment.material import Material
from geiger.experiment.out_of_fold import days_of
from geiger.experiment.plan import StackPlan, WalkPlan, plan
from geiger.experiment.run import run
from geiger.learning.folds import Fold
from geiger.market.loaded import Loaded
from geiger.market.synthetic import garch_market
from helpers.runs import experiment, stack_settings, stored_of

PRICES = garch_market(900, 3)
WORLD = World(Loaded("TEST", PRICES, "frame", "given in memory"))


def walk_plan(folder: Path, model: str = "ridge") -> WalkPlan:
    planned = plan(experiment(folder, PRICES, model))
    assert isinstance(planned, WalkPlan)
    return planned


def by_stage(tables: list[Table], stage: str) -> list[Table]:
    return [table for table in tables if table.stage == stage]


def cut_at(material: Material, row: int) -> Cut:
    return Cut(row, material.prices["day"][row], "here")


def test_the_material_is_that_of_a_run(tmp_path: Path) -> None:
    planned = walk_plan(tmp_path)
    made = material_in(WORLD, None, planned.experiment.config, None)
    assert made.prices.equals(planned.material.prices)
    assert np.array_equal(made.features, planned.material.features, equal_nan=True)
    tables = list(material_tables(made))
    assert [table.stage for table in tables] == ["bars", "features", "target"]
    assert np.array_equal(tables[1].values, made.features, equal_nan=True)
    assert np.array_equal(tables[2].known, days_of(made.target["known_on"]), equal_nan=True)


def test_a_world_that_ends_at_a_cut_has_the_rows_up_to_it(tmp_path: Path) -> None:
    planned = walk_plan(tmp_path)
    config, base = planned.experiment.config, planned.material
    row = planned.folds[0].test.start  # the first decision: the fewest rows there are
    shorter = World(Loaded("TEST", PRICES.head(row + 1), "frame", "given in memory"))
    made = material_in(shorter, base, config, Reached(cut_at(base, row), truncated=True))
    assert made.prices.height == row + 1
    assert made.fill == base.fill


@pytest.mark.parametrize("model", ["ridge", "lgb"])
def test_a_refitted_fold_forecasts_what_the_run_did(tmp_path: Path, model: str) -> None:
    planned = walk_plan(tmp_path, model)
    stored = stored_of(run(planned))
    fold = planned.folds[-1]
    tables = list(walk_tables(planned.material, planned, planned.experiment.config, [fold]))
    known = stored.forecasts().filter(pl.col("fold") == fold.index)
    forecast = by_stage(tables, "model")[0]
    assert np.array_equal(forecast.values[:, 0], known["forecast"].to_numpy())
    assert np.array_equal(forecast.rows, days_of(known["day"]))
    (scaler,) = by_stage(tables, "scaler")
    train = planned.material.features[fold.train.start : fold.train.stop]
    assert np.allclose(scaler.values[0, : train.shape[1]], train.mean(axis=0), rtol=1e-9, atol=1e-12)
    assert scaler.known[0] == forecast.rows[0]


def test_the_ledger_is_that_of_the_stand_ins(tmp_path: Path) -> None:
    planned = walk_plan(tmp_path)
    config, given = planned.experiment.config, StandIns.of(planned.material)
    tables = list(trading_tables(planned.material, config, planned.folds, given, None))
    assert [table.stage for table in tables] == ["conformal", "weights", "fills"]
    forecasts = given.frame(planned.material, "traded", planned.folds, None)
    ledger = trade(forecasts, planned.material, config)
    assert np.array_equal(tables[2].values[:, -1], ledger["equity"].to_numpy())
    assert np.abs(tables[1].values).max() > 0.1  # stand-ins are traded
    assert np.isfinite(tables[0].values).all()


def test_stand_ins_are_the_same_up_to_a_cut_and_others_behind_it(tmp_path: Path) -> None:
    planned = walk_plan(tmp_path)
    given, rows = StandIns.of(planned.material), range(350, 500)
    here = given.column("a", rows, None)
    there = given.column("a", rows, Reached(cut_at(planned.material, 420)))
    assert np.array_equal(here[:71], there[:71])
    assert (here[71:] != there[71:]).all()
    assert (here != given.column("b", rows, None)).all()


def test_folds_are_those_of_the_plan_and_known_with_their_first_outcome(tmp_path: Path) -> None:
    planned = walk_plan(tmp_path)
    (table,) = fold_tables(planned.material, planned.experiment.config)
    assert table.values[:, 4].tolist() == [fold.test.start for fold in planned.folds]
    known = [planned.material.target["known_on"][fold.test.start] for fold in planned.folds]
    assert table.known.tolist() == known


def test_a_stack_weighs_its_stand_ins(tmp_path: Path) -> None:
    planned = plan(experiment(tmp_path, PRICES, "stack", stack_settings()))
    assert isinstance(planned, StackPlan)
    given = StandIns.of(planned.material)
    weights, for_use, forecasts, rivals = stack_tables(planned.material, planned, given, None)
    assert len(weights.rows) == len(planned.folds)
    assert len(for_use.rows) == 1
    assert set(weights.columns) == set(planned.experiment.config.stack.models)
    assert (
        weights.values.max() > 0.0
    )  # a stand-in follows the outcome a little, so that weights say something
    assert len(forecasts.rows) == planned.test_rows == len(rivals.rows)


def test_a_fold_is_clipped_where_its_world_ends(tmp_path: Path) -> None:
    fold = Fold(3, range(0, 10), range(11, 15), range(16, 24))
    cut = cut_at(walk_plan(tmp_path).material, 20)
    assert Reached(cut).clip(fold) is fold
    clipped = Reached(cut, truncated=True).clip(fold)
    assert clipped is not None
    assert clipped.test == range(16, 21)
    later = Fold(4, range(0, 10), range(11, 15), range(24, 30))
    assert Reached(cut, truncated=True).folds([fold, later]) == (clipped,)


def test_stand_ins_are_the_same_however_a_column_is_stored(tmp_path: Path) -> None:
    """Polars adds up a column by its chunks, whose number follows threads: not a bit may hang on that."""
    planned = walk_plan(tmp_path)
    given, target = StandIns.of(planned.material), planned.material.target.rechunk()
    pieces = pl.concat([target[:333], target[333:450], target[450:]], rechunk=False)
    assert pieces["value"].n_chunks() == 3
    broken, whole = (replace(planned.material, target=one) for one in (pieces, target))
    assert given.frame(broken, "any", planned.folds, None).equals(
        given.frame(whole, "any", planned.folds, None)
    )
