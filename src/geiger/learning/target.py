"""What is forecast, and when it becomes known.

Row t is decided at the close of day t. Fill ``next_open``: bought at the open of t+1, sold at the open of
t+1+horizon. Fill ``close``: bought at the close of t itself, which nobody can do after seeing it: an upper
bound. Target and fill always agree, so another fill is another target and another model.
"""

from __future__ import annotations

from typing import Literal

import polars as pl

from geiger.columns import TARGET, require
from geiger.errors import SettingError

Fill = Literal["next_open", "close"]


def make_target(prices: pl.DataFrame, fill: Fill = "next_open", horizon: int = 1) -> pl.DataFrame:
    """Return the TARGET frame: one row a price row, missing where the exit lies after the data.

    Parameters
    ----------
    prices : PRICES frame
    fill : {"next_open", "close"}
        When the position is opened, see the module's text.
    horizon : int
        Trading days from entry to exit.
    """
    if horizon < 1:
        raise SettingError(f"horizon must be at least 1 day, got {horizon}")
    if fill not in ("next_open", "close"):
        raise SettingError(f"fill must be 'next_open' or 'close', got {fill!r}")
    price, delay = ("open", 1) if fill == "next_open" else ("close", 0)
    day, quote = pl.col("day"), pl.col(price)
    known = day.shift(-delay - horizon)
    growth = quote.shift(-delay - horizon) / quote.shift(-delay)
    frame = prices.select(
        day,
        pl.when(known.is_not_null()).then(day.shift(-delay)).alias("entry_day"),
        known.alias("known_on"),
        growth.log().alias("value"),
        (growth - 1.0).alias("simple"),
    )
    return require(frame, TARGET)
