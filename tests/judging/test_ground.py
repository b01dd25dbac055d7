"""Forecasts on the rows of prices or of their own outcomes: what is known when, and what is left out."""

from __future__ import annotations

import datetime as dt

import numpy as np
import polars as pl
import pytest

from geiger.errors import DataError, SettingError
from geiger.judging.ground import from_outcomes, from_prices
from geiger.learning.target import make_target
from geiger.market.forecasts import ForecastTable, read_forecasts
from geiger.market.loaded import Loaded
from geiger.market.synthetic import garch_market

PRICES = garch_market(400, 5)
LOADED = Loaded("TEST", PRICES, "frame", "the prices")
DAYS = PRICES["day"]
RETURNS = np.diff(np.log(PRICES["close"].to_numpy()), prepend=np.nan)


def table(days: pl.Series = DAYS, **columns: object) -> ForecastTable:
    values = {"forecast": np.arange(len(days)) * 0.001, **columns}
    return read_forecasts(pl.DataFrame({"day": days, **values}))


@pytest.mark.parametrize(("fill", "delay"), [("next_open", 1), ("close", 0)])
@pytest.mark.parametrize("horizon", [1, 5])
def test_outcomes_are_made_of_the_prices(fill: str, delay: int, horizon: int) -> None:
    ground = from_prices(table(), LOADED, fill, horizon)
    price = PRICES["open" if fill == "next_open" else "close"].to_numpy()
    row = 100
    entered, left = price[row + delay], price[row + delay + horizon]
    assert ground.outcome[row] == pytest.approx(np.log(left / entered))
    assert ground.known_from[row] == row + delay + horizon
    assert ground.returns[row] == pytest.approx(RETURNS[row])


def test_days_without_a_bar_are_left_out_and_said() -> None:
    days = DAYS.to_list()
    saturday = next(day for day in (one + dt.timedelta(days=1) for one in days) if day.weekday() == 5)
    given = pl.Series("day", sorted([*days[50:300], saturday, days[-1] + dt.timedelta(days=40)]))
    ground = from_prices(table(given), LOADED, "close", 1)
    said = " ".join(ground.notes)
    assert f"1 forecast of days without a bar (first {saturday}): left out" in said
    assert "1 forecast after the last bar" in said
    assert np.isfinite(ground.forecast).sum() == 250


def test_prices_of_something_else_are_refused() -> None:
    elsewhere = pl.Series("day", [day - dt.timedelta(days=700) for day in DAYS])
    with pytest.raises(DataError, match="are of days without a bar in the prices"):
        from_prices(table(elsewhere), LOADED, "close", 1)


def test_rows_dated_by_the_day_of_their_outcome_are_refused() -> None:
    for wrong in (RETURNS, np.log(PRICES["close"] / PRICES["open"]).to_numpy()):
        with pytest.raises(DataError, match="rows are dated by the day that they are of"):
            from_prices(table(outcome=wrong), LOADED, "close", 1)


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("close", "your outcomes are the returns that the prices give"),
        ("next_open", "your outcomes are those of a fill at the next open; judged here with the close"),
        ("noise", "not the returns that the prices give, and were not used"),
    ],
)
def test_an_outcome_column_checks_the_dates(kind: str, said: str) -> None:
    noise = np.random.default_rng(0).normal(size=400)
    given = noise if kind == "noise" else make_target(PRICES, kind)["value"]
    ground = from_prices(table(outcome=given), LOADED, "close", 1)
    assert said in " ".join(ground.notes)
    assert ground.outcome[10] == pytest.approx(RETURNS[11])


def test_stale_opens_are_no_fill() -> None:
    close = PRICES["close"]
    stale = PRICES.with_columns(open=close.shift(1).fill_null(close[0]))
    bars = stale.with_columns(high=pl.max_horizontal("high", "open"), low=pl.min_horizontal("low", "open"))
    ground = from_prices(table(), Loaded("TEST", bars, "frame", "the prices"), "next_open", 1)
    assert ground.fill == "close"
    assert "an upper bound" in ground.notes[0]


@pytest.mark.parametrize(("fill", "lag"), [("close", 1), ("next_open", 2)])
def test_without_prices_an_outcome_is_a_return_once_it_is_known(fill: str, lag: int) -> None:
    outcome = make_target(PRICES, fill)["value"]
    ground = from_outcomes(table(outcome=outcome), fill, 1)
    assert ground.returns[lag:].tolist() == pytest.approx(outcome[:-lag].to_list(), nan_ok=True)
    assert np.isnan(ground.returns[:lag]).all()
    assert ground.known_from.tolist() == list(range(lag, 400 + lag))
    if fill == "close":
        assert ground.returns[1:].tolist() == pytest.approx(RETURNS[1:].tolist())
    assert ground.delayed == (fill == "next_open")


def test_outcomes_over_days_or_in_percent_are_refused() -> None:
    outcome = make_target(PRICES, "close")["value"]
    with pytest.raises(SettingError, match="over 5 days are no daily returns"):
        from_outcomes(table(outcome=outcome), "close", 5)
    with pytest.raises(DataError, match=r"0\.012 for 1\.2%"):
        from_outcomes(table(outcome=100 * outcome), "close", 1)


def test_a_market_without_weekends_has_a_longer_year() -> None:
    days = pl.date_range(dt.date(2020, 1, 1), dt.date(2020, 12, 31), eager=True)
    outcome = np.random.default_rng(0).normal(0, 0.01, len(days))
    assert from_outcomes(table(days, outcome=outcome), "close", 1).days_per_year == 365
    assert from_outcomes(table(outcome=RETURNS), "close", 1).days_per_year == 252
