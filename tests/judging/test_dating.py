"""On which day forecasts were made, seen in their moves: trends and reversals whose truth is known."""

from __future__ import annotations

import numpy as np
import pytest

from geiger.judging.dating import dated_too_early, dated_too_late

N = 1500
NAN = np.nan


def returns(seed: int) -> np.ndarray:
    return 0.01 * np.random.default_rng(seed).standard_t(5, N)


def trend(r: np.ndarray, days: int) -> np.ndarray:
    """The mean of the last so many returns, today's among them."""
    sums = np.cumsum(np.append(0.0, r))
    return np.append(np.full(days - 1, NAN), (sums[days:] - sums[:-days]) / days)


def moved(forecast: np.ndarray, days: int) -> np.ndarray:
    """The same forecasts on later rows, or on earlier ones."""
    gap = np.full(abs(days), NAN)
    return np.append(gap, forecast[:-days]) if days > 0 else np.append(forecast[-days:], gap)


MADE = {
    "reversal": lambda r: -r,
    "week": lambda r: trend(r, 5),
    "year": lambda r: trend(r, 252),
}


@pytest.mark.parametrize("name", MADE)
def test_forecasts_dated_before_they_were_made_raise_an_alarm(name: str) -> None:
    r = returns(1)
    forecast, after = MADE[name](r), np.append(r[1:], NAN)
    early = dated_too_early(moved(forecast, -1), after)
    assert early is not None
    assert early.code == "LEAK_SUSPECT"
    assert dated_too_early(forecast, after) is None
    assert dated_too_early(moved(forecast, 1), after) is None


@pytest.mark.parametrize("name", ["week", "year"])
def test_forecasts_dated_by_the_day_that_they_are_of_are_told_to_move(name: str) -> None:
    r = returns(2)
    forecast = MADE[name](r)
    assert dated_too_late(moved(forecast, 1), r) is not None
    assert dated_too_late(forecast, r) is None
    assert dated_too_late(moved(forecast, -1), r) is None


def test_skill_is_no_alarm() -> None:
    rng = np.random.default_rng(3)
    for _ in range(20):
        signal = rng.normal(size=N)
        after = 0.01 * (np.sqrt(0.02) * signal + np.sqrt(0.98) * rng.standard_t(5, N) / np.sqrt(5 / 3))
        assert dated_too_early(0.001 * signal, after) is None


HONEST = {
    **MADE,
    "fortnight less a week": lambda r: trend(r, 10) - trend(r, 5),
    "noise": lambda r: np.flip(r),
}


def test_honest_forecasts_raise_no_alarm_and_misdated_ones_do() -> None:
    rang, caught = 0, 0
    for seed in range(20):
        r = returns(100 + seed)
        after = np.append(r[1:], NAN)
        for name, make in HONEST.items():
            rang += dated_too_early(make(r), after) is not None
            caught += name != "noise" and dated_too_early(moved(make(r), -1), after) is not None
    assert rang == 0
    assert caught == 20 * (len(HONEST) - 1)


def test_few_or_constant_forecasts_say_nothing() -> None:
    r = returns(4)
    few = np.where(np.arange(N) < 50, -r, NAN)
    for forecast in (few, np.zeros(N)):
        assert dated_too_early(moved(forecast, -1), np.append(r[1:], NAN)) is None
        assert dated_too_late(moved(forecast, 1), r) is None
