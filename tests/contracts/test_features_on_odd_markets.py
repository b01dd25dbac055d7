"""Ugly markets: every value stays finite, bounded and free of scale."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geiger.features import FEATURES, NAMES, WARMUP, feature_matrix
from helpers.bars import market

QUOTES = ["open", "high", "low", "close"]
UNITS_OF_ONE = {"share", "correlation", "flag", "share of range", "sign"}


def assert_sound(prices: pl.DataFrame, context: pl.DataFrame | None) -> np.ndarray:
    matrix = feature_matrix(prices, context)
    for entry, values in zip(FEATURES, matrix.T, strict=True):
        usable = values[entry.warmup :]
        assert np.isfinite(usable).all(), entry.name
        bound = 1.0 + 1e-9 if entry.unit in UNITS_OF_ONE else 252.0
        assert np.abs(usable).max() <= bound, (entry.name, np.abs(usable).max())
    return matrix


def part(condition: pl.Expr, changed: str | float, column: str) -> pl.Expr:
    value = pl.col(changed) if isinstance(changed, str) else pl.lit(changed)
    return pl.when(condition).then(value).otherwise(pl.col(column)).alias(column)


ROW = pl.int_range(pl.len())
MARKETS = {
    "no volume at all": [pl.lit(0.0).alias("volume")],
    "long runs without volume": [part((ROW > 200) & (ROW < 560), 0.0, "volume")],
    "every other day without volume": [part(ROW % 2 == 0, 0.0, "volume")],
    "constant volume": [pl.lit(5e5).alias("volume")],
    "closes only": [pl.col("close").alias(name) for name in ("open", "high", "low")],
    "limit days": [part(ROW % 5 < 3, "close", name) for name in ("open", "high", "low")],
    "constant for ever": [pl.lit(7.3).alias(name) for name in QUOTES],
    "constant for 350 days": [part((ROW > 100) & (ROW < 450), 7.3, name) for name in QUOTES],
    "one jump": [pl.when(ROW < 400).then(10.1).otherwise(17.7).alias(name) for name in QUOTES],
    "two prices": [pl.when(ROW % 2 == 0).then(10.1).otherwise(10.2).alias(name) for name in QUOTES],
    "straight up": [(pl.lit(1.01).pow(ROW) * 3.0).alias(name) for name in QUOTES],
    "stale opens": [pl.col("close").shift(1).fill_null(strategy="backward").alias("open")],
    "range that misses its close": [
        (pl.col("high") * 0.99).alias("high"),
        (pl.col("low") * 1.01).alias("low"),
    ],
    "tiny prices": [pl.col(name) * 1e-7 for name in QUOTES],
    "huge prices and volumes": [*(pl.col(name) * 1e7 for name in QUOTES), pl.col("volume") * 1e9],
}


@pytest.mark.parametrize("kind", MARKETS)
def test_ugly_markets_stay_finite_and_bounded(kind: str) -> None:
    prices, context = market()
    assert_sound(prices.with_columns(MARKETS[kind]), context)


def test_ugly_contexts_stay_finite() -> None:
    prices, context = market()
    holes = context.with_columns(
        market_close=pl.when((ROW > 50) & (ROW % 60 > 20)).then("market_close"),
        market_volatility=pl.when(ROW % 7 > 0).then("market_volatility"),
    )
    empty = context.with_columns(pl.lit(None, dtype=pl.Float64).alias(name) for name in context.columns[1:])
    flat = context.with_columns(pl.lit(3.3).alias("market_close"))
    own = context.with_columns(market_close=prices["close"])
    for around in (holes, empty, flat, own, None):
        matrix = assert_sound(prices, around)
        inside = [place for place, entry in enumerate(FEATURES) if entry.group == "context"]
        if around is holes:
            for place in inside:
                feed = "market_volatility" if NAMES[place].startswith("implied") else "market_close"
                missing = holes[feed].is_null().to_numpy() & (np.arange(len(matrix)) >= WARMUP)
                assert (matrix[missing, place] == 0.0).all()
        if around is empty:
            assert (matrix[WARMUP:, inside] == 0.0).all()


def test_without_volume_each_volume_feature_is_one_neutral_number() -> None:
    prices, context = market()
    matrix = feature_matrix(prices.with_columns(volume=pl.lit(0.0)), context)[WARMUP:]
    neutral = {
        name: matrix[0, place] for place, name in enumerate(NAMES) if FEATURES[place].group == "volume"
    }
    priced = {"corwin_schultz_21", "roll_spread_63", "zero_return_share_63"}  # made of prices
    for name in neutral.keys() - priced:
        values = matrix[:, NAMES.index(name)]
        assert (values == (0.5 if name in {"volume_rank_50", "money_flow_index_14"} else 0.0)).all(), name


@settings(max_examples=25, deadline=None)
@given(price=st.integers(-30, 30), volume=st.integers(-20, 20), seed=st.integers(0, 5))
def test_powers_of_two_change_no_bit(price: int, volume: int, seed: int) -> None:
    prices, context = market(seed=seed, rows=320)
    scaled = prices.with_columns(pl.col(QUOTES) * 2.0**price, pl.col("volume") * 2.0**volume)
    market_too = context.with_columns(pl.col("market_close") * 2.0**price)
    one, two = feature_matrix(prices, context), feature_matrix(scaled, market_too)
    assert np.array_equal(one.view(np.int64), two.view(np.int64))


@settings(max_examples=25, deadline=None)
@given(price=st.floats(1e-4, 1e4), volume=st.floats(1e-3, 1e5), tick=st.booleans())
def test_other_constants_change_nothing_beyond_rounding(price: float, volume: float, tick: bool) -> None:
    prices, context = market(seed=7, rows=320)
    if tick:  # whole ticks: many ties, which rounding must not break
        prices = prices.with_columns((pl.col(QUOTES) * 4.0).round() / 4.0)
    scaled = prices.with_columns(pl.col(QUOTES) * price, pl.col("volume") * volume)
    one, two = feature_matrix(prices, context), feature_matrix(scaled, context)
    off = np.nanmax(np.abs(one - two), axis=0)
    assert off.max() < 1e-8, NAMES[int(off.argmax())]


def near_duplicates(matrix: np.ndarray, limit: float = 0.999) -> list[tuple[str, str, float]]:
    usable = matrix[WARMUP:]
    moving = np.flatnonzero(np.ptp(usable, axis=0) > 0.0)
    table = np.corrcoef(usable[:, moving].T)
    pairs = combinations(range(len(moving)), 2)
    return [
        (NAMES[moving[i]], NAMES[moving[j]], float(table[i, j])) for i, j in pairs if abs(table[i, j]) > limit
    ]


def test_no_two_features_are_the_same_thing() -> None:
    prices, context = market(rows=1500)
    assert near_duplicates(feature_matrix(prices, context)) == []
    for kind in ("closes only", "stale opens", "no volume at all"):
        assert near_duplicates(feature_matrix(prices.with_columns(MARKETS[kind]), context)) == [], kind
    twice = feature_matrix(prices, context).copy()
    twice[:, NAMES.index("rsi_14")] = 2.0 * twice[:, NAMES.index("adx_14")] - 1.0
    assert [pair[:2] for pair in near_duplicates(twice)] == [("rsi_14", "adx_14")]


@pytest.mark.slow
def test_all_real_series_are_sound_and_hold_no_duplicates(panel, panel_folder) -> None:
    for path in sorted(panel_folder.glob("*.csv")):
        matrix = assert_sound(*panel(path.stem))
        assert near_duplicates(matrix) == [], path.stem
