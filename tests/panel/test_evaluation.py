"""What a panel's forecasts were worth, held against sums of their own."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest

from geiger.backtest.baselines import BUY_AND_HOLD
from geiger.figures import FigureName
from geiger.panel import evaluation
from geiger.panel.evaluation import evaluate_panel, health_of
from geiger.panel.plan import PanelPlan
from geiger.panel.walk import walk
from geiger.panel.written import PanelRun
from geiger.records import HealthCode, Outcome


def test_figures_are_those_of_the_forecasts_frame_beyond_the_day(small_run: PanelRun) -> None:
    """Direction, spread and correlation, in units of the volatility, made anew from the frame."""
    frame = small_run.forecasts.with_columns(
        told=pl.col("forecast") / pl.col("volatility") - pl.col("market"),
        u=pl.col("outcome") / pl.col("volatility"),
    )
    days = {day[0]: rows for day, rows in frame.group_by("day")}
    outcome = np.concatenate([rows["u"].to_numpy() - rows["u"].to_numpy().mean() for rows in days.values()])
    forecast = np.concatenate([rows["told"].to_numpy() for rows in days.values()])
    figures = {figure.name: figure.value for figure in small_run.evaluation.figures}
    moved = outcome != 0
    right = (np.sign(forecast) == np.sign(outcome))[moved].mean()
    assert figures[FigureName.DIRECTION_ACCURACY] == pytest.approx(right)
    assert figures[FigureName.PREDICTION_STD] == pytest.approx(forecast.std() / outcome.std())
    assert figures[FigureName.CORRELATION] == pytest.approx(np.corrcoef(forecast, outcome)[0, 1])
    assert figures[FigureName.R2] == pytest.approx(1 - ((outcome - forecast) ** 2).sum() / (outcome**2).sum())


def test_only_days_that_count_are_in_the_frame(small_run: PanelRun) -> None:
    """So that figures, ranks and portfolio are of the same days."""
    names = small_run.forecasts.group_by("day").len()["len"]
    assert names.min() >= 10
    assert small_run.forecasts["day"].n_unique() == small_run.evaluation.cross_section.ics[0].days


def test_an_error_counts_days_and_not_symbols() -> None:
    """Ten copies of two symbols know no more than the two do."""
    rng = np.random.default_rng(5)
    days = pl.Series("day", np.arange(400)).cast(pl.Date)
    forecast, noise = rng.normal(size=400), rng.normal(size=400)
    one_of_two = [
        pl.DataFrame(
            {"day": days, "forecast": side * forecast, "outcome": side * (noise + 0.2 * forecast)}
        ).with_columns(volatility=pl.lit(1.0), market=pl.lit(0.0))
        for side in (1.0, -1.0)
    ]
    two, twenty = pl.concat(one_of_two).sort("day"), pl.concat(one_of_two * 10).sort("day")
    one, many = health_of(two, 1000), health_of(twenty, 1000)
    assert many.rho == pytest.approx(one.rho)
    # The correction for leverage counts rows.
    assert many.rho_error == pytest.approx(one.rho_error, rel=0.02)


def test_scores_without_spread_have_collapsed_and_a_slope_of_nothing_has_not(small_run: PanelRun) -> None:
    """Scores that were worth nothing so far are issued as nothing: no skill, and no fault of the training."""
    still = small_run.forecasts.with_columns(forecast=pl.lit(0.0), market=pl.lit(0.0))
    found = health_of(still, 1000)
    assert (found.code, found.collapsed) == (HealthCode.NO_SKILL, False)
    assert "slope" in found.meaning
    flat = still.with_columns(score=pl.lit(0.0))
    assert health_of(flat, 1000).code is HealthCode.COLLAPSED_CONSTANT


def test_the_ledger_trades_the_days_of_the_forecasts(small_run: PanelRun) -> None:
    """Beside equal weight on the same days; the market of the card is that ledger."""
    evaluation, frame = small_run.evaluation, small_run.forecasts
    ledger, market = evaluation.ledger, evaluation.baselines[BUY_AND_HOLD]
    assert ledger["day"].equals(market["day"])
    assert ledger["day"].is_between(frame["day"].min(), frame["day"].max()).all()
    assert (ledger["fill_day"] > ledger["day"]).all()
    assert (ledger["exit_day"] > ledger["fill_day"]).all()


def test_walk_forward_efficiency_does_not_apply(small_run: PanelRun) -> None:
    """Train rows of a panel are not traded, so nothing is said of them."""
    fourth = small_run.evaluation.checkpoints[3]
    assert fourth.outcome is Outcome.NOT_APPLICABLE


def test_alarms_look_at_each_symbol_by_itself(
    small_plan: PanelPlan, small_run: PanelRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a run's tables say of its members is what the alarms are given."""
    asked: list[Any] = []

    def heard(daily: Any, day: Any, members: Any = (), **figures: Any) -> tuple[()]:
        asked.extend(members)
        return ()

    monkeypatch.setattr(evaluation, "panel_alarms", heard)
    made = walk(small_plan.material, small_plan.model, small_plan.work.config)
    evaluate_panel(small_plan.material, made, small_plan.work.config)
    assert small_run.evaluation.cross_section is not None
    assert tuple(asked) == small_run.evaluation.cross_section.members != ()


def test_folds_tile_the_forecasts(small_run: PanelRun) -> None:
    """Each row is scored in one fold."""
    folds = small_run.evaluation.folds
    assert sum(fold.rows for fold in folds) == small_run.forecasts.height
    assert [fold.first for fold in folds] == sorted(fold.first for fold in folds)
