"""From a symbol to its material: prices, context, features, target, with all that is doubtful about them.

The lock-box is cut off here, before anything is computed. What is doubtful about the data is said of the
whole series, in sentences.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl

from geiger.errors import DataError
from geiger.experiment.context import Context, context_missing, context_on, keep_context, load_context
from geiger.experiment.fill import choose_fill
from geiger.experiment.material import Floats, Material
from geiger.experiment.own import OwnFeatures, OwnTarget
from geiger.experiment.own_columns import (
    Joined,
    join_own,
    parts_of,
    require_known_labels,
    unusual_spread,
)
from geiger.features.catalogue import NAMES, WARMUP, feature_matrix
from geiger.learning.target import make_target
from geiger.market.calendar import Market
from geiger.market.doubts import NOT_DAILY, Doubt, not_daily
from geiger.market.inspection import inspect, unusable
from geiger.market.prices import slice_days
from geiger.market.rhythm import observed_market
from geiger.market.snapshots import Store, changed_days, content_hash
from geiger.market.sources import Loaded, load
from geiger.records import Notice
from geiger.runs.record import ContextData, Provenance
from geiger.settings import Config, Fill
from geiger.settings.contract import VERSION


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
    features: OwnFeatures | None = None,
    target: OwnTarget | None = None,
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
    features : OwnFeatures, optional
        Features of the user's own, beside ours.
    target : OwnTarget, optional
        What is learned, in place of our return; what a position earns stays as it is.
    now : datetime with a zone, optional
        Stands in for the clock, which only says which bars lie in the future.

    Raises
    ------
    DataError
        The series is too short, is not daily, or no model may learn from it; or what is the user's own is
        not what it must be.
    """
    loaded = loaded or load(symbol, data=data, store=library)
    market = observed_market(symbol, loaded.prices)
    # Of the whole series, as `geiger data check` says it: sentences, from which no figure is made.
    doubts = inspect(loaded, now)
    asked = slice_days(loaded.prices, _day(config.start), _day(config.end))
    _refuse(loaded.where, doubts, asked)
    lockbox = market.days_per_year if config.lockbox is None else config.lockbox
    prices, bar_notices = _usable_bars(_development_rows(loaded.prices, lockbox, config), market)
    own = join_own(prices, features, target)
    _require_rows(prices, own, config)
    fill, fill_notices = choose_fill(prices, market, config, own.warmup)
    given = load_context(symbol, data, context, library) if context_given is None else context_given
    frame, context_doubts = context_on(prices["day"], symbol, market, given)
    context_data = keep_context(given, snapshots)
    matrix = own.beside(_features(symbol, prices, frame))
    rewritten = _remember(loaded, snapshots, until=prices["day"][-1])
    ours = make_target(prices, fill, config.horizon)
    learned = own.in_place_of(ours, config.horizon)
    require_known_labels(own.target, learned, prices)
    notices = (
        *_as_notices((*loaded.notes, *doubts)),
        *rewritten,
        *bar_notices,
        *fill_notices,
        *context_missing(given),
        *_as_notices(context_doubts),
        *own.notices,
        *unusual_spread(own.target, learned, ours),
        *_limits(symbol, lockbox),
    )
    provenance = _provenance(loaded, prices, lockbox, context_data)
    material = Material(
        *(symbol, market, prices, frame, matrix, learned, fill, own.warmup, notices, provenance),
    )
    if asked.height == prices.height:
        return replace(material, own=parts_of(own, own, learned))
    beyond, all_own = _whole(material, asked, given, config.horizon, own)
    parts = parts_of(own, all_own, learned)
    return replace(material, own=parts, beyond=replace(beyond, own=parts))


def refilled(material: Material, fill: Fill, horizon: int, target: OwnTarget | None) -> Material:
    """Return the same material with the target of another fill."""
    if material.fill == fill:
        return material
    own = Joined(None, target, pl.DataFrame(), None, material.warmup).on_target(material.prices)
    learned = own.in_place_of(make_target(material.prices, fill, horizon), horizon)
    return replace(material, fill=fill, target=learned)


