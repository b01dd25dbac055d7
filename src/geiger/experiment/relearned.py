"""A model or a stack on other labels: the real walk in each world, of which only forecasts are kept.

Nobody looks at the model for use, the course of training, or the lock-box of such a world, so none is made.
A world is a material with other labels: its rows, days and features are those of the plan's own.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from itertools import islice

import polars as pl

from geiger.experiment.material import Material
from geiger.experiment.out_of_fold import Base
from geiger.experiment.stacking import stack
from geiger.experiment.stitch import forecasts_of, members_of
from geiger.experiment.train_fold import FoldOutput, Task
from geiger.experiment.workers import train_all
from geiger.learning.folds import Fold
from geiger.models import Forecaster
from geiger.models.stack import MetaLearner
from geiger.settings import Config


def fewer_fits(folds: Sequence[Fold], every: int) -> tuple[Fold, ...]:
    """Return every `every`-th fold, whose model forecasts the test rows of the folds left out as well.

    The rows that are forecast stay the same, and so does the gap before each of these folds.
    """
    kept = []
    for i in range(0, len(folds), every):
        last = folds[min(i + every, len(folds)) - 1]
        kept.append(replace(folds[i], test=range(folds[i].test.start, last.test.stop)))
    return tuple(kept)


def walked(
    worlds: Sequence[Material], model: str, forecaster: Forecaster, config: Config, folds: Sequence[Fold]
) -> Iterator[tuple[Material, tuple[FoldOutput, ...]]]:
    """Yield each world with what its folds hand on, in order; all worlds keep the same workers busy."""
    scored = [replace(world, beyond=None) for world in worlds]
    tasks = [replace(Task.of(world, fold), told=False) for world in scored for fold in folds]
    trained = train_all(model, forecaster, config, tasks)
    with closing(trained):  # threads and processes end with the walk, however it ends
        for world in scored:
            yield world, tuple(islice(trained, len(folds)))


def base_in(world: Material, model: str, outputs: Sequence[FoldOutput]) -> Base:
    """Return what a base model of a stack hands on in a world."""
    rows = {one.result.fold: one.result.train_rows + one.result.valid_rows for one in outputs}
    return Base(model, forecasts_of(world, model, outputs), members_of(world, outputs), rows)


def stacked(
    world: Material, bases: Sequence[Base], learner: MetaLearner, config: Config, folds: Sequence[Fold]
) -> pl.DataFrame:
    """Return the FORECASTS frame of a stack in a world."""
    made = stack(bases, world, learner, folds, horizon=config.horizon, rolling=config.rolling)
    return made.forecasts
