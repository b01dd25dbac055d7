"""Conformal intervals against counting by hand, a slow second computation and markets of known kind."""

from __future__ import annotations

import math
from collections.abc import Callable
from decimal import ROUND_FLOOR, Decimal
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geiger.backtest.sizing import trailing_volatility
from geiger.errors import DataError, SettingError
from geiger.evidence.conformal import (
    HALFLIFE,
    Coverage,
    Interval,
    bounds,
    coverage,
    interval,
    quantiles,
    scores_of,
)
from geiger.market.synthetic import garch_market

ROWS = 40
LEVELS = st.sampled_from([0.5, 0.55, 0.6, 0.8, 0.9])


Array = np.ndarray[Any, np.dtype[np.float64]]


def limits(forecast: Any, outcome: Any, scale: Any, known_from: Any, level: float) -> Array:
    """How far each interval reaches below and above its forecast (n, 2), log return."""
    return bounds(scores_of(forecast, outcome, scale), known_from, level) * np.asarray(scale)[:, None]


def slowly(scores: list[float], known_from: list[int], level: str) -> list[tuple[float, float]]:
    """The quantiles of each row, by sorting anew: the definition, word for word."""
    found = []
    for row in range(len(scores)):
        used = sorted(scores[i] for i, since in enumerate(known_from) if since <= row)
        tail = (1 - Decimal(level)) / 2
        place = int(((len(used) + 1) * tail).to_integral_value(ROUND_FLOOR))
        found.append((used[place - 1], used[len(used) - place]) if place else (-math.inf, math.inf))
    return found


# ---------------------------------------------------------------- one interval


@pytest.mark.parametrize(
    ("n", "level", "place"),
    [
        (19, 0.9, 1),  # 20 · 0.05 = 1
        (38, 0.9, 1),  # 1.95
        (39, 0.9, 2),  # 2; in floats 1.9999999999999996 and so 1
        (99, 0.9, 5),
        (199, 0.95, 5),
        (99, 0.55, 22),  # 22.5
        (3, 0.5, 1),
        (7, 0.5, 2),
        (18, 0.9, None),
        (38, 0.95, None),
        (2, 0.5, None),
        (0, 0.5, None),
    ],
)
def test_the_quantiles_are_the_scores_of_that_place_from_either_end(
    n: int, level: float, place: int | None
) -> None:
    scores = np.random.default_rng(n).permutation(np.arange(1.0, n + 1))  # the k-th smallest is k
    truth = (-math.inf, math.inf) if place is None else (place, n + 1 - place)
    assert quantiles(scores, level) == truth


def test_an_interval_by_hand() -> None:
    scores = scores_of([0.0, 0.01, -0.01, 0.0], [0.01, 0.0, -0.03, 0.0], [0.01, 0.02, 0.01, 0.5])
    assert scores.tolist() == pytest.approx([1.0, -0.5, -2.0, 0.0])
    told = interval(0.001, 0.02, scores, 0.6)  # 5 · 0.2 = 1: the smallest and the largest
    assert (told.low, told.high) == pytest.approx((0.001 - 0.04, 0.001 + 0.02))
    assert (told.level, told.rows) == (0.6, 4)
    assert interval(0.001, 0.02, scores, 0.61) == Interval(-math.inf, math.inf, 0.61, 4)
    assert interval(0.001, 0.02, [], 0.5) == Interval(-math.inf, math.inf, 0.5, 0)


@pytest.mark.parametrize(("n", "level"), [(19, 0.9), (24, 0.9), (19, 0.8), (30, 0.5)])
def test_the_promise_holds_exactly_for_few_rows_on_either_side(n: int, level: float) -> None:
    """Of n + 1 equal draws the last lies below the k-th smallest of the others with chance k / (n + 1)."""
    draws, rng = 4000, np.random.default_rng(7)
    outcomes = 0.01 * rng.standard_gamma(2.0, size=(draws, n + 1))  # far from symmetric
    below = above = 0
    for past, (new,) in zip(outcomes[:, :-1], outcomes[:, -1:], strict=True):
        told = interval(0.0, 0.01, scores_of(np.zeros(n), past, np.full(n, 0.01)), level)
        below += new < told.low
        above += new > told.high
    truth = math.floor(round((n + 1) * (1 - level) / 2, 9)) / (n + 1)
    assert truth <= (1 - level) / 2 + 1e-12
    for missed in (below, above):
        assert abs(missed / draws - truth) < 4 * math.sqrt(truth * (1 - truth) / draws)


