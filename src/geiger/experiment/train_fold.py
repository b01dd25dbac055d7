"""One fold: it learns from its past, forecasts its test rows once, and says how it went.

What it is given travels to other processes: arrays alone, so that these load no frames and no features.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from geiger.errors import TrainingError
from geiger.learning.folds import Fold
from geiger.learning.windows import Floats, FoldArrays, Scaler, fold_arrays, join
from geiger.models import Ensemble, Forecaster, fit_members
from geiger.models.telling import known_as
from geiger.models.trained import Trained
from geiger.records import Epoch, FoldResult, Notice, Training
from geiger.seeds import derive
from geiger.settings import Config

if TYPE_CHECKING:
    from geiger.experiment.material import Material


@dataclass(frozen=True)
class Rows:
    """What a fit reads of a material.

    Attributes
    ----------
    features : (n, F) float64
        Row t is made of bars <= t; not a number within the warm-up.
    target : (n,) float64
        Log return that a decision at the close of t can still earn; not a number where it is not known yet.
    last_returns : (n,) float64
        Each day's own log return, known at its close.
    """

    features: Floats
    target: Floats
    last_returns: Floats

    @classmethod
    def of(cls, material: Material) -> Rows:
        """Return all rows of a material, its lock-box not among them."""
        return cls(material.features, material.target["value"].to_numpy(), material.last_returns)


@dataclass(frozen=True)
class Task:
    """One fold to train.

    Attributes
    ----------
    rows : Rows
        What the fold learns from and forecasts.
    days : tuple of str
        First and last day of its train, valid and test rows.
    later : Rows and range, optional
        Row numbers, and the rows that they count, which the fold's model forecasts besides; never scored.
    keep : bool
        Hand on what was learned.
    told : bool
        Hand on how it was learned: the course of training, and the forecasts in sample.
    """

    rows: Rows
    fold: Fold
    days: tuple[str, ...]
    later: tuple[Rows, range] | None = None
    keep: bool = False
    told: bool = True

    @classmethod
    def of(cls, material: Material, fold: Fold, *, keep: bool = False, told: bool = True) -> Task:
        """Return the task to learn from a material and forecast its test rows."""
        borders = (row for rows in (fold.train, fold.valid, fold.test) for row in (rows[0], rows[-1]))
        days = tuple(str(material.prices["day"][row]) for row in borders)
        return cls(Rows.of(material), fold, days, keep=keep, told=told)


@dataclass(frozen=True)
class FoldOutput:
    """What one fold hands on. Forecasts are log returns.

    `epochs` and `fit_forecast` are empty where the task does not ask how it was learned.
    """

    result: FoldResult
    epochs: tuple[Epoch, ...]
    notices: tuple[Notice, ...]
    test_forecast: npt.NDArray[np.float64]  # (test rows,)
    member_forecast: npt.NDArray[np.float64]  # (members, test rows): `test_forecast` is their mean
    fit_rows: npt.NDArray[np.int64]  # rows of the final fit
    fit_forecast: npt.NDArray[np.float64]  # (fit rows,) in sample
    importances: npt.NDArray[np.float64]  # (F,), empty where the model has none
    train_mean: float
    train_std: float
    trainings: tuple[Training, ...] = ()  # of networks
    later_forecast: npt.NDArray[np.float64] = field(default_factory=lambda: np.empty(0))  # of `Task.later`
    resumed: bool = False
    trained: Trained | None = None  # what was learned, where it is for use
    scaler: Scaler | None = None  # what its train rows were measured by; None of a fold that was resumed


def train_fold(model: str, forecaster: Forecaster, config: Config, task: Task) -> FoldOutput:
    """Fit one fold's members and forecast its test rows.

    Raises
    ------
    TrainingError
        The model cannot be fitted; the text says in which fold, by which member.
    """
    started, fold = time.perf_counter(), task.fold
    arrays = arrays_of(task.rows, config, fold)
    try:
        seeds = seeds_of(config, model, fold)
        with known_as(lambda epoch: replace(epoch, fold=fold.index) if task.told else None):
            predictor = fit_members(forecaster, arrays.train, arrays.valid, seeds, course=task.told)
    except TrainingError as error:
        raise TrainingError(f"fold {fold.index}, {error}") from error
    return output_of(task, arrays, predictor, time.perf_counter() - started)


def arrays_of(rows: Rows, config: Config, fold: Fold) -> FoldArrays:
    """Return what the fold's fit is given: blocks scaled by its train rows alone."""
    return fold_arrays(
        rows.features,
        rows.target,
        fold,
        clip=config.clip,
        weighting=config.weighting,
        last_return=rows.last_returns,
    )


def seeds_of(config: Config, model: str, fold: Fold) -> list[int]:
    """Return one seed a member, each its own; no other fold or model has it."""
    return [derive(config.seed, model, fold.index, member) for member in range(config.seeds)]


def output_of(task: Task, arrays: FoldArrays, predictor: Ensemble, seconds: float) -> FoldOutput:
    """Forecast what the task asks for with what was learned from `arrays`, in `seconds`."""
    fold, target, scaler = task.fold, task.rows.target, arrays.scaler
    fitted = np.empty(0)
    if task.told:
        known = join(arrays.train, arrays.valid).take(predictor.fit_rows)
        fitted = scaler.restore(predictor.predict(known))
    importances = predictor.importances
    each = predictor.each(arrays.test)
    mean, std = float(target[predictor.fit_rows].mean()), float(target[predictor.fit_rows].std())
    trained = Trained(predictor=predictor, scaler=scaler, train_mean=mean, train_std=std)
    if task.keep:
        past = slice(fold.valid.stop)
        trained.rehearse(task.rows.features[past], task.rows.last_returns[past])
    later = np.empty(0)
    if task.later is not None and len(task.later[1]):
        given, rows = task.later
        later = trained.forecast(given.features, rows, given.last_returns)
    return FoldOutput(
        result=_result(task, predictor.rounds_by_member, seconds),
        epochs=tuple(replace(epoch, fold=fold.index) for epoch in predictor.epochs if task.told),
        notices=predictor.notices,
        test_forecast=scaler.restore(each.mean(axis=0)),
        member_forecast=scaler.restore(each),
        fit_rows=predictor.fit_rows,
        fit_forecast=fitted,
        importances=np.empty(0) if importances is None else importances,
        train_mean=mean,
        train_std=std,
        trainings=tuple(replace(training, fold=fold.index) for training in predictor.trainings),
        later_forecast=later,
        trained=trained if task.keep else None,
        scaler=scaler,
    )


def _result(task: Task, rounds: tuple[int, ...], seconds: float) -> FoldResult:
    train_first, train_last, valid_first, valid_last, test_first, test_last = task.days
    fold = task.fold
    return FoldResult(
        fold=fold.index,
        train_first=train_first,
        train_last=train_last,
        valid_first=valid_first,
        valid_last=valid_last,
        test_first=test_first,
        test_last=test_last,
        train_rows=len(fold.train),
        valid_rows=len(fold.valid),
        test_rows=len(fold.test),
        rounds=rounds,
        seconds=round(seconds, 3),
    )
