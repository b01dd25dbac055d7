"""The weights of a block come from the rows before it."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from geiger.experiment.stack_tables import BEST
from helpers.stacks import ROWS, base, bases, folds, material, noisy, stacked


def test_the_better_model_weighs_more_and_noise_little() -> None:
    weights = stacked(material()).weights.group_by("model").agg(pl.col("weight").mean())
    mean = dict(weights.iter_rows())
    assert mean["ridge"] > mean["xgb"] > mean["lstm"]


def test_the_best_single_model_is_chosen_in_the_past() -> None:
    known = material()
    outcome = known.target["value"].fill_null(0.0).to_numpy()
    turn = folds(known)[1].test.start  # until here the first is right, after it the second
    early = np.where(np.arange(ROWS) < turn, 0.3, -0.3) * outcome
    made = stacked(known, [base("ridge", known, early), base("xgb", known, -early)])
    first = made.rivals.filter((pl.col("rival") == BEST) & (pl.col("day") == known.prices["day"][turn]))
    assert first["forecast"][0] == pytest.approx(early[turn], abs=1e-15)  # now wrong, as nobody could know


def test_a_model_that_collapsed_on_the_earlier_rows_is_left_out_there_and_only_there() -> None:
    known = material()
    turn = folds(known)[1].test.start
    flat = np.where(np.arange(ROWS) < turn, 0.0003, noisy(known, 0.2, 9))
    made = stacked(known, [*bases(known)[:2], base("lstm", known, flat)])
    left = made.weights.filter(pl.col("left_out").is_not_null())
    assert left["model"].unique().to_list() == ["lstm"]
    # The second block's own days, on which it moves, do not count for it.
    assert left["fold"].to_list()[:2] == [0, 1]
    assert left["fold"].max() < made.weights["fold"].max()
    assert left["weight"].to_list() == [0.0] * left.height
    (notice,) = [notice for notice in made.notices if notice.code == "STACK_LEFT_OUT"]
    assert "lstm was COLLAPSED_CONSTANT" in notice.text
