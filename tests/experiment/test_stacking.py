"""The stack walk-forward: who knows what when, who takes part, and what stands beside it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from geiger.errors import SettingError
from geiger.learning.target import make_target
from geiger.models.stack import MetaLearner
from geiger.settings import StackSettings, recipe
from helpers.stacks import FIRST, ROWS, base, bases, folds, material, noisy, stacked


def test_blocks_tile_the_rows_after_the_first_and_know_only_earlier_labels() -> None:
    known = material()
    cut = folds(known)
    assert cut[0].train == range(FIRST, FIRST + 120)
    assert cut[0].test.start == FIRST + 121
    assert [fold.test.stop for fold in cut[:-1]] == [fold.test.start for fold in cut[1:]]
    assert cut[-1].test.stop == known.labelled
    assert all(fold.train.stop == fold.test.start - 1 for fold in cut)
    assert all(fold.train.start == FIRST for fold in cut)
    rolling = folds(known, rolling=130)
    assert [len(fold.train) for fold in rolling] == [120, *[130] * (len(rolling) - 1)]
    with pytest.raises(SettingError, match=r"too few days for a stack.*at least 502"):
        folds(known, min_rows=500)


@pytest.mark.parametrize("fill", ["next_open", "close"])
@pytest.mark.parametrize("meta", [pytest.param("elastic_net", marks=pytest.mark.slow), "nnls", "simplex"])
def test_later_outcomes_and_forecasts_change_no_earlier_forecast(fill: str, meta: str) -> None:
    known = material(fill=fill)
    learner = MetaLearner(StackSettings(meta=meta))
    before = stacked(known, learner=learner).forecasts
    for block in folds(known):
        first = block.test.start
        # From the first decision of a block on, other prices: its label, and all later ones, change.
        noise = np.random.default_rng(1).normal(0, 0.05, ROWS)
        names = ["open", "high", "low", "close", "raw_close"]
        factor = np.where(np.arange(ROWS) > first, np.exp(noise), 1.0)
        prices = known.prices.with_columns(pl.col(names) * factor)
        other = replace(known, prices=prices, target=make_target(prices, fill))
        models = [
            base(one.name, other, np.where(np.arange(ROWS) > first, 0.0, noisy(known, share, i)))
            for i, (one, share) in enumerate(zip(bases(known), (0.1, 0.05, 0.0), strict=True))
        ]
        after = stacked(other, models, learner).forecasts
        upto = known.prices["day"][first]
        same = [frame.filter(pl.col("day") <= upto) for frame in (before, after)]
        assert same[0].height == first - folds(known)[0].test.start + 1
        assert same[0].drop("outcome", "known_on").equals(same[1].drop("outcome", "known_on"))
        assert not before["forecast"].equals(after["forecast"]) or block is folds(known)[-1]


def test_what_the_weights_learned_from_was_known_at_their_first_decision() -> None:
    made = stacked(material())
    assert (made.forecasts["train_end"] <= made.forecasts["day"]).all()
    for result in made.results:
        rows = made.in_sample.filter(pl.col("fold") == result.fold)
        assert str(rows["day"][-1]) == result.train_last < result.test_first
        assert rows.height == result.train_rows


def test_recipes_weigh_as_they_say() -> None:
    plan = recipe("plan").stack
    assert (plan.meta, plan.alpha, plan.l1_ratio, plan.max_iter, plan.units) == (
        "elastic_net",
        0.01,
        0.5,
        1000,
        "standardised",
    )
    # On planted markets at least as good as equal weights: docs/evidence/stack.md.
    assert recipe("default").stack.meta == recipe("quick").stack.meta == "simplex"
    assert set(plan.models) == {"lstm", "xlstm", "xgb", "lgb", "catboost", "ridge"}
