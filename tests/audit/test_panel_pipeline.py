"""The tables of a panel's pipeline: what they hold is what a run holds."""

from __future__ import annotations

import numpy as np
import pytest

from geiger.audit.panel_pipeline import (
    Made,
    fold_tables,
    is_traded,
    material_in,
    material_tables,
    trading_tables,
    walk_tables,
)
from geiger.audit.panel_tables import PanelTable
from geiger.audit.panel_worlds import world_of
from geiger.audit.stages import PANEL_STAGES
from geiger.experiment.out_of_fold import days_of
from geiger.panel.evaluation import evaluate_panel
from geiger.panel.plan import PanelPlan
from geiger.panel.walk import walk


@pytest.fixture(scope="module")
def made(panel_plan: PanelPlan) -> Made:
    return Made(panel_plan.material, "ridge", panel_plan.work.config)


def test_the_material_of_a_world_is_that_of_the_run(panel_plan: PanelPlan) -> None:
    material = panel_plan.material
    world = world_of(panel_plan.work, material.symbols, material.market)
    other = material_in(world, panel_plan.work.config)
    assert np.array_equal(other.features, material.features, equal_nan=True)
    assert np.array_equal(other.outcome, material.outcome, equal_nan=True)
    assert other.symbols == material.symbols


def test_stages_come_in_their_order_and_all_but_three_are_there(made: Made) -> None:
    tables = [*material_tables(made), *fold_tables(made), *walk_tables(made), *trading_tables(made)]
    stages = list(dict.fromkeys(table.stage for table in tables))
    assert stages == [name for name in PANEL_STAGES if name in stages]
    assert set(PANEL_STAGES) - set(stages) == {"reader", "labels", "stack", "members"}


def test_an_outcome_is_known_on_its_own_day_and_what_lies_beyond_the_mean_with_its_day(made: Made) -> None:
    tables = [table for table in material_tables(made) if table.stage == "target"]
    outcome, learned, _, mean = tables
    material = made.material
    assert np.array_equal(outcome.known, days_of(material.known_on), equal_nan=True)
    days = days_of(material.calendar)
    rows = material.day + 2 < len(days)  # bought at the next open, sold at the one after
    assert np.array_equal(learned.known[rows], days[material.day[rows] + 2])
    assert np.isnat(learned.known[~rows]).all()
    assert mean.columns == ("mean",)
    assert np.isnat(mean.known[-2:]).all()


def test_forecasts_and_fills_are_those_of_the_run(made: Made, panel_plan: PanelPlan) -> None:
    run = walk(panel_plan.material, "ridge", panel_plan.work.config)
    tables = [*walk_tables(made), *trading_tables(made)]
    forecasts = next(one for one in tables if one.stage == "forecasts")
    assert isinstance(forecasts, PanelTable)
    assert np.array_equal(forecasts.values[:, 2], run.forecasts["forecast"].to_numpy())
    ledger = evaluate_panel(panel_plan.material, run, panel_plan.work.config).ledger
    fills = next(one for one in tables if one.stage == "fills")
    net = fills.values[:, fills.columns.index("net")]
    assert np.array_equal(net, ledger["net"].to_numpy()[:-1])
    assert is_traded(made)


def test_a_fold_is_there_once_its_first_outcome_is_known(made: Made) -> None:
    (table,) = fold_tables(made)
    days = days_of(made.material.calendar)
    assert np.array_equal(np.searchsorted(days, table.known) - np.searchsorted(days, table.rows), [2] * 5)


def test_matrix_code_may_round_where_arrays_have_another_length_and_trees_may_not(made: Made) -> None:
    assert made.tolerance == 1e-5
    assert Made(made.material, "lgb", made.config).tolerance == 0.0
    assert Made(made.material, "stack", made.config).tolerance == 1e-5
