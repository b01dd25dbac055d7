"""Accuracy tests against published formulas, a second implementation and forecasts drawn again."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from geiger.errors import DataError, SettingError
from geiger.evidence.accuracy import clark_west, diebold_mariano

E1 = np.array([0.8, -1.2, 0.5, 1.5, -0.7, 0.9, -1.1, 0.4, 1.3, -0.6, 0.2, -0.9])
E2 = np.array([0.6, -1.0, 0.7, 1.1, -0.5, 0.8, -1.2, 0.3, 1.0, -0.7, 0.1, -0.6])


@pytest.mark.parametrize(
    ("horizon", "plain", "factor", "statistic", "two_sided"),
    [
        (1, 2.2257527564650093, 0.9574271077563381, 2.130996024202991, 0.05648181368227263),
        (2, 4.175512816126856, 0.8740073734751262, 3.6494289893347616, 0.0038245464713576307),
    ],
)
def test_diebold_mariano_of_twelve_errors(
    horizon: int, plain: float, factor: float, statistic: float, two_sided: float
) -> None:
    told = diebold_mariano(E1**2, E2**2, horizon)
    assert told.difference == pytest.approx(0.23416666666666666)
    assert told.plain == pytest.approx(plain, abs=1e-9)
    assert told.statistic == pytest.approx(statistic, abs=1e-9)
    assert told.statistic / told.plain == pytest.approx(factor, abs=1e-9)  # type: ignore[operator]
    assert 2 * told.p_value == pytest.approx(two_sided, abs=1e-9)
    assert told.n == 12


def test_diebold_mariano_of_a_day_is_the_t_test_of_the_difference() -> None:
    rng = np.random.default_rng(0)
    one, two = rng.normal(size=(2, 60)) ** 2
    told = diebold_mariano(one, two)
    second = stats.ttest_1samp(one - two, 0.0, alternative="greater")
    assert told.statistic == pytest.approx(second.statistic)
    assert told.p_value == pytest.approx(second.pvalue)
    turned = diebold_mariano(two, one)
    assert turned.p_value == pytest.approx(1 - told.p_value)


def test_losses_that_differ_by_nothing_or_by_a_constant_have_no_statistic() -> None:
    for shift in (0.0, 0.1):
        told = diebold_mariano(E1**2 + shift, E1**2)
        assert (told.plain, told.statistic, told.p_value) == (None, None, 1.0)


def test_a_negative_sum_of_autocovariances_has_no_statistic() -> None:
    told = diebold_mariano([1.0, 0.0, 1.0, 0.0, 1.0, 0.0], np.zeros(6), horizon=2)
    assert told.difference == 0.5
    assert (told.plain, told.statistic, told.p_value) == (None, None, 1.0)


def test_clark_west_by_hand() -> None:
    # 1 - 0.25 + 0.25, 1 - 2.25 + 0.25, 4 - 2.25 + 0.25: mean 2/3, deviations 1/3, -5/3, 4/3
    told = clark_west([1.0, -1.0, 2.0], [0.0, 0.0, 0.0], [0.5, 0.5, 0.5])
    error = math.sqrt((1 + 25 + 16) / 9) / 3
    assert told.statistic == pytest.approx(2 / 3 / error)
    assert told.p_value == pytest.approx(stats.norm.sf(2 / 3 / error))


def test_clark_west_is_a_regression_on_a_constant() -> None:
    """White's t of statsmodels, and of the identity 2 (y - small)(large - small)."""
    sm = pytest.importorskip("statsmodels.api")
    rng = np.random.default_rng(1)
    y, small, large = rng.normal(size=(3, 300)) * [[1.0], [0.1], [0.2]]
    fitted = sm.OLS(2 * (y - small) * (large - small), np.ones(300)).fit(cov_type="HC0")
    assert clark_west(y, small, large).statistic == pytest.approx(float(fitted.tvalues[0]))


def test_a_nested_model_that_adds_nothing_rings_seldom_and_one_that_does_rings() -> None:
    """The mean of earlier outcomes against a regression on a predictor fitted on the same earlier rows."""
    rng = np.random.default_rng(2)
    rang = {0.0: [], 0.3: []}
    wins = []
    for truth in rang:
        for _ in range(200):
            x, e = rng.normal(size=(2, 300))
            y = truth * x + e
            before = np.arange(1, 301)
            sums = {k: np.cumsum(v) for k, v in {"x": x, "y": y, "xx": x * x, "xy": x * y}.items()}
            mean = {k: v / before for k, v in sums.items()}
            slope = (mean["xy"] - mean["x"] * mean["y"]) / (mean["xx"] - mean["x"] ** 2 + 1e-9)
            small = mean["y"][99:-1]
            large = small + slope[99:-1] * (x[100:] - mean["x"][99:-1])
            rang[truth].append(clark_west(y[100:], small, large).p_value < 0.05)
            if not truth:
                wins.append(diebold_mariano((y[100:] - small) ** 2, (y[100:] - large) ** 2).p_value < 0.05)
    assert np.mean(rang[0.0]) < 0.11  # standard error 1.5%
    assert np.mean(rang[0.3]) > 0.9
    assert np.mean(wins) <= np.mean(rang[0.0])  # too strict with the model that estimates more


def test_what_cannot_be_compared_is_refused() -> None:
    with pytest.raises(DataError, match="equal columns"):
        diebold_mariano([0.1, 0.2], [0.1])
    with pytest.raises(DataError, match="large is nan in row 1"):
        clark_west([0.1, 0.2], [0.1, 0.2], [0.1, math.nan])
    for horizon in (0, 2):
        with pytest.raises(SettingError, match="horizon from 1 to 1"):
            diebold_mariano([0.1, 0.2], [0.1, 0.2], horizon)
