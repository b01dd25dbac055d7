"""What a stack hands on: its periods as frames, notices and notes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl

from geiger.columns import SEALED, STACK_WEIGHTS, require
from geiger.errors import TrainingError
from geiger.experiment.material import Material
from geiger.experiment.out_of_fold import Base, Grid, slice_of
from geiger.experiment.periods import Period, columns_of, predicted
from geiger.models.baselines import Ridge
from geiger.models.stack import MetaLearner
from geiger.records import FoldResult, Notice

EQUAL, BEST, RIDGE = "equal weights", "best single of the past", Ridge.name
NO_VALID = ""  # weights are not chosen on rows of their own
SHOWN_PERIODS = 12  # lines of the weights' table in a log; the run folder has all


def forecasts_of(grid: Grid, period: Period, material: Material) -> pl.DataFrame:
    """Return the FORECASTS frame of a period."""
    fold, outcome = period.fold, grid.outcome[slice_of(period.fold.train)]
    last_label = grid.known_on[slice_of(fold.train)].max()
    ends = np.maximum(grid.train_end[slice_of(fold.test)], last_label)
    rows = material.target.slice(fold.test.start, len(fold.test))
    return rows.select(
        "day",
        symbol=pl.lit(material.symbol),
        model=pl.lit(MetaLearner.name),
        fold=pl.lit(fold.index, dtype=pl.Int32),
        forecast=pl.Series(predicted(grid, period, fold.test)),
        outcome=pl.col("value"),
        known_on=pl.col("known_on"),
        train_end=pl.Series(ends).cast(pl.Date),
        train_mean=pl.lit(float(outcome.mean())),
        train_std=pl.lit(float(outcome.std())),
    )


def in_sample_of(grid: Grid, period: Period, material: Material) -> pl.DataFrame:
    """Return day, fold and forecast of the rows that the period's weights were fitted on."""
    rows = period.fold.train
    return pl.DataFrame(
        {"day": material.prices["day"][rows.start : rows.stop], "forecast": predicted(grid, period, rows)}
    ).select("day", pl.lit(period.fold.index, dtype=pl.Int32).alias("fold"), "forecast")


def rivals_of(grid: Grid, period: Period, material: Material) -> pl.DataFrame:
    """Return what the simplest alternatives forecast on the rows of a period."""
    rows, names = period.fold.test, period.meta.models
    found = {}
    if names:
        found[EQUAL] = columns_of(grid, names, rows).mean(axis=1)
        found[BEST] = columns_of(grid, [period.best], rows)[:, 0]
    else:
        found[EQUAL] = found[BEST] = predicted(grid, period, rows)
    if RIDGE in grid.models:
        found[RIDGE] = columns_of(grid, [RIDGE], rows)[:, 0]
    days = material.prices["day"][rows.start : rows.stop]
    return pl.concat(
        pl.DataFrame({"day": days, "forecast": forecast}).select(
            "day", pl.lit(rival).alias("rival"), "forecast"
        )
        for rival, forecast in found.items()
    )


def weights_of(periods: Sequence[Period], models: Sequence[str], material: Material) -> pl.DataFrame:
    """Return the STACK_WEIGHTS frame: a row for every model in every period."""
    rows = []
    for period in periods:
        weight, why = _weight_of(period), dict(period.left_out)
        day = material.prices["day"][period.fold.test.start]
        rows += [(period.fold.index, day, model, weight.get(model, 0.0), why.get(model)) for model in models]
    frame = pl.DataFrame(rows, schema=dict(STACK_WEIGHTS.columns), orient="row")
    return require(frame, STACK_WEIGHTS)


def _weight_of(period: Period) -> dict[str, float]:
    return dict(zip(period.meta.models, period.meta.weights.tolist(), strict=True))


def result_of(period: Period, material: Material) -> FoldResult:
    """Return what a log says of a period: its days and rows."""
    days, fold = material.prices["day"], period.fold
    return FoldResult(
        fold=fold.index,
        train_first=str(days[fold.train.start]),
        train_last=str(days[fold.train[-1]]),
        valid_first=NO_VALID,
        valid_last=NO_VALID,
        test_first=str(days[fold.test.start]),
        test_last=str(days[fold.test[-1]]),
        train_rows=len(fold.train),
        valid_rows=0,
        test_rows=len(fold.test),
        rounds=(),
        seconds=0.0,
    )


def notices_of(periods: Sequence[Period], models: int) -> tuple[Notice, ...]:
    """Return what people should know about the weights."""
    found = []
    empty = [period for period in periods if period.meta.empty]
    if empty:
        text = (
            f"no base model has any weight in {len(empty)} of {len(periods)} blocks: the forecast there is "
            "the mean of the past"
        )
        found.append(Notice("META_EMPTY", text))
    causes: dict[tuple[str, str], int] = {}
    for period in periods:
        for cause in period.left_out:
            causes[cause] = causes.get(cause, 0) + 1
    for (model, why), number in causes.items():
        where = f"{number} of {len(periods)} blocks"
        text = f"{model} was {why} on the rows before {where} and has no weight there"
        found.append(Notice("STACK_LEFT_OUT", text))
    if models == 1:
        found.append(
            Notice("STACK_ONE_MODEL", "only one base model is left: the stack rescales its forecast")
        )
    return tuple(found)


def notes_of(
    periods: Sequence[Period], for_use: Period, models: Sequence[str], material: Material
) -> tuple[str, ...]:
    """Return the weights over time as lines of text: some periods, evenly spaced, and the weights for use."""
    step = max(1, -(-len(periods) // SHOWN_PERIODS))
    lines = []
    for period in [*periods[::step], for_use]:
        weight, why = _weight_of(period), dict(period.left_out)
        shown = ", ".join(f"{m} {why[m]}" if m in why else f"{m} {weight[m]:.3f}" for m in models)
        day = material.prices["day"][period.fold.test.start]
        lines.append(f"Weights {'for use' if period is for_use else 'from'} {day}: {shown}.")
    return tuple(lines)


def sealed_of(
    bases: Sequence[Base], grid: Grid, newest: Period, final: Period, material: Material
) -> pl.DataFrame:
    """Return the SEALED frame: until the last development row by the newest weights, then by the final."""
    days = material.whole.prices["day"]
    start = final.fold.test.start
    pieces = [
        _sealed_rows(bases, grid, newest, days[material.labelled : start]),
        _sealed_rows(bases, grid, final, days[start : len(days) - 1]),  # the last is the model's for use
    ]
    return require(pl.concat(pieces), SEALED)


def _sealed_rows(bases: Sequence[Base], grid: Grid, period: Period, days: pl.Series) -> pl.DataFrame:
    columns = np.empty((len(days), len(period.meta.models)))
    for i, name in enumerate(period.meta.models):
        sealed = next(base.sealed for base in bases if base.name == name)
        if sealed is None or not days.is_in(sealed["day"].implode()).all():
            raise TrainingError(f"stack: {name} lacks forecasts behind its scored rows; train it again")
        columns[:, i] = sealed.filter(pl.col("day").is_in(days.implode()))["forecast"].to_numpy()
    std = float(grid.outcome[slice_of(period.fold.train)].std())
    return pl.DataFrame({"day": days, "forecast": period.meta.predict(columns)}).select(
        "day",
        pl.lit(period.fold.index, dtype=pl.Int32).alias("fold"),
        "forecast",
        pl.lit(std).alias("train_std"),
    )
