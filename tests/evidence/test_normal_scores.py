"""The second opinion from ranks: by hand, by a plain loop, causal, and on markets with and without skill."""

from __future__ import annotations

from statistics import NormalDist

import numpy as np
import pytest
from scipy import stats

from geiger.errors import DataError
from geiger.evidence.normal_scores import FIRST_ROWS, partial_normal_scores, sequential_scores

Q = NormalDist().inv_cdf


def market(seed: int, n: int = 600, rho: float = 0.0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return forecasts, outcomes and volatilities; the drift is steady, the forecast follows volatility."""
    rng = np.random.default_rng(seed)
    s = 0.01 * np.exp(np.cumsum(0.05 * rng.normal(size=n)) * 0.3)
    x, z = rng.normal(size=(2, n))
    y = 0.0005 + s * (rho * x + np.sqrt(1 - rho**2) * z)
    return s * x + 0.3 * s, y, s


def following(n: int, horizon: int = 1) -> np.ndarray:
    return np.arange(n) + horizon


def test_scores_by_hand() -> None:
    told = sequential_scores([2.0, 1.0, 3.0, 2.0], [0, 1, 2, 3])
    # 1 of 1; 1 of 2; 3 of 3; the mean of ranks 2 and 3 of 4
    assert told == pytest.approx([0.0, Q(0.25), Q(2.5 / 3), Q(0.5)])
    # two rows until an outcome is known: the last sees 2 and 1 beside itself
    assert sequential_scores([2.0, 1.0, 3.0, 2.0], [0, 0, 1, 2])[3] == pytest.approx(Q(2 / 3))


def test_scores_of_independent_values_are_normal_whatever_their_distribution() -> None:
    values = np.random.default_rng(0).standard_cauchy(4000) ** 3
    told = sequential_scores(values, np.arange(4000))
    assert stats.kstest(told[100:], "norm").pvalue > 0.001
    assert abs(np.corrcoef(told[1:], told[:-1])[0, 1]) < 0.06


@pytest.mark.parametrize("horizon", [1, 5])
def test_every_row_by_itself(horizon: int) -> None:
    f, y, s = market(1, 400, rho=0.2)
    products, squares = [], []
    for t in range(400):
        known = t - horizon + 1  # rows whose outcomes are known at t
        if known < FIRST_ROWS:
            continue
        left = []
        for column in (y / s, f / s):
            scores = sequential_scores(column, np.maximum(np.arange(400) - horizon + 1, 0))
            design = np.column_stack([np.ones(400), 1 / s])
            fit = np.linalg.lstsq(design[:known], scores[:known], rcond=None)[0]
            left.append(scores[t] - design[t] @ fit)
        products.append(left[0] * left[1])
        squares.append(np.square(left))
    told = partial_normal_scores(f, y, s, following(400, horizon), horizon)
    assert told.n == len(products)
    assert told.correlation == pytest.approx(
        np.mean(products) / np.sqrt(np.prod(np.mean(squares, axis=0))), rel=1e-6
    )
    if horizon == 1:
        error = np.std(products) / np.sqrt(len(products))
        assert told.statistic == pytest.approx(np.mean(products) / error, rel=1e-6)


def test_a_transformation_that_keeps_the_order_of_standardised_outcomes_changes_nothing() -> None:
    f, y, s = market(2)
    told = partial_normal_scores(f, y, s, following(600))
    assert partial_normal_scores(s * (f / s) ** 3, s * np.sinh(y / s), s, following(600)) == told
    scaled = partial_normal_scores(7 * f, 7 * y, 7 * s, following(600))
    assert scaled.statistic == pytest.approx(told.statistic, rel=1e-6)


def test_skill_rings_and_noise_seldom() -> None:
    noise = [partial_normal_scores(*market(seed), following(600)).p_value for seed in range(200)]
    skill = [partial_normal_scores(*market(seed, rho=0.2), following(600)).p_value for seed in range(50)]
    assert 0.01 < np.mean(np.array(noise) < 0.05) < 0.1  # standard error 1.5%
    assert np.mean(np.array(skill) < 0.01) > 0.9


def test_a_steady_volatility_is_no_second_regressor() -> None:
    rng = np.random.default_rng(3)
    y = 0.01 * rng.normal(size=500)
    told = partial_normal_scores(y + 0.01 * rng.normal(size=500), y, np.full(500, 0.01), following(500))
    assert told.correlation == pytest.approx(np.sqrt(0.5), abs=0.1)


def test_constant_forecasts_and_few_rows_prove_nothing() -> None:
    f, y, s = market(4)
    for constant in (2 * s, np.full(600, 0.003)):  # in units of volatility, and as it is
        flat = partial_normal_scores(constant, y, s, following(600))
        assert (flat.correlation, flat.statistic, flat.p_value) == (None, None, 1.0)
    few = partial_normal_scores(f[:309], y[:309], s[:309], following(309))
    assert (few.n, few.statistic, few.p_value) == (249, None, 1.0)
    assert partial_normal_scores([], [], [], np.zeros(0, np.int64)).n == 0


def test_what_cannot_be_ranked_is_refused() -> None:
    f, y, s = market(5, 20)
    with pytest.raises(DataError, match="equal finite columns"):
        partial_normal_scores(f, y[:-1], s, following(20))
    with pytest.raises(DataError, match="equal finite columns"):
        partial_normal_scores(f, np.where(y == y[3], np.nan, y), s, following(20))
    with pytest.raises(DataError, match=r"scale is 0\.0 in row 4"):
        partial_normal_scores(f, y, np.where(np.arange(20) == 4, 0.0, s), following(20))
    with pytest.raises(DataError, match="above its own row"):
        partial_normal_scores(f, y, s, np.arange(20))
    with pytest.raises(DataError, match="never fall"):
        partial_normal_scores(f, y, s, np.arange(20)[::-1] + 20)
