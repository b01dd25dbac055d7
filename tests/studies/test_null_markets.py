from __future__ import annotations

import numpy as np
import pytest

from geiger.market.sources import load_prices
from geiger.studies.null_markets import (
    FAMILIES,
    YEAR,
    Path,
    plain_forecasts,
    planted,
    skewed,
    trailing_mean,
)

N = 900


def test_an_outcome_begins_where_the_decision_is_filled() -> None:
    closed = Path(np.array([0.1, 0.2, 0.4, 0.8]), np.array([0.1, 0.3, 0.7, 1.5]))
    outcome, known = closed.outcome(2)
    np.testing.assert_allclose(outcome, [0.6, 1.2, np.nan, np.nan])  # 0.2 + 0.4, 0.4 + 0.8
    assert known.tolist() == [2, 3, 4, 5]
    opened = Path(np.zeros(3), np.array([1.0, 2.0, 4.0, 8.0]), delay=1)
    outcome, known = opened.outcome(1)
    np.testing.assert_allclose(outcome, [2.0, 4.0, np.nan])  # open of the next day to that of the day after
    assert known.tolist() == [2, 3, 4]


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_a_family_is_a_market_of_about_its_volatility_and_of_its_seed(family: object) -> None:
    make = family.make  # type: ignore[attr-defined]
    one, again = (make(N, np.random.default_rng(4)) for _ in range(2))
    np.testing.assert_array_equal(one.returns, again.returns)
    assert one.returns.shape == (N,)
    assert one.paid.shape == (N + one.delay,)
    assert 0.06 < one.returns.std() * np.sqrt(YEAR) < 0.9


def test_stale_opens_repeat_the_last_close_in_three_of_ten() -> None:
    (family,) = (one for one in FAMILIES if one.name == "stale opens")
    path = family.make(N, np.random.default_rng(1))
    close = np.cumsum(path.returns)
    stale = np.isclose(path.paid[1:N], close[:-1])
    assert stale.mean() == pytest.approx(0.3, abs=0.06)


def test_real_blocks_hold_returns_of_one_symbol_in_their_order() -> None:
    (family,) = (one for one in FAMILIES if one.name == "real blocks")
    path = family.make(N, np.random.default_rng(3))
    closes = (
        load_prices(name)["close"].to_numpy() for name in ("AAPL", "MSFT", "GOOG", "IBM", "^GSPC", "^IXIC")
    )
    returns = [np.diff(np.log(close)) for close in closes]
    whole = max(returns, key=lambda one: np.isin(path.returns, one).mean())
    assert np.isin(path.returns, whole).all()
    pairs = set(zip(whole[:-1].tolist(), whole[1:].tolist(), strict=True))
    kept = [pair in pairs for pair in zip(path.returns[:-1].tolist(), path.returns[1:].tolist(), strict=True)]
    assert np.mean(kept) == pytest.approx(20 / 21, abs=0.03)


@pytest.mark.parametrize("skew", [-0.4, 0.0, 0.3])
def test_a_skewed_innovation_has_mean_0_and_variance_1(skew: float) -> None:
    rng = np.random.default_rng(8)
    n = 60_000
    t = rng.standard_t(5, n) * np.sqrt(3 / 5)
    z = np.array([skewed(a, b, skew) for a, b in zip(t.tolist(), rng.random(n).tolist(), strict=True)])
    assert z.mean() == pytest.approx(0.0, abs=4 / np.sqrt(n))
    assert z.var() == pytest.approx(1.0, abs=0.05)
    # a long right tail is paid for by more days below 0
    assert np.mean(z < 0) - 0.5 == pytest.approx(0.2 * skew, abs=0.03)


def test_no_forecast_knows_a_later_return() -> None:
    (family,) = (one for one in FAMILIES if one.name == "GJR")
    path = family.make(N, np.random.default_rng(2))
    cut = 800
    later = np.where(np.arange(N) > cut, 9.0 - path.returns, path.returns)
    changed = Path(later, np.cumsum(later))
    for horizon in (1, 5):
        one, other = (plain_forecasts(p, np.random.default_rng(0), horizon) for p in (path, changed))
        for name, forecast in one.items():
            np.testing.assert_array_equal(forecast[: cut + 1], other[name][: cut + 1], err_msg=name)
            assert np.isfinite(forecast[600:]).all()


@pytest.mark.parametrize("scaled", [True, False])
@pytest.mark.parametrize("memory", [0.0, 0.9])
def test_the_truth_explains_what_was_planted(scaled: bool, memory: float) -> None:
    shares = []
    for seed in range(30):
        path, truth = planted(
            2000, np.random.default_rng(seed), 0.1, scaled=scaled, by_path=True, memory=memory
        )
        outcome, _ = path.outcome(1)
        shares.append(np.corrcoef(truth[:-1], outcome[:-1])[0, 1] ** 2)
        assert np.isnan(truth[-1])
    assert np.mean(shares) == pytest.approx(0.1, abs=0.015)


def test_a_trailing_mean_waits_for_its_days() -> None:
    found = trailing_mean(np.array([np.nan, 1.0, 2.0, 6.0]), 2)
    np.testing.assert_allclose(found, [np.nan, np.nan, 1.5, 4.0])
