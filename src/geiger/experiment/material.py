"""Everything known about one symbol before a model is chosen: prices, context, features, target.

The lock-box is cut off here, before anything is computed: what is scored never holds its rows. The same
with these rows stands apart, in `Material.whole`, for the model for use alone. What is doubtful about the
data is said of the whole series, in sentences.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import polars as pl

from geiger.errors import DataError
from geiger.features.catalogue import NAMES, VERSION, WARMUP, feature_matrix
from geiger.learning.folds import Fold, walk_forward
from geiger.learning.target import make_target
from geiger.market.calendar import Market
from geiger.market.doubts import NOT_DAILY, Doubt, not_daily, stale_open_share
from geiger.market.inspection import inspect, unusable
from geiger.market.prices import slice_days
from geiger.market.rhythm import observed_market
from geiger.market.snapshots import Store, changed_days, content_hash
from geiger.market.sources import (
    Loaded,
    align_context,
    default_context,
    default_volatility,
    list_symbols,
    load,
)
from geiger.records import Notice
from geiger.runs.record import ContextData, Provenance
from geiger.settings import Config, Fill

Context: TypeAlias = tuple[Loaded | None, Loaded | None]  # the index, and the volatility index

UPPER_BOUND = "trained and filled at the close instead, which is an upper bound"
STALE_OPENS = 0.10  # above this share of opens equal to the last close, an open is no price to trade at
STALE_FOLD = 0.30  # the same for the test rows of a single fold, which are few


@dataclass(frozen=True)
class Material:
    """What every model of one symbol learns from.

    Attributes
    ----------
    prices : PRICES frame
        Development rows only: the lock-box is not in it.
    context : CONTEXT frame, optional
        What the market is known to be on those days.
    features : (n, F) float array
        Row t is made of bars <= t; not a number within the warm-up.
    target : TARGET frame
        Log return that a decision at the close of t can still earn, and when it is known.
    fill : {"next_open", "close"}
        The fill that is used, which differs from the one asked for where opens are no prices.
    provenance : Provenance
        Source, days, content hashes; written to the log and to ``run.json``.
    beyond : Material, optional
        The same up to the last bar (or to --end), the lock-box included; None where nothing is locked.
    """

    symbol: str
    market: Market
    prices: pl.DataFrame
    context: pl.DataFrame | None
    features: npt.NDArray[np.float64]
    target: pl.DataFrame
    fill: Fill
    warmup: int
    notices: tuple[Notice, ...]
    provenance: Provenance
    beyond: Material | None = None

    @property
    def whole(self) -> Material:
        """All rows, the lock-box included: for the model for use; nothing made of them is scored or shown."""
        return self if self.beyond is None else self.beyond

    @property
    def labelled(self) -> int:
        """Number of leading rows whose label is known."""
        return int(self.target["value"].is_not_null().sum())


def prepare(
    symbol: str,
    config: Config,
    *,
    data: Path | None,
    context: str | None,
    library: Store,
    snapshots: Store,
    loaded: Loaded | None = None,
    context_given: Context | None = None,
    now: dt.datetime | None = None,
) -> Material:
    """Load one symbol and its context, cut off the lock-box, and compute features and target.

    What lies behind the cut is in the result's `whole`, and in nothing else of it.

    Parameters
    ----------
    symbol : str
        A symbol that `load` knows.
    data : Path, optional
        Folder or file of prices; without it the library and the embedded data.
    context : str, optional
        Symbol of the market index; None chooses one that is at hand, ``"none"`` does without.
    library : Store
        Prices that the user added or fetched.
    snapshots : Store
        Where the prices that a run used are kept.
    loaded : Loaded, optional
        Prices that the caller already has, in place of a source.
    context_given : (index, volatility index), optional
        The context that the caller already has, in place of `context` and its source.
    now : datetime with a zone, optional
        Stands in for the clock, which only says which bars lie in the future.

    Raises
    ------
    DataError
        The series is too short, is not daily, or no model may learn from it.
    """
    loaded = loaded or load(symbol, data=data, store=library)
    market = observed_market(symbol, loaded.prices)
    # Of the whole series, as `geiger data check` says it: sentences, from which no figure is made.
    doubts = inspect(loaded, now)
    _refuse(loaded.where, doubts, slice_days(loaded.prices, _day(config.start), _day(config.end)))
    lockbox = market.days_per_year if config.lockbox is None else config.lockbox
    prices = _development_rows(loaded.prices, lockbox, config)
    bar_notices: tuple[Notice, ...] = ()
    if not market.has_open:
        prices, bar_notices = _closes_only(prices, market)
    fill, fill_notices = _choose_fill(prices, market, config)
    if context_given is None:
        context_given = _load_context(symbol, data, context, library)
    frame, context_data, context_notices = _context(symbol, market, prices, context_given, snapshots)
    features = feature_matrix(prices, frame)
    _require_finite(features, prices, symbol)
    rewritten = _remember(loaded, snapshots, until=prices["day"][-1])
    material = Material(
        symbol=symbol,
        market=market,
        prices=prices,
        context=frame,
        features=features,
        target=make_target(prices, fill, config.horizon),
        fill=fill,
        warmup=WARMUP,
        notices=(
            *_as_notices((*loaded.notes, *doubts)),
            *rewritten,
            *bar_notices,
            *fill_notices,
            *context_notices,
            *_limits(symbol, lockbox),
        ),
        provenance=Provenance(
            source=loaded.source,
            where=loaded.where,
            first_day=str(prices["day"][0]),
            last_day=str(prices["day"][-1]),
            rows=prices.height,
            data_hash=content_hash(loaded.prices),
            lockbox_rows=lockbox,
            lockbox_from=str(loaded.prices["day"][-lockbox]) if 0 < lockbox <= loaded.prices.height else None,
            context=context_data,
            features=VERSION,
        ),
    )
    every_row = slice_days(loaded.prices, _day(config.start), _day(config.end))
    if every_row.height == prices.height:
        return material
    return replace(material, beyond=_whole(material, every_row, context_given, config.horizon))


def _whole(material: Material, prices: pl.DataFrame, context: Context, horizon: int) -> Material:
    """Return the material of all rows; what was judged on development rows (fill, doubts) stays as it is."""
    if not material.market.has_open:
        prices = _closes_only(prices, material.market)[0]
    frame = _aligned(prices["day"], material.symbol, material.market, context)[0]
    features = feature_matrix(prices, frame)
    _require_finite(features, prices, material.symbol)
    target = make_target(prices, material.fill, horizon)
    return replace(material, prices=prices, context=frame, features=features, target=target)


def _refuse(where: str, doubts: tuple[Doubt, ...], asked: pl.DataFrame) -> None:
    """Refuse rows of which no daily forecast can be made; a rhythm that only other rows have is no reason."""
    own = (not_daily(asked), *(doubt for doubt in doubts if doubt.code != NOT_DAILY))
    found = unusable([doubt for doubt in own if doubt is not None])
    if found is not None:
        raise DataError(f"{where}: {found.text}")


def _development_rows(prices: pl.DataFrame, lockbox: int, config: Config) -> pl.DataFrame:
    """Drop the lock-box, which belongs to the whole series, then apply --start and --end."""
    kept = prices.head(max(prices.height - lockbox, 0))
    rows = slice_days(kept, _day(config.start), _day(config.end))
    needed = WARMUP + config.min_train + config.horizon + 2
    if rows.height < needed:
        raise DataError(
            f"{rows.height} of {prices.height} days are left before the lock-box (last {lockbox} rows) and "
            f"between --start and --end; the first forecast needs {needed} (warm-up {WARMUP} + training "
            f"{config.min_train} + gap): give a longer series, or a smaller --min-train or --lockbox"
        )
    return rows


def _day(text: str | None) -> dt.date | None:
    return None if text is None else dt.date.fromisoformat(text)  # `Config` has checked it


def _closes_only(prices: pl.DataFrame, market: Market) -> tuple[pl.DataFrame, tuple[Notice, ...]]:
    """Return bars that hold closes only: the rest of such a bar may come after its close."""
    close = pl.col("close")
    bars = prices.with_columns(close.alias("open"), close.alias("high"), close.alias("low"))
    text = f"{market.name}: open, high and low may lie hours after the close, so only closes are used"
    return bars, (Notice("CLOSES_ONLY", text),)


def _choose_fill(prices: pl.DataFrame, market: Market, config: Config) -> tuple[Fill, tuple[Notice, ...]]:
    """Return the fill, judged on the training rows before the first forecast and on nothing later."""
    if config.fill == "close":
        return "close", ()
    if not market.has_open:
        return "close", (Notice("FILL_CLOSE", f"{market.name} has no open: {UPPER_BOUND}"),)
    folds = cut_folds(WARMUP, prices.height - config.horizon - 1, config)
    before = prices.slice(0, folds[0].test.start).tail(config.min_train)
    share = stale_open_share(before)
    if share <= STALE_OPENS:
        return "next_open", _stale_later(prices, folds)
    why = f"{share:.0%} of the opens from {before['day'][0]} to {before['day'][-1]} repeat the last close"
    text = f"{why}: {UPPER_BOUND}; a later --start may leave them out"
    return "close", (Notice("FILL_CLOSE", text),)


def _stale_later(prices: pl.DataFrame, folds: tuple[Fold, ...]) -> tuple[Notice, ...]:
    """Say where opens become stale in the test rows, which may not choose the fill."""
    tested = prices.slice(folds[0].test.start, folds[-1].test.stop - folds[0].test.start)
    parts = [prices.slice(fold.test.start, fold.test.stop - fold.test.start) for fold in folds]
    share, worst = stale_open_share(tested), max(parts, key=stale_open_share)
    if share <= STALE_OPENS and stale_open_share(worst) <= STALE_FOLD:
        return ()
    text = (
        f"{share:.0%} of the opens in the test rows repeat the last close (at most "
        f"{stale_open_share(worst):.0%} in one fold, {worst['day'][0]} to {worst['day'][-1]}): a fill there "
        "is no trade, so what it earns is an upper bound"
    )
    return (Notice("TEST_OPENS_STALE", text),)


def cut_folds(first_row: int, end_row: int, config: Config) -> tuple[Fold, ...]:
    """Return the folds of rows [first_row, end_row) under `config`."""
    return walk_forward(
        first_row,
        end_row,
        horizon=config.horizon,
        min_train=config.min_train,
        refit=config.refit,
        valid_share=config.valid_share,
        rolling=config.rolling,
        max_folds=config.max_folds,
    )


def _limits(symbol: str, lockbox: int) -> tuple[Notice, ...]:
    """Return what a reader must know before believing any figure of this run."""
    found = []
    if symbol.startswith("^"):
        text = "an index level cannot be bought: its returns here are no trade, an ETF or a future would be"
        found.append(Notice("NOT_TRADABLE", text))
    if lockbox == 0:
        found.append(
            Notice("LOCKBOX_OPEN", "no rows are locked: nothing is left that no model was chosen on")
        )
    return tuple(found)


def _load_context(symbol: str, data: Path | None, context: str | None, library: Store) -> Context:
    """Load the index and the volatility index that are at hand."""
    folder = (
        data if data is not None and data.is_dir() else None
    )  # one file holds one symbol, never its context
    available = list_symbols(folder, library)
    chosen = default_context(symbol, available) if context is None else context
    if chosen in (None, "none"):
        return None, None
    assert chosen is not None
    fear = default_volatility(symbol, available)
    index, volatility = (load(name, data=folder, store=library) if name else None for name in (chosen, fear))
    return index, volatility


def _context(
    symbol: str, market: Market, prices: pl.DataFrame, given: Context, snapshots: Store
) -> tuple[pl.DataFrame | None, ContextData, tuple[Notice, ...]]:
    """Put index and volatility index on the symbol's days."""
    index, volatility = given
    if index is None:
        text = "no market context: the market features are 0 throughout"
        return None, ContextData(), (Notice("CONTEXT_MISSING", text),)
    for used in (index, volatility):
        if used is not None:
            snapshots.save(used)
    frame, doubts = _aligned(prices["day"], symbol, market, given)
    fear = None if volatility is None else (volatility.symbol, content_hash(volatility.prices))
    used_data = ContextData(index.symbol, content_hash(index.prices), *(fear or ()))
    return frame, used_data, _as_notices(doubts)


