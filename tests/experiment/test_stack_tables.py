"""What a stack hands on: rivals, weights, notices."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from geiger.errors import TrainingError
from geiger.experiment.stack_tables import BEST, EQUAL, RIDGE
from geiger.experiment.stacking import stack
from helpers.stacks import PLAN, ROWS, base, bases, folds, material, stacked


def test_rivals_stand_on_the_same_days_and_are_what_they_say() -> None:
    known = material()
    models = bases(known)
    made = stacked(known, models)
    table = {name: rows for (name,), rows in made.rivals.group_by("rival")}
    assert set(table) == {EQUAL, BEST, RIDGE}
    days = made.forecasts["day"]
    assert all(rows["day"].equals(days) for rows in table.values())
    on = [
        model.forecasts.join(made.forecasts.select("day"), on="day")["forecast"].to_numpy()
        for model in models
    ]
    np.testing.assert_allclose(table[EQUAL]["forecast"].to_numpy(), np.mean(on, axis=0), atol=1e-15)
    np.testing.assert_allclose(table[RIDGE]["forecast"].to_numpy(), on[0], atol=1e-15)
    np.testing.assert_allclose(table[BEST]["forecast"].to_numpy(), on[0], atol=1e-15)  # best in every block


def test_nobody_left_means_the_mean_of_the_past_and_says_so() -> None:
    known = material()
    made = stacked(known, [base("ridge", known, np.full(ROWS, 0.0003)), base("xgb", known, np.zeros(ROWS))])
    assert {notice.code for notice in made.notices} >= {"META_EMPTY", "STACK_LEFT_OUT"}
    outcome = known.target["value"]
    for result, fold in zip(made.results, folds(known), strict=True):
        rows = made.forecasts.filter(pl.col("fold") == result.fold)
        mean = float(outcome[fold.train.start : fold.train.stop].to_numpy().mean())
        assert (rows["forecast"] == mean).all()
    assert made.meta.models == ()
    assert made.meta.predict(np.empty((2, 0))).shape == (2,)


def test_one_model_alone_is_said() -> None:
    known = material()
    made = stacked(known, bases(known)[:1])
    assert "STACK_ONE_MODEL" in {notice.code for notice in made.notices}
    with pytest.raises(TrainingError, match="no base model has forecasts"):
        stack([], known, PLAN, folds(known))


def test_weights_for_use_come_last_and_learn_from_all_known_rows() -> None:
    known = material()
    made = stacked(known)
    use = made.weights.filter(pl.col("fold") == made.weights["fold"].max())
    assert use["day"][0] == known.prices["day"][-1]  # by then every label is known
    assert dict(zip(use["model"], use["weight"], strict=True)) == dict(
        zip(made.meta.models, made.meta.weights.tolist(), strict=True)
    )
    assert any(note.startswith("Weights for use") for note in made.notes)
