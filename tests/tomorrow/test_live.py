"""The evidence of saved forecasts: it grows with skill alone, and a day is worth what was known before it."""

from __future__ import annotations

import datetime as dt

import numpy as np
import polars as pl
import pytest

from geiger.errors import DataError
from geiger.market.synthetic import garch_market
from geiger.tomorrow.live import Live, live

PRICES = garch_market(900, 3)
START = 500


def forecasts(of: str, seed: int = 1) -> tuple[dict[dt.date, float], pl.DataFrame]:
    """Saved forecasts from row 500 on, and what the run forecast before."""
    days, close = PRICES["day"], np.log(PRICES["close"].to_numpy())
    noise = np.random.default_rng(seed).normal(0, 0.001, days.len())
    if of == "skill":
        noise[:-1] += 0.2 * np.diff(close)
    values = dict(zip(days, noise, strict=True))
    past = pl.DataFrame({"day": days[400:START], "forecast": noise[400:START]})
    return {day: values[day] for day in days[START:800]}, past


def test_skill_grows_and_noise_does_not() -> None:
    found = live(*forecasts("skill"), PRICES, "close")
    assert found is not None
    assert found.days == 300
    assert found.wealth > 100
    assert found.reached is not None
    reached = [live(*forecasts("noise", seed), PRICES, "close") for seed in range(40)]
    assert sum(one is not None and one.reached is not None for one in reached) <= 5


@pytest.mark.parametrize("fill", ["close", "next_open"])
def test_later_prices_and_forecasts_change_nothing_that_was_known(fill: str) -> None:
    saved, past = forecasts("noise")
    known = 1 if fill == "close" else 2
    early = dict(list(saved.items())[:100])
    short = live(early, past, PRICES.head(START + 100 + known), fill)  # type: ignore[arg-type]
    changed = PRICES.with_columns(
        pl.when(pl.int_range(pl.len()) < START + 100 + known).then(pl.col(c)).otherwise(pl.col(c) * 7)
        for c in ("open", "high", "low", "close")
    )
    assert short is not None
    assert short.days == 100
    assert short == live(early, past, changed, fill)  # type: ignore[arg-type]


def test_nothing_is_bet_before_an_outcome_is_known() -> None:
    saved, past = forecasts("noise")
    one = dict(list(saved.items())[:1])
    assert live({}, past, PRICES, "close") is None
    assert live(one, past, PRICES.head(START + 1), "close") is None
    told = live(one, past, PRICES.head(START + 2), "close")
    assert told is not None
    assert told.days == 1


def test_a_day_without_a_bar_is_refused() -> None:
    saved, past = forecasts("noise")
    with pytest.raises(DataError, match="no bar of"):
        live(saved, past, PRICES.filter(pl.col("day") != PRICES["day"][600]), "close")


def test_it_is_told_in_a_clause() -> None:
    assert (
        Live(400, 31.0, "2026-03-02")
        .text()
        .startswith("after 400 days e = 31.0; 20, reached on 2026-03-02, is strong (reached by ")
    )
    assert Live(1, 1.04, None).text().startswith("after 1 day e = 1.0; 20 is strong (reached by ")
