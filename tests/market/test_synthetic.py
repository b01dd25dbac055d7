from __future__ import annotations

from datetime import date
from typing import cast, get_args

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geiger.columns import PRICES, require
from geiger.errors import SettingError
from geiger.features.catalogue import WARMUP, feature_matrix
from geiger.market.doubts import check
from geiger.market.synthetic import (
    Fill,
    Signal,
    garch_market,
    planted_market,
    planted_signal,
)

SIGNALS: tuple[Signal, ...] = get_args(Signal)
BY_VOLUME: tuple[Signal, ...] = ("volume", "interaction", "delayed", "memory")  # days without overlap
HIDDEN: tuple[Signal, ...] = ("interaction", "delayed", "memory")  # from a line on the features of the row
FILLS: tuple[Fill, ...] = ("next_open", "close")


def log_returns(prices: pl.DataFrame, fill: Fill) -> np.ndarray:
    """Row t: what a decision at the close of t earns; the last rows have none."""
    if fill == "close":
        return np.diff(np.log(prices["close"].to_numpy()))
    return np.diff(np.log(prices["open"].to_numpy()))[1:]


def correlation(one: np.ndarray, other: np.ndarray) -> float:
    return float(np.corrcoef(one[100 : len(other)], other[100:])[0, 1])


@settings(max_examples=25, deadline=None)
@given(n=st.integers(1, 400), seed=st.integers(0, 10**6), signal=st.sampled_from(SIGNALS))
def test_bars_are_possible_and_on_weekdays(n: int, seed: int, signal: Signal) -> None:
    prices = require(planted_market(n, seed, 0.02, signal=signal).prices, PRICES)
    assert prices.height == n
    assert prices["day"][0] == date(2000, 1, 3)
    assert prices["day"].dt.weekday().max() <= 5
    body = pl.max_horizontal("open", "close"), pl.min_horizontal("open", "close")
    assert prices.select((pl.col("high") >= body[0]).all() & (pl.col("low") <= body[1]).all()).item()
    assert prices.select((pl.col("volume") > 0).all()).item()


def test_the_same_seed_gives_the_same_bits_and_another_one_does_not() -> None:
    assert garch_market(300, 7).equals(garch_market(300, 7))
    assert not garch_market(300, 7).equals(garch_market(300, 8))
    for signal in SIGNALS:
        one, two = (planted_market(300, 7, 0.01, signal=signal) for _ in range(2))
        assert one.prices.equals(two.prices)
        assert np.array_equal(one.signal, two.signal)
        assert np.array_equal(one.true_mean, two.true_mean)


def test_drift_volatility_and_tails_are_those_asked_for() -> None:
    """A hundred thousand days: standard error of the drift 0.9% a year, of the variance a few percent."""
    returns = log_returns(garch_market(100_000, 3, drift=0.08, vol=0.18), "close")
    assert returns.mean() * 252 == pytest.approx(0.08, abs=0.03)
    assert returns.std() * np.sqrt(252) == pytest.approx(0.18, rel=0.06)
    standardised = (returns - returns.mean()) / returns.std()
    assert (standardised**4).mean() > 5.0
    squares = returns**2
    assert np.corrcoef(squares[1:], squares[:-1])[0, 1] > 0.05  # variance clusters
    assert abs(np.corrcoef(returns[1:], returns[:-1])[0, 1]) < 0.02  # and the sign does not


@pytest.mark.parametrize("fill", FILLS)
def test_without_a_signal_nothing_predicts(fill: Fill) -> None:
    prices = garch_market(40_000, 11)
    earned = log_returns(prices, fill)
    for signal in SIGNALS:
        assert abs(correlation(planted_signal(prices, signal), earned)) < 4 / np.sqrt(40_000)


@pytest.mark.parametrize("signal", SIGNALS)
@pytest.mark.parametrize("fill", FILLS)
def test_the_planted_signal_has_the_strength_asked_for(signal: Signal, fill: Fill) -> None:
    market = planted_market(20_000, 5, 0.02, signal=signal, fill=fill)
    earned = log_returns(market.prices, fill)
    rho, error = np.sqrt(0.02), 1 / np.sqrt(20_000)
    least = 0.88 * rho if signal == "reversal" else rho  # the reversal's deviation is a tenth below 1
    assert least - 3 * error < correlation(market.signal, earned) < rho + 3 * error
    assert correlation(market.true_mean, earned) > least - 3 * error


@pytest.mark.parametrize("signal", BY_VOLUME)
@pytest.mark.parametrize("fill", FILLS)
def test_the_true_mean_explains_the_share_asked_for(signal: Signal, fill: Fill) -> None:
    """Of the variance of the target, not fitted: the standard error of the share is 2 rho / sqrt(n)."""
    market = planted_market(20_000, 6, 0.05, signal=signal, fill=fill)
    earned = log_returns(market.prices, fill)
    missed = earned - market.true_mean[: len(earned)]
    assert 1 - missed.var() / earned.var() == pytest.approx(0.05, abs=4 * np.sqrt(0.05 / 20_000) * 2)


@pytest.mark.parametrize("signal", BY_VOLUME)
def test_mean_0_and_variance_1(signal: Signal) -> None:
    f = planted_market(40_000, 8, 0.05, signal=signal).signal[25:]
    error = 1 / np.sqrt(len(f))
    assert abs(f.mean()) < 4 * error
    assert f.var() == pytest.approx(1.0, abs=4 * error * np.sqrt((f**4).mean() - 1))


