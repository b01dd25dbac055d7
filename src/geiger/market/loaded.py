"""What every source of prices hands on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import polars as pl

from geiger.market.doubts import Doubt

Source = Literal["embedded", "folder", "file", "store", "yahoo", "frame"]


@dataclass(frozen=True, eq=False)
class Loaded:
    """Prices of one symbol, and where they came from.

    Attributes
    ----------
    symbol : str
        Name under which the prices are used.
    prices : PRICES frame
    source : str
        Kind of place: embedded, folder, file, store, yahoo or frame.
    where : str
        The place itself, for people: a path, an address, a package.
    notes : tuple of Doubt
        What reading them had to say.
    layout : str
        What the source looked like.
    actions : polars.DataFrame, optional
        Dividends, capital gains and splits that the source itself lists, for the same days as `prices`: see
        `geiger.market.prices.actions_of`. None where the source lists none.
    """

    symbol: str
    prices: pl.DataFrame
    source: Source
    where: str
    notes: tuple[Doubt, ...] = ()
    layout: str = ""
    actions: pl.DataFrame | None = None