# ---------------------------------------------------------------- day after day


def test_a_walk_by_hand() -> None:
    forecast, scale = [0.0] * 6, [0.01, 0.01, 0.01, 0.02, 0.02, 0.02]
    outcome = [0.01, -0.03, 0.02, 0.05, -0.08, 0.02]  # scores 1 -3 2 2.5 -4 1
    filled_at_close = [1, 2, 3, 4, 5, 6]
    # known: -, 1, -3 1, -3 1 2, -3 1 2 2.5, -4 -3 1 2 2.5; place floor((n + 1) / 4): 0 0 0 1 1 1
    told = limits(forecast, outcome, scale, filled_at_close, 0.5)
    assert told[:3].tolist() == [[-math.inf, math.inf]] * 3
    assert told[3:].ravel() == pytest.approx([-0.06, 0.04, -0.06, 0.05, -0.08, 0.05])
    # 0.05 lies above 0.04, -0.08 below -0.06, 0.02 inside
    counted = coverage(forecast, outcome, scale, filled_at_close, 0.5)
    assert counted == Coverage(0.5, 3, 1 / 3, 1 / 3, 1 / 3)
    filled_next_open = [2, 3, 4, 5, 6, 7]
    told = limits(forecast, outcome, scale, filled_next_open, 0.5)
    assert told[:4].tolist() == [[-math.inf, math.inf]] * 4
    assert told[4:].ravel() == pytest.approx([-0.06, 0.04, -0.06, 0.05])


@given(
    scores=st.lists(st.sampled_from([-4.0, -1.0, 0.0, 0.5, 1.0, 2.0, 8.0]), max_size=ROWS),
    level=LEVELS,
    data=st.data(),
)
def test_the_walk_equals_sorting_anew_each_day(
    scores: list[float], level: float, data: st.DataObject
) -> None:
    n = len(scores)
    delays = data.draw(st.lists(st.integers(1, 9), min_size=n, max_size=n))
    known_from = np.arange(n) + np.array(delays, dtype=np.int64)
    told = bounds(scores, known_from, level)
    assert [tuple(row) for row in told.tolist()] == slowly(scores, known_from.tolist(), str(level))


@given(row=st.integers(0, ROWS - 1), delay=st.integers(1, 5), level=LEVELS)
def test_outcomes_not_yet_known_change_no_earlier_interval(row: int, delay: int, level: float) -> None:
    rng = np.random.default_rng(3)
    forecast, outcome = 0.001 * rng.normal(size=ROWS), 0.01 * rng.normal(size=ROWS)
    scale, known_from = 0.01 * rng.uniform(0.5, 2.0, ROWS), np.arange(ROWS) + delay
    before = limits(forecast, outcome, scale, known_from, level)
    other = np.where(known_from > row, outcome + 5.0, outcome)
    changed = limits(forecast, other, scale, known_from, level)
    assert np.array_equal(changed[: row + 1], before[: row + 1])
    end = row + 1
    cut = limits(forecast[:end], outcome[:end], scale[:end], known_from[:end], level)
    assert np.array_equal(cut, before[: row + 1])


def test_an_outcome_counts_from_the_row_it_is_known_at() -> None:
    outcome = np.full(9, 0.01)
    moved = outcome.copy()
    moved[3] = 0.09
    for delay in (1, 2, 3):
        told = [
            limits(np.zeros(9), values, np.ones(9), np.arange(9) + delay, 0.5) for values in (outcome, moved)
        ]
        assert np.flatnonzero((told[0] != told[1]).any(axis=1))[0] == 3 + delay