def _provenance(loaded: Loaded, prices: pl.DataFrame, lockbox: int, context: ContextData) -> Provenance:
    locked = 0 < lockbox <= loaded.prices.height
    return Provenance(
        source=loaded.source,
        where=loaded.where,
        first_day=str(prices["day"][0]),
        last_day=str(prices["day"][-1]),
        rows=prices.height,
        data_hash=content_hash(loaded.prices),
        lockbox_rows=lockbox,
        lockbox_from=str(loaded.prices["day"][-lockbox]) if locked else None,
        context=context,
        features=VERSION,
    )


def _whole(
    material: Material, prices: pl.DataFrame, context: Context, horizon: int, own: Joined
) -> tuple[Material, Joined]:
    """Return the material of all rows; what was judged on development rows (fill, doubts) stays as it is."""
    prices = _usable_bars(prices, material.market)[0]
    frame = context_on(prices["day"], material.symbol, material.market, context)[0]
    own = own.on(prices)
    features = own.beside(_features(material.symbol, prices, frame))
    target = own.in_place_of(make_target(prices, material.fill, horizon), horizon)
    return replace(material, prices=prices, context=frame, features=features, target=target), own


def _require_rows(prices: pl.DataFrame, own: Joined, config: Config) -> None:
    """Refuse own columns that begin so late that nothing is left to learn from."""
    needed = own.warmup + config.min_train + config.horizon + 2
    if own.warmup > WARMUP and prices.height < needed:
        raise DataError(
            f"features or target of your own are complete from row {own.warmup} on; the first forecast needs "
            f"{needed} rows then, and there are {prices.height}: give a longer series, or a smaller "
            "--min-train"
        )


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


def _usable_bars(prices: pl.DataFrame, market: Market) -> tuple[pl.DataFrame, tuple[Notice, ...]]:
    """Return the bars; closes only where the market has no open: the rest may come after the close."""
    if market.has_open:
        return prices, ()
    close = pl.col("close")
    bars = prices.with_columns(close.alias("open"), close.alias("high"), close.alias("low"))
    text = f"{market.name}: open, high and low may lie hours after the close, so only closes are used"
    return bars, (Notice("CLOSES_ONLY", text),)


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


def _remember(loaded: Loaded, snapshots: Store, until: dt.date) -> tuple[Notice, ...]:
    """Store the prices, and say which days up to `until` the source has rewritten since the last time."""
    before = snapshots.latest(loaded.symbol)
    kept = snapshots.save(loaded)
    if before is None or before.hash == kept.hash:
        return ()
    if before.source != loaded.source or before.where != loaded.where:
        return ()
    change = changed_days(snapshots.load(before.symbol, before.hash).prices, loaded.prices)
    changed = [day for day in change.days if day <= until]
    if not changed:
        return ()
    shown = ", ".join(map(str, changed[:5])) + (" ..." if len(changed) > 5 else "")
    text = f"the source changed {len(changed)} past days since {before.saved_at[:10]}: {shown}"
    return (Notice("DATA_REWRITTEN", text),)


def _features(symbol: str, prices: pl.DataFrame, context: pl.DataFrame | None) -> Floats:
    """Return the feature matrix (n, F), every number of it finite behind the warm-up."""
    features = feature_matrix(prices, context)
    broken = ~np.isfinite(features[WARMUP:])
    if broken.any():
        row, column = (int(i[0]) for i in np.nonzero(broken))
        raise DataError(
            f"{symbol}: feature {NAMES[column]!r} is not finite on {prices['day'][WARMUP + row]}; "
            "`geiger data check` shows what is odd about that day"
        )
    return features


def _as_notices(doubts: tuple[Doubt, ...]) -> tuple[Notice, ...]:
    return tuple(Notice(doubt.code, doubt.text) for doubt in doubts if doubt.severity != "note")
