"""Every feature against another implementation: TA-Lib where it has one, pandas for all."""

from __future__ import annotations

import numpy as np
import pandas as pd
import polars as pl
import pytest
import talib

from geiger.features import FEATURES, NAMES, Bars, feature_matrix
from helpers.bars import market

FUNCTIONS = {entry.name: entry.function for entry in FEATURES}


def agree(prices: pl.DataFrame, context: pl.DataFrame, second) -> None:
    days = pd.DatetimeIndex(prices["day"].to_numpy().astype("datetime64[ns]"))
    bars = pd.DataFrame({name: prices[name].to_numpy() for name in prices.columns[1:]}, index=days)
    index, fear = (pd.Series(context[name].to_numpy(), index=days) for name in context.columns[1:])
    other = second(bars, index, fear)
    assert set(other.columns) == set(NAMES)
    matrix = feature_matrix(prices, context)
    for place, name in enumerate(NAMES):
        ours, theirs = matrix[:, place], other[name].to_numpy(dtype=float)
        assert np.array_equal(np.isnan(ours), np.isnan(theirs)), name
        scale = max(1.0, float(np.nanmax(np.abs(ours))))
        assert np.nanmax(np.abs(ours - theirs)) < 1e-9 * scale, name


def test_pandas_agrees_on_every_feature(pandas_features) -> None:
    for seed in (11, 12):
        agree(*market(seed=seed), pandas_features)


@pytest.mark.parametrize("symbol", ["AAPL", "SPY", "XLE"])
def test_pandas_agrees_on_real_series(panel, pandas_features, symbol: str) -> None:
    agree(*panel(symbol), pandas_features)


def talib_values(b: Bars) -> dict[str, np.ndarray]:
    h, l, c, o, v = b.high, b.low, b.close, b.open, b.volume  # noqa: E741
    logs = np.log(c)
    fast_k, slow_d = talib.STOCHF(h, l, c, 14, 3, 0)
    upper, middle, lower = talib.BBANDS(c, 20, 2.0, 2.0)
    line, _, histogram = talib.MACD(c, 12, 26, 9)
    returns = np.diff(logs, prepend=np.nan)
    return {
        "return_10": np.log1p(talib.ROCP(c, 10)),
        "close_to_mean_50": np.log(c / talib.SMA(c, 50)),
        "mean_cross_5_21": np.log(talib.SMA(c, 5) / talib.SMA(c, 21)),
        "adaptive_mean_gap_10": np.log(c / talib.KAMA(c, 10)),
        "macd_12_26": line / c,
        "macd_histogram_12_26_9": histogram / c,
        "trix_15": np.log1p(talib.TRIX(c, 15) / 100.0),
        "adx_14": talib.ADX(h, l, c, 14) / 100.0,
        "directional_gap_28": (talib.PLUS_DI(h, l, c, 28) - talib.MINUS_DI(h, l, c, 28)) / 100.0,
        "aroon_25": talib.AROONOSC(h, l, 25) / 100.0,
        "trend_slope_63": talib.LINEARREG_SLOPE(logs, 63),
        "trend_slope_252": talib.LINEARREG_SLOPE(logs, 252),
        "rsi_2": talib.RSI(c, 2) / 100.0,
        "rsi_14": talib.RSI(c, 14) / 100.0,
        "stochastic_k_14": fast_k / 100.0,
        "stochastic_d_14_3": slow_d / 100.0,
        "range_position_63": 1.0 + talib.WILLR(h, l, c, 63) / 100.0,
        "cci_20": talib.CCI(h, l, c, 20) / 100.0,
        "ultimate_7_14_28": talib.ULTOSC(h, l, c, 7, 14, 28) / 100.0,
        "max_return_21": talib.MAX(returns, 21),
        "average_true_range_14": talib.NATR(h, l, c, 14) / 100.0,
        "true_range_ratio_14": talib.TRANGE(h, l, c) / talib.ATR(h, l, c, 14),
        "bollinger_width_20": (upper - lower) / middle,
        "bollinger_position_20": (c - middle) / (upper - middle),
        "accumulation_oscillator_3_10": talib.ADOSC(h, l, c, v, 3, 10) / talib.EMA(v, 10),
        "money_flow_index_14": talib.MFI(h, l, c, v, 14) / 100.0,
        "balance_of_volume_21": (talib.OBV(c, v) - np.roll(talib.OBV(c, v), 21)) / (21 * talib.SMA(v, 21)),
        "engulfing": np.sign(talib.CDLENGULFING(o, h, l, c)).astype(float),
        "keltner_position_20_10": (c - talib.EMA(c, 20)) / (2.0 * talib.ATR(h, l, c, 10)),
        "close_to_high_252": np.log(c / talib.MAX(c, 252)),
        "days_since_high_252": (np.arange(len(c)) - talib.MAXINDEX(h, 252)) / 251.0,
    }


# TA-Lib starts some smoothings otherwise; the difference fades by (1 - rate) a row. The first row compared:
FADED = {
    "stochastic_k_14": 15,  # given from the row on which the slow line starts
    "macd_12_26": 150,  # its EMA 12 starts at row 25 with that day's mean of 12 closes
    "macd_histogram_12_26_9": 250,
    "adx_14": 450,  # Wilder sums of 13, not 14, rows first
    "directional_gap_28": 750,
    "accumulation_oscillator_3_10": 150,  # both EMAs start at the first value of the line
}


def test_talib_agrees_on_the_standard_indicators() -> None:
    prices, context = market(seed=21, rows=900)
    bars = Bars.from_frames(prices, context)
    theirs = talib_values(bars)
    for name, values in theirs.items():
        ours = FUNCTIONS[name](bars)
        first = FADED.get(name, next(entry.warmup for entry in FEATURES if entry.name == name))
        assert np.isfinite(values[first:]).all(), name
        assert np.abs(ours[first:] - values[first:]).max() < 1e-8, name


def test_talib_agrees_on_beta() -> None:
    prices, context = market(seed=22)
    bars = Bars.from_frames(prices, context)
    # TA-Lib regresses simple returns: give it prices whose simple returns are our log returns.
    simple = [np.cumprod(1.0 + np.nan_to_num(x)) for x in (bars.market_returns, bars.returns)]
    theirs = talib.BETA(simple[0], simple[1], 63)
    assert np.abs(FUNCTIONS["market_beta_63"](bars)[64:] - theirs[64:]).max() < 1e-8
