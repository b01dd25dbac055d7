"""What is known and said of one symbol before a model is chosen."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

from geiger.errors import DataError
from geiger.experiment.plan import Experiment
from geiger.experiment.run import run
from geiger.market.inspection import inspect
from geiger.market.loaded import Loaded
from helpers.runs import experiment, prepared, small

DAYS = 1300


def test_too_short_a_series_is_refused_in_plain_words(tmp_path: Path, market: pl.DataFrame) -> None:
    with pytest.raises(DataError, match="the first forecast needs"):
        run(experiment(tmp_path, market.head(30)))


def test_a_source_that_rewrites_history_is_noticed(tmp_path: Path, market: pl.DataFrame) -> None:
    run(experiment(tmp_path, market))
    rewritten = market.with_columns(
        pl.when(pl.int_range(pl.len()) == 400)
        .then(pl.col("close") * 1.001)
        .otherwise(pl.col("close"))
        .alias("close")
    ).with_columns(pl.max_horizontal("close", "high").alias("high"))
    done = run(experiment(tmp_path, rewritten))
    (notice,) = [notice for notice in done.notices if notice.code == "DATA_REWRITTEN"]
    assert str(market["day"][400]) in notice.text


def close_first(prices: pl.DataFrame) -> pl.DataFrame:
    """Return bars as some currency vendors have them: the close is the day's first price."""
    first = pl.col("open")
    return prices.with_columns((first * 1.0001).alias("close"), (first * 1.0001).alias("raw_close"))


def test_a_bar_whose_close_comes_first_is_refused_for_a_stock(tmp_path: Path, market: pl.DataFrame) -> None:
    with pytest.raises(DataError, match="the close stands at the start of its bar"):
        run(experiment(tmp_path, close_first(market)))


def test_of_a_currency_only_closes_are_used(tmp_path: Path, market: pl.DataFrame) -> None:
    """Its high and low may lie hours after the close: with them the forecast would know the next close."""
    one, two = (
        run(replace(experiment(tmp_path, prices), symbol="EURUSD=X"))
        for prices in (close_first(market), close_first(market).with_columns(pl.col("high") * 1.05))
    )
    assert one.forecasts.equals(two.forecasts)
    assert {"CLOSES_ONLY", "FILL_CLOSE"} <= {notice.code for notice in one.notices}
    health = one.evaluation.health
    assert health.rho is not None
    assert health.rho_error is not None
    assert abs(health.rho) < 4 * health.rho_error


def test_an_index_and_an_open_lock_box_are_named(tmp_path: Path, market: pl.DataFrame) -> None:
    done = run(replace(experiment(tmp_path, market), symbol="^TEST"))
    assert {"NOT_TRADABLE", "LOCKBOX_OPEN"} <= {notice.code for notice in done.notices}


def on_days(prices: pl.DataFrame, days_apart: int) -> pl.DataFrame:
    first = prices["day"][0]
    days = [first + dt.timedelta(days_apart * n) for n in range(prices.height)]
    return prices.with_columns(pl.Series("day", days))


@pytest.mark.parametrize(("days_apart", "word"), [(7, "one bar a week"), (30, "one bar a month")])
def test_bars_of_weeks_and_months_are_refused(
    tmp_path: Path, long_market: pl.DataFrame, days_apart: int, word: str
) -> None:
    early = long_market.with_columns(pl.col("day") - dt.timedelta(days=365 * 200))
    with pytest.raises(DataError, match=f"made: {word} .*; Geiger forecasts days"):
        prepared(tmp_path, on_days(early, days_apart), small())


def test_a_weekly_beginning_is_refused_until_start_leaves_it_out(
    tmp_path: Path, long_market: pl.DataFrame
) -> None:
    weeks = on_days(long_market.head(200), 7).with_columns(pl.col("day") - dt.timedelta(days=7 * 200))
    mixed = pl.concat([weeks, long_market])
    with pytest.raises(DataError, match="one bar a week between"):
        prepared(tmp_path, mixed, small())
    assert prepared(tmp_path, mixed, small(start="2000-02-01")).prices.height > 1200


def test_bars_of_the_future_are_refused(tmp_path: Path, long_market: pl.DataFrame) -> None:
    last = long_market["day"][-1]
    noon = dt.datetime(last.year, last.month, last.day, 12, tzinfo=dt.UTC)
    for hours, fine in ((0, True), (-24, True), (-25, True), (-27, False), (-72, False)):
        now = noon + dt.timedelta(hours=hours)  # 14 hours earlier than noon the day begins in the far east
        if fine:
            assert prepared(tmp_path, long_market, small(), now=now).prices.height == DAYS
        else:
            with pytest.raises(DataError, match=r"made: \d bars? after 2004-12-2\d"):
                prepared(tmp_path, long_market, small(), now=now)


def test_a_run_says_what_a_check_says_the_lock_box_included(
    tmp_path: Path, long_market: pl.DataFrame
) -> None:
    high = long_market["high"].to_numpy().copy()
    high[[400, DAYS - 50]] *= 100
    prices = long_market.with_columns(high=high)
    checked = {(d.code, d.text) for d in inspect(Loaded("TEST", prices, "file", "")) if d.severity != "note"}
    assert "DATA_SPIKE" in dict(checked)
    for lockbox in (0, 252):
        said = {(n.code, n.text) for n in prepared(tmp_path, prices, small(lockbox=lockbox)).notices}
        assert checked <= said


@pytest.mark.parametrize(("step", "days"), [("weekdays", 252), ("every day", 365)])
def test_year_and_lock_box_follow_from_the_rows(
    tmp_path: Path, long_market: pl.DataFrame, step: str, days: int
) -> None:
    prices = long_market if step == "weekdays" else on_days(long_market, 1)
    for symbol in ("TEST", "X-USD"):
        made = prepared(tmp_path, prices, small(lockbox=None), symbol)
        assert (made.market.days_per_year, made.provenance.lockbox_rows) == (days, days)
        assert made.prices.height == DAYS - days


def test_prices_in_memory_bring_what_reading_them_had_to_say(
    tmp_path: Path, long_market: pl.DataFrame
) -> None:
    table = long_market.rename({"day": "Date", "close": "Close"}).select(
        "Date", "Close", pl.lit(0.0).alias("Dividends"), pl.lit("calm").alias("Mood")
    )
    folders = {"runs_dir": tmp_path, "log_dir": tmp_path}
    made = Experiment("TEST", config=small(), context="none", prices=table, **folders).material()
    said = {notice.code: notice.text for notice in made.notices}
    assert "DATA_ADJUSTMENT_UNKNOWN" in said
    assert said["DATA_COLUMNS_IGNORED"].endswith("were not read: 'Mood'")
