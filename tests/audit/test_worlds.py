"""Other worlds: what they leave alone, and what they change."""

from __future__ import annotations

import datetime as dt

import numpy as np
import polars as pl
import pytest

from geiger.audit.worlds import (
    FUTURES,
    QUOTES,
    World,
    context_gapped,
    days_before_adjustments,
    decision_bar_altered,
    future_altered,
    past_rescaled,
    past_rows,
)
from geiger.columns import PRICES, require
from geiger.market.calendar import market_of
from geiger.market.loaded import Loaded
from geiger.market.synthetic import garch_market

NUMBERS = (*QUOTES, "volume")
DAYS, CUT = 300, 180


def loaded(symbol: str, seed: int = 0) -> Loaded:
    return Loaded(symbol, garch_market(DAYS, seed), "frame", "given in memory")


def world(symbol: str = "AAPL") -> World:
    return World(loaded(symbol), loaded("^GSPC", 1), loaded("^VIX", 2))


def numbers(prices: pl.DataFrame) -> np.ndarray:
    return prices.select(NUMBERS).to_numpy()


@pytest.mark.parametrize("kind", FUTURES)
def test_a_future_leaves_the_past_to_the_bit_and_is_another(kind: str) -> None:
    here = world()
    day = here.symbol.prices["day"][CUT]
    there = future_altered(here, day, kind)
    before, after = numbers(here.symbol.prices), numbers(there.symbol.prices)
    assert np.array_equal(before[: CUT + 1], after[: CUT + 1])
    assert there.symbol.prices["day"].to_list() == here.symbol.prices["day"].to_list()[: len(after)]
    if kind == "truncated":
        assert len(after) == CUT + 1
    else:
        assert (before[CUT + 1] != after[CUT + 1]).all()  # every number of the next bar


@pytest.mark.parametrize("kind", [kind for kind in FUTURES if kind != "truncated"])
def test_bars_of_every_world_are_bars(kind: str) -> None:
    here = world()
    prices = require(future_altered(here, here.symbol.prices["day"][CUT], kind).symbol.prices, PRICES)
    high, low = prices["high"].to_numpy(), prices["low"].to_numpy()
    for name in ("open", "close"):
        quote = prices[name].to_numpy()
        assert (low <= quote * (1 + 1e-12)).all()
        assert (quote <= high * (1 + 1e-12)).all()


def test_the_next_row_alone_is_altered() -> None:
    here = world()
    there = future_altered(here, here.symbol.prices["day"][CUT], "next_row")
    changed = (numbers(here.symbol.prices) != numbers(there.symbol.prices)).any(axis=1)
    assert np.flatnonzero(changed).tolist() == [CUT + 1]


def test_worlds_are_the_same_every_time() -> None:
    here, day = world(), world().symbol.prices["day"][CUT]
    one, two = (future_altered(here, day, "noise").symbol.prices for _ in range(2))
    assert one.equals(two)


@pytest.mark.parametrize(
    ("symbol", "series", "same_day_known"),
    [
        ("AAPL", "^GSPC", True),  # both close at 16:00 in New York
        ("AAPL", "^VIX", False),  # 15:15 in Chicago is 16:15 in New York
        ("AIR.PA", "^GSPC", False),
        ("AAPL", "^N225", True),  # Tokyo has closed long before
        ("EURUSD=X", "^GSPC", False),  # nobody can say when its bar is complete
    ],
)
def test_a_bar_of_the_same_day_is_known_only_if_it_closed_by_then(
    symbol: str, series: str, same_day_known: bool
) -> None:
    given = loaded(series)
    day = given.prices["day"][CUT]
    assert past_rows(given, day, market_of(symbol)) == CUT + same_day_known


def test_a_bar_of_an_earlier_day_is_always_known() -> None:
    given = loaded("^GSPC")
    monday = next(day for day in given.prices["day"] if day.weekday() == 4) + dt.timedelta(days=1)
    rows = past_rows(given, monday, market_of("AIR.PA"))
    assert given.prices["day"][rows - 1] == monday - dt.timedelta(days=1)


def test_a_rescaled_past_has_the_same_returns() -> None:
    here = world()
    there = past_rescaled(here, here.symbol.prices["day"][CUT]).symbol.prices
    close, other = here.symbol.prices["close"].to_numpy(), there["close"].to_numpy()
    assert np.array_equal(close[: CUT + 1], 2.0 * other[: CUT + 1])
    assert np.array_equal(close[CUT + 1 :], other[CUT + 1 :])
    assert there["raw_close"].equals(here.symbol.prices["raw_close"])


def test_the_decision_bar_alone_is_altered() -> None:
    here = world()
    there = decision_bar_altered(here, here.symbol.prices["day"][CUT])
    changed = (numbers(here.symbol.prices) != numbers(there.symbol.prices)).any(axis=1)
    assert np.flatnonzero(changed).tolist() == [CUT]


def test_a_context_that_rests_has_no_bar_of_that_day() -> None:
    here = world()
    day = here.symbol.prices["day"][CUT]
    there = context_gapped(here, day)
    assert there.symbol is here.symbol
    for one in (there.index, there.volatility):
        assert one is not None
        assert one.prices.height == DAYS - 1
        assert day not in one.prices["day"].to_list()


def test_days_before_adjustments_are_those_before_the_factor_changes() -> None:
    given = loaded("AAPL")
    factor = (
        pl.when(pl.int_range(DAYS) < 100).then(0.97).when(pl.int_range(DAYS) < 200).then(0.99).otherwise(1.0)
    )
    prices = given.prices.with_columns(raw_close=pl.col("close") / factor)
    days = days_before_adjustments(Loaded("AAPL", prices, "frame", "given in memory"), 4)
    assert days == [prices["day"][99], prices["day"][199]]
    assert days_before_adjustments(given, 4) == []
