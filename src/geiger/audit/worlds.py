"""Other futures: the same bars up to a cut, and something else behind it.

A bar belongs to the past of a decision if it was complete at that decision's close. When that is, is said
here once more, from the closing times of both markets and not from the rule that joins them, so that a
wrong rule is found.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import TypeAlias

import numpy as np
import polars as pl

from geiger.columns import PRICES
from geiger.experiment.own import OwnFeatures, OwnTarget
from geiger.learning.windows import Floats
from geiger.market.calendar import Market, close_instant
from geiger.market.loaded import Loaded
from geiger.market.rhythm import observed_market
from geiger.seeds import generator

QUOTES = ("open", "high", "low", "close", "raw_close")
WILD = 0.02  # daily deviation of the noise that stands in for a future
NEXT = (1.021, 1.043, 0.967, 1.032, 1.032)  # of one altered bar: open, high, low, close, raw close
LIVELIER = 1.5  # its volume
ROUNDED = 1e-4  # of a factor: below it a source only rounds

Altered: TypeAlias = Callable[[pl.DataFrame, int, np.random.Generator], pl.DataFrame]


@dataclass(frozen=True, eq=False)
class World:
    """Everything from outside that a forecast may depend on: prices, context, and what is the user's own."""

    symbol: Loaded
    index: Loaded | None = None
    volatility: Loaded | None = None
    features: OwnFeatures | None = None
    target: OwnTarget | None = None

    @property
    def market(self) -> Market:
        """The symbol's market."""
        return observed_market(self.symbol.symbol, self.symbol.prices)


def past_rows(series: Loaded, day: dt.date, market: Market) -> int:
    """Return how many rows of `series` were complete at the close of `day` on `market`.

    Where either close is a guess, a bar of the same day counts as later.
    """
    days = series.prices["day"]
    rows = int(days.search_sorted(day, side="right"))
    if not rows or days[rows - 1] != day:
        return rows
    theirs = observed_market(series.symbol, series.prices)
    sure = theirs.close_known and market.close_known
    known = sure and close_instant(theirs, day) <= close_instant(market, day)
    return rows if known else rows - 1


def future_altered(world: World, day: dt.date, kind: str) -> World:
    """Return the world with every bar that was not complete at the close of `day` altered.

    Parameters
    ----------
    kind : str
        One of `FUTURES`.
    """
    market = world.market

    def altered(series: Loaded | None, own: bool) -> Loaded | None:
        if series is None:
            return None
        rows = int(series.prices["day"].search_sorted(day, side="right")) if own else None
        kept = past_rows(series, day, market) if rows is None else rows
        return altered_behind(series, kept, day, kind)

    symbol = altered(world.symbol, own=True)
    assert symbol is not None
    index, volatility = (altered(series, own=False) for series in (world.index, world.volatility))
    return replace(world, symbol=symbol, index=index, volatility=volatility)


def altered_behind(series: Loaded, kept: int, day: dt.date, kind: str) -> Loaded:
    """Return a series with every bar but the first `kept` altered; `kind` is one of `FUTURES`."""
    return _with(series, FUTURES[kind].alter, kept, day, kind)


def past_rescaled(world: World, day: dt.date) -> World:
    """Return the world as a source tells it after a later split: all bars up to `day` at half their level."""
    return replace(world, symbol=_with(world.symbol, _halved, _rows_to(world, day), day, "rescaled"))


def decision_bar_altered(world: World, day: dt.date) -> World:
    """Return the world with the bar of `day` altered, which a decision of that day has already seen."""
    rows = _rows_to(world, day)

    def alter(prices: pl.DataFrame, kept: int, rng: np.random.Generator) -> pl.DataFrame:
        return _next_row(prices, kept - 1, rng)

    return replace(world, symbol=_with(world.symbol, alter, rows, day, "decision bar"))


def context_gapped(world: World, day: dt.date) -> World:
    """Return the world whose context has no bar of `day`, as on a holiday of its own market."""

    def gapped(series: Loaded | None) -> Loaded | None:
        return None if series is None else replace(series, prices=series.prices.filter(pl.col("day") != day))

    return replace(world, index=gapped(world.index), volatility=gapped(world.volatility))


