"""Other futures of many symbols at once: the same bars of all up to a cut, and something else behind it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

import polars as pl

from geiger.audit.worlds import FUTURES, altered_behind, past_rows
from geiger.errors import DataError
from geiger.experiment.context import Context
from geiger.market.calendar import Market
from geiger.market.sources import Loaded
from geiger.panel.experiment import Panel

ENDED = "ended"
SHARE_ENDED = 3  # one in so many members ends at the cut
# A future of its own: symbols that no longer trade, as those do that are not there to be chosen today.
PANEL_FUTURES: Mapping[str, str] = MappingProxyType(
    {
        **{kind: future.words for kind, future in FUTURES.items()},
        ENDED: "some symbols ceased to trade",
    }
)
SHORTER = ("truncated", ENDED)  # futures in which rows are missing


@dataclass(frozen=True, eq=False)
class PanelWorld:
    """Everything from outside that the forecasts of a panel may depend on."""

    name: str
    members: tuple[Loaded, ...]
    index: Loaded | None
    volatility: Loaded | None
    market: Market

    @property
    def symbols(self) -> tuple[str, ...]:
        """Names of the members."""
        return tuple(one.symbol for one in self.members)

    def between(self, first: dt.date, last: dt.date) -> PanelWorld:
        """Return the world of these days alone, both included; members without a bar are not in it."""

        def part(series: Loaded) -> Loaded:
            days = series.prices.filter(pl.col("day").is_between(first, last))
            return replace(series, prices=days, actions=None)

        def context(series: Loaded | None) -> Loaded | None:
            found = None if series is None else part(series)
            return found if found is not None and found.prices.height else None

        return self._changed(part, context)

    def without(self, symbol: str) -> PanelWorld:
        """Return the world without one of its members."""
        return replace(self, members=tuple(one for one in self.members if one.symbol != symbol))

    def _changed(
        self, own: Callable[[Loaded], Loaded], context: Callable[[Loaded | None], Loaded | None]
    ) -> PanelWorld:
        members = tuple(found for one in self.members if (found := own(one)).prices.height)
        return replace(self, members=members, index=context(self.index), volatility=context(self.volatility))


def future_altered(world: PanelWorld, day: dt.date, kind: str, *, least: int) -> PanelWorld:
    """Return the world with every bar of every member altered that was not complete at the close of `day`.

    Parameters
    ----------
    kind : str
        One of `PANEL_FUTURES`.
    least : int
        Members that go on trading where others cease to.
    """
    if kind == ENDED:
        return _ended(world, day, least)

    def context(series: Loaded | None) -> Loaded | None:
        if series is None:
            return None
        return altered_behind(series, past_rows(series, day, world.market), day, kind)

    return world._changed(lambda one: altered_behind(one, rows_to(one, day), day, kind), context)


def past_rescaled(world: PanelWorld, day: dt.date) -> PanelWorld:
    """Return the world as sources tell it after later splits: all bars up to `day` at half their level."""

    def halved(series: Loaded) -> Loaded:
        level = pl.when(pl.col("day") <= day).then(0.5).otherwise(1.0)
        columns = [pl.col(name) * level for name in ("open", "high", "low", "close")]
        return replace(series, prices=series.prices.with_columns(columns), actions=None)

    return world._changed(halved, lambda series: series)


def decision_bar_altered(world: PanelWorld, day: dt.date) -> PanelWorld:
    """Return the world with the bars of `day` altered, which a decision of that day has already seen."""

    def altered(series: Loaded) -> Loaded:
        kept = rows_to(series, day) - 1
        own = kept >= 0 and series.prices["day"][kept] == day
        return altered_behind(series, kept, day, "next_row") if own else series

    return world._changed(altered, lambda series: series)


def rows_to(series: Loaded, day: dt.date) -> int:
    """Return how many bars of a series there are up to `day`."""
    return int(series.prices["day"].search_sorted(day, side="right"))


def _ended(world: PanelWorld, day: dt.date, least: int) -> PanelWorld:
    """Let some of the members that trade on after `day` end there, evenly spread over them."""
    going_on = [one.symbol for one in world.members if rows_to(one, day) < one.prices.height]
    number = max(1, min(len(going_on) // SHARE_ENDED, len(going_on) - least))
    ended = set(going_on[:: max(len(going_on) // number, 1)][:number])

    def cut(series: Loaded) -> Loaded:
        if series.symbol not in ended:
            return series
        return replace(series, prices=series.prices.head(rows_to(series, day)), actions=None)

    return world._changed(cut, lambda series: series)


@dataclass(frozen=True)
class PanelOf(Panel):
    """A panel whose prices are those of a world."""

    world: PanelWorld | None = None

    def loaded(self, symbol: str) -> Loaded:
        """Return the prices of a member in this world."""
        members = () if self.world is None else self.world.members
        for one in members:
            if one.symbol == symbol:
                return one
        raise DataError(f"panel {self.name}: {symbol} is not in this world")

    def surroundings(self) -> Context:
        """Return the context of this world."""
        return (None, None) if self.world is None else (self.world.index, self.world.volatility)


def world_of(work: Panel, symbols: tuple[str, ...], market: Market) -> PanelWorld:
    """Return the world as it is: the members that take part, and the context.

    Parameters
    ----------
    symbols : tuple of str
        Those of the panel's material: a member that cannot be used is in no world.
    """
    return PanelWorld(
        work.name, tuple(work.loaded(symbol) for symbol in symbols), *work.surroundings(), market
    )