def _aligned(
    days: pl.Series, symbol: str, market: Market, given: Context
) -> tuple[pl.DataFrame | None, tuple[Doubt, ...]]:
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


def _remember(loaded: Loaded, snapshots: Store, until: dt.date) -> tuple[Notice, ...]:
    """Store the prices, and say which days up to `until` the source has rewritten since the last time."""
    before = snapshots.latest(loaded.symbol)
    snapshots.save(loaded)
    if before is None or before.source != loaded.source or before.where != loaded.where:
        return ()
    change = changed_days(snapshots.load(before.symbol, before.hash).prices, loaded.prices)
    changed = [day for day in change.days if day <= until]
    if not changed:
        return ()
    shown = ", ".join(map(str, changed[:5])) + (" ..." if len(changed) > 5 else "")
    text = f"the source changed {len(changed)} past days since {before.saved_at[:10]}: {shown}"
    return (Notice("DATA_REWRITTEN", text),)


def _require_finite(features: npt.NDArray[np.float64], prices: pl.DataFrame, symbol: str) -> None:
    broken = ~np.isfinite(features[WARMUP:])
    if broken.any():
        row, column = (int(i[0]) for i in np.nonzero(broken))
        raise DataError(
            f"{symbol}: feature {NAMES[column]!r} is not finite on {prices['day'][WARMUP + row]}; "
            "`geiger data check` shows what is odd about that day"
        )


def _as_notices(doubts: tuple[Doubt, ...]) -> tuple[Notice, ...]:
    return tuple(Notice(doubt.code, doubt.text) for doubt in doubts if doubt.severity != "note")
