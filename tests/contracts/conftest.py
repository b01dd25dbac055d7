"""The second implementation of the features, and real series for them."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import polars as pl
import pytest

from helpers.bars import Frames


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
