"""Every frame that crosses a border: its columns, their types, units and clock.

A frame is a polars ``DataFrame`` whose columns, order and types are fixed here. `require` is the one
check; functions inside trust what passed it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl
from polars.datatypes import DataType, DataTypeClass

from geiger.errors import DataError

DType = DataType | DataTypeClass


CALENDAR = (-719_162, 2_932_896)  # days since 1970: the first and the last that a date of Python can be


@dataclass(frozen=True)
class Schema:
    """Columns of one kind of frame.

    Attributes
    ----------
    name : str
        Word used in messages.
    columns : Mapping[str, DType]
        Column name to polars type, in order.
    key : tuple of str
        Columns that together are unique.
    nullable : frozenset of str
        Columns that may hold missing values; all others are complete.
    ascending : bool
        Whether rows ascend by `key`; else they stand in an order of their own.
    """

    name: str
    columns: Mapping[str, DType]
    key: tuple[str, ...]
    nullable: frozenset[str] = frozenset()
    ascending: bool = True


PRICES = Schema(
    # Row t is the bar of day t, complete at its close.
    "prices",
    {
        "day": pl.Date,
        # Total-return bar: adjusted for splits and dividends. Levels carry later dividends, ratios do not.
        "open": pl.Float64,
        "high": pl.Float64,
        "low": pl.Float64,
        "close": pl.Float64,
        # The close as the source quotes it, for showing to people.
        "raw_close": pl.Float64,
        # Shares on the basis of `close`: close x volume is the money traded that day. 0 where unknown.
        "volume": pl.Float64,
    },
    key=("day",),
)

CONTEXT = Schema(
    # What the symbol's day t may know of the market: already lagged where that market closes later.
    "context",
    {
        "day": pl.Date,
        "market_close": pl.Float64,  # index level; only ratios are used
        "market_volatility": pl.Float64,  # quoted volatility index, % a year
    },
    key=("day",),
    nullable=frozenset({"market_close", "market_volatility"}),
)

TARGET = Schema(
    # Row t: the log return that a decision at the close of t can still earn.
    "target",
    {
        "day": pl.Date,
        "entry_day": pl.Date,  # day of the fill that opens the position
        "known_on": pl.Date,  # day on which the value becomes known
        "value": pl.Float64,  # log return from entry to exit
        "simple": pl.Float64,  # the same as a simple return
    },
    key=("day",),
    nullable=frozenset({"entry_day", "known_on", "value", "simple"}),
)

FORECASTS = Schema(
    # Test rows only: all that a model hands on.
    "forecasts",
    {
        "day": pl.Date,  # decision day: made from rows <= day
        "symbol": pl.String,
        "model": pl.String,
        "fold": pl.Int32,
        "forecast": pl.Float64,  # expected log return, entry to exit
        "outcome": pl.Float64,  # what came of it, log return
        "known_on": pl.Date,
        "train_end": pl.Date,  # day on which the fold's last label became known
        "train_mean": pl.Float64,  # mean of the target on the fold's train rows
        "train_std": pl.Float64,  # its standard deviation there
    },
    key=("day",),
    nullable=frozenset({"outcome", "known_on"}),
)

PANEL_FORECASTS = Schema(
    # Test rows of a panel: one row a day and symbol.
    "forecasts of a panel",
    {
        "day": pl.Date,  # decision day: made from rows <= day
        "symbol": pl.String,
        "model": pl.String,
        "fold": pl.Int32,
        "score": pl.Float64,  # ranks the symbols of a day: return beyond its mean, daily volatilities
        "market": pl.Float64,  # expected mean return of the day, daily volatilities; one value a day
        "forecast": pl.Float64,  # expected log return, entry to exit
        "outcome": pl.Float64,  # what came of it, log return
        "known_on": pl.Date,
        "train_end": pl.Date,  # day on which the last label became known that it was learned from
        "volatility": pl.Float64,  # of the symbol's day, log return, known at its close
    },
    key=("day", "symbol"),
    nullable=frozenset({"outcome", "known_on"}),
)

PANEL_UNSCORED = Schema(
    # What a panel's run forecast without an outcome to score it by: for sizing alone.
    "unscored forecasts of a panel",
    {
        "day": pl.Date,  # decision day: made from rows <= day
        "symbol": pl.String,
        "fold": pl.Int32,
        "score": pl.Float64,  # as in PANEL_FORECASTS, and so are the others
        "market": pl.Float64,
        "forecast": pl.Float64,
        "volatility": pl.Float64,
    },
    key=("day", "symbol"),
)

SEALED = Schema(
    # What a run forecast after its scored rows, the lock-box included: for sizing alone, without outcomes.
    "sealed",
    {
        "day": pl.Date,  # decision day: made from rows <= day
        "fold": pl.Int32,
        "forecast": pl.Float64,  # expected log return, entry to exit
        "train_std": pl.Float64,  # of the target on the rows that the fold learned from
    },
    key=("day",),
)

MEMBERS = Schema(
    # What each member of a model (a seed) forecast on the test rows; FORECASTS holds the members' mean.
    "members",
    {
        "day": pl.Date,  # decision day: made from rows <= day
        "seed": pl.Int32,  # the member's position
        "fold": pl.Int32,
        "forecast": pl.Float64,  # expected log return, entry to exit
    },
    key=("fold", "seed", "day"),
)

IN_SAMPLE = Schema(
    # What each fold's final fit says of the very rows it learned from: never out of sample, never traded.
    "in_sample",
    {
        "day": pl.Date,  # a train or inner validation row; its outcome was known when the fold was fitted
        "fold": pl.Int32,
        "forecast": pl.Float64,  # log return, entry to exit
    },
    key=("fold", "day"),
)

IMPORTANCES = Schema(
    # What each feature contributed to a fold's final fit, of models that tell; in the order of the contract.
    "importances",
    {
        "feature": pl.String,
        "fold": pl.Int32,
        "importance": pl.Float64,  # share of the model's own measure; a fold's shares sum to 1, or all are 0
    },
    key=("fold", "feature"),
    ascending=False,
)

STACK_WEIGHTS = Schema(
    # What each base model weighs in each block of a stack, learned from outcomes known before `day`.
    "weights of a stack",
    {
        "fold": pl.Int32,  # the block, one more than the last for the weights for use
        "day": pl.Date,  # first decision that they are for
        "model": pl.String,
        "weight": pl.Float64,  # of the forecast in the unit the stack learns in, >= 0
        "left_out": pl.String,  # health code, where the model had no part
    },
    key=("fold", "model"),
    nullable=frozenset({"left_out"}),
    ascending=False,
)

RIVALS = Schema(
    # What the simplest alternatives to a stack forecast on its days, from the same earlier rows.
    "rivals",
    {
        "day": pl.Date,  # decision day
        "rival": pl.String,
        "forecast": pl.Float64,  # log return, entry to exit
    },
    key=("rival", "day"),
    ascending=False,
)

OUT_OF_FOLD = Schema(
    # What each member of each base model forecast while it had not seen the day: all a stack learns from.
    "out_of_fold",
    {
        "day": pl.Date,  # decision day
        "symbol": pl.String,
        "model": pl.String,
        "seed": pl.Int32,  # the member's position
        "fold": pl.Int32,
        "forecast": pl.Float64,  # log return; missing where this model forecast nothing that day
        "outcome": pl.Float64,  # what came of it, log return
        "train_end": pl.Date,  # day on which the fold's last label became known
        "known_on": pl.Date,  # day on which the outcome became known
    },
    key=("day", "model", "seed"),
    nullable=frozenset({"fold", "forecast", "outcome", "train_end", "known_on"}),
)

WEIGHTS = Schema(
    # Decided at the close of `day` from forecasts dated <= day.
    "weights",
    {"day": pl.Date, "weight": pl.Float64},
    key=("day",),
)

LEDGER = Schema(
    # One row a holding interval: decided at the close of `day`, filled on `fill_day`, known on `exit_day`.
    "ledger",
    {
        "day": pl.Date,
        "fill_day": pl.Date,
        "exit_day": pl.Date,
        "weight": pl.Float64,  # share of equity held over the interval
        "asset_return": pl.Float64,  # simple return of the asset, fill to exit
        "turnover": pl.Float64,  # |weight - drifted weight before the trade|; last row: and the closing trade
        "gross": pl.Float64,  # weight x asset_return
        "financing": pl.Float64,  # cash yield - margin interest - borrow fee
        "cost": pl.Float64,  # commission, spread and slippage of the turnover
        "net": pl.Float64,  # gross + financing - cost
        "equity": pl.Float64,  # running product of 1 + net, starting from 1 before the first row
    },
    key=("day",),
)


def require(frame: pl.DataFrame, schema: Schema) -> pl.DataFrame:
    """Return `frame` unchanged if it has exactly the columns of `schema`, else raise `DataError`.

    Checked: names and order, types, no missing values outside `Schema.nullable`, finite numbers, days of the
    years 1 to 9999 (polars holds others, and panics where they become dates), and a unique key that ascends
    where the schema says so. Nothing is repaired.
    """
    expected = list(schema.columns)
    if frame.columns != expected:
        raise DataError(f"{schema.name}: expected columns {expected}, got {frame.columns}")
    for name, dtype in schema.columns.items():
        column = frame[name]
        if column.dtype != dtype:
            raise DataError(f"{schema.name}: column {name!r} must be {dtype}, got {column.dtype}")
        if name not in schema.nullable and column.null_count():
            row = int(column.is_null().arg_max() or 0)
            raise DataError(f"{schema.name}: column {name!r} has no value in row {row}")
        if dtype == pl.Date and not column.drop_nulls().to_physical().is_between(*CALENDAR).all():
            raise DataError(f"{schema.name}: column {name!r} has a day that no calendar has")
        if dtype == pl.Float64 and not column.drop_nulls().is_finite().all():
            row = int((~column.is_finite()).fill_null(False).arg_max() or 0)
            raise DataError(f"{schema.name}: column {name!r} is not finite in row {row}")
    keys = frame.select(schema.key)
    if keys.is_duplicated().any():
        row = int(keys.is_duplicated().arg_max() or 0)
        raise DataError(f"{schema.name}: {keys.row(row)} occurs twice (row {row})")
    if schema.ascending and not keys.equals(keys.sort(schema.key)):
        raise DataError(f"{schema.name}: rows must ascend by {', '.join(schema.key)}")
    return frame
