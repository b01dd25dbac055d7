"""What is known and said of one symbol before a model is chosen."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from geiger.errors import DataError
from geiger.experiment.material import Material
from geiger.experiment.plan import Experiment
from geiger.experiment.prepare import prepare
from geiger.market.inspection import inspect
from geiger.market.loaded import Loaded
from geiger.market.snapshots import Store
from geiger.market.synthetic import garch_market
from geiger.settings import Config, override, recipe

ROWS = 1300


def small(**changes: Any) -> Config:
    return override(recipe("quick"), {"lockbox": 0, "min_train": 300, "refit": 80, **changes})


def material(
    folder: Path, prices: pl.DataFrame, config: Config, symbol: str = "TEST", now: dt.datetime | None = None
) -> Material:
    store, loaded = Store(folder), Loaded(symbol, prices, "frame", "made")
    return prepare(
        symbol, config, data=None, context="none", library=store, snapshots=store, loaded=loaded, now=now
    )


def on_days(prices: pl.DataFrame, days_apart: int) -> pl.DataFrame:
    first = prices["day"][0]
    days = [first + dt.timedelta(days_apart * n) for n in range(prices.height)]
    return prices.with_columns(pl.Series("day", days))


@pytest.fixture(scope="module")
def market() -> pl.DataFrame:
    return garch_market(ROWS, seed=5)


@pytest.mark.parametrize(("days_apart", "word"), [(7, "one bar a week"), (30, "one bar a month")])
def test_bars_of_weeks_and_months_are_refused(
    tmp_path: Path, market: pl.DataFrame, days_apart: int, word: str
) -> None:
    early = market.with_columns(pl.col("day") - dt.timedelta(days=365 * 200))
    with pytest.raises(DataError, match=f"made: {word} .*; Geiger forecasts days"):
        material(tmp_path, on_days(early, days_apart), small())


def test_a_weekly_beginning_is_refused_until_start_leaves_it_out(
    tmp_path: Path, market: pl.DataFrame
) -> None:
    weeks = on_days(market.head(200), 7).with_columns(pl.col("day") - dt.timedelta(days=7 * 200))
    mixed = pl.concat([weeks, market])
    with pytest.raises(DataError, match="one bar a week between"):
        material(tmp_path, mixed, small())
    assert material(tmp_path, mixed, small(start="2000-02-01")).prices.height > 1200


def test_bars_of_the_future_are_refused(tmp_path: Path, market: pl.DataFrame) -> None:
    last = market["day"][-1]
    noon = dt.datetime(last.year, last.month, last.day, 12, tzinfo=dt.UTC)
    for hours, fine in ((0, True), (-24, True), (-25, True), (-27, False), (-72, False)):
        now = noon + dt.timedelta(hours=hours)  # 14 hours earlier than noon the day begins in the far east
        if fine:
            assert material(tmp_path, market, small(), now=now).prices.height == ROWS
        else:
            with pytest.raises(DataError, match=r"made: \d bars? after 2004-12-2\d"):
                material(tmp_path, market, small(), now=now)


def test_a_run_says_what_a_check_says_the_lock_box_included(tmp_path: Path, market: pl.DataFrame) -> None:
    high = market["high"].to_numpy().copy()
    high[[400, ROWS - 50]] *= 100
    prices = market.with_columns(high=high)
    checked = {(d.code, d.text) for d in inspect(Loaded("TEST", prices, "file", "")) if d.severity != "note"}
    assert "DATA_SPIKE" in dict(checked)
    for lockbox in (0, 252):
        said = {(n.code, n.text) for n in material(tmp_path, prices, small(lockbox=lockbox)).notices}
        assert checked <= said


@pytest.mark.parametrize(("step", "days"), [("weekdays", 252), ("every day", 365)])
def test_year_and_lock_box_follow_from_the_rows(
    tmp_path: Path, market: pl.DataFrame, step: str, days: int
) -> None:
    prices = market if step == "weekdays" else on_days(market, 1)
    for symbol in ("TEST", "X-USD"):
        made = material(tmp_path, prices, small(lockbox=None), symbol)
        assert (made.market.days_per_year, made.provenance.lockbox_rows) == (days, days)
        assert made.prices.height == ROWS - days


def stale_from(market: pl.DataFrame, row: int, share: float = 1.0) -> pl.DataFrame:
    """Return bars whose opens from `row` on repeat the last close, all or a share of them."""
    stale = (np.arange(ROWS) >= row) & (np.random.default_rng(1).random(ROWS) < share)
    opened = np.where(stale, market["close"].shift(1).to_numpy(), market["open"].to_numpy())
    frame = market.with_columns(open=opened)
    return frame.with_columns(high=pl.max_horizontal("open", "high"), low=pl.min_horizontal("open", "low"))


def test_opens_that_become_stale_in_test_rows_are_said(tmp_path: Path, market: pl.DataFrame) -> None:
    def told(prices: pl.DataFrame) -> list[str]:
        made = material(tmp_path, prices, small())
        assert made.fill == "next_open"  # chosen on the rows before
        return [notice.text for notice in made.notices if notice.code == "TEST_OPENS_STALE"]

    assert told(market) == []
    assert told(stale_from(market, 600, share=0.05)) == []
    (text,) = told(stale_from(market, 900))
    assert "upper bound" in text
    assert "at most 100% in one fold" in text


def test_stale_opens_of_the_lock_box_are_not_counted_among_test_rows(
    tmp_path: Path, market: pl.DataFrame
) -> None:
    prices = stale_from(market, ROWS - 250)
    made = material(tmp_path, prices, small(lockbox=250))
    assert "TEST_OPENS_STALE" not in {notice.code for notice in made.notices}


def test_prices_in_memory_bring_what_reading_them_had_to_say(tmp_path: Path, market: pl.DataFrame) -> None:
    table = market.rename({"day": "Date", "close": "Close"}).select(
        "Date", "Close", pl.lit(0.0).alias("Dividends")
    )
    folders = {"runs_dir": tmp_path, "log_dir": tmp_path}
    made = Experiment("TEST", config=small(), context="none", prices=table, **folders).material()
    assert "DATA_ADJUSTMENT_UNKNOWN" in {notice.code for notice in made.notices}