def test_the_planted_functions_are_those_documented() -> None:
    """Day by day from the bars."""
    prices = planted_market(80, 3, 0.05, signal="interaction").prices
    o, h, low, c, u = (np.log(prices[name].to_numpy()) for name in ("open", "high", "low", "close", "volume"))
    found = {signal: planted_signal(prices, signal) for signal in BY_VOLUME}
    for t in range(25, 80):
        today, before = ((u[k] - u[k - 20 : k].mean()) / (0.5 * np.sqrt(1.05)) for k in (t, t - 5))
        side = 1 if abs(c[t] - o[t]) > 0.42 * (h[t] - low[t]) else -1
        mean = -1 / 84  # the covariance of v_t and v_{t-5}
        assert found["volume"][t] == pytest.approx(today)
        assert found["interaction"][t] == pytest.approx(side * today)
        assert found["delayed"][t] == pytest.approx(before)
        assert found["memory"][t] == pytest.approx((today * before - mean) / np.sqrt(1 + mean**2))
    assert not any(f[:20].any() for f in found.values())
    assert not found["memory"][:25].any()
    assert not found["delayed"][:25].any()


def test_no_line_on_the_features_of_the_row_finds_the_hidden_signals() -> None:
    """Fitted on one market, measured on another; the signal `volume` shows that the line works."""
    markets = [garch_market(20_000, seed) for seed in (21, 22)]
    x, x_new = (np.asarray(feature_matrix(prices))[WARMUP:] for prices in markets)
    varies = x.std(axis=0) > 0
    mean, deviation = x[:, varies].mean(axis=0), x[:, varies].std(axis=0)
    x, x_new = ((some[:, varies] - mean) / deviation for some in (x, x_new))
    for signal in ("volume", *HIDDEN):
        f, f_new = (planted_signal(prices, signal)[WARMUP:] for prices in markets)
        weights = np.linalg.lstsq(x, f, rcond=1e-8)[0]
        share = 1 - (f_new - x_new @ weights).var() / f_new.var()
        single = np.abs(np.corrcoef(x_new, f_new, rowvar=False)[-1, :-1])
        if signal == "volume":
            assert share > 0.95
            assert single.max() > 0.95
        else:
            assert share < 0.01
            assert single.max() < 0.1


@pytest.mark.parametrize("signal", BY_VOLUME)
def test_a_signal_in_the_gap_is_gone_at_the_next_open(signal: Signal) -> None:
    late = planted_market(20_000, 5, 0.02, signal=signal, fill="close")
    assert abs(correlation(late.signal, log_returns(late.prices, "next_open"))) < 4 / np.sqrt(20_000)
    early = planted_market(20_000, 5, 0.02, signal=signal, fill="next_open")
    assert correlation(early.signal, log_returns(early.prices, "close")) > 0.1


def test_the_true_mean_is_the_mean() -> None:
    """Regressing what came on the true mean gives slope 1 and intercept 0."""
    market = planted_market(40_000, 9, 0.02)
    earned = log_returns(market.prices, "next_open")
    slope, intercept = np.polyfit(market.true_mean[: len(earned)], earned, 1)
    assert slope == pytest.approx(1.0, abs=0.25)
    assert intercept == pytest.approx(0.0, abs=3e-4)


@pytest.mark.parametrize("signal", SIGNALS)
def test_the_signal_is_a_function_of_past_bars(signal: Signal) -> None:
    market = planted_market(400, 2, 0.02, signal=signal)
    assert np.array_equal(planted_signal(market.prices, signal), market.signal)
    for cut in (1, 5, 21, 26, 61, 62, 200, 399):
        assert np.array_equal(planted_signal(market.prices[:cut], signal), market.signal[:cut])
    assert np.abs(market.signal[61:]).max() > 1.0


def test_a_stronger_signal_leaves_volume_and_past_alone() -> None:
    """The shocks are drawn once: only what the signal moves differs between strengths."""
    weak, strong = (planted_market(300, 4, r2) for r2 in (0.0, 0.02))
    assert weak.prices["volume"].equals(strong.prices["volume"])
    assert weak.prices.equals(garch_market(300, 4))


def test_the_checks_of_real_data_find_nothing_wrong() -> None:
    found = check(garch_market(2_000, 6))
    assert {doubt.code for doubt in found} <= {"DATA_EXTREME_RETURN"}


@pytest.mark.parametrize(
    "wrong", [{"vol": 0.0}, {"nu": 2.0}, {"alpha": -0.1}, {"alpha": 0.2, "beta": 0.8}], ids=str
)
def test_impossible_settings_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(SettingError):
        garch_market(10, 1, **wrong)


def test_impossible_strength_and_length_are_refused() -> None:
    with pytest.raises(SettingError, match="r2"):
        planted_market(10, 1, 1.0)
    with pytest.raises(SettingError, match="at least 1 day"):
        garch_market(0, 1)


def test_an_unknown_signal_is_refused_with_the_nearest_right_one() -> None:
    wrong = cast(Signal, "delay")
    with pytest.raises(SettingError, match="did you mean 'delayed'"):
        planted_market(10, 1, 0.02, signal=wrong)
    with pytest.raises(SettingError, match="did you mean 'delayed'"):
        planted_signal(garch_market(10, 1), wrong)
