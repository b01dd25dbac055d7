"""Published and recomputed values of the statistics."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from geiger.errors import DataError
from geiger.evidence.statistics import (
    direction_test,
    lo_factor,
    min_track_record,
    pesaran_timmermann,
    probabilistic_sharpe,
)


def test_probabilistic_sharpe_of_the_hedge_fund_example() -> None:
    told = probabilistic_sharpe(0.458, 24, skew=-2.448, kurtosis=10.164)
    assert told == pytest.approx(0.913361083860933, abs=1e-9)
    assert probabilistic_sharpe(0.458, 24) == pytest.approx(0.9816749190910771, abs=1e-9)


def test_probabilistic_sharpe_of_ten_daily_years() -> None:
    told = probabilistic_sharpe(0.6 / math.sqrt(252), 2520, skew=-0.5, kurtosis=8)
    assert told == pytest.approx(0.9697419132700703, abs=1e-9)


def test_probabilistic_sharpe_against_the_deflated_benchmark() -> None:
    told = probabilistic_sharpe(
        2.5 / math.sqrt(250), 1250, benchmark=0.11317200186513214, skew=-3, kurtosis=10
    )
    assert told == pytest.approx(0.9003968344493903, abs=1e-9)


def test_probabilistic_sharpe_is_undefined_without_variance() -> None:
    assert probabilistic_sharpe(0.1, 1) is None
    assert probabilistic_sharpe(2.0, 100, skew=3.0, kurtosis=1.0) is None
    assert probabilistic_sharpe(0.1, 100, benchmark=0.1) == 0.5


@pytest.mark.parametrize(
    ("periods", "years"), [(252, 2.7309842751596634), (52, 2.828833586945237), (12, 3.239800696444647)]
)
def test_track_record_that_tells_two_from_one(periods: int, years: float) -> None:
    root = math.sqrt(periods)
    told = min_track_record(2 / root, benchmark=1 / root)
    assert told is not None
    assert told / periods == pytest.approx(years, rel=1e-9)


@pytest.mark.parametrize(
    ("annual", "years"),
    [
        (0.3, 30.368406047301495),
        (0.5, 11.015363784197362),
        (0.6, 7.680182915141),
        (0.8, 4.356689158225368),
        (1.0, 2.8135168130918924),
        (1.5, 1.282031580099141),
        (2.0, 0.7417509181107175),
    ],
)
def test_track_record_of_daily_returns(annual: float, years: float) -> None:
    told = min_track_record(annual / math.sqrt(252), skew=-0.5, kurtosis=8)
    assert told is not None
    assert told / 252 == pytest.approx(years, rel=1e-9)


def test_track_record_and_probability_are_inverse() -> None:
    n = min_track_record(0.05, skew=-0.4, kurtosis=6)
    assert n is not None
    variance = 1 + 0.4 * 0.05 + 5 / 4 * 0.05**2
    assert stats.norm.cdf(0.05 * math.sqrt((n - 1) / variance)) == pytest.approx(0.95)


def test_no_record_is_long_enough_for_a_sharpe_at_or_below_its_benchmark() -> None:
    assert min_track_record(0.0) is None
    assert min_track_record(0.05, benchmark=0.05) is None


@pytest.mark.parametrize(
    ("periods", "rho", "eta"),
    [
        (12, 0.0, 3.464101615137755),
        (12, 0.2, 2.87884869052744),
        (12, -0.1, 3.7978732284797094),
        (252, 0.1, 14.364791681446269),
        (252, 0.0, 15.874507866387543),
    ],
)
def test_lo_factor_of_an_autoregression(periods: int, rho: float, eta: float) -> None:
    assert lo_factor([rho**lag for lag in range(1, 400)], periods) == pytest.approx(eta, abs=1e-9)


def test_lo_factor_without_autocorrelation_and_without_variance() -> None:
    assert lo_factor([]) == pytest.approx(math.sqrt(252))
    assert lo_factor([-0.9], periods=12) is None


Y = [
    0.5,
    -0.2,
    0.3,
    0.1,
    -0.4,
    0.6,
    -0.1,
    0.2,
    -0.3,
    0.4,
    0.7,
    -0.6,
    0.2,
    -0.5,
    0.1,
    0.3,
    -0.2,
    0.4,
    -0.1,
    0.2,
]
F = [
    0.1,
    -0.1,
    0.2,
    -0.1,
    -0.2,
    0.3,
    0.1,
    0.1,
    -0.2,
    0.2,
    0.3,
    -0.1,
    -0.1,
    -0.3,
    0.2,
    0.1,
    -0.1,
    0.1,
    0.1,
    -0.2,
]


def test_direction_test_of_twenty_days() -> None:
    told = pesaran_timmermann(F, Y)
    assert told.hit_rate == pytest.approx(0.75)
    assert told.expected_hit_rate == pytest.approx(0.51)
    assert told.statistic == pytest.approx(2.25912997889962, abs=1e-9)
    assert told.p_value == pytest.approx(0.011937650411159744, abs=1e-9)
    assert told.n == 20


def test_flat_days_are_dropped_and_zero_forecasts_are_wrong() -> None:
    assert pesaran_timmermann([*F, 0.4, -0.1], [*Y, 0.0, 0.0]) == pesaran_timmermann(F, Y)
    assert pesaran_timmermann([*F, 0.0], [*Y, -0.1]).hit_rate == pytest.approx(15 / 21)


@pytest.mark.parametrize(
    ("n", "hit", "py", "px", "statistic", "p"),
    [
        (1000, 0.53, 0.54, 0.6, 1.4253729884554736, 0.0770247059314608),
        (2500, 0.53, 0.535, 0.9, 0.33421986421645883, 0.36910682776782633),
    ],
)
def test_direction_test_from_shares(
    n: int, hit: float, py: float, px: float, statistic: float, p: float
) -> None:
    told = direction_test(n, hit, outcome_up=py, forecast_up=px)
    assert told.statistic == pytest.approx(statistic, abs=1e-9)
    assert told.p_value == pytest.approx(p, abs=1e-9)


@pytest.mark.parametrize("sign", [1.0, -1.0, 0.0])
def test_forecasts_of_one_sign_prove_nothing(sign: float) -> None:
    told = pesaran_timmermann(np.full(20, sign), Y)
    assert told.statistic is None
    assert told.p_value == 1.0


def test_direction_test_of_nothing_and_of_outcomes_of_one_sign() -> None:
    assert pesaran_timmermann([], []).p_value == 1.0
    assert pesaran_timmermann([0.1, -0.1], [0.0, 0.0]).n == 0
    assert pesaran_timmermann([0.1, -0.1, 0.2], [0.1, 0.1, 0.1]).p_value == 1.0


def test_direction_test_refuses_what_it_cannot_compare() -> None:
    with pytest.raises(DataError, match="two equal columns"):
        pesaran_timmermann([0.1], [0.1, 0.2])
    with pytest.raises(DataError, match="not finite"):
        pesaran_timmermann([0.1, math.nan], [0.1, 0.2])


def test_direction_test_keeps_its_level_on_noise() -> None:
    rng = np.random.default_rng(5)
    draws = rng.normal(size=(2, 2000, 500)) + 0.05  # drift on both sides is no skill
    p = [pesaran_timmermann(f, y).p_value for f, y in zip(*draws, strict=True)]
    assert np.mean(np.array(p) < 0.05) == pytest.approx(0.05, abs=0.016)  # three standard errors
