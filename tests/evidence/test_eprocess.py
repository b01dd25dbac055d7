"""The wealth of a bet against no skill: by hand, causal, fair without skill, growing with it."""

from __future__ import annotations

import math

import numpy as np
import pytest

from geiger.errors import DataError
from geiger.evidence.eprocess import first_reached, wealth, wealth_of
from geiger.evidence.score_test import Scores


def test_three_days_by_hand() -> None:
    # root mean squares of earlier g: 2 (given), root of (4 + 1)/2, root of (4 + 1 + 16)/3
    x1, x2, x3 = 2.4 / 12, -3 / (6 * math.sqrt(2.5)), 9 / (6 * math.sqrt(7))
    first = 0.567 / 1.26
    second = (0.567 + x1) / (1.26 + x1**2)
    third = (0.567 + x1 + x2) / (1.26 + x1**2 + x2**2)
    expected = np.cumprod([1 + first * x1, 1 + second * x2, 1 + third * x3])
    assert first == pytest.approx(0.45)
    assert wealth([2.4, -3.0, 9.0], [1.0, 4.0, 2.0], earlier_g=[2.0]) == pytest.approx(expected)


def test_scores_before_the_first_saved_row_only_say_what_is_usual() -> None:
    g = np.array([2.0, 1.0, 4.0, 2.0])
    scores = Scores(np.array([7, 10, 11, 14]), np.array([9.0, 2.4, -3.0, 9.0]), g, g, g)
    assert wealth_of(scores, 10) == pytest.approx(wealth([2.4, -3.0, 9.0], [1.0, 4.0, 2.0], earlier_g=[2.0]))
    assert wealth_of(scores, 15).size == 0


def test_stakes_stay_between_nothing_and_nine_tenths() -> None:
    losing, winning = np.full(60, -2.0), np.full(60, 5.9)
    assert wealth(losing, np.ones(60), [1.0])[-1] == wealth(losing, np.ones(60), [1.0])[-2]
    path = wealth(winning, np.ones(60), [1.0])
    assert path[-1] / path[-2] == pytest.approx(1 + 0.9 * 5.9 / 6)


def test_nothing_is_bet_before_the_size_of_forecasts_is_known() -> None:
    path = wealth([5.0, 1.0, 1.0], [0.0, 2.0, 2.0])
    assert path[:2].tolist() == [1.0, 1.0]  # no earlier forecast, then only one of 0
    assert path[2] > 1.0
    assert wealth([], []).size == 0


def test_the_past_never_changes() -> None:
    rng = np.random.default_rng(0)
    c, g = rng.normal(size=(2, 200))
    path = wealth(c, g, [1.0, 0.5])
    for end in (1, 50, 199):
        assert (wealth(c[:end], g[:end], [1.0, 0.5]) == path[:end]).all()
    other = c.copy()
    other[120:] = 9.0
    assert (wealth(other, g, [1.0, 0.5])[:120] == path[:120]).all()


def test_the_unit_of_the_forecast_does_not_matter() -> None:
    rng = np.random.default_rng(1)
    g, v = rng.normal(size=(2, 100))
    assert wealth(1e-4 * g * v, 1e-4 * g, [1e-4]) == pytest.approx(wealth(g * v, g, [1.0]))


def drawn(rng: np.random.Generator, n: int, rho: float) -> tuple[np.ndarray, np.ndarray]:
    """Return scores and forecasts of n days as the skill test clips them."""
    f, z = rng.normal(size=(2, n))
    return np.clip(f, -3, 3) * np.clip(rho * f + math.sqrt(1 - rho**2) * z, -1.5, 1.5), np.clip(f, -3, 3)


def test_without_skill_the_mean_wealth_stays_one_and_few_ever_reach_twenty() -> None:
    rng = np.random.default_rng(2)
    paths = [wealth(*drawn(rng, 756, 0.0), np.ones(60)) for _ in range(2000)]
    assert np.mean([path[50] for path in paths]) == pytest.approx(1.0, abs=0.05)
    reached = np.mean([first_reached(path) is not None for path in paths])
    assert reached < 0.05
    assert min(path.min() for path in paths) > 0


def test_with_skill_it_grows() -> None:
    rng = np.random.default_rng(3)
    days = [first_reached(wealth(*drawn(rng, 1764, 0.1), np.ones(60))) for _ in range(100)]
    reached = [day for day in days if day is not None]
    assert len(reached) > 60
    assert 150 < np.median(reached) < 1300


def test_outliers_leave_something() -> None:
    assert (wealth([-100.0, -100.0, 3.0], np.ones(3), [1.0]) > 0).all()


def test_what_is_no_path_is_refused() -> None:
    with pytest.raises(DataError, match="as many forecasts"):
        wealth([1.0], [1.0, 2.0])
    with pytest.raises(DataError, match="c must be one finite number"):
        wealth([math.nan], [1.0])
