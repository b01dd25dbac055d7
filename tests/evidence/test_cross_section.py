"""Rank correlations over the symbols of a day: by hand, by SciPy day by day, and on planted truths."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from geiger.errors import DataError
from geiger.evidence.cross_section import (
    beside_rival,
    centred,
    explained,
    holding,
    ics_by_period,
    ics_by_year,
    late,
    market_betas,
    mean_ic,
    member_records,
    neutral,
    parts,
    persistence,
    quantile_returns,
    quantiles,
    rank_ic,
    ranks,
    spread,
)
from geiger.evidence.errors_of_mean import newey_west_error

NAN = np.nan


def grid(
    rng: np.random.Generator, days: int, names: int, missing: float = 0.15, steps: int = 0
) -> np.ndarray:
    values = rng.normal(size=(days, names))
    values = np.round(values * steps) / steps if steps else values
    return np.where(rng.random((days, names)) < missing, NAN, values)


def days(n: int, first: str = "2019-01-01") -> np.ndarray:
    return np.datetime64(first) + np.arange(n)


@pytest.mark.parametrize("steps", [0, 2])
def test_ranks_are_those_of_scipy(steps: int) -> None:
    values = grid(np.random.default_rng(0), 50, 9, steps=steps)
    values[3], values[4] = NAN, 1.0
    for row, got in zip(values, ranks(values), strict=True):
        seen = np.isfinite(row)
        assert np.isnan(got[~seen]).all()
        np.testing.assert_array_equal(got[seen], stats.rankdata(row[seen]))


@pytest.mark.parametrize("steps", [0, 3])
def test_correlations_are_those_of_scipy_day_by_day(steps: int) -> None:
    rng = np.random.default_rng(1)
    scores, outcomes = grid(rng, 80, 12, steps=steps), grid(rng, 80, 12, steps=steps)
    got = rank_ic(scores, outcomes, 9)
    counted = 0
    for day, (x, y) in enumerate(zip(scores, outcomes, strict=True)):
        both = np.isfinite(x) & np.isfinite(y)
        if both.sum() < 9:
            assert np.isnan(got[day])
        else:
            counted += 1
            assert got[day] == pytest.approx(stats.spearmanr(x[both], y[both]).statistic, abs=1e-12)
    assert 20 < counted < 80


def test_a_day_that_ranks_nothing_does_not_count() -> None:
    scores = np.array([[1.0, 1.0, 1.0], [1.0, 2.0, 3.0], [1.0, 2.0, 3.0]])
    outcomes = np.array([[0.1, 0.2, 0.3], [0.2, 0.2, 0.2], [0.1, 0.2, 0.3]])
    np.testing.assert_array_equal(rank_ic(scores, outcomes, 3), [NAN, NAN, 1.0])


def test_a_constant_of_the_day_and_a_rising_function_change_nothing() -> None:
    rng = np.random.default_rng(2)
    scores, outcomes = grid(rng, 40, 10), grid(rng, 40, 10)
    expected = rank_ic(scores, outcomes, 5)
    shifted = np.exp(scores) + rng.normal(size=(40, 1))
    np.testing.assert_allclose(rank_ic(shifted, outcomes + rng.normal(size=(40, 1)), 5), expected)
    np.testing.assert_allclose(rank_ic(-scores, outcomes, 5), -expected)


def test_what_is_planted_is_found_within_its_error() -> None:
    """Of normal scores with correlation r the rank correlation is 6 / pi asin(r / 2)."""
    rng = np.random.default_rng(3)
    scores = rng.normal(size=(3000, 50))
    outcomes = (
        0.05 * scores + math.sqrt(1 - 0.05**2) * rng.normal(size=scores.shape) + rng.normal(size=(3000, 1))
    )
    told = mean_ic("all", "x", rank_ic(scores, outcomes, 10))
    assert told.mean is not None
    assert told.error is not None
    assert abs(told.mean - 6 / math.pi * math.asin(0.025)) < 3 * told.error
    assert told.error == pytest.approx(1 / math.sqrt(49 * 3000), rel=0.1)
    assert told.deviation == pytest.approx(1 / 7, rel=0.1)


def test_without_skill_the_error_holds_although_symbols_share_a_factor() -> None:
    """Loadings last, and so do the scores made of them: days hang together through neither."""
    rng = np.random.default_rng(4)
    beyond = 0
    for _ in range(200):
        loading = rng.normal(1, 0.5, 20)
        outcomes = loading * rng.normal(size=(250, 1)) + rng.normal(size=(250, 20))
        told = mean_ic("all", "x", rank_ic(loading + np.zeros((250, 1)), outcomes, 10))
        beyond += abs(told.t or 0.0) > 1.96
    assert 2 <= beyond <= 22


def test_the_record_of_daily_correlations() -> None:
    told = mean_ic("part", "x", np.array([0.1, NAN, 0.3, 0.2]))
    assert (told.kind, told.name, told.days) == ("part", "x", 3)
    assert told.mean == pytest.approx(0.2)
    assert told.deviation == pytest.approx(0.1)
    assert told.ratio == pytest.approx(2.0)
    none, one = mean_ic("all", "x", np.array([NAN])), mean_ic("all", "x", np.array([0.1]))
    assert (none.days, none.mean, none.error, none.t, none.ratio) == (0, None, None, None, None)
    assert (one.days, one.mean, one.error, one.deviation) == (1, 0.1, None, None)


def test_years_and_periods() -> None:
    daily = np.repeat([0.1, 0.2, NAN], [365, 366, 365])
    years = ics_by_year(daily, days(1096))
    assert [(one.name, one.days, round(one.mean or 0, 9)) for one in years] == [
        ("2019", 365, 0.1),
        ("2020", 366, 0.2),
    ]
    first, last = np.datetime64("2019-12-31"), np.datetime64("2020-01-02")
    (period,) = ics_by_period(daily, days(1096), {"turn": (first, last)})
    assert (period.kind, period.name, period.days) == ("period", "turn", 3)
    assert period.mean == pytest.approx(0.5 / 3)


def test_outcomes_of_longer_holding_and_of_parts_by_hand() -> None:
    opens, closes = np.array([[1.0], [2.0], [3.0], [6.0]]), np.array([[1.5], [2.5], [4.0], [5.0]])
    np.testing.assert_allclose(np.exp(holding(opens, 1)[:, 0]), [1.5, 2.0, NAN, NAN])
    np.testing.assert_allclose(np.exp(holding(opens, 2)[:, 0]), [3.0, NAN, NAN, NAN])
    assert np.isnan(holding(opens, 9)).all()
    gap, day, night = (np.exp(part[:, 0]) for part in parts(opens, closes).values())
    np.testing.assert_allclose(gap, [2 / 1.5, 3 / 2.5, 6 / 4, NAN])
    np.testing.assert_allclose(day, [2.5 / 2, 4 / 3, 5 / 6, NAN])
    np.testing.assert_allclose(night, [3 / 2.5, 6 / 4, NAN, NAN])
    np.testing.assert_allclose((day * night)[:2], np.exp(holding(opens, 1)[:2, 0]))
    np.testing.assert_allclose(late(opens)[:, 0], [2.0, 3.0, 6.0, NAN])


def test_betas_are_slopes_of_the_last_252_common_rows() -> None:
    rng = np.random.default_rng(6)
    loading = np.array([0.5, 1.0, 1.5, 1.0])
    returns = 0.01 * (loading * rng.normal(size=(400, 1)) + 0.5 * rng.normal(size=(400, 4)))
    returns[:200, 3] = NAN
    betas = market_betas(returns, 3)
    market = np.nanmean(returns, axis=1)
    for row in (252, 399):
        for column in range(4):
            x, y = market[row - 251 : row + 1], returns[row - 251 : row + 1, column]
            seen = np.isfinite(y)
            expected = np.polyfit(x[seen], y[seen], 1)[0] if seen.sum() >= 126 else NAN
            assert betas[row, column] == pytest.approx(expected, nan_ok=True)
    assert np.isnan(betas[:125]).all()
    assert np.isfinite(betas[125, :3]).all()
    assert np.isnan(market_betas(returns, 5)).all()
    changed = returns.copy()
    changed[301:] *= -7
    np.testing.assert_array_equal(market_betas(changed, 3)[:301], betas[:301])


def test_neutral_scores_are_residuals_of_least_squares() -> None:
    rng = np.random.default_rng(7)
    scores, beta, volatility = grid(rng, 30, 14), grid(rng, 30, 14), np.abs(grid(rng, 30, 14))
    left = neutral(scores, beta, volatility)
    for day in range(30):
        seen = np.isfinite(scores[day] + beta[day] + volatility[day])
        assert (np.isfinite(left[day]) == seen).all()
        x = np.column_stack([np.ones(seen.sum()), beta[day, seen], volatility[day, seen]])
        fit = x @ np.linalg.lstsq(x, scores[day, seen], rcond=None)[0]
        np.testing.assert_allclose(left[day, seen], scores[day, seen] - fit, atol=1e-9)


def test_scores_that_are_nothing_but_exposure_leave_nothing() -> None:
    rng = np.random.default_rng(8)
    beta, volatility = rng.normal(1, 0.3, (20, 11)), rng.uniform(0.01, 0.04, (20, 11))
    left = neutral(3 + 2 * beta - 40 * volatility, beta, volatility)
    assert not left.any()
    assert np.isnan(rank_ic(left, rng.normal(size=(20, 11)), 5)).all()
    np.testing.assert_allclose(
        neutral(volatility**2, beta, beta), neutral(volatility**2, beta), atol=1e-12
    )  # the same twice counts once
    np.testing.assert_allclose(neutral(beta, np.ones((20, 11))), centred(beta))


def test_a_rival_stands_on_the_rows_of_both() -> None:
    rng = np.random.default_rng(9)
    scores, rival, outcomes = (grid(rng, 300, 15) for _ in range(3))
    told = beside_rival("r", scores, rival, outcomes, 8)
    both = np.isfinite(scores) & np.isfinite(rival)
    ours = rank_ic(np.where(both, scores, NAN), outcomes, 8)
    theirs = rank_ic(np.where(both, rival, NAN), outcomes, 8)
    assert told.days == np.isfinite(ours).sum()
    assert told.mean == pytest.approx(np.nanmean(theirs))
    assert told.gain == pytest.approx(np.nanmean(ours - theirs))
    assert told.gain_error == pytest.approx(newey_west_error((ours - theirs)[np.isfinite(ours)]))
    itself = beside_rival("r", scores, 2 * scores, outcomes, 8)
    assert (itself.gain, itself.gain_error) == (0.0, 0.0)
    assert beside_rival("r", scores, rival, outcomes, 99) == beside_rival(
        "r", scores, NAN * rival, outcomes, 2
    )


def test_quantiles_by_hand() -> None:
    scores = np.array([[1.0, 2.0, 3.0, 4.0, NAN], [4.0, 3.0, 2.0, 1.0, NAN], [1.0, 2.0, 3.0, NAN, NAN]])
    returns = np.array([[0.0, 0.1, 0.2, 0.5, 9.0], [0.0, 0.0, 0.0, 0.4, 9.0], [1.0, 1.0, 1.0, 1.0, 1.0]])
    daily = quantile_returns(scores, returns, 2, least=4)
    np.testing.assert_allclose(daily, [[-0.15, 0.15], [0.1, -0.1], [NAN, NAN]])
    low, high = quantiles(daily)
    assert (low.number, low.days, high.number) == (1, 2, 2)
    assert low.mean == pytest.approx(-0.025)
    apart = spread(daily)
    assert (apart.number, apart.days) == (0, 2)
    assert apart.mean == pytest.approx(0.05)
    assert apart.error == pytest.approx(math.sqrt(0.25**2 / 2 / 2))  # one lag takes half of 0.25^2 away
    assert quantiles(daily[:1])[0].mean is None


def test_quantiles_hold_alike_many_and_split_no_tie() -> None:
    scores = np.random.default_rng(10).normal(size=(1, 20))
    daily = quantile_returns(scores, ranks(scores), 5, 2)
    np.testing.assert_allclose(daily, [[-8, -4, 0, 4, 8]])
    tied = quantile_returns(np.array([[1.0, 1.0, 1.0, 5.0]]), np.array([[0.0, 0.3, 0.6, 0.1]]), 4, 2)
    np.testing.assert_allclose(tied, [[NAN, 0.05, NAN, -0.15]])


def test_persistence() -> None:
    rng = np.random.default_rng(11)
    still = rng.normal(size=(1, 12)) + np.zeros((30, 1))
    assert persistence(still, 5) == pytest.approx(1.0)
    assert persistence(rng.normal(size=(4000, 12)), 5) == pytest.approx(0.0, abs=0.02)
    assert persistence(still, 13) is None


def test_share_explained_by_hand() -> None:
    outcomes = np.array([[3.0, 1.0], [2.0, 4.0], [5.0, 5.0]])
    forecasts = np.array([[1.5, 0.5], [0.0, 1.0], [0.0, 0.0]])
    # beyond the mean: u = (1, -1), (-1, 1), (0, 0); f = half of it each day
    told = explained(forecasts, outcomes, 2)
    assert told is not None
    assert told[0] == pytest.approx(0.75)
    assert told[1] == pytest.approx(0.0, abs=1e-12)  # each day explains the same share
    worse = explained(-forecasts, outcomes, 2)
    assert worse is not None
    assert worse[0] == pytest.approx(1 - 1.5**2)
    assert explained(forecasts, outcomes, 3) is None
    assert explained(forecasts, 0 * outcomes, 2) is None


def test_share_explained_of_a_planted_mean_lies_within_its_error() -> None:
    rng = np.random.default_rng(12)
    beyond = 0
    for _ in range(100):
        mean = 0.05 * rng.normal(size=(500, 20))
        told = explained(mean, mean + rng.normal(size=mean.shape) + rng.normal(size=(500, 1)), 10)
        assert told is not None
        beyond += abs(told[0] - 0.05**2 / (1 + 0.05**2)) > 1.96 * told[1]
    assert beyond <= 14


def test_members() -> None:
    rng = np.random.default_rng(13)
    scores, outcomes = rng.normal(size=(400, 6)), rng.normal(size=(400, 6)) + 3 * rng.normal(size=(400, 1))
    outcomes[:, 2] += scores[:, 2]
    scores[:100, 1], scores[:, 5] = NAN, NAN
    told = member_records("ABCDEF", days(400), scores, outcomes, 4, left_out=[0, 7, 0, 0, 0, 0])
    assert [(m.symbol, m.first, m.days, m.left_out) for m in told[:2]] == [
        ("A", "2019-01-01", 400, 0),
        ("B", "2019-04-11", 300, 7),
    ]
    assert (told[5].first, told[5].last, told[5].days, told[5].correlation) == ("", "", 0, None)
    both = np.isfinite(scores)
    x, y = (v - np.nanmean(np.where(both, v, NAN), axis=1, keepdims=True) for v in (scores, outcomes))
    assert told[2].correlation == pytest.approx(np.corrcoef(x[:, 2], y[:, 2])[0, 1])
    assert told[2].error == pytest.approx((1 - (told[2].correlation or 0) ** 2) / 20, rel=0.25)


def test_grids_of_other_shapes_are_refused() -> None:
    one, other = np.zeros((4, 3)), np.zeros((4, 2))
    for ask in (
        lambda: rank_ic(one, other, 2),
        lambda: neutral(one, other),
        lambda: quantile_returns(one, other, 2, 2),
        lambda: explained(one, other, 2),
        lambda: member_records("ABC", days(4), one, other, 2),
    ):
        with pytest.raises(DataError, match="days x symbols"):
            ask()
