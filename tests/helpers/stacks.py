"""Base models that forecast a known share of the outcome, and the stack that weighs them."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl

from geiger.experiment.material import Material
from geiger.experiment.out_of_fold import Base
from geiger.experiment.stacking import stack
from geiger.learning.folds import later_folds
from geiger.learning.target import make_target
from geiger.market.calendar import market_of
from geiger.market.synthetic import garch_market
from geiger.models.stack import MetaLearner
from geiger.settings import StackSettings

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
