from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from geiger.features import kernels
from geiger.features.kernels import Array

WIDTHS = range(2, 10)  # the loops take three or four lags at once: every remainder occurs


def series(holes: int = 3, rows: int = 40, seed: int = 1) -> Array:
    """Return numbers after some that are missing, with equal ones among them."""
    x = np.round(np.random.default_rng(seed).normal(0.0, 2.0, rows), 1)
    x[:holes] = np.nan
    return x


def slowly(x: Array, width: int, of: Callable[[Array], float]) -> Array:
    """Return `of` the last `width` values, one window after the other; the newest stands last."""
    out = np.full(len(x), np.nan)
    for t in range(width - 1, len(x)):
        window = x[t - width + 1 : t + 1]
        out[t] = np.nan if np.isnan(window).any() else of(window)
    return out


def deepest(window: Array) -> float:
    return float(min(0.0, *(window / np.maximum.accumulate(window) - 1.0)))


def back(window: Array) -> Array:
    return np.cumsum(window[::-1])


@pytest.mark.parametrize("width", WIDTHS)
def test_every_window_agrees_with_its_definition(width: int) -> None:
    x, y = series(), series(seed=2)
    mean, mean_y = slowly(x, width, np.mean), slowly(y, width, np.mean)
    weights = np.arange(1.0, width + 1.0)
    var = slowly(x, width, np.var)
    pairs = slowly(x * y, width, np.mean) - mean * mean_y
    agree = np.testing.assert_allclose
    agree(kernels.window_mean(x, width), mean, atol=1e-12)
    agree(kernels.window_dot(x, weights), slowly(x, width, lambda w: w[::-1] @ weights), atol=1e-12)
    agree(kernels.window_var(x, mean, width), var, atol=1e-12)
    agree(kernels.window_cov(x, mean, y, mean_y, width), pairs, atol=1e-12)
    for power in (3, 4):
        moment = slowly(x, width, lambda w, power=power: np.mean((w - w.mean()) ** power))
        agree(kernels.window_moment(x, mean, width, power), moment, atol=1e-11)
    deviation = slowly(x, width, lambda w: np.abs(w - w.mean()).mean())
    agree(kernels.window_deviation(x, mean, width), deviation, atol=1e-12)
    assert np.array_equal(kernels.window_max(x, width), slowly(x, width, np.max), equal_nan=True)
    age = slowly(x, width, lambda w: float(np.argmax(w[::-1])))
    assert np.array_equal(kernels.window_age(x, width), age, equal_nan=True)
    rank = slowly(x, width, lambda w: np.mean((w[:-1] < w[-1]) + 0.5 * (w[:-1] == w[-1])))
    agree(kernels.window_rank(x, width, 1e-12), rank, atol=1e-12)
    prices = np.exp(series(holes=0) / 10)  # a price is never missing
    agree(kernels.window_drawdown(prices, width), slowly(prices, width, deepest), atol=1e-12)
    first, second = kernels.walk_sums(x, width)
    agree(first, slowly(x, width, lambda w: back(w).sum()), atol=1e-11)
    agree(second, slowly(x, width, lambda w: (back(w) ** 2).sum()), atol=1e-11)
    spread = slowly(x, width, lambda w: max(0.0, *back(w - w.mean())) - min(0.0, *back(w - w.mean())))
    agree(kernels.walk_range(x, mean, width), spread, atol=1e-11)


def test_a_window_longer_than_the_series_is_missing_throughout() -> None:
    x = np.arange(3.0)
    for out in (kernels.window_mean(x, 4), kernels.window_max(x, 4), kernels.window_dot(x, np.ones(4))):
        assert np.isnan(out).all()


def test_equal_values_have_no_variance_at_all() -> None:
    x = np.full(30, 0.1)
    mean = kernels.window_mean(x, 7)
    assert (mean[6:] == 0.1).all()
    assert (kernels.window_var(x, mean, 7)[6:] == 0.0).all()


def test_a_quotient_of_nothing_is_neutral_and_of_the_unknown_is_unknown() -> None:
    above, below = np.array([6.0, 1.0, np.nan, 1.0]), np.array([2.0, 0.5, 1.0, np.nan])
    out = kernels.divide(above, below, np.full(4, 0.5), 9.0)
    assert np.array_equal(out, [3.0, 9.0, np.nan, np.nan], equal_nan=True)


def test_smoothing_by_hand() -> None:
    x = np.array([np.nan, 1.0, 3.0, 4.0, 0.0])
    assert np.array_equal(kernels.smooth(x, 0.5, 2), [np.nan, np.nan, 2.0, 3.0, 1.5], equal_nan=True)
    assert np.isnan(kernels.smooth(x, 0.5, 5)).all()
    rate = np.array([0.0, 0.0, 1.0, 0.5, 0.25])
    assert np.array_equal(
        kernels.smooth_adaptive(x, rate, 2), [np.nan, np.nan, 3.0, 3.5, 2.625], equal_nan=True
    )
