"""The stack's own walk-forward: base models forecast blocks, weights for a block come from earlier blocks.

::

    base runs → out-of-fold store → for each block: weights from rows known before it → forecasts of the block

Every number a weight is fitted on was forecast by a model that had not seen its day, and its outcome was
known when the weights were fitted. Which models take part in a block, how they are scaled and what they
weigh is decided from earlier rows alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from geiger import metrics
from geiger.columns import (
    FORECASTS,
    IN_SAMPLE,
    OUT_OF_FOLD,
    RIVALS,
    SEALED,
    STACK_WEIGHTS,
    require,
)
from geiger.errors import TrainingError
from geiger.experiment.material import Material
from geiger.learning.folds import Fold, later_block
from geiger.models.stack import Meta, MetaLearner
from geiger.records import FoldResult, Notice, Training
from geiger.report.charts import weights_chart

Floats = npt.NDArray[np.float64]
Days = npt.NDArray[np.datetime64]

EQUAL, BEST, RIDGE = "equal weights", "best single of the past", "ridge"
NO_VALID = ""  # weights are not chosen on rows of their own
SHOWN_BLOCKS = 12  # lines of the weights' table in a log; the run folder has all


@dataclass(frozen=True)
class Base:
    """The out-of-fold forecasts of one base model, from its own run.

    Attributes
    ----------
    forecasts : FORECASTS frame
    members : MEMBERS frame
        Of each member; `forecasts` holds their mean.
    train_rows : mapping of int to int
        Rows that each fold learned from.
    sealed : SEALED frame, optional
        What it forecast after the scored rows; only weights for use need it.
    """

    name: str
    run: str
    forecasts: pl.DataFrame
    members: pl.DataFrame
    train_rows: Mapping[int, int]
    sealed: pl.DataFrame | None = None


@dataclass(frozen=True)
class Grid:
    """The forecasts of all base models side by side; row t stands for row t of the prices.

    Attributes
    ----------
    forecasts : (n, m) float64
        Log return; NaN where a model forecast nothing.
    train_mean, train_std, train_rows : (n, m) float64
        Of the target on the rows that the forecast's fold learned from.
    train_end : (n,) datetime64[D]
        The latest label that any of the day's forecasts learned from.
    outcome : (n,) float64
        NaN where it is not known.
    known_on : (n,) datetime64[D]
        Day on which the outcome became known.
    """

    models: tuple[str, ...]
    forecasts: Floats
    train_mean: Floats
    train_std: Floats
    train_rows: Floats
    train_end: Days
    outcome: Floats
    known_on: Days


@dataclass(frozen=True)
class Block:
    """What happened in one block: who took part, with which weights."""

    fold: Fold
    meta: Meta
    left_out: tuple[tuple[str, str], ...]  # (model, why)
    best: str  # the single model with the least squared error on the earlier rows


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
    sealed: pl.DataFrame | None = None
    trainings: tuple[Training, ...] = ()

    @property
    def charts(self) -> dict[str, bytes]:
        """Pictures for the run folder, SVG."""
        table = self.weights.with_columns(
            pl.when(pl.col("left_out").is_null()).then(pl.col("weight")).otherwise(float("nan"))
        )
        models = table["model"].unique(maintain_order=True).to_list()
        of_model = {model: table.filter(pl.col("model") == model) for model in models}
        days = of_model[models[0]]["day"].to_list()
        lines = {model: rows["weight"].to_list() for model, rows in of_model.items()}
        symbol = self.forecasts["symbol"][0]
        return {"weights": weights_chart(days, lines, f"{symbol}: weights of the base models")}

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


def out_of_fold(bases: Sequence[Base], material: Material) -> pl.DataFrame:
    """Return the OUT_OF_FOLD frame of all members, with a row also where a model forecast nothing."""
    days = pl.concat([base.members.select("day") for base in bases]).unique().sort("day")
    known = material.target.select("day", pl.col("value").alias("outcome"), "known_on")
    found = []
    for base in bases:
        ends = base.forecasts.select("day", "train_end")
        for (seed,), rows in base.members.group_by("seed"):
            frame = days.join(rows.select("day", "fold", "forecast"), on="day", how="left")
            frame = frame.join(ends, on="day", how="left").join(known, on="day", how="left")
            names = {"symbol": material.symbol, "model": base.name}
            frame = frame.with_columns(
                *(pl.lit(text).alias(name) for name, text in names.items()),
                pl.lit(seed, dtype=pl.Int32).alias("seed"),
            )
            found.append(frame.select(list(OUT_OF_FOLD.columns)))
    return require(pl.concat(found).sort(OUT_OF_FOLD.key), OUT_OF_FOLD)


def grid_of(store: pl.DataFrame, bases: Sequence[Base], days: pl.Series) -> Grid:
    """Return the OUT_OF_FOLD store as arrays on `days`: a model's forecast is the mean of its members.

    Raises
    ------
    TrainingError
        If a forecast was made by a model that had seen a label of a later day.
    """
    late = store.filter(pl.col("train_end") > pl.col("day"))
    if late.height:
        row = late.row(0, named=True)
        raise TrainingError(
            f"stack: {row['model']} learned a label known on {row['train_end']}, after the decision of "
            f"{row['day']}; this must never happen: please report it"
        )
    columns = []
    for base in bases:
        rows = store.filter((pl.col("model") == base.name) & pl.col("forecast").is_not_null())
        means = rows.group_by("day", maintain_order=True).agg(pl.col("forecast").mean())
        facts = base.forecasts.select("day", "train_mean", "train_std", "fold", "train_end")
        table = means.join(
            facts.with_columns(pl.col("fold").replace_strict(base.train_rows).alias("rows")), on="day"
        )
        columns.append(pl.DataFrame({"day": days}).join(table, on="day", how="left", maintain_order="left"))
    known = store.group_by("day", maintain_order=True).agg(
        pl.col("outcome").first(), pl.col("known_on").first()
    )
    on = pl.DataFrame({"day": days}).join(known, on="day", how="left", maintain_order="left")
    numbers = {
        name: np.stack([_floats(column[name]) for column in columns], axis=1)
        for name in ("forecast", "train_mean", "train_std", "rows")
    }
    ends = np.stack([_days(column["train_end"]) for column in columns], axis=1)
    return Grid(
        models=tuple(base.name for base in bases),
        forecasts=numbers["forecast"],
        train_mean=numbers["train_mean"],
        train_std=numbers["train_std"],
        train_rows=numbers["rows"],
        train_end=np.where(np.isnat(ends), np.datetime64("0001-01-01"), ends).max(axis=1),
        outcome=_floats(on["outcome"]),
        known_on=_days(on["known_on"]),
    )


def _floats(column: pl.Series) -> Floats:
    return column.cast(pl.Float64).fill_null(np.nan).to_numpy()


def _days(column: pl.Series) -> Days:
    return column.to_numpy().astype("datetime64[D]")


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
        As `folds.later_blocks` cut them.
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
    _require_complete(grid, range(folds[0].train.start, folds[-1].test.stop), material.prices["day"])
    blocks = [_block(grid, learner, fold, material) for fold in folds]
    # Weights are printed: learned from the lock-box they would tell how each model did there. So those for
    # use are decided on the last development row, and hold for all that follows.
    last = later_block(
        folds[-1].index + 1,
        material.prices.height - 1,
        material.prices.height,
        folds[0].train.start,
        horizon=horizon,
        rolling=rolling,
    )
    final = _block(grid, learner, last, material)
    forecasts = pl.concat([_forecasts(grid, block, material) for block in blocks])
    return Stacked(
        forecasts=require(forecasts, FORECASTS),
        in_sample=require(pl.concat([_in_sample(grid, block, material) for block in blocks]), IN_SAMPLE),
        out_of_fold=store,
        weights=_weights([*blocks, final], grid.models, material),
        rivals=require(pl.concat([_rivals(grid, block, material) for block in blocks]), RIVALS),
        results=tuple(_result(block, material) for block in blocks),
        notices=_notices([*blocks, final], len(bases)),
        notes=_notes(blocks, final, grid.models, material),
        meta=final.meta,
        train_mean=float(grid.outcome[slice_of(last.train)].mean()),
        train_std=float(grid.outcome[slice_of(last.train)].std()),
        sealed=_sealed(bases, grid, blocks[-1], final, material) if for_use else None,
    )


def _sealed(
    bases: Sequence[Base], grid: Grid, newest: Block, final: Block, material: Material
) -> pl.DataFrame:
    """Return the SEALED frame: until the last development row by the newest weights, then by the final."""
    days = material.whole.prices["day"]
    start = final.fold.test.start
    pieces = [
        _sealed_rows(bases, grid, newest, days[material.labelled : start]),
        _sealed_rows(bases, grid, final, days[start : len(days) - 1]),  # the last is the model's for use
    ]
    return require(pl.concat(pieces), SEALED)


def _sealed_rows(bases: Sequence[Base], grid: Grid, block: Block, days: pl.Series) -> pl.DataFrame:
    columns = np.empty((len(days), len(block.meta.models)))
    for i, name in enumerate(block.meta.models):
        sealed = next(base.sealed for base in bases if base.name == name)
        if sealed is None or not days.is_in(sealed["day"].implode()).all():
            raise TrainingError(f"stack: {name} lacks forecasts behind its scored rows; train it again")
        columns[:, i] = sealed.filter(pl.col("day").is_in(days.implode()))["forecast"].to_numpy()
    std = float(grid.outcome[slice_of(block.fold.train)].std())
    return pl.DataFrame({"day": days, "forecast": block.meta.predict(columns)}).select(
        "day",
        pl.lit(block.fold.index, dtype=pl.Int32).alias("fold"),
        "forecast",
        pl.lit(std).alias("train_std"),
    )


def _require_complete(grid: Grid, rows: range, days: pl.Series) -> None:
    missing = ~np.isfinite(grid.forecasts[slice_of(rows)])
    if missing.any():
        row, column = (int(i[0]) for i in np.nonzero(missing))
        raise TrainingError(
            f"stack: {grid.models[column]} has no forecast for {days[rows.start + row]}; train it on "
            "the same days as the others"
        )


def _block(grid: Grid, learner: MetaLearner, fold: Fold, material: Material) -> Block:
    """Find the weights of one block from the rows before it, and from nothing else."""
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
    decided_on = _days(material.prices["day"].slice(fold.test.start, 1))[0]
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
    return Block(fold, meta, tuple(left_out.items()), best)


def _columns(grid: Grid, names: Sequence[str], rows: range) -> Floats:
    """Return the forecasts (rows, names) of some models."""
    return grid.forecasts[slice_of(rows)][:, [grid.models.index(name) for name in names]]


def _predicted(grid: Grid, block: Block, rows: range) -> Floats:
    return block.meta.predict(_columns(grid, block.meta.models, rows))


def _forecasts(grid: Grid, block: Block, material: Material) -> pl.DataFrame:
    fold, outcome = block.fold, grid.outcome[slice_of(block.fold.train)]
    last_label = grid.known_on[slice_of(fold.train)].max()
    ends = np.maximum(grid.train_end[slice_of(fold.test)], last_label)
    rows = material.target.slice(fold.test.start, len(fold.test))
    return rows.select(
        "day",
        symbol=pl.lit(material.symbol),
        model=pl.lit(MetaLearner.name),
        fold=pl.lit(fold.index, dtype=pl.Int32),
        forecast=pl.Series(_predicted(grid, block, fold.test)),
        outcome=pl.col("value"),
        known_on=pl.col("known_on"),
        train_end=pl.Series(ends).cast(pl.Date),
        train_mean=pl.lit(float(outcome.mean())),
        train_std=pl.lit(float(outcome.std())),
    )


def _in_sample(grid: Grid, block: Block, material: Material) -> pl.DataFrame:
    rows = block.fold.train
    return pl.DataFrame(
        {"day": material.prices["day"][rows.start : rows.stop], "forecast": _predicted(grid, block, rows)}
    ).select("day", pl.lit(block.fold.index, dtype=pl.Int32).alias("fold"), "forecast")


def _rivals(grid: Grid, block: Block, material: Material) -> pl.DataFrame:
    """Return what the simplest alternatives forecast on the rows of a block."""
    rows, names = block.fold.test, block.meta.models
    found = {}
    if names:
        found[EQUAL] = _columns(grid, names, rows).mean(axis=1)
        found[BEST] = _columns(grid, [block.best], rows)[:, 0]
    else:
        found[EQUAL] = found[BEST] = _predicted(grid, block, rows)
    if RIDGE in grid.models:
        found[RIDGE] = _columns(grid, [RIDGE], rows)[:, 0]
    days = material.prices["day"][rows.start : rows.stop]
    return pl.concat(
        pl.DataFrame({"day": days, "forecast": forecast}).select(
            "day", pl.lit(rival).alias("rival"), "forecast"
        )
        for rival, forecast in found.items()
    )


def _weights(blocks: Sequence[Block], models: Sequence[str], material: Material) -> pl.DataFrame:
    rows = []
    for block in blocks:
        weight, why = _weight_of(block), dict(block.left_out)
        day = material.prices["day"][block.fold.test.start]
        rows += [(block.fold.index, day, model, weight.get(model, 0.0), why.get(model)) for model in models]
    frame = pl.DataFrame(rows, schema=dict(STACK_WEIGHTS.columns), orient="row")
    return require(frame, STACK_WEIGHTS)


def _weight_of(block: Block) -> dict[str, float]:
    return dict(zip(block.meta.models, block.meta.weights.tolist(), strict=True))


def _result(block: Block, material: Material) -> FoldResult:
    days, fold = material.prices["day"], block.fold
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


def _notices(blocks: Sequence[Block], models: int) -> tuple[Notice, ...]:
    found = []
    empty = [block for block in blocks if block.meta.empty]
    if empty:
        text = (
            f"no base model has any weight in {len(empty)} of {len(blocks)} blocks: the forecast there is "
            "the mean of the past"
        )
        found.append(Notice("META_EMPTY", text))
    causes: dict[tuple[str, str], int] = {}
    for block in blocks:
        for cause in block.left_out:
            causes[cause] = causes.get(cause, 0) + 1
    for (model, why), number in causes.items():
        where = f"{number} of {len(blocks)} blocks"
        text = f"{model} was {why} on the rows before {where} and has no weight there"
        found.append(Notice("STACK_LEFT_OUT", text))
    if models == 1:
        found.append(
            Notice("STACK_ONE_MODEL", "only one base model is left: the stack rescales its forecast")
        )
    return tuple(found)


def _notes(
    blocks: Sequence[Block], for_use: Block, models: Sequence[str], material: Material
) -> tuple[str, ...]:
    """Return the weights over time as lines of text: some blocks, evenly spaced, and the weights for use."""
    step = max(1, -(-len(blocks) // SHOWN_BLOCKS))
    lines = []
    for block in [*blocks[::step], for_use]:
        weight, why = _weight_of(block), dict(block.left_out)
        shown = ", ".join(f"{m} {why[m]}" if m in why else f"{m} {weight[m]:.3f}" for m in models)
        day = material.prices["day"][block.fold.test.start]
        lines.append(f"Weights {'for use' if block is for_use else 'from'} {day}: {shown}.")
    return tuple(lines)


def slice_of(rows: range) -> slice:
    """Return rows as a slice, which copies nothing."""
    return slice(rows.start, rows.stop)
