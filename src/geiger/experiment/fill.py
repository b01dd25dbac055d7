"""Which price a decision is filled at: the next open, where opens are prices that somebody traded at."""

from __future__ import annotations

import polars as pl

from geiger.experiment.cut import cut_folds
from geiger.features.catalogue import WARMUP
from geiger.learning.folds import Fold
from geiger.market.calendar import Market
from geiger.market.doubts import stale_open_share
from geiger.records import Notice
from geiger.settings import Config, Fill

UPPER_BOUND = "trained and filled at the close instead, which is an upper bound"
STALE_OPENS = 0.10  # above this share of opens equal to the last close, an open is no price to trade at
STALE_FOLD = 0.30  # the same for the test rows of a single fold, which are few


def choose_fill(
    prices: pl.DataFrame, market: Market, config: Config, warmup: int = WARMUP
) -> tuple[Fill, tuple[Notice, ...]]:
    """Return the fill, judged on the training rows before the first forecast and on nothing later."""
    if config.fill == "close":
        return "close", ()
    if not market.has_open:
        return "close", (Notice("FILL_CLOSE", f"{market.name} has no open: {UPPER_BOUND}"),)
    folds = cut_folds(warmup, prices.height - config.horizon - 1, config)
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