@pytest.mark.parametrize(("level", "needed"), [(0.5, 3), (0.8, 9), (0.9, 19), (0.95, 39)])
def test_intervals_of_equal_days_hold_as_often_as_they_promise(level: float, needed: int) -> None:
    n, rng = 5000, np.random.default_rng(11)
    scale = 0.01 * np.exp(rng.normal(0, 0.5, n))
    forecast = 0.002 * rng.normal(size=n)
    outcome = forecast + scale * rng.standard_t(4, n)
    told = coverage(forecast, outcome, scale, np.arange(n) + 2, level)
    assert told.rows == n - 1 - needed  # row k + 1 is the first to know the scores of rows 0 .. k - 1
    assert told.covered is not None
    assert told.covered == pytest.approx(level, abs=4 * math.sqrt(level * (1 - level) / told.rows))


def test_scores_in_units_of_volatility_hold_in_calm_and_in_storm() -> None:
    n, level, rng = 5000, 0.9, np.random.default_rng(5)
    storm = np.arange(n) // 100 % 2 == 1
    scale = np.where(storm, 0.04, 0.01)
    outcome, flat, known_from = scale * rng.normal(size=n), np.zeros(n), np.arange(n) + 1
    counted = np.arange(n) >= 500

    def held(reach: Array, where: np.ndarray[Any, np.dtype[np.bool_]]) -> float:
        inside = (reach[:, 0] <= outcome) & (outcome <= reach[:, 1])
        return float(inside[where & counted].mean())

    scaled = limits(flat, outcome, scale, known_from, level)
    unscaled = limits(flat, outcome, np.full(n, 0.02), known_from, level)
    chance = 4 * math.sqrt(level * (1 - level) / (counted & storm).sum())
    assert held(scaled, storm) == pytest.approx(level, abs=chance)
    assert held(scaled, ~storm) == pytest.approx(level, abs=chance)
    assert held(unscaled, storm | ~storm) == pytest.approx(level, abs=chance)  # right on the whole, and yet:
    # P(|N(0, 0.01)| <= w) + P(|N(0, 0.04)| <= w) = 1.8 gives w = 0.0513: 0.800 in storm, 1.000 in calm
    assert held(unscaled, storm) == pytest.approx(0.8, abs=4 * math.sqrt(0.8 * 0.2 / 2250))
    assert held(unscaled, ~storm) > 0.999


def test_an_error_as_large_as_the_bound_is_inside() -> None:
    """Equal scores tie with their own quantile; as returns, rounding would tip some of them out."""
    scale = np.random.default_rng(2).uniform(0.01, 0.03, 2000)
    outcome = np.nextafter(3.0 * scale, 1.0)
    tied = (outcome / scale == 3.0) & (outcome > 3.0 * scale)
    scale, outcome = scale[tied], outcome[tied]
    n = scale.size
    assert n > 50
    told = coverage(np.zeros(n), outcome, scale, np.arange(n) + 1, 0.5)
    assert (told.rows, told.covered) == (n - 3, 1.0)


def test_too_few_rows_give_no_coverage() -> None:
    for n in (0, 1, 19):
        told = coverage(np.zeros(n), np.ones(n), np.ones(n), np.arange(n, dtype=np.int64) + 1, 0.9)
        assert told == Coverage(0.9, 0, None, None, None)
    assert coverage(np.zeros(20), np.ones(20), np.ones(20), np.arange(20) + 1, 0.9).rows == 1


def test_a_price_that_stands_still_later_has_an_interval() -> None:
    assert interval(0.0, 0.01, [0.0] * 19, 0.9) == Interval(0.0, 0.0, 0.9, 19)


def test_falls_larger_than_rises_miss_as_often_below_as_above() -> None:
    """Of the sizes of errors, one quantile would leave nearly all misses on the side of the falls."""
    n, level = 8000, 0.9
    outcome = 0.01 * (1.0 - np.random.default_rng(6).standard_gamma(1.0, n))  # mean 0, long tail below
    told = coverage(np.zeros(n), outcome, np.full(n, 0.01), np.arange(n) + 2, level)
    chance = 4 * math.sqrt(0.05 * 0.95 / told.rows)
    assert told.below == pytest.approx(0.05, abs=chance)
    assert told.above == pytest.approx(0.05, abs=chance)
    sizes = np.abs(outcome)
    rises_missed = (outcome > np.quantile(sizes, level)).mean()
    assert rises_missed < 0.01


