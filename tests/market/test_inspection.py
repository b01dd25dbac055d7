from __future__ import annotations

import datetime as dt

import polars as pl
import pytest

from geiger.market.doubts import Doubt
from geiger.market.inspection import inspect, unusable
from geiger.market.loaded import Loaded
from geiger.market.synthetic import garch_market


def codes(prices: pl.DataFrame, symbol: str = "SYN", now: dt.datetime | None = None) -> dict[str, str]:
    return {one.code: one.severity for one in inspect(Loaded(symbol, prices, "frame", ""), now)}


@pytest.mark.parametrize(("hour", "minute", "begun"), [(9, 59, False), (10, 0, True)])
def test_a_day_has_begun_when_it_has_in_the_farthest_east(hour: int, minute: int, begun: bool) -> None:
    prices = garch_market(300, 1)
    eve = prices["day"][-1] - dt.timedelta(1)
    now = dt.datetime(eve.year, eve.month, eve.day, hour, minute, tzinfo=dt.UTC)
    assert ("DATA_FUTURE_DAYS" not in codes(prices, now=now)) == begun
    west = dt.timezone(-dt.timedelta(hours=5))  # the same moment on another clock
    assert ("DATA_FUTURE_DAYS" not in codes(prices, now=now.astimezone(west))) == begun


def test_the_calendar_that_the_rows_follow_is_laid_to_them() -> None:
    prices = garch_market(600, 1)
    every_day = [dt.date(2018, 1, 1) + dt.timedelta(n) for n in range(prices.height)]
    assert codes(prices.with_columns(pl.Series("day", every_day))) == {}
    last = prices["day"][-1]
    saturday = last + dt.timedelta((5 - last.weekday()) % 7)
    moved = prices.with_columns(pl.Series("day", [*prices["day"][:-1], saturday]))
    assert "DATA_EXTRA_SESSIONS" in codes(moved)


def test_no_rows_raise_no_doubt() -> None:
    assert inspect(Loaded("SYN", garch_market(30, 1).head(0), "frame", "")) == ()


def test_the_first_error_of_which_no_forecast_can_be_made_is_named() -> None:
    def doubt(code: str, severity: str) -> Doubt:
        return Doubt(code, severity, (), 1, code)  # type: ignore[arg-type]

    mild = doubt("DATA_CLOSE_FIRST", "warning")
    other = doubt("DATA_HIGH_TOO_LOW", "error")
    future, weekly = doubt("DATA_FUTURE_DAYS", "error"), doubt("DATA_NOT_DAILY", "error")
    assert unusable([]) is None
    assert unusable([other, mild]) is None
    assert unusable([other, mild, future, weekly]) is future
