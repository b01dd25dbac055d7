"""The stack's own walk-forward: weights for a period come from the forecasts of earlier ones.

::

    base runs → out-of-fold store → each period: weights from rows known before it → its forecasts

Every number a weight is fitted on was forecast by a model that had not seen its day, and its outcome was
known when the weights were fitted. Which models take part in a period, how they are scaled and what they
weigh is decided from earlier rows alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from geiger.columns import FORECASTS, IN_SAMPLE, RIVALS, require
from geiger.errors import TrainingError
from geiger.experiment.material import Material
from geiger.experiment.out_of_fold import Base, grid_of, out_of_fold, require_complete, slice_of
from geiger.experiment.periods import weigh
from geiger.experiment.stack_tables import (
    forecasts_of,
    in_sample_of,
    notes_of,
    notices_of,
    result_of,
    rivals_of,
    sealed_of,
    weights_of,
)
from geiger.learning.folds import Fold, later_fold
from geiger.models.stack import Meta, MetaLearner
from geiger.records import FoldResult, Notice, Training
from geiger.runs.saved import SavedModel, model_of


@dataclass(frozen=True)
class Stacked:
    """The stitched forecasts of the stack, in the same words as a `Walk`.

    Attributes
    ----------
    weights : STACK_WEIGHTS frame
    rivals : RIVALS frame
    meta : Meta
        Weights for use, from every development row whose outcome is known; they are never scored.
    sealed : SEALED frame, optional
        Forecasts of the rows after the scored ones, the lock-box included. They are never scored.
    """

    forecasts: pl.DataFrame
    in_sample: pl.DataFrame
    out_of_fold: pl.DataFrame
    weights: pl.DataFrame
    rivals: pl.DataFrame
    results: tuple[FoldResult, ...]
    notices: tuple[Notice, ...]
    notes: tuple[str, ...]
    meta: Meta
    train_mean: float
    train_std: float
    bases: tuple[Base, ...]
    sealed: pl.DataFrame | None = None
    trainings: tuple[Training, ...] = ()

    @property
    def frames(self) -> dict[str, pl.DataFrame]:
        """The tables of a run folder beside the forecasts."""
        found = {
            "in_sample": self.in_sample,
            "out_of_fold": self.out_of_fold,
            "weights": self.weights,
            "rivals": self.rivals,
        }
        return found if self.sealed is None else {**found, "sealed": self.sealed}

    def model_for_use(self, facts: Mapping[str, Any]) -> SavedModel | None:
        """Return what `geiger predict` needs, `facts` saying what it was made of.

        Its parts are what the base models' runs left; None where one has no run of its own.
        """
        runs = {base.name: base.stored for base in self.bases if base.stored is not None}
        if not runs.keys() >= set(self.meta.models):
            return None
        return SavedModel(
            parts={name: model_of(runs[name]).parts[name] for name in self.meta.models},
            meta=self.meta,
            train_mean=self.train_mean,
            train_std=self.train_std,
            facts=facts,
        )


def stack(
    bases: Sequence[Base],
    material: Material,
    learner: MetaLearner,
    folds: Sequence[Fold],
    *,
    horizon: int = 1,
    rolling: int | None = None,
    for_use: bool = False,
) -> Stacked:
    """Weigh the base models walk-forward.

    Parameters
    ----------
    bases : sequence of Base
        At least one; every one has forecast every row from the first train row of `folds` on.
    folds : sequence of Fold
        As `folds.later_folds` cut them.
    for_use : bool
        Forecast the rows after the scored ones as well: see `Stacked.sealed`.

    Raises
    ------
    TrainingError
        If no base model is there, or one lacks forecasts.
    """
    if not bases:
        raise TrainingError("stack: no base model has forecasts; train one that works first")
    store = out_of_fold(bases, material)
    grid = grid_of(store, bases, material.prices["day"])
    require_complete(grid, range(folds[0].train.start, folds[-1].test.stop), material.prices["day"])
    periods = [weigh(grid, learner, fold, material) for fold in folds]
    # Weights are printed: learned from the lock-box they would tell how each model did there. So those for
    # use are decided on the last development row, and hold for all that follows.
    last = later_fold(
        folds[-1].index + 1,
        material.prices.height - 1,
        material.prices.height,
        folds[0].train.start,
        horizon=horizon,
        rolling=rolling,
    )
    final = weigh(grid, learner, last, material)
    forecasts = pl.concat([forecasts_of(grid, period, material) for period in periods])
    return Stacked(
        forecasts=require(forecasts, FORECASTS),
        in_sample=require(pl.concat([in_sample_of(grid, period, material) for period in periods]), IN_SAMPLE),
        out_of_fold=store,
        weights=weights_of([*periods, final], grid.models, material),
        rivals=require(pl.concat([rivals_of(grid, period, material) for period in periods]), RIVALS),
        results=tuple(result_of(period, material) for period in periods),
        notices=notices_of([*periods, final], len(bases)),
        notes=notes_of(periods, final, grid.models, material),
        meta=final.meta,
        train_mean=float(grid.outcome[slice_of(last.train)].mean()),
        train_std=float(grid.outcome[slice_of(last.train)].std()),
        bases=tuple(bases),
        sealed=sealed_of(bases, grid, periods[-1], final, material) if for_use else None,
    )
