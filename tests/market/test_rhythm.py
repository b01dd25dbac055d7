from __future__ import annotations

import datetime as dt

import numpy as np
import polars as pl
import pytest

from geiger.market.calendar import PARIS, US, sessions
from geiger.market.prices import from_frame
from geiger.market.rhythm import JUDGED_ROWS, copied_rows, observed_market, sparse_rows

MONDAY = dt.date(2018, 1, 1)


def every_day(count: int) -> list[dt.date]:
    return [MONDAY + dt.timedelta(n) for n in range(count)]


def weekdays(count: int) -> list[dt.date]:
    return [day for day in every_day(2 * count) if day.weekday() < 5][:count]


def series(days: list[dt.date], *, volume: bool = True, seed: int = 1) -> pl.DataFrame:
    """A walk with real bars on the given days."""
    rng = np.random.default_rng(seed)
    close = 100 * np.exp(np.cumsum(rng.normal(0, 0.01, len(days))))
    opened = close * np.exp(rng.normal(0, 0.01, len(days)))
    bars = {"Open": opened, "High": np.maximum(opened, close) * 1.003}
    bars |= {"Low": np.minimum(opened, close) / 1.003, "Close": close}
    volumes = {"Volume": np.round(1e6 * np.exp(rng.normal(0, 0.3, len(days))))} if volume else {}
    return from_frame(pl.DataFrame({"Date": days, **bars, **volumes}))


def filled(prices: pl.DataFrame, *, weekends: bool) -> pl.DataFrame:
    """Copy the last row onto every day in between, as ``asfreq("D").ffill()`` and ``asfreq("B")`` do."""
    full = prices.upsample("day", every="1d").fill_null(strategy="forward")
    return full if weekends else full.filter(pl.col("day").dt.weekday() <= 5)


NEW_YORK = sessions(US, dt.date(2015, 1, 2), dt.date(2019, 12, 31)) or []
PARISIAN = sessions(PARIS, dt.date(2021, 1, 4), dt.date(2022, 12, 30)) or []


@pytest.mark.parametrize("symbol", ["BTC-USD", "BTCUSDT", "BTC_USDT", "BTC", "EURUSD=X", "AAPL", None])
def test_what_trades_every_day_has_365_whatever_it_is_called(symbol: str | None) -> None:
    market = observed_market(symbol, series(every_day(600)))
    assert (market.days_per_year, market.timezone, market.has_open) == (365, "UTC", True)


@pytest.mark.parametrize("symbol", ["X-USD", "AAPL", "BTCUSDT", "AIR.PA", "^GSPC", None])
def test_a_stock_has_252_whatever_it_is_called(symbol: str | None) -> None:
    market = observed_market(symbol, series(NEW_YORK))
    assert (market.days_per_year, market.has_open) == (252, True)


def test_a_coin_by_name_alone_is_of_an_unknown_market_and_never_trusted() -> None:
    market = observed_market("X-USD", series(NEW_YORK))
    assert not market.known
    assert not market.close_known


@pytest.mark.parametrize("symbol", ["EURUSD=X", "EURUSD", "EUR", "X-USD", None])
def test_a_market_without_holidays_and_volume_is_foreign_exchange(symbol: str | None) -> None:
    market = observed_market(symbol, series(weekdays(800), volume=False))
    assert (market.days_per_year, market.has_open) == (260, False)


def test_volume_or_holidays_speak_against_foreign_exchange() -> None:
    assert observed_market("EURUSD", series(weekdays(800))).days_per_year == 252
    for days in (NEW_YORK, PARISIAN):  # 97% and 99% of the weekdays
        market = observed_market("Z", series(days, volume=False))
        assert (market.days_per_year, market.has_open) == (252, True)


def test_a_currency_by_name_counts_the_year_of_its_own_rows() -> None:
    assert observed_market("EURUSD=X", series(weekdays(800))).days_per_year == 260  # ticks counted as volume
    assert observed_market("EURUSD=X", series(NEW_YORK)).days_per_year == 252


def test_currencies_with_bars_on_sundays_have_six_days_a_week() -> None:
    days = [day for day in every_day(700) if day.weekday() != 5]
    assert observed_market("EURUSD=X", series(days, volume=False)).days_per_year == 313


