"""The market around a symbol: its index and its volatility index, on the symbol's own days."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TypeAlias

import polars as pl

from geiger.market.calendar import Market
from geiger.market.doubts import Doubt
from geiger.market.snapshots import Store, content_hash
from geiger.market.sources import (
    Loaded,
    align_context,
    default_context,
    default_volatility,
    list_symbols,
    load,
)
from geiger.records import Notice
from geiger.runs.record import ContextData

Context: TypeAlias = tuple[Loaded | None, Loaded | None]  # the index, and the volatility index


def load_context(symbol: str, data: Path | None, context: str | None, library: Store) -> Context:
    """Load the index and the volatility index that are at hand."""
    # one file holds one symbol, never its context
    folder = data if data is not None and data.is_dir() else None
    available = list_symbols(folder, library)
    chosen = default_context(symbol, available) if context is None else context
    if chosen in (None, "none"):
        return None, None
    assert chosen is not None
    fear = default_volatility(symbol, available)
    index, volatility = (load(name, data=folder, store=library) if name else None for name in (chosen, fear))
    return index, volatility


def context_on(
    days: pl.Series, symbol: str, market: Market, given: Context
) -> tuple[pl.DataFrame | None, tuple[Doubt, ...]]:
    """Return the CONTEXT frame on the symbol's days, and what is doubtful about it; None without an index."""
    index, volatility = given
    if index is None:
        return None, ()
    return align_context(
        days,
        symbol,
        (index.symbol, index.prices),
        (volatility.symbol, volatility.prices) if volatility else None,
        own=market,
    )


def keep_context(given: Context, snapshots: Store) -> ContextData:
    """Store what a run uses of it, and return symbols and content hashes for the run's record."""
    index, volatility = given
    if index is None:
        return ContextData()
    snapshots.save(index)
    kept = ContextData(index.symbol, content_hash(index.prices))
    if volatility is None:
        return kept
    snapshots.save(volatility)
    digest = content_hash(volatility.prices)
    return replace(kept, volatility=volatility.symbol, volatility_hash=digest)


def context_missing(given: Context) -> tuple[Notice, ...]:
    """Say that there is no index, where there is none."""
    if given[0] is not None:
        return ()
    return (Notice("CONTEXT_MISSING", "no market context: the market features are 0 throughout"),)
