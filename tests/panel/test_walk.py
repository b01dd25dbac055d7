"""The whole walk: forecasts of each row once, made of what was known, and the same in a shorter panel."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from tests.helpers.pooled import HORIZON, correlation, cut, made_panel, pooled_config

from geiger.errors import TrainingError
from geiger.learning.folds import Fold
from geiger.panel.fits import folds_of
from geiger.panel.scores import stitched
from geiger.panel.walk import PanelWalk, bases_of, frame_of, walk

MADE, CONFIG = made_panel(), pooled_config()
FIRST = 141 + 40 + HORIZON  # first test day, and those that only teach the slope


@pytest.fixture(scope="module")
def stacked() -> PanelWalk:
    """The walk of ridge and LightGBM together."""
    return walk(MADE, "stack", CONFIG)


def test_each_row_with_an_outcome_is_forecast_once(stacked: PanelWalk) -> None:
    frame = stacked.forecasts
    wanted = {
        (MADE.calendar[int(day)], MADE.symbols[int(member)])
        for day, member, outcome in zip(MADE.day, MADE.member, MADE.outcome, strict=True)
        if day >= FIRST and np.isfinite(outcome)
    }
    assert frame.height == len(wanted)
    assert set(frame.select("day", "symbol").iter_rows()) == wanted
    assert (frame["train_end"] <= frame["day"]).all()
    assert (frame["known_on"] > frame["day"]).all()


def test_the_frame_says_of_each_row_what_is_known_of_it(stacked: PanelWalk) -> None:
    frame, issued = stacked.forecasts, stacked.issued
    row = frame.filter((pl.col("day") == MADE.calendar[250]) & (pl.col("symbol") == "S05")).row(0, named=True)
    at = int(MADE.edges[250]) + 5
    place = at - issued.rows.start
    assert MADE.member[at] == 5
    assert row["outcome"] == MADE.outcome[at]
    assert row["volatility"] == MADE.volatility[at]
    assert row["score"] == issued.score[place]
    expected = issued.slope[place] * issued.score[place] + issued.market[place]
    assert row["forecast"] == pytest.approx(MADE.volatility[at] * expected, rel=1e-12)
    fold = next(fold for fold in folds_of(MADE, "ridge", CONFIG) if 250 in fold.test)
    assert row["fold"] == fold.index
    assert row["train_end"] == MADE.calendar[fold.test.start]


def test_a_signal_that_all_share_is_found(stacked: PanelWalk) -> None:
    issued = stacked.issued
    assert correlation(issued.score, MADE.features[issued.rows, 0]) > 0.8
    assert [fold.fold.index for fold in stacked.folds] == [0, 1, 2, 3, 4] * 2
    assert bases_of("stack", CONFIG) == ("ridge", "lgb") == tuple(stacked.chosen)


def test_rows_that_nobody_could_trade_are_not_scored() -> None:
    stale = (MADE.member == 4) & (MADE.day < 300)
    found = walk(replace(MADE, tradable=~stale), "ridge", CONFIG).forecasts
    days = found.filter(pl.col("symbol") == "S04")["day"]
    assert days.min() == MADE.calendar[300]
    assert found.filter(pl.col("symbol") == "S05")["day"].min() == MADE.calendar[FIRST]


def test_days_with_too_few_tradable_symbols_are_not_scored() -> None:
    """Figures are of the days that count; years of stale opens have none, and are still walked through."""
    few = CONFIG.panel.least_names - 1
    thin = (MADE.member >= few) & (MADE.day < 300)
    found = walk(replace(MADE, tradable=~thin), "ridge", CONFIG)
    assert found.forecasts["day"].min() == MADE.calendar[300]
    assert MADE.day[found.issued.rows.start] == FIRST
    none = walk(replace(MADE, tradable=np.zeros(len(MADE.day), dtype=np.bool_)), "ridge", CONFIG)
    assert none.forecasts.is_empty()
    assert np.array_equal(none.issued.score, found.issued.score)


@pytest.mark.parametrize(("model", "tolerance"), [("ridge", 1e-5), ("lgb", 0.0), ("stack", 1e-5)])
def test_what_comes_later_changes_no_earlier_forecast(model: str, tolerance: float) -> None:
    """Scores of trees to the last bit, of sums to a small part of their deviation."""
    full = walk(MADE, model, CONFIG).forecasts
    for days in (280, 330):
        part = walk(cut(MADE, days), model, CONFIG).forecasts
        early = full.filter(pl.col("day") <= part["day"].max())
        assert early.select("day", "symbol").equals(part.select("day", "symbol"))
        for column in ("score", "forecast", "market"):
            a, b = early[column].to_numpy(), part[column].to_numpy()
            np.testing.assert_allclose(a, b, rtol=0.0, atol=tolerance * a.std())


def test_a_fold_fitted_behind_its_days_is_found_out(stacked: PanelWalk) -> None:
    first = folds_of(MADE, "ridge", CONFIG)[0]
    late = Fold(first.index, first.train, first.valid, range(341, 401))  # issued is from day 182 on
    issued = replace(stacked.issued, fold=np.zeros_like(stacked.issued.fold))
    with pytest.raises(TrainingError, match="learned from outcomes of later days"):
        frame_of(MADE, "stack", issued, [late], 2)


def test_folds_lie_side_by_side(stacked: PanelWalk) -> None:
    ridge = stacked.folds[:5]
    rows, selection, timing = stitched(ridge)
    assert rows == MADE.rows(141, 418)
    assert selection.shape == (3, rows.stop - rows.start)
    np.testing.assert_array_equal(timing[: len(ridge[0].timing)], ridge[0].timing)