def test_an_exchange_that_rests_on_fridays_does_not_trade_every_day() -> None:
    for rest in ({4, 5}, {3, 4}):
        days = [day for day in every_day(700) if day.weekday() not in rest]
        assert observed_market(None, series(days)).days_per_year == 252


@pytest.mark.parametrize("weekends", [True, False])
@pytest.mark.parametrize("volume", [True, False])
def test_copied_rows_fool_no_rule(weekends: bool, volume: bool) -> None:
    prices = filled(series(NEW_YORK, volume=volume), weekends=weekends)
    assert observed_market("Z", prices).days_per_year == 252


def test_copied_closes_fool_no_rule_either() -> None:
    closes = from_frame(pl.DataFrame({"Date": NEW_YORK, "Close": series(NEW_YORK)["close"]}))
    for weekends in (True, False):
        assert observed_market("Z", filled(closes, weekends=weekends)).days_per_year == 252


def test_copied_rows_are_the_ones_that_were_filled() -> None:
    prices = series(NEW_YORK)
    full = filled(prices, weekends=True)
    assert copied_rows(full).tolist() == (~full["day"].is_in(NEW_YORK)).to_list()
    assert not copied_rows(prices).any()


def test_a_flat_bar_that_traded_is_a_copy_where_its_volume_is_one_too() -> None:
    volume = np.arange(1.0, 31.0)
    volume[7] = volume[6]
    flat = from_frame(pl.DataFrame({"Date": weekdays(30), "Close": np.full(30, 5.0), "Volume": volume}))
    assert np.flatnonzero(copied_rows(flat)).tolist() == [7]


def test_equal_closes_alone_are_no_copies() -> None:
    closes = from_frame(pl.DataFrame({"Date": weekdays(30), "Close": np.full(30, 5.0)}))
    assert not copied_rows(closes).any()


def test_a_short_series_is_what_its_name_says() -> None:
    short = series(weekdays(10))
    assert observed_market("BTC-USD", short).days_per_year == 365
    assert observed_market("EURUSD=X", series(weekdays(100))).days_per_year == 260
    assert observed_market("Z", series(weekdays(100), volume=False)).days_per_year == 252


@pytest.mark.parametrize("kind", ["stock", "coin", "currency"])
def test_rows_to_come_change_no_year(kind: str) -> None:
    days = {"stock": NEW_YORK, "coin": every_day(900), "currency": weekdays(900)}[kind]
    prices = series(days, volume=kind != "currency")
    later = series(every_day(3000)[1500:], seed=2)  # a coin follows
    market = observed_market("Z", prices)
    for rows in (JUDGED_ROWS, JUDGED_ROWS + 77, prices.height):
        assert observed_market("Z", prices.head(rows)) == market
        assert observed_market("Z", pl.concat([prices.head(rows), later])) == market


@pytest.mark.parametrize("step", [7, 14, 30, 91, 365])
def test_rare_bars_are_sparse_throughout(step: int) -> None:
    days = [dt.date(1960, 1, 1) + dt.timedelta(step * n) for n in range(30)]
    assert sparse_rows(series(days)).all()


@pytest.mark.parametrize(
    "days",
    [
        weekdays(5),
        every_day(40),
        NEW_YORK,
        [day for day in weekdays(600) if not 100 <= (day - MONDAY).days < 128],  # four weeks missing
        [day for day in weekdays(600) if day.day > 10],  # a third of each month missing
        [day for day in weekdays(600) if day.weekday() != 2],  # four days a week
    ],
)
def test_holes_and_holidays_leave_a_series_daily(days: list[dt.date]) -> None:
    assert not sparse_rows(series(days)).any()


def test_a_weekly_beginning_of_a_daily_series_is_found() -> None:
    start = [MONDAY - dt.timedelta(7 * n) for n in range(60, 0, -1)]
    flags = sparse_rows(series([*start, *weekdays(400)]))
    assert flags[1:49].all()
    assert not flags[61:].any()  # the first daily bar ends the last week


@pytest.mark.parametrize("count", [15, 40])
def test_a_weekly_end_of_a_daily_series_is_found_to_its_last_row(count: int) -> None:
    days = weekdays(400)
    end = [days[-1] + dt.timedelta(7 * n) for n in range(1, count + 1)]
    flags = sparse_rows(series([*days, *end]))
    assert flags[400:].all()
    assert not flags[:380].any()
