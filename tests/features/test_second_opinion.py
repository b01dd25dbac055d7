"""Every feature against another implementation: TA-Lib where it has one, pandas for all, a few by hand."""

from __future__ import annotations

from itertools import pairwise
from math import log, sqrt

import numpy as np
import pandas as pd
import polars as pl
import pytest
import talib

from geiger.features import FEATURES, NAMES, Bars, build_features, feature_matrix

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


def test_pandas_agrees_on_every_feature(market, pandas_features) -> None:
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


def test_talib_agrees_on_the_standard_indicators(market) -> None:
    prices, context = market(seed=21, rows=900)
    bars = Bars.from_frames(prices, context)
    theirs = talib_values(bars)
    for name, values in theirs.items():
        ours = FUNCTIONS[name](bars)
        first = FADED.get(name, next(entry.warmup for entry in FEATURES if entry.name == name))
        assert np.isfinite(values[first:]).all(), name
        assert np.abs(ours[first:] - values[first:]).max() < 1e-8, name


def test_talib_agrees_on_beta(market) -> None:
    prices, context = market(seed=22)
    bars = Bars.from_frames(prices, context)
    # TA-Lib regresses simple returns: give it prices whose simple returns are our log returns.
    simple = [np.cumprod(1.0 + np.nan_to_num(x)) for x in (bars.market_returns, bars.returns)]
    theirs = talib.BETA(simple[0], simple[1], 63)
    assert np.abs(FUNCTIONS["market_beta_63"](bars)[64:] - theirs[64:]).max() < 1e-8


def tiny(
    rows: list[tuple[float, float, float, float, float]], first: str = "2021-01-27"
) -> dict[str, list[float]]:
    days = pl.date_range(pl.date(*map(int, first.split("-"))), pl.date(2022, 12, 31), eager=True)
    days = days.filter(days.dt.weekday() <= 5).head(len(rows))
    table = pl.DataFrame(rows, schema=["open", "high", "low", "close", "volume"], orient="row").cast(
        pl.Float64
    )
    prices = table.select(
        days.alias("day"), "open", "high", "low", "close", pl.col("close").alias("raw_close"), "volume"
    )
    return build_features(prices).to_dict(as_series=False)


def test_single_bars_by_hand() -> None:
    out = tiny([(10, 12, 9, 11, 100), (11, 13, 10, 10.5, 50), (10, 12, 9.5, 12, 200)])
    assert out["return_1"][1:] == pytest.approx([log(10.5 / 11), log(12 / 10.5)])
    assert out["body"] == pytest.approx([1 / 3, -0.5 / 3, 2 / 2.5])
    assert out["upper_shadow"] == pytest.approx([1 / 3, 2 / 3, 0.0])
    assert out["lower_shadow"] == pytest.approx([1 / 3, 0.5 / 3, 0.5 / 2.5])
    assert out["close_location"] == pytest.approx([1 / 3, -2 / 3, 1.0])
    assert out["range_overlap"][1:] == pytest.approx([2 / 4, 2 / 3.5])
    assert out["engulfing"][1:] == [0.0, 1.0]
    assert out["run_length"][1:] == [-0.1, 0.1]
    assert out["absolute_return_1"][2] == pytest.approx(log(12 / 10.5))
    # Two days of gains and falls: the mean fall .25, the mean rise .75, seeded over the first two changes.
    assert out["rsi_2"][2] == pytest.approx(1.5 / 2.0)


def test_calendar_by_hand() -> None:
    # 2021-01-27 was a Wednesday; 29 January the last weekday of the month.
    out = tiny([(1, 1, 1, 1, 1)] * 20)
    assert out["turn_of_month"][:7] == [0, 0, 1, 1, 1, 1, 0]
    assert out["january"][:4] == [1, 1, 1, 0]
    assert out["monday"][:5] == [0, 0, 0, 1, 0]
    assert out["month_progress"][:4] == pytest.approx([19 / 21, 20 / 21, 1.0, 1 / 20])
    assert out["quarter_progress"][3] == pytest.approx(22 / 64)
    assert [place for place, flag in enumerate(out["expiry_week"]) if flag] == [
        13,
        14,
        15,
        16,
        17,
    ]  # 15-19 February
    assert out["weekdays_missed"][1:] == [0.0] * 19
    assert out["weekday_cos"][3] == 1.0


def test_a_holiday_is_a_missed_weekday() -> None:
    days = pl.Series("day", ["2021-07-01", "2021-07-02", "2021-07-06"]).str.to_date()
    frame = pl.DataFrame({"day": days}).with_columns(
        pl.lit(1.0).alias(name) for name in ("open", "high", "low", "close", "raw_close", "volume")
    )
    assert build_features(frame)["weekdays_missed"].to_list()[1:] == [0.0, 1.0]


def test_windows_by_hand() -> None:
    closes = [100.0, 101.0, 99.0, 99.0, 102.0, 104.0]
    out = tiny([(c, c, c, c, 10) for c in closes])
    returns = [log(b / a) for a, b in pairwise(closes)]
    mean = sum(returns) / 5
    assert out["volatility_5"][5] == pytest.approx(sqrt(sum((r - mean) ** 2 for r in returns) / 4))
    assert out["absolute_return_5"][5] == pytest.approx(sum(map(abs, returns)) / 5)
    assert out["close_to_mean_5"][4] == pytest.approx(log(102 / 100.2))
    assert out["return_3"][5] == pytest.approx(log(104 / 99))
