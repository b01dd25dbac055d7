"""The stack walk-forward: who knows what when, who takes part, and what stands beside it."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl
import pytest

from geiger.errors import SettingError, TrainingError
from geiger.experiment.material import Material
from geiger.experiment.out_of_fold import Base, out_of_fold
from geiger.experiment.pictures import pictures_of
from geiger.experiment.stack_tables import BEST, EQUAL, RIDGE
from geiger.experiment.stacking import stack
from geiger.learning.folds import later_folds
from geiger.learning.target import make_target
from geiger.market.calendar import market_of
from geiger.market.synthetic import garch_market
from geiger.models.stack import MetaLearner
from geiger.settings import StackSettings, recipe

ROWS, FIRST, FOLD = 420, 40, 30  # rows; first row with forecasts; rows of a base model's fold
PLAN = MetaLearner(StackSettings(meta="elastic_net"))


def material(seed: int = 0, fill: str = "next_open") -> Material:
    prices = garch_market(ROWS, seed)
    return Material(
        symbol="TEST",
        market=market_of("AAPL"),
        prices=prices,
        context=None,
        features=np.zeros((ROWS, 1)),
        target=make_target(prices, fill),
        fill=fill,
        warmup=0,
        notices=(),
        provenance={},
    )


def base(name: str, known: Material, forecast: Any, members: int = 2) -> Base:
    """A base model that forecasts `forecast` (n,) from row FIRST on, in folds of FOLD rows."""
    target = known.target.slice(FIRST, known.labelled - FIRST)
    fold = np.arange(target.height) // FOLD
    start = FIRST + fold * FOLD
    ends = known.target["known_on"].gather(start - 2)
    values = np.asarray(forecast, float)[FIRST : FIRST + target.height]
    frame = target.select(
        "day",
        symbol=pl.lit("TEST"),
        model=pl.lit(name),
        fold=pl.Series(fold, dtype=pl.Int32),
        forecast=pl.Series(values),
        outcome=pl.col("value"),
        known_on=pl.col("known_on"),
        train_end=ends,
        train_mean=pl.lit(0.0003),
        train_std=pl.lit(0.012),
    )
    each = [
        frame.select("day", pl.lit(seed, dtype=pl.Int32).alias("seed"), "fold", pl.col("forecast") + shift)
        for seed, shift in enumerate(np.linspace(-1e-4, 1e-4, members) if members > 1 else [0.0])
    ]
    return Base(name, frame, pl.concat(each), dict.fromkeys(range(20), FIRST))


def noisy(known: Material, share: float, seed: int) -> np.ndarray:
    """A forecast that holds a share of the outcome."""
    rng = np.random.default_rng(seed)
    outcome = known.target["value"].fill_null(0.0).to_numpy()
    return share * outcome + 0.001 * rng.normal(size=ROWS)


def bases(known: Material) -> list[Base]:
    shares = {"ridge": 0.1, "xgb": 0.05, "lstm": 0.0}
    return [base(name, known, noisy(known, share, i)) for i, (name, share) in enumerate(shares.items())]


def folds(known: Material, **changes: Any):
    return later_folds(FIRST, known.labelled, **{"min_rows": 120, "refit": 50, **changes})


def stacked(known: Material, models: list[Base] | None = None, learner: MetaLearner | None = None):
    return stack(models or bases(known), known, learner or PLAN, folds(known))


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


@pytest.mark.parametrize("fill", ["next_open", "close"])
@pytest.mark.parametrize("meta", ["elastic_net", "nnls", "simplex"])
def test_later_outcomes_and_forecasts_change_no_earlier_forecast(fill: str, meta: str) -> None:
    known = material(fill=fill)
    learner = MetaLearner(StackSettings(meta=meta))
    before = stacked(known, learner=learner).forecasts
    for fold in folds(known):
        first = fold.test.start
        # From the first decision of a period on, other prices: its label, and all later ones, change.
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
        assert not before["forecast"].equals(after["forecast"]) or fold is folds(known)[-1]


def test_what_the_weights_learned_from_was_known_at_their_first_decision() -> None:
    made = stacked(material())
    assert (made.forecasts["train_end"] <= made.forecasts["day"]).all()
    for result in made.results:
        rows = made.in_sample.filter(pl.col("fold") == result.fold)
        assert str(rows["day"][-1]) == result.train_last < result.test_first
        assert rows.height == result.train_rows


def test_the_better_model_weighs_more_and_noise_little() -> None:
    weights = stacked(material()).weights.group_by("model").agg(pl.col("weight").mean())
    mean = dict(weights.iter_rows())
    assert mean["ridge"] > mean["xgb"] > mean["lstm"]


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
    np.testing.assert_allclose(table[BEST]["forecast"].to_numpy(), on[0], atol=1e-15)  # best in every period


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
    # The second period's own days, on which it moves, do not count for it.
    assert left["fold"].to_list()[:2] == [0, 1]
    assert left["fold"].max() < made.weights["fold"].max()
    assert left["weight"].to_list() == [0.0] * left.height
    (notice,) = [notice for notice in made.notices if notice.code == "STACK_LEFT_OUT"]
    assert "lstm was COLLAPSED_CONSTANT" in notice.text


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


def test_the_chart_is_a_picture_of_the_weights_and_the_same_twice() -> None:
    made = stacked(material())
    svg = pictures_of(made)["weights"]
    assert svg == pictures_of(stacked(material()))["weights"]
    text = svg.decode()
    assert text.startswith("<?xml")
    for name in ("ridge", "xgb", "lstm", "TEST: weights of the base models"):
        assert name in text


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
