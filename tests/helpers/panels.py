"""A small panel: twelve made symbols with a signal of their own, in a folder, and settings that are quick."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from geiger.market.synthetic import planted_market
from geiger.settings import Config, override, panel_recipe

NAME = "TWELVE"
SYMBOLS = tuple(f"P{number:02d}" for number in range(12))
LATE, ENDED = "P10", "P11"  # begins later than the others; ends before them
ROWS = 800
LOCKED = 40
SETTINGS = {
    **{"lockbox": LOCKED, "min_train": 160, "refit": 60, "max_folds": None, "seeds": 1},
    "panel": {"window": 120, "window_least": 60, "slope_days": 30, "deviations": (300.0, 3000.0)},
}
TOML = """\
lockbox = 40
min_train = 160
refit = 60
seeds = 1

[panel]
window = 120
window_least = 60
slope_days = 30
deviations = [300.0, 3000.0]
"""


def panel_config(**changes: object) -> Config:
    """Return settings of a panel that trains in a second."""
    return override(override(panel_recipe("quick"), SETTINGS), changes)


def panel_prices(rows: int = ROWS, r2: float = 0.02) -> dict[str, pl.DataFrame]:
    """Return the prices of each symbol, PRICES frames of at most `rows` rows; no factor, a signal each."""
    found = {symbol: planted_market(rows, seed, r2).prices for seed, symbol in enumerate(SYMBOLS, start=100)}
    return {**found, LATE: found[LATE].slice(60), ENDED: found[ENDED].head(rows - 160)}


def as_csv(prices: pl.DataFrame) -> pl.DataFrame:
    """Return prices as an export has them."""
    names = {"Date": "day", "Open": "open", "High": "high", "Low": "low", "Close": "close"}
    return prices.select(
        **{name: pl.col(column) for name, column in names.items()},
        **{"Adj Close": pl.col("close"), "Volume": pl.col("volume")},
    )


def write_panel_folder(folder: Path, rows: int = ROWS) -> Path:
    """Write each symbol as ``SYMBOL.csv``, and ``panel.toml`` beside the folder; return the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for symbol, prices in panel_prices(rows).items():
        as_csv(prices).write_csv(folder / f"{symbol}.csv")
    (folder.parent / "panel.toml").write_text(TOML)
    return folder
