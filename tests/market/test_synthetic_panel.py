from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from geiger.columns import PRICES, require
from geiger.errors import SettingError
from geiger.market.synthetic_panel import (
    STANDARD_ROWS,
    PlantedPanel,
    RawSignal,
    cross_section_signal,
    planted_panel,
)

SYMBOLS = 20


def close_location(prices: pl.DataFrame) -> np.ndarray:
    """Where the close lies in its bar."""
    high, low, close = (prices[name].to_numpy() for name in ("high", "low", "close"))
    return (close - low) / (high - low)


def five_days(prices: pl.DataFrame) -> np.ndarray:
    """Minus the return of five days."""
    close = np.log(prices["close"].to_numpy())
    found = np.full(len(close), np.nan)
    found[5:] = close[:-5] - close[5:]
    return found


def earned(panel: PlantedPanel) -> np.ndarray:
    """Row t: log return from the next open to the one after (D - 2, N), in units of the own volatility."""
    opened = np.column_stack([np.log(prices["open"].to_numpy()) for prices in panel.prices.values()])
    return np.diff(opened, axis=0)[1:] / panel.own_volatility[:-2]


def test_bars_are_possible_and_share_one_calendar() -> None:
    panel = planted_panel(5, 300, 1)
    days = panel.prices["S0000"]["day"]
    assert str(days[0]) == "1990-01-01"
    for prices in panel.prices.values():
        require(prices, PRICES)
        assert prices["day"].equals(days)
        body = pl.max_horizontal("open", "close"), pl.min_horizontal("open", "close")
        assert prices.select(((pl.col("high") >= body[0]) & (pl.col("low") <= body[1])).all()).item()


def test_more_days_change_no_earlier_one_and_a_seed_gives_the_same_bits() -> None:
    long, short = (planted_panel(4, days, 3, 0.02, five_days) for days in (700, 500))
    for symbol, prices in short.prices.items():
        assert prices.equals(long.prices[symbol].head(500))
    for name in ("signal", "selection", "own_volatility"):
        assert np.array_equal(getattr(short, name), getattr(long, name)[:500])
    other = planted_panel(4, 500, 4, 0.02, five_days)
    assert not other.prices["S0000"].equals(short.prices["S0000"])


@pytest.mark.parametrize("raw", [close_location, five_days])
def test_the_signal_is_that_of_the_bars_that_are_handed_out(raw: RawSignal) -> None:
    """Computed again from them, although each day's bars hold what the days before had planted."""
    panel = planted_panel(6, 900, 5, 0.01, raw)
    again = cross_section_signal([raw(prices) for prices in panel.prices.values()])
    assert again == pytest.approx(panel.signal, abs=1e-6)


@pytest.mark.parametrize("raw", [close_location, five_days])
def test_the_planted_share_is_the_one_asked_for(raw: RawSignal) -> None:
    """Of the variance beside the factor, at 2%: the slope on the planted mean is 1, and R^2 what it says."""
    panel = planted_panel(SYMBOLS, 4000, 7, 0.02, raw)
    rows = slice(STANDARD_ROWS + 10, -2)
    signal = panel.signal[rows]
    assert (signal**2).mean() == pytest.approx(1.0, abs=0.15)
    assert np.abs(signal.mean(axis=1)).max() < 1e-12
    assert panel.selection[rows] == pytest.approx(np.sqrt(0.02) * panel.own_volatility[rows] * signal)
    y, x = earned(panel)[rows.start :], panel.selection[rows] / panel.own_volatility[rows]
    # The factor is taken out: the mean over the day, weighted by beta.
    load = panel.beta / panel.own_volatility[rows]
    y = y - load * ((y * load).sum(axis=1) / (load**2).sum(axis=1))[:, None]
    error = 1.0 / np.sqrt(y.size)
    slope = (x * y).sum() / (x * x).sum()
    assert slope == pytest.approx(1.0, abs=4 * error / np.sqrt(0.02) + 2 / SYMBOLS)
    explained = np.corrcoef(x.ravel(), y.ravel())[0, 1] ** 2
    asked = 0.02 * (signal**2).mean()
    assert explained == pytest.approx(asked, abs=4 * 2 * np.sqrt(0.02) * error + 0.002)


def test_without_a_signal_nothing_tells_the_symbols_apart() -> None:
    panel = planted_panel(SYMBOLS, 4000, 11)
    assert not panel.signal.any()
    assert not panel.selection.any()
    y = earned(panel)
    y = y - y.mean(axis=1, keepdims=True)
    for raw in (close_location, five_days):
        x = cross_section_signal([raw(prices) for prices in panel.prices.values()])[:-2]
        ic = (x * y).mean(axis=1)[STANDARD_ROWS + 10 :]
        assert abs(ic.mean()) < 4 * ic.std() / np.sqrt(len(ic))


def test_symbols_share_a_factor_and_differ_in_beta_and_volatility() -> None:
    """The factor's share of the variance: 0.16^2 of 0.16^2 + 0.24^2, so correlations of about 0.3."""
    panel = planted_panel(SYMBOLS, 4000, 13)
    close = np.column_stack([np.log(prices["close"].to_numpy()) for prices in panel.prices.values()])
    returns = np.diff(close, axis=0)
    pairs = np.corrcoef(returns.T)[np.triu_indices(SYMBOLS, 1)]
    assert 0.15 < pairs.mean() < 0.45
    spread = returns.std(axis=0)
    assert spread.max() / spread.min() > 1.5
    market = returns.mean(axis=1)
    beta = np.array([np.cov(one, market)[0, 1] for one in returns.T]) / market.var()
    assert np.corrcoef(beta, panel.beta)[0, 1] > 0.6


def test_the_signal_by_hand() -> None:
    """Two symbols, one of which has no numbers yet: nothing; both: opposite, and 1 in the mean square."""
    rng = np.random.default_rng(1)
    one, two = rng.standard_normal((2, STANDARD_ROWS + 3))
    two[:2] = np.nan
    found = cross_section_signal([one, two])
    assert not found[: STANDARD_ROWS + 1].any()
    row = STANDARD_ROWS + 1  # the first on which both have 252 rows
    z = [(line[row] - np.nanmean(line[: row + 1])) / np.nanstd(line[: row + 1]) for line in (one, two)]
    assert found[row] == pytest.approx(np.sign(z[0] - z[1]) * np.array([1.0, -1.0]))
    z2 = [(line[-1] - np.nanmean(line)) / np.nanstd(line) for line in (one, two)]
    gaps = np.array([z[0] - z[1], z2[0] - z2[1]])
    assert found[-1, 0] == pytest.approx(gaps[1] / np.sqrt((gaps**2).mean()))


@pytest.mark.parametrize(
    ("arguments", "text"),
    [((0, 10, 1), "1 symbol"), ((3, 0, 1), "1 day"), ((3, 10, 1, 1.0), "r2 must be")],
)
def test_what_is_no_panel_is_refused(arguments: tuple[float, ...], text: str) -> None:
    with pytest.raises(SettingError, match=text):
        planted_panel(*arguments)  # type: ignore[arg-type]
