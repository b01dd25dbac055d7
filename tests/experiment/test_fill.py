"""An open is traded at where it is a price, judged by what came before."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl

from geiger.experiment.fill import choose_fill
from geiger.experiment.run import run
from geiger.market.calendar import market_of
from helpers.runs import experiment, prepared, small

DAYS = 1300


def test_stale_opens_are_never_traded_at(tmp_path: Path, market: pl.DataFrame) -> None:
    stale = market.with_columns(pl.col("close").shift(1).fill_null(pl.col("open").first()).alias("open"))
    stale = stale.with_columns(
        pl.max_horizontal("open", "high").alias("high"), pl.min_horizontal("open", "low").alias("low")
    )
    done = run(experiment(tmp_path, stale))
    assert "FILL_CLOSE" in [notice.code for notice in done.notices]
    ledger = done.evaluation.ledger
    assert (ledger["fill_day"] == ledger["day"]).all()


def stale_from(long_market: pl.DataFrame, row: int, share: float = 1.0) -> pl.DataFrame:
    """Return bars whose opens from `row` on repeat the last close, all or a share of them."""
    stale = (np.arange(DAYS) >= row) & (np.random.default_rng(1).random(DAYS) < share)
    opened = np.where(stale, long_market["close"].shift(1).to_numpy(), long_market["open"].to_numpy())
    frame = long_market.with_columns(open=opened)
    return frame.with_columns(high=pl.max_horizontal("open", "high"), low=pl.min_horizontal("open", "low"))


def test_opens_that_become_stale_in_test_rows_are_said(tmp_path: Path, long_market: pl.DataFrame) -> None:
    def told(prices: pl.DataFrame) -> list[str]:
        made = prepared(tmp_path, prices, small())
        assert made.fill == "next_open"  # chosen on the rows before
        return [notice.text for notice in made.notices if notice.code == "TEST_OPENS_STALE"]

    assert told(long_market) == []
    assert told(stale_from(long_market, 600, share=0.05)) == []
    (text,) = told(stale_from(long_market, 900))
    assert "upper bound" in text
    assert "at most 100% in one fold" in text


def test_stale_opens_of_the_lock_box_are_not_counted_among_test_rows(
    tmp_path: Path, long_market: pl.DataFrame
) -> None:
    prices = stale_from(long_market, DAYS - 250)
    made = prepared(tmp_path, prices, small(lockbox=250))
    assert "TEST_OPENS_STALE" not in {notice.code for notice in made.notices}


def test_a_close_that_was_asked_for_is_no_news(market: pl.DataFrame) -> None:
    assert choose_fill(market, market_of("AAPL"), small(fill="close")) == ("close", ())
    assert choose_fill(market, market_of("AAPL"), small()) == ("next_open", ())


def test_a_market_without_an_open_is_filled_at_the_close_and_it_is_said(market: pl.DataFrame) -> None:
    fill, (notice,) = choose_fill(market, market_of("EURUSD=X"), small())
    assert (fill, notice.code) == ("close", "FILL_CLOSE")
    assert "has no open" in notice.text


def test_rows_of_a_longer_warm_up_are_judged_with_those_before_the_first_forecast(
    long_market: pl.DataFrame,
) -> None:
    """The first forecast comes later, so that opens count which were test rows before."""
    prices, market = stale_from(long_market, 700), market_of("AAPL")
    assert choose_fill(prices, market, small())[0] == "next_open"
    assert choose_fill(prices, market, small(), warmup=500)[0] == "close"
