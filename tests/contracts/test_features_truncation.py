"""Nothing sees the future: change it in any way and every earlier value keeps its bits."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import numpy as np
import polars as pl
import pytest

from geiger.features import FEATURES, NAMES, build_features, catalogue
from helpers.bars import market

FEEDS = ("open", "high", "low", "close", "raw_close", "volume", "market_close", "market_volatility")


def futures(frame: pl.DataFrame, cut: int) -> Iterator[tuple[str, pl.DataFrame]]:
    """Yield the frame with what comes after row `cut` changed."""
    feeds = [name for name in FEEDS if name in frame.columns]
    row = pl.int_range(pl.len())
    yield "dropped", frame.head(cut + 1)
    yield (
        "only the next row moved",
        frame.with_columns(
            [
                pl.when(row == cut + 1).then(pl.col(name) * 1.37).otherwise(pl.col(name)).alias(name)
                for name in feeds
            ]
        ),
    )
    past, future = frame.head(cut + 1), frame.tail(-cut - 1)
    yield "reversed", pl.concat([past, future.select("day", pl.col(feeds).reverse())])
    yield "ten times as high", pl.concat([past, future.with_columns(pl.col(feeds) * 10.0)])
    yield "later days", pl.concat([past, future.with_columns(pl.col("day") + timedelta(days=1))])


def leaks(prices: pl.DataFrame, context: pl.DataFrame, cuts: tuple[int, ...]) -> set[str]:
    """Return the features of which any bit up to a cut depends on what follows it."""
    whole = build_features(prices, context)
    found: set[str] = set()
    for cut in cuts:
        for (_, changed), (_, around) in zip(futures(prices, cut), futures(context, cut), strict=True):
            again = build_features(changed, around)
            for name in NAMES:
                before, after = (table[name].to_numpy()[: cut + 1] for table in (whole, again))
                if not np.array_equal(before.view(np.int64), after.view(np.int64)):
                    found.add(name)
    return found


def test_no_feature_sees_the_future() -> None:
    for seed, cuts in ((1, (0, 5, 271, 300, 471, 698)), (2, (272, 389, 555))):
        assert leaks(*market(seed=seed), cuts) == set()


def test_no_feature_sees_a_context_that_starts_late_or_has_holes() -> None:
    prices, context = market(seed=3)
    row = pl.int_range(pl.len())
    context = context.with_columns(
        market_close=pl.when((row > 150) & (row % 97 > 3)).then("market_close"),
        market_volatility=pl.when(row > 320).then("market_volatility"),
    )
    assert leaks(prices, context, (100, 150, 151, 322, 400, 600)) == set()


@pytest.mark.parametrize("symbol", ["AAPL", "SPY", "KO", "EURUSD=X", "BTC-USD", "^N225", "SAN.PA"])
def test_no_feature_sees_the_future_on_real_series(panel, symbol: str) -> None:
    prices, context = panel(symbol)
    assert leaks(prices.tail(1500), context.tail(1500), (273, 700, 1001, 1498)) == set()


@pytest.mark.parametrize("name", ["return_1", "rsi_14", "volume_z_63", "body", "market_beta_63", "monday"])
def test_the_check_finds_a_feature_that_looks_one_row_ahead(monkeypatch, name: str) -> None:
    def ahead(entry):
        return lambda bars: np.append(entry.function(bars)[1:], entry.function(bars)[-1:])

    swapped = tuple(
        replace(entry, function=ahead(entry)) if entry.name == name else entry for entry in FEATURES
    )
    monkeypatch.setattr(catalogue, "FEATURES", swapped)
    # Mondays need a cut on a Sunday's eve: five cuts in a row hold one.
    assert leaks(*market(seed=1, rows=400), (300, 301, 302, 303, 304)) == {name}


def test_the_check_finds_every_feature_when_all_look_ahead(monkeypatch) -> None:
    honest = build_features(*market(seed=1))
    # Values that seldom change need a cut right before a change.
    turns = [299 + int(np.flatnonzero(honest[name].to_numpy()[300:])[0]) for name in ("engulfing", "january")]
    swapped = tuple(
        replace(entry, function=lambda bars, f=entry.function: np.append(f(bars)[1:], f(bars)[-1:]))
        for entry in FEATURES
    )
    monkeypatch.setattr(catalogue, "FEATURES", swapped)
    rare = {"zero_return_share_63"}  # no unchanged close in this market
    found = leaks(*market(seed=1), (*range(300, 345, 3), 511, 521, *turns))
    assert set(NAMES) - found <= rare


ENDLESS = {
    # Exponential means and runs reach back to the first row; all else ends with its window.
    "adaptive_mean_gap_10", "macd_12_26", "macd_histogram_12_26_9", "trix_15", "adx_14", "directional_gap_28",
    "rsi_2", "rsi_14", "ewma_volatility", "average_true_range_14", "true_range_ratio_14",
    "accumulation_oscillator_3_10", "force_index_13", "gap_ratio_14", "keltner_position_20_10",
}  # fmt: skip


def test_a_window_depends_on_its_own_rows_alone() -> None:
    prices, context = market(rows=600)
    whole, late = build_features(prices, context), build_features(prices.tail(323), context.tail(323))
    for name in set(NAMES) - ENDLESS:
        before, after = whole[name].to_numpy()[-50:], late[name].to_numpy()[-50:]
        assert np.array_equal(before.view(np.int64), after.view(np.int64)), name