def days_before_adjustments(series: Loaded, most: int) -> list[dt.date]:
    """Return up to `most` days, evenly spread, whose next bar is adjusted by another factor."""
    prices = series.prices
    factor = (prices["close"] / prices["raw_close"]).to_numpy()
    before = np.flatnonzero(np.abs(np.diff(np.log(factor))) > ROUNDED)
    chosen = before[np.linspace(0, len(before) - 1, min(most, len(before))).round().astype(int)]
    return [prices["day"][int(row)] for row in chosen]


def _rows_to(world: World, day: dt.date) -> int:
    return int(world.symbol.prices["day"].search_sorted(day, side="right"))


def _with(series: Loaded, alter: Altered, kept: int, day: dt.date, kind: str) -> Loaded:
    rng = generator(0, "audit", series.symbol, str(day), kind)
    return replace(series, prices=alter(series.prices, kept, rng), actions=None)


def _truncated(prices: pl.DataFrame, kept: int, rng: np.random.Generator) -> pl.DataFrame:
    return prices.head(kept)


def _next_row(prices: pl.DataFrame, kept: int, rng: np.random.Generator) -> pl.DataFrame:
    values = _values(prices)
    if kept < prices.height:
        values[kept, :5] *= NEXT
        values[kept, 1] = values[kept, :4].max()
        values[kept, 2] = values[kept, :4].min()
        values[kept, 5] *= LIVELIER
    return _frame(prices, values)


def _noise(prices: pl.DataFrame, kept: int, rng: np.random.Generator) -> pl.DataFrame:
    values = _values(prices)
    later, start = prices.height - kept, values[max(kept - 1, 0)]
    if later:
        path = np.exp(np.cumsum(rng.normal(0.0, WILD, (later, 4)).sum(axis=1)))
        opens, spread = (
            np.exp(rng.normal(0.0, WILD, later)),
            np.exp(np.abs(rng.normal(0.0, WILD, (later, 2)))),
        )
        close = start[3] * path
        values[kept:, 3], values[kept:, 0] = close, close * opens
        values[kept:, 1] = np.maximum(close, values[kept:, 0]) * spread[:, 0]
        values[kept:, 2] = np.minimum(close, values[kept:, 0]) / spread[:, 1]
        values[kept:, 4] = start[4] * path
        values[kept:, 5] *= np.exp(rng.normal(0.0, 1.0, later))
    return _frame(prices, values)


def _tenfold(prices: pl.DataFrame, kept: int, rng: np.random.Generator) -> pl.DataFrame:
    values = _values(prices)
    values[kept:] *= 10.0
    return _frame(prices, values)


def _reversed(prices: pl.DataFrame, kept: int, rng: np.random.Generator) -> pl.DataFrame:
    values = _values(prices)
    values[kept:] = values[kept:][::-1].copy()
    return _frame(prices, values)


def _halved(prices: pl.DataFrame, kept: int, rng: np.random.Generator) -> pl.DataFrame:
    values = _values(prices)
    values[:kept, :4] *= 0.5  # a power of two: nothing that is free of levels changes by a bit
    return _frame(prices, values)


def _values(prices: pl.DataFrame) -> Floats:
    """Return open, high, low, close, raw close and volume (n, 6), free to be written to."""
    return prices.select(*QUOTES, "volume").to_numpy().copy()


def _frame(prices: pl.DataFrame, values: Floats) -> pl.DataFrame:
    columns = {name: values[:, place] for place, name in enumerate((*QUOTES, "volume"))}
    return pl.DataFrame({"day": prices["day"], **columns}).select(list(PRICES.columns))


@dataclass(frozen=True)
class Future:
    """One way to alter what comes after a cut."""

    alter: Altered
    words: str


FUTURES: Mapping[str, Future] = MappingProxyType(
    {
        "truncated": Future(_truncated, "the rows after it were removed"),
        "next_row": Future(_next_row, "the next row alone was altered"),
        "noise": Future(_noise, "the rows after it were replaced by noise"),
        "tenfold": Future(_tenfold, "the rows after it were multiplied by 10"),
        "reversed": Future(_reversed, "the rows after it were put in reverse order"),
    }
)
