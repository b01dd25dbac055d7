"""The weights of one period of a stack, from the rows before it and from nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from geiger import metrics
from geiger.experiment.material import Floats, Material
from geiger.experiment.out_of_fold import Grid, days_of, slice_of
from geiger.learning.folds import Fold
from geiger.models.stack import Meta, MetaLearner


@dataclass(frozen=True)
class Period:
    """The test rows of one fold of a stack: who took part in forecasting them, with which weights."""

    fold: Fold
    meta: Meta
    left_out: tuple[tuple[str, str], ...]  # (model, why)
    best: str  # the single model with the least squared error on the earlier rows


def weigh(grid: Grid, learner: MetaLearner, fold: Fold, material: Material) -> Period:
    """Find the weights of one period from the rows before it, and from nothing else."""
    learn = slice_of(fold.train)
    outcome = grid.outcome[learn]
    left_out = {}
    for i, model in enumerate(grid.models):
        health = metrics.health(
            grid.forecasts[learn, i],
            outcome,
            grid.train_mean[learn, i],
            grid.train_std[learn, i],
            grid.train_rows[learn, i],
        )
        if health.collapsed:
            left_out[model] = str(health.code)
    kept = [i for i, model in enumerate(grid.models) if model not in left_out]
    names = [grid.models[i] for i in kept]
    decided_on = days_of(material.prices["day"].slice(fold.test.start, 1))[0]
    if kept:
        meta = learner.fit(
            names,
            grid.forecasts[learn][:, kept],
            outcome,
            known_on=grid.known_on[learn],
            decided_on=decided_on,
        )
        errors = ((grid.forecasts[learn][:, kept] - outcome[:, None]) ** 2).mean(axis=0)
        best = names[int(errors.argmin())]
    else:  # nobody to weigh: the mean of the past
        meta, best = Meta((), np.empty(0), np.empty(0), np.empty(0), float(outcome.mean()), 0.0), ""
    return Period(fold, meta, tuple(left_out.items()), best)


def columns_of(grid: Grid, names: Sequence[str], rows: range) -> Floats:
    """Return the forecasts (rows, names) of some models."""
    return grid.forecasts[slice_of(rows)][:, [grid.models.index(name) for name in names]]


def predicted(grid: Grid, period: Period, rows: range) -> Floats:
    """Return what the period's weights forecast (rows,), log return."""
    return period.meta.predict(columns_of(grid, period.meta.models, rows))
