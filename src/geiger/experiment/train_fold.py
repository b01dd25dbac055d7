"""One fold: it learns from its past, forecasts its test rows once, and says how it went."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from geiger.errors import TrainingError
from geiger.experiment.material import Material
from geiger.learning.folds import Fold
from geiger.learning.windows import FoldArrays, fold_arrays, join
from geiger.models import Ensemble, Forecaster, fit_members
from geiger.records import Epoch, FoldResult, Notice, Training
from geiger.runs.saved import Trained
from geiger.seeds import derive
from geiger.settings import Config


@dataclass(frozen=True)
class Task:
    """One fold to train.

    Attributes
    ----------
    material : Material
        What the fold learns from and forecasts.
    later : Material and range, optional
        Rows, and the material that holds them, which the fold's model forecasts besides; never scored.
    keep : bool
        Hand on what was learned.
    """

    material: Material
    fold: Fold
    later: tuple[Material, range] | None = None
    keep: bool = False


@dataclass(frozen=True)
class FoldOutput:
    """What one fold hands on. Forecasts are log returns."""

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


def train_fold(model: str, forecaster: Forecaster, config: Config, task: Task) -> FoldOutput:
    """Fit one fold's members and forecast its test rows.

    Raises
    ------
    TrainingError
        The model cannot be fitted; the text says in which fold, by which member.
    """
    started, fold = time.perf_counter(), task.fold
    arrays = arrays_of(task.material, config, fold)
    try:
        predictor = fit_members(forecaster, arrays.train, arrays.valid, seeds_of(config, model, fold))
    except TrainingError as error:
        raise TrainingError(f"fold {fold.index}, {error}") from error
    return output_of(task, arrays, predictor, time.perf_counter() - started)


def arrays_of(material: Material, config: Config, fold: Fold) -> FoldArrays:
    """Return what the fold's fit is given: blocks scaled by its train rows alone."""
    target = material.target["value"].to_numpy()
    weighting = config.weighting
    return fold_arrays(
        material.features,
        target,
        fold,
        clip=config.clip,
        weighting=weighting,
        last_return=material.last_returns,
    )


def seeds_of(config: Config, model: str, fold: Fold) -> list[int]:
    """Return one seed a member, each its own; no other fold or model has it."""
    return [derive(config.seed, model, fold.index, member) for member in range(config.seeds)]


def output_of(task: Task, arrays: FoldArrays, predictor: Ensemble, seconds: float) -> FoldOutput:
    """Forecast what the task asks for with what was learned from `arrays`, in `seconds`."""
    material, fold, scaler = task.material, task.fold, arrays.scaler
    target = material.target["value"].to_numpy()
    fitted = join(arrays.train, arrays.valid).take(predictor.fit_rows)
    importances = predictor.importances
    each = predictor.each(arrays.test)
    mean, std = float(target[predictor.fit_rows].mean()), float(target[predictor.fit_rows].std())
    trained = Trained(predictor=predictor, scaler=scaler, train_mean=mean, train_std=std)
    later = np.empty(0)
    if task.later is not None and len(task.later[1]):
        whole, rows = task.later
        later = trained.forecast(whole.features, rows, whole.last_returns)
    return FoldOutput(
        result=_result(material, fold, predictor.rounds_by_member, seconds),
        epochs=tuple(replace(epoch, fold=fold.index) for epoch in predictor.epochs),
        notices=predictor.notices,
        test_forecast=scaler.restore(each.mean(axis=0)),
        member_forecast=scaler.restore(each),
        fit_rows=predictor.fit_rows,
        fit_forecast=scaler.restore(predictor.predict(fitted)),
        importances=np.empty(0) if importances is None else importances,
        train_mean=mean,
        train_std=std,
        trainings=tuple(replace(training, fold=fold.index) for training in predictor.trainings),
        later_forecast=later,
        trained=trained if task.keep else None,
    )


def _result(material: Material, fold: Fold, rounds: tuple[int, ...], seconds: float) -> FoldResult:
    def day(row: int) -> str:
        return str(material.prices["day"][row])

    return FoldResult(
        fold=fold.index,
        train_first=day(fold.train[0]),
        train_last=day(fold.train[-1]),
        valid_first=day(fold.valid[0]),
        valid_last=day(fold.valid[-1]),
        test_first=day(fold.test[0]),
        test_last=day(fold.test[-1]),
        train_rows=len(fold.train),
        valid_rows=len(fold.valid),
        test_rows=len(fold.test),
        rounds=rounds,
        seconds=round(seconds, 3),
    )