def test_misses_do_not_follow_misses_where_volatility_clusters() -> None:
    """Over markets of one kind; known outcomes only, as with a fill at the next open."""
    after = {halflife: np.zeros(2) for halflife in (HALFLIFE, 21.0)}
    for seed in range(6):
        returns = np.diff(np.log(garch_market(3000, seed=seed)["close"].to_numpy()))
        for halflife, counts in after.items():
            scale, outcome = trailing_volatility(returns[:-1], halflife), returns[1:]
            known = np.arange(outcome.size) + 1
            low, high = (bounds(scores_of(0 * outcome, outcome, scale), known, 0.9) * scale[:, None]).T
            missed = ((outcome < low) | (outcome > high))[500:]
            counts += missed[1:][missed[:-1]].sum(), missed[:-1].sum()
    rate = {halflife: hits / n for halflife, (hits, n) in after.items()}
    n = after[HALFLIFE][1]
    assert n > 1000
    assert rate[HALFLIFE] == pytest.approx(0.1, abs=4 * math.sqrt(0.1 * 0.9 / n))
    assert rate[21.0] > rate[HALFLIFE]


# ---------------------------------------------------------------- what is refused

GOOD: dict[str, Any] = {
    "forecast": [0.0, 0.1],
    "outcome": [0.1, 0.0],
    "scale": [0.01, 0.01],
    "known_from": [1, 2],
    "level": 0.5,
}


@pytest.mark.parametrize("function", [limits, coverage])
@pytest.mark.parametrize(
    ("changes", "error", "words"),
    [
        ({"forecast": [0.0]}, DataError, "1, 2 and 2 rows; give columns of equal length"),
        ({"outcome": [0.1, math.nan]}, DataError, "outcome is nan in row 1; drop rows that are not known"),
        ({"forecast": [math.inf, 0.1]}, DataError, "forecast is inf in row 0"),
        ({"scale": [0.01, math.nan]}, DataError, "scale is nan in row 1"),
        ({"scale": [0.01, 0.0]}, DataError, "above 0, got 0.0 in row 1; a price that has not moved has none"),
        ({"scale": [-0.01, 0.01]}, DataError, "above 0, got -0.01 in row 0"),
        ({"scale": [0.01, 5e-324]}, DataError, "error in row 1 has no finite number of scales"),
        ({"outcome": [[0.1, 0.0]]}, DataError, "outcome must be one number a row"),
        ({"known_from": [1, 1]}, DataError, r"known_from\[1\] is 1, .* must be 2 or later"),
        ({"known_from": [1]}, DataError, "row number for each of 2 rows"),
        ({"known_from": [1.0, 2.0]}, DataError, "holds float64; give row numbers as integers"),
        ({"level": 0.0}, SettingError, "level must lie between 0 and 1, such as 0.9, got 0.0"),
        ({"level": 1.0}, SettingError, "level must lie between 0 and 1"),
        ({"level": 90}, SettingError, "level must lie between 0 and 1"),
        ({"level": math.nan}, SettingError, "level must lie between 0 and 1"),
    ],
)
def test_what_cannot_be_used_is_named(
    function: Callable[..., object], changes: dict[str, Any], error: type[Exception], words: str
) -> None:
    function(**GOOD)
    changed = {**GOOD, **changes}
    if changes.get("scale") == [0.01, 5e-324]:
        changed["outcome"] = [0.1, 5.0]
    with pytest.raises(error, match=f"conformal: .*{words}"):
        function(**changed)


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ((math.nan, 0.01, [1.0], 0.5), DataError, "forecast must be a finite log return, got nan"),
        ((0.0, 0.0, [1.0], 0.5), DataError, "scale must be a finite volatility above 0, got 0.0; a price"),
        ((0.0, math.inf, [1.0], 0.5), DataError, "got inf"),
        ((0.0, 0.01, [1.0, math.inf], 0.5), DataError, "scores is inf in row 1"),
        ((0.0, 0.01, 1.0, 0.5), DataError, "scores must be one number a row"),
        ((0.0, 0.01, [1.0], 1.5), SettingError, "got 1.5"),
    ],
)
def test_an_interval_that_cannot_be_made_says_why(
    arguments: tuple[Any, ...], error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=f"conformal: .*{words}"):
        interval(*arguments)
