"""Forecasts on the rows of their material: what the score test is given."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from geiger.errors import DataError
from geiger.evidence.score_test import score_test
from geiger.experiment.scored import daily_returns, known_rows, scored
from geiger.learning.target import make_target
from helpers.stacks import FIRST, ROWS, base, material


@pytest.mark.parametrize(("fill", "delay"), [("next_open", 1), ("close", 0)])
@pytest.mark.parametrize("horizon", [1, 5])
def test_an_outcome_is_known_at_the_close_of_its_exit_day(fill: str, delay: int, horizon: int) -> None:
    known = material(fill=fill)
    known = replace(known, target=make_target(known.prices, fill, horizon))
    rows = known_rows(known.target)
    late = delay + horizon
    assert rows[: ROWS - late].tolist() == [row + late for row in range(ROWS - late)]
    assert (np.diff(rows) >= 0).all()
    assert (rows > np.arange(ROWS)).all()


def test_a_day_without_a_row_is_the_next_row() -> None:
    known = material()
    days = known.prices["day"]
    friday = next(row for row in range(100, 120) if (days[row + 1] - days[row]).days == 3)
    saturday = days[friday] + (days[1] - days[0])
    on = known.target["known_on"].to_list()
    on[friday - 2] = saturday
    late = replace(known, target=known.target.with_columns(known_on=pl.Series(on)))
    assert known_rows(late.target)[friday - 2] == friday + 1


def test_rows_without_an_outcome_do_not_make_others_known_late() -> None:
    known = material()
    first = pl.int_range(pl.len()) < 7
    lacking = replace(
        known,
        target=known.target.with_columns(
            value=pl.when(first).then(None).otherwise("value"),
            known_on=pl.when(first).then(None).otherwise("known_on"),
        ),
    )
    assert known_rows(lacking.target)[:9].tolist() == [1, 2, 3, 4, 5, 6, 7, 9, 10]


def test_forecasts_stand_on_their_days() -> None:
    known = material(seed=3)
    forecast = np.random.default_rng(0).normal(0.0, 0.001, ROWS)
    frame = base("a", known, forecast).forecasts
    column = np.full(ROWS, np.nan)
    column[FIRST : FIRST + frame.height] = forecast[FIRST : FIRST + frame.height]
    close = known.prices["close"].to_numpy()
    returns = np.concatenate([[np.nan], np.log(close[1:] / close[:-1])])
    outcome = known.target["value"].to_numpy()
    by_hand = score_test(returns, outcome, np.arange(ROWS) + 2, column)
    assert np.allclose(daily_returns(known), returns, equal_nan=True)
    assert scored(frame, known, 1).statistic == pytest.approx(by_hand.statistic)
    assert scored(frame, known, 1).n == by_hand.n > 250


def test_a_forecast_of_another_day_is_refused() -> None:
    known = material()
    frame = base("a", known, np.zeros(ROWS)).forecasts
    other = frame.with_columns(pl.col("day").dt.offset_by("40y"))
    with pytest.raises(DataError, match="has no price row of TEST"):
        scored(other, known, 1)
