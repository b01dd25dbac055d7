"""Published and recomputed values of what a Sharpe ratio says."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from geiger.errors import SettingError
from geiger.evidence.sharpe import (
    deflated_sharpe,
    expected_max_sharpe,
    lo_factor,
    min_track_record,
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


@pytest.mark.parametrize(
    ("trials", "expected"),
    [
        (1, 0.0),
        (2, 0.5197553442805939),
        (5, 1.1925940010147893),
        (10, 1.57459830134575),
        (20, 1.9007079511811988),
        (50, 2.2763030934203483),
        (100, 2.5306028932016846),
        (1000, 3.255121513652723),
    ],
)
def test_best_sharpe_of_many_without_skill(trials: int, expected: float) -> None:
    assert expected_max_sharpe(trials) == pytest.approx(expected, abs=1e-9)
    assert expected_max_sharpe(trials, 0.02) == pytest.approx(0.02 * expected, abs=1e-9)


@pytest.mark.parametrize("trials", [5, 50])
def test_best_sharpe_is_the_mean_of_drawn_maxima(trials: int) -> None:
    best = np.random.default_rng(0).normal(size=(20_000, trials)).max(axis=1)
    assert best.mean() == pytest.approx(expected_max_sharpe(trials), abs=0.05)


@pytest.mark.parametrize(
    ("trials", "skew", "kurtosis", "chance", "expected"),
    [
        (100, -3, 10, 0.11317200186513214, 0.9003968344493903),
        (46, -3, 10, 0.10036237061765357, 0.9505017068755787),
        (88, 0, 3, None, 0.9504908166760139),
    ],
)
def test_deflated_sharpe_of_the_paper(
    trials: int, skew: float, kurtosis: float, chance: float | None, expected: float
) -> None:
    year, spread = math.sqrt(250), math.sqrt(0.5 / 250)
    told = deflated_sharpe(2.5 / year, 1250, trials=trials, spread=spread, skew=skew, kurtosis=kurtosis)
    assert told == pytest.approx(expected, abs=1e-9)
    if chance is not None:
        assert expected_max_sharpe(trials, spread) == pytest.approx(chance, abs=1e-9)


def test_deflated_sharpe_of_one_trial_is_not_deflated() -> None:
    told = deflated_sharpe(0.05, 1000, trials=1, spread=0.03, skew=-1, kurtosis=7)
    assert told == probabilistic_sharpe(0.05, 1000, skew=-1, kurtosis=7)
    assert deflated_sharpe(0.05, 1, trials=3, spread=0.03) is None


@pytest.mark.parametrize(("trials", "spread"), [(0, 1.0), (3, -0.1), (3, math.nan)])
def test_no_trial_and_no_spread_are_refused(trials: int, spread: float) -> None:
    with pytest.raises(SettingError, match="at least one trial"):
        expected_max_sharpe(trials, spread)
