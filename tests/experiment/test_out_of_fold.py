"""The forecasts that weights are learned from: all of them, and none that saw its day."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from geiger.errors import TrainingError
from geiger.experiment.out_of_fold import out_of_fold
from geiger.experiment.stacking import stack
from helpers.stacks import FIRST, PLAN, base, bases, folds, material, noisy, stacked


def test_the_store_has_a_row_for_every_model_seed_and_day_and_nothing_where_nobody_forecast() -> None:
    known = material()
    late = base("lstm", known, noisy(known, 0.0, 1))
    shorter = replace(
        late,
        forecasts=late.forecasts.slice(30),
        members=late.members.filter(pl.col("day") > late.forecasts["day"][29]),
    )
    store = out_of_fold([base("ridge", known, noisy(known, 0.1, 0)), shorter], known)
    days = known.labelled - FIRST
    assert store.height == 4 * days
    empty = store.filter(pl.col("forecast").is_null())
    assert empty["model"].unique().to_list() == ["lstm"]
    assert empty.height == 2 * 30
    assert np.isnan(empty["forecast"].to_numpy()).all()
    assert store["outcome"].null_count() == 0
    with pytest.raises(TrainingError, match="lstm has no forecast for"):
        stack([base("ridge", known, noisy(known, 0.1, 0)), shorter], known, PLAN, folds(known))


def test_a_forecast_that_saw_its_day_is_refused() -> None:
    known = material()
    contaminated = bases(known)[0]
    seen = contaminated.forecasts.with_columns(train_end=pl.col("day") + dt.timedelta(days=1))
    with pytest.raises(TrainingError, match=r"ridge learned a label known on .* after the decision"):
        stacked(known, [replace(contaminated, forecasts=seen)])
