"""What trading earned beside the market: the sign of its mean, and what does not vary."""

from __future__ import annotations

import datetime as dt

import numpy as np
import polars as pl
import pytest

from geiger.judging.economics import economics

DAYS = pl.Series("day", [dt.date(2020, 1, 1) + dt.timedelta(days=i) for i in range(600)])


def ledger(net: np.ndarray) -> pl.DataFrame:
    return pl.DataFrame({"day": DAYS, "net": net})


def test_a_strategy_that_beats_the_market_has_a_small_p() -> None:
    market = np.random.default_rng(1).normal(0.0003, 0.01, 600)
    better = economics(ledger(market + np.random.default_rng(2).normal(0.002, 0.01, 600)), ledger(market), 1)
    worse = economics(
        ledger(market - 0.002 + np.random.default_rng(2).normal(0, 0.01, 600)), ledger(market), 1
    )
    assert better.p_value is not None
    assert worse.p_below is not None
    assert better.p_value < 0.01
    assert worse.p_below < 0.01
    assert better.p_value + (better.p_below or 0) == pytest.approx(1.0, abs=0.01)


def test_the_market_itself_is_neither_better_nor_worse() -> None:
    market = np.random.default_rng(1).normal(0.0003, 0.01, 600)
    same = economics(ledger(market), ledger(market), 1)
    assert (same.p_value, same.p_below) == (None, None)
    assert same.sharpe == pytest.approx(market.mean() / market.std())
    assert economics(ledger(np.zeros(600)), ledger(market), 1).sharpe is None
