"""What base models forecast out of sample, side by side: the only rows that weights may be learned from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from geiger.columns import OUT_OF_FOLD, require
from geiger.errors import TrainingError
from geiger.experiment.material import Floats, Material
from geiger.runs.folder import StoredRun

Days = npt.NDArray[np.datetime64]


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
    stored : StoredRun, optional
        The run that made them and left the model for use.
    """

    name: str
    forecasts: pl.DataFrame
    members: pl.DataFrame
    train_rows: Mapping[int, int]
    sealed: pl.DataFrame | None = None
    stored: StoredRun | None = None

    @classmethod
    def of(cls, name: str, stored: StoredRun) -> Base:
        """Return the base model `name` as its finished run tells of it."""
        return cls(name, stored.forecasts(), stored.members(), stored.train_rows(), stored.sealed(), stored)


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
    ends = np.stack([days_of(column["train_end"]) for column in columns], axis=1)
    return Grid(
        models=tuple(base.name for base in bases),
        forecasts=numbers["forecast"],
        train_mean=numbers["train_mean"],
        train_std=numbers["train_std"],
        train_rows=numbers["rows"],
        train_end=np.where(np.isnat(ends), np.datetime64("0001-01-01"), ends).max(axis=1),
        outcome=_floats(on["outcome"]),
        known_on=days_of(on["known_on"]),
    )


def _floats(column: pl.Series) -> Floats:
    return column.cast(pl.Float64).fill_null(np.nan).to_numpy()


def days_of(column: pl.Series) -> Days:
    """Return days (n,) as NumPy knows them; a missing one is not a time."""
    return column.to_numpy().astype("datetime64[D]")


def require_complete(grid: Grid, rows: range, days: pl.Series) -> None:
    """Refuse rows on which a model forecast nothing.

    Raises
    ------
    TrainingError
        Naming the first such model and day.
    """
    missing = ~np.isfinite(grid.forecasts[slice_of(rows)])
    if missing.any():
        row, column = (int(i[0]) for i in np.nonzero(missing))
        raise TrainingError(
            f"stack: {grid.models[column]} has no forecast for {days[rows.start + row]}; train it on "
            "the same days as the others"
        )


def slice_of(rows: range) -> slice:
    """Return rows as a slice, which copies nothing."""
    return slice(rows.start, rows.stop)
