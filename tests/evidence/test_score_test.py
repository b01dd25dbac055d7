"""The score test against a slow second implementation, a known truth, and its own clock."""

from __future__ import annotations

import numpy as np
import pytest

from geiger.errors import DataError
from geiger.evidence.score_test import daily_volatility, score_test

N, TESTED = 900, 600


def market(seed: int, rho: float = 0.0) -> tuple[np.ndarray, ...]:
    """Returns, outcomes of the next day, when they are known, and a forecast that explains rho^2 of them."""
    rng = np.random.default_rng(seed)
    z, x = rng.standard_t(5, N + 1) * 0.0077, rng.standard_normal(N + 1) * 0.01
    r = 0.0003 + np.sqrt(1 - rho**2) * z + rho * x
    forecast = np.where(np.arange(N) < N - TESTED, np.nan, 0.1 * x[1:])
    return r[:-1], r[1:], np.arange(N) + 1, forecast


def test_noise_rings_rarely_and_a_signal_often() -> None:
    noise = [score_test(*market(seed)).p_value < 0.05 for seed in range(200)]
    signal = [score_test(*market(seed, 0.2)).p_value < 0.01 for seed in range(50)]
    assert np.mean(noise) < 0.11  # 5% and four standard errors
    assert np.mean(signal) > 0.8


def test_no_score_knows_a_later_row() -> None:
    r, y, known, f = market(3)
    whole = score_test(r, y, known, f).scores
    cut = 700
    late = np.where(np.arange(N) >= cut, 50.0 * r, r), np.where(np.arange(N) >= cut, -9.0 * y, y)
    other = score_test(late[0], late[1], known, np.where(np.arange(N) >= cut, 7.0 * f, f)).scores
    before = whole.row < cut
    assert before.sum() > 300
    for name in ("c", "g", "u", "s"):
        np.testing.assert_array_equal(getattr(whole, name)[before], getattr(other, name)[before])


@pytest.mark.parametrize("forecast", [0.0, 0.001, 1e-300])
def test_a_constant_forecast_tells_nothing(forecast: float) -> None:
    r, y, known, f = market(1)
    told = score_test(r, y, known, np.where(np.isfinite(f), forecast, np.nan))
    assert (told.statistic, told.p_value, told.slope) == (None, 1.0, None)


def test_few_rows_tell_nothing() -> None:
    r, y, known, f = market(1)
    told = score_test(r, y, known, np.where(np.arange(N) < N - 260, np.nan, f))
    assert (told.n, told.p_value) == (240, 1.0)


def test_the_slope_is_that_of_the_forecast() -> None:
    slopes = [score_test(*market(seed, 0.3)).slope for seed in range(40)]  # rho x beside 0.1 x: 3
    assert np.mean([s for s in slopes if s is not None]) == pytest.approx(3.0, abs=0.45)


def test_an_outcome_known_on_its_own_row_is_refused() -> None:
    r, y, known, f = market(1)
    with pytest.raises(DataError, match="above its own row"):
        score_test(r, y, known - 1, f)


def test_the_volatility_begins_with_sixty_rows_and_has_a_floor() -> None:
    r = np.full(300, 0.02)
    r[200:] = 0.0
    s = daily_volatility(r)
    assert np.isnan(s[:59]).all()
    assert s[59] == pytest.approx(0.02)
    assert s[-1] == pytest.approx(0.01)  # a quarter of the variance
