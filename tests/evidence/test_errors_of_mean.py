"""Errors of a mean, by hand, by the sums of the paper, and on series drawn again."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from geiger.errors import DataError
from geiger.evidence.errors_of_mean import (
    cosine_count,
    cosine_error,
    mean_test,
    newey_west_error,
    white_error,
)


def test_white_error_by_hand() -> None:
    # deviations -2, 0, 2: root of 8 over 3
    assert white_error([1.0, 3.0, 5.0]) == pytest.approx(math.sqrt(8) / 3)


def test_cosine_error_of_four_rows_by_hand() -> None:
    # cos(pi j (t - 1/2) / 4): j = 1 gives +-cos(pi/8), +-cos(3 pi/8); j = 2 gives +-cos(pi/4)
    c = [1.0, 0.0, 2.0, 5.0]
    first = math.sqrt(0.5) * (-4 * math.cos(math.pi / 8) - 2 * math.cos(3 * math.pi / 8))
    second = math.sqrt(0.5) * math.cos(math.pi / 4) * (1 - 0 - 2 + 5)
    assert cosine_error(c, 1) == pytest.approx(math.sqrt(first**2 / 4))
    assert cosine_error(c, 2) == pytest.approx(math.sqrt((first**2 + second**2) / 2 / 4))


def test_cosine_error_is_the_sum_of_the_paper() -> None:
    c = np.random.default_rng(0).normal(size=101) + 3
    n, t = c.size, np.arange(1, 102)
    each = [math.sqrt(2 / n) * np.sum(c * np.cos(math.pi * j * (t - 0.5) / n)) for j in range(1, 10)]
    assert cosine_error(c, 9) == pytest.approx(math.sqrt(np.mean(np.square(each)) / n))


def test_all_cosines_of_independent_rows_give_the_usual_error() -> None:
    """By Parseval all n - 1 transforms hold the whole variance around the mean."""
    c = np.random.default_rng(1).normal(size=60)
    assert cosine_error(c, 59) == pytest.approx(c.std(ddof=1) / math.sqrt(60))


def test_a_shift_changes_no_error_and_a_scale_scales_it() -> None:
    c = np.random.default_rng(2).normal(size=80)
    for error in (white_error, lambda x: cosine_error(x, 7)):
        assert error(c + 10) == pytest.approx(error(c))
        assert error(-3 * c) == pytest.approx(3 * error(c))


@pytest.mark.parametrize(("n", "count"), [(1764, 58), (250, 16), (1000, 40), (1, 1)])
def test_number_of_cosines(n: int, count: int) -> None:
    assert cosine_count(n) == count


def test_sums_of_five_rows_keep_their_size_with_cosines_and_not_with_white() -> None:
    rng = np.random.default_rng(3)
    bar = stats.t.ppf(0.95, cosine_count(500))
    rejected = {"cosine": 0, "white": 0}
    for _ in range(1000):
        c = np.convolve(rng.normal(size=504), np.ones(5), "valid")
        rejected["cosine"] += c.mean() > bar * cosine_error(c, cosine_count(500))
        rejected["white"] += c.mean() > 1.645 * white_error(c)
    assert 0.03 < rejected["cosine"] / 1000 < 0.08
    assert rejected["white"] / 1000 > 0.15


def test_a_mean_is_held_against_the_error_that_fits_its_horizon() -> None:
    c = np.random.default_rng(4).normal(size=343) + 0.1
    day, week = mean_test(c), mean_test(c, 5)
    assert day.statistic == pytest.approx(c.mean() / white_error(c))
    assert day.p_value == pytest.approx(stats.norm.sf(day.statistic))
    assert week.statistic == pytest.approx(c.mean() / cosine_error(c, 20))  # 0.4 x 49, rounded
    assert week.p_value == pytest.approx(stats.t.sf(week.statistic, 20))


def test_the_error_of_newey_and_west_by_hand() -> None:
    """Of two rows one lag: its half weight takes half of the variance of opposite deviations away."""
    assert newey_west_error([1.0, 3.0]) == pytest.approx(math.sqrt(1.0 * (1 - 2 * 0.5 * 0.5) / 2))
    assert newey_west_error([2.0]) == 0.0


def test_the_error_of_newey_and_west_is_that_of_statsmodels() -> None:
    """With 4 (n / 100)^(2/9) lags, without a correction for small samples."""
    regression = pytest.importorskip("statsmodels.regression.linear_model")
    rng = np.random.default_rng(5)
    values = np.convolve(rng.normal(size=703), np.ones(4), "valid") + 0.3
    for horizon, lags in ((1, 6), (5, 8), (21, 40)):
        fit = regression.OLS(values, np.ones(700)).fit(
            cov_type="HAC", cov_kwds={"maxlags": lags, "use_correction": False}
        )
        assert newey_west_error(values, horizon) == pytest.approx(fit.bse[0])


@pytest.mark.parametrize("horizon", [1, 5])
def test_a_mean_without_spread_proves_nothing(horizon: int) -> None:
    told = mean_test(np.full(9, 0.1), horizon)
    assert (told.statistic, told.p_value) == (None, 1.0)


def test_what_cannot_be_used_is_refused() -> None:
    with pytest.raises(DataError, match="1 to 3 cosines, not 4"):
        cosine_error([1.0, 2.0, 3.0, 4.0], 4)
    with pytest.raises(DataError, match="score 1 is not finite"):
        white_error([1.0, math.nan])
    with pytest.raises(DataError, match="at least 1"):
        white_error([])
