"""Random bars, and the features of bars that a test writes out."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

import numpy as np
import polars as pl

from geiger.features import build_features

Frames = tuple[pl.DataFrame, pl.DataFrame]


def _sessions(rows: int, first: date = date(2009, 1, 1)) -> list[date]:
    days = [first + timedelta(days=step) for step in range(2 * rows + 7)]
    weekdays = [day for day in days if day.weekday() < 5 and (day.month, day.day) not in {(7, 4), (12, 25)}]
    return weekdays[:rows]


def market(seed: int = 1, rows: int = 700) -> Frames:
    """Return random prices and their context."""
    random = np.random.default_rng(seed)
    market = random.standard_t(5, rows) * 0.008
    returns = 0.9 * market + random.standard_t(4, rows) * 0.012
    gap = 0.3 * returns + random.normal(0, 0.002, rows)
    close = 50.0 * np.exp(np.cumsum(returns))
    opened = np.concatenate(([50.0], close[:-1])) * np.exp(gap)
    high = np.maximum(opened, close) * np.exp(random.exponential(0.004, rows))
    low = np.minimum(opened, close) * np.exp(-random.exponential(0.004, rows))
    volume = np.round(1e6 * np.exp(random.normal(0, 0.4, rows) + 10 * np.abs(returns)))
    days = pl.Series("day", _sessions(rows), dtype=pl.Date)
    prices = pl.DataFrame(
        {
            "day": days,
            "open": opened,
            "high": high,
            "low": low,
            "close": close,
            "raw_close": close,
            "volume": volume,
        }
    )
    fear = 18.0 * np.exp(np.cumsum(-3 * market + random.normal(0, 0.03, rows)) * 0.5)
    context = pl.DataFrame(
        {"day": days, "market_close": 1000.0 * np.exp(np.cumsum(market)), "market_volatility": fear}
    )
    return prices, context


Row = tuple[float, float, float, float, float]  # open, high, low, close, volume


def features_of(
    rows: Sequence[Row],
    first: str = "2021-01-27",
    index: Sequence[float] | None = None,
    implied: Sequence[float] | None = None,
) -> dict[str, list[float]]:
    """Return every feature of these bars on weekdays in a row, with the closes of a context beside them."""
    days = pl.date_range(pl.date(*map(int, first.split("-"))), pl.date(2022, 12, 31), eager=True)
    days = days.filter(days.dt.weekday() <= 5).head(len(rows))
    table = pl.DataFrame(rows, schema=["open", "high", "low", "close", "volume"], orient="row").cast(
        pl.Float64
    )
    prices = table.select(
        days.alias("day"), "open", "high", "low", "close", pl.col("close").alias("raw_close"), "volume"
    )
    context = None
    if index is not None or implied is not None:
        nothing = [None] * len(rows)
        around = {"market_close": index or nothing, "market_volatility": implied or nothing}
        context = pl.DataFrame(
            {"day": days, **{name: pl.Series(values, dtype=pl.Float64) for name, values in around.items()}}
        )
    return build_features(prices, context).to_dict(as_series=False)


def flat(closes: Sequence[float], volume: float = 10.0) -> list[Row]:
    """Return bars without a range at these closes."""
    return [(close, close, close, close, volume) for close in closes]
