"""Other worlds of many symbols: what they leave alone, and what they change."""

from __future__ import annotations

import datetime as dt

import numpy as np
import polars as pl
import pytest

from geiger.audit.panel_worlds import (
    ENDED,
    PANEL_FUTURES,
    PanelOf,
    PanelWorld,
    decision_bar_altered,
    future_altered,
    past_rescaled,
    rows_to,
    world_of,
)
from geiger.audit.worlds import FUTURES
from geiger.errors import DataError
from geiger.panel.plan import PanelPlan

NUMBERS = ("open", "high", "low", "close", "raw_close", "volume")


@pytest.fixture(scope="module")
def cut(panel_world: PanelWorld) -> dt.date:
    return panel_world.members[0].prices["day"][500]


def numbers(prices: pl.DataFrame) -> np.ndarray:
    return prices.select(NUMBERS).to_numpy()


@pytest.mark.parametrize("kind", FUTURES)
def test_the_past_of_every_symbol_stays_and_the_future_of_every_symbol_does_not(
    panel_world: PanelWorld, cut: dt.date, kind: str
) -> None:
    other = future_altered(panel_world, cut, kind, least=4)
    assert other.symbols == panel_world.symbols
    assert other.index is not None
    assert panel_world.index is not None
    own = [(one, two, rows_to(one, cut)) for one, two in zip(panel_world.members, other.members, strict=True)]
    # Nobody knows when the markets of made symbols close: an index's bar of the same day counts as later.
    index = (panel_world.index, other.index, rows_to(panel_world.index, cut) - 1)
    for before, after, rows in (*own, index):
        assert np.array_equal(numbers(before.prices)[:rows], numbers(after.prices)[:rows])
        if kind == "truncated":
            assert after.prices.height == rows
        else:
            assert before.prices["day"].equals(after.prices["day"])
            assert not np.array_equal(numbers(before.prices)[rows:], numbers(after.prices)[rows:])


def test_some_symbols_cease_to_trade_and_enough_go_on(panel_world: PanelWorld, cut: dt.date) -> None:
    other = future_altered(panel_world, cut, ENDED, least=4)
    last = [one.prices["day"][-1] for one in other.members]
    assert sum(day == cut for day in last) == 2  # a third of six
    for before, after in zip(panel_world.members, other.members, strict=True):
        kept = after.prices.height
        assert before.prices.head(kept).equals(after.prices)
    few = future_altered(panel_world, cut, ENDED, least=5)
    assert sum(one.prices["day"][-1] == cut for one in few.members) == 1
    assert set(PANEL_FUTURES) == {*FUTURES, ENDED}


def test_a_stretch_has_the_days_between_and_no_symbol_without_one(panel_world: PanelWorld) -> None:
    late = panel_world.members[-1].prices["day"][0]
    days = panel_world.members[0].prices["day"]
    before = panel_world.between(days[0], late - dt.timedelta(days=1))
    assert before.symbols == panel_world.symbols[:-1]
    some = panel_world.between(days[100], days[200])
    assert {one.prices.height for one in some.members} == {101}
    assert some.index is not None
    assert some.index.prices["day"][0] >= days[100]
    assert panel_world.between(dt.date(1990, 1, 1), dt.date(1990, 12, 31)).index is None


def test_rescaled_prices_are_half_up_to_the_day_and_a_decision_bar_is_one_bar(
    panel_world: PanelWorld, cut: dt.date
) -> None:
    halved, altered = past_rescaled(panel_world, cut), decision_bar_altered(panel_world, cut)
    one, half, bar = (world.members[0].prices for world in (panel_world, halved, altered))
    rows = rows_to(panel_world.members[0], cut)
    assert np.array_equal(half["close"].to_numpy()[:rows], one["close"].to_numpy()[:rows] / 2)
    assert half[rows:].equals(one[rows:])
    assert half["volume"].equals(one["volume"])
    moved = np.flatnonzero((numbers(bar) != numbers(one)).any(axis=1))
    assert moved.tolist() == [rows - 1]


def test_a_panel_of_a_world_reads_its_prices_and_nothing_else(
    panel_world: PanelWorld, panel_plan: PanelPlan
) -> None:
    less = panel_world.without(panel_world.symbols[1])
    work = PanelOf("LESS", less.symbols, config=panel_plan.work.config, world=less)
    assert work.loaded(less.symbols[0]) is less.members[0]
    assert work.surroundings() == (less.index, None)
    with pytest.raises(DataError, match="not in this world"):
        work.loaded(panel_world.symbols[1])
    again = world_of(work, less.symbols, less.market)
    assert again.members == less.members
