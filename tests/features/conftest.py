"""Markets that the tests of the features share."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from types import ModuleType

import numpy as np
import polars as pl
import pytest

Frames = tuple[pl.DataFrame, pl.DataFrame]


def _weekdays(rows: int, first: date = date(2009, 1, 1)) -> list[date]:
    days = [first + timedelta(days=step) for step in range(2 * rows + 7)]
    weekdays = [day for day in days if day.weekday() < 5 and (day.month, day.day) not in {(7, 4), (12, 25)}]
    return weekdays[:rows]


def _market(seed: int = 1, rows: int = 700) -> Frames:
    random = np.random.default_rng(seed)
    market = random.standard_t(5, rows) * 0.008
    returns = 0.9 * market + random.standard_t(4, rows) * 0.012
    gap = 0.3 * returns + random.normal(0, 0.002, rows)
    close = 50.0 * np.exp(np.cumsum(returns))
    opened = np.concatenate(([50.0], close[:-1])) * np.exp(gap)
    high = np.maximum(opened, close) * np.exp(random.exponential(0.004, rows))
    low = np.minimum(opened, close) * np.exp(-random.exponential(0.004, rows))
    volume = np.round(1e6 * np.exp(random.normal(0, 0.4, rows) + 10 * np.abs(returns)))
    days = pl.Series("day", _weekdays(rows), dtype=pl.Date)
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


@pytest.fixture(scope="session")
def market() -> Callable[..., Frames]:
    """A maker of random prices and their context: market(seed=1, rows=700)."""
    return _market


@pytest.fixture(scope="session")
def pandas_features() -> Callable[..., object]:
    """The second implementation, which lives with the benchmark."""
    path = Path(__file__).parents[2] / "bench" / "pandas_features.py"
    spec = importlib.util.spec_from_file_location("pandas_features", path)
    assert spec is not None
    assert spec.loader is not None
    module: ModuleType = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.pandas_features


def _read(path: Path) -> pl.DataFrame:
    numbers = ("Open", "High", "Low", "Close", "Adj Close", "Volume")
    raw = pl.read_csv(path, try_parse_dates=True, schema_overrides=dict.fromkeys(numbers, pl.Float64))
    factor = raw["Adj Close"] / raw["Close"]
    return pl.DataFrame(
        {
            "day": raw["Date"],
            "open": raw["Open"] * factor,
            "high": raw["High"] * factor,
            "low": raw["Low"] * factor,
            "close": raw["Adj Close"],
            "raw_close": raw["Close"],
            "volume": raw["Volume"] / factor,
        }
    )


@pytest.fixture(scope="session")
def panel(panel_folder: Path) -> Callable[[str], Frames]:
    """A reader of one real series with the S&P 500 (QQQ for the index and its fund) and VIX beside it."""
    fear = _read(panel_folder / "^VIX.csv").select("day", market_volatility="close")

    def load(symbol: str) -> Frames:
        prices = _read(panel_folder / f"{symbol}.csv")
        index = "QQQ" if symbol in ("SPY", "^GSPC") else "^GSPC"
        market_close = _read(panel_folder / f"{index}.csv").select("day", market_close="close")
        context = prices.select("day").join_asof(market_close, on="day").join_asof(fear, on="day")
        if symbol == "^VIX":
            context = context.with_columns(market_volatility=pl.lit(None, dtype=pl.Float64))
        return prices, context

    return load
