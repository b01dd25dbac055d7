"""The meta-learner: published numbers, its conditions of optimality, and what it must refuse."""

from __future__ import annotations

from itertools import product
from statistics import NormalDist
from typing import get_args

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geiger.errors import SettingError, TrainingError
from geiger.models.stack import MANY_MODELS, MetaLearner
from geiger.settings import StackSettings
from geiger.settings.model_settings import Meta

TODAY = np.datetime64("2020-01-10")


def days(n, day="2020-01-10"):
    return np.full(n, day, dtype="datetime64[D]")


def learner(**settings):
    """Return the plan's learner with these settings."""
    return MetaLearner(StackSettings(**{"meta": "elastic_net", **settings}))


def fit(learner, forecasts, outcome):
    names = [f"m{i}" for i in range(forecasts.shape[1])]
    return learner.fit(names, forecasts, outcome, known_on=days(len(outcome)), decided_on=TODAY)


def lcg_normals(n, x0):
    normal, x, found = NormalDist(), x0, []
    for _ in range(n):
        x = (1664525 * x + 1013904223) % 2**32
        found.append(normal.inv_cdf((x + 0.5) / 2**32))
    return np.array(found)


@pytest.fixture(scope="module")
def trap():
    """Three forecasts, of true correlation .07, .05 and 0 with a daily return of sigma 1.2%."""
    z = lcg_normals(8000, 777).reshape(2000, 4)
    y = 0.012 * (0.07 * z[:, 0] + 0.05 * z[:, 1] + np.sqrt(1 - 0.07**2 - 0.05**2) * z[:, 2])
    return 0.012 * np.stack([0.091 * z[:, 0], 0.04 * z[:, 1], 0.05 * z[:, 3]], axis=1), y


def market(n=400, seed=0, m=3):
    rng = np.random.default_rng(seed)
    y = 0.01 * rng.normal(size=n)
    return 0.1 * y[:, None] + 0.002 * rng.normal(size=(n, m)), y


def test_the_plans_settings_on_raw_returns_give_no_weight_at_all(trap):
    forecasts, y = trap
    raw = learner(units="raw")
    assert fit(raw, forecasts, y).weights.tolist() == [0.0, 0.0, 0.0]
    perfect = fit(raw, y[:, None], y)  # even the outcome itself as a forecast
    assert perfect.weights.tolist() == [0.0]
    assert perfect.empty
    np.testing.assert_array_equal(perfect.predict(y[:5, None]), np.full(5, y.mean()))


def test_the_same_settings_standardised_give_the_published_weights(trap):
    forecasts, y = trap
    found = fit(learner(), forecasts, y)
    np.testing.assert_allclose(found.weights, [0.06726116892907365, 0.04319397313093996, 0.0], atol=1e-4)
    assert not found.empty
    nnls = fit(learner(meta="nnls"), forecasts, y)
    expected = [0.07269952899842351, 0.048417205566461834, 0.004489219492152105]
    np.testing.assert_allclose(nnls.weights, expected, atol=1e-4)


def test_one_forecast_is_thresholded_as_the_formula_says():
    # w = (cov - alpha l1)+ / (var + alpha (1 - l1)), standardised: var 1, cov rho.
    rng = np.random.default_rng(3)
    x = rng.normal(size=5000)
    x = (x - x.mean()) / x.std()
    noise = rng.normal(size=5000)
    noise -= noise.mean() + x * (noise @ x) / (x @ x)
    y = 0.07 * x + np.sqrt(1 - 0.07**2) * noise / noise.std()
    found = fit(learner(alpha=0.01, l1_ratio=0.5), 0.003 * x[:, None], 0.012 * y)
    assert found.weights[0] == pytest.approx(0.0646766169154229, abs=1e-6)


def test_from_the_largest_alpha_on_every_weight_is_zero(trap):
    forecasts, y = trap
    # max correlation / l1 ratio, from the oracle of the same market
    assert fit(learner(alpha=0.14437143501393018 * 1.0001), forecasts, y).empty
    assert not fit(learner(alpha=0.14437143501393018 * 0.9), forecasts, y).empty
    assert fit(learner(alpha_share=1.0), forecasts, y).empty
    assert not fit(learner(alpha_share=0.9), forecasts, y).empty


@given(seed=st.integers(0, 10_000), m=st.integers(1, 4))
def test_the_simplex_is_a_true_minimum(seed, m):
    rng = np.random.default_rng(seed)
    y = 0.01 * rng.normal(size=60)
    forecasts = rng.uniform(-0.3, 0.6, m) * y[:, None] + rng.uniform(0.001, 0.01, m) * rng.normal(
        size=(60, m)
    )
    weights = fit(learner(meta="simplex"), forecasts, y).weights
    assert weights.min() >= 0.0
    assert weights.sum() == pytest.approx(1.0, abs=1e-9)
    error = ((y - forecasts @ weights) ** 2).mean()
    for corner in product(np.linspace(0, 1, 6), repeat=m):
        if sum(corner) > 0:
            other = np.array(corner) / sum(corner)
            assert error <= ((y - forecasts @ other) ** 2).mean() * (1 + 1e-9)


def test_equal_weights_are_the_plain_mean():
    forecasts, y = market()
    found = fit(learner(meta="equal"), forecasts, y)
    np.testing.assert_allclose(found.predict(forecasts[:7]), forecasts[:7].mean(axis=1), rtol=1e-12)


@pytest.mark.parametrize("rule", get_args(Meta))
def test_weights_are_never_negative(rule):
    rng = np.random.default_rng(1)
    y = 0.01 * rng.normal(size=300)
    forecasts = np.stack([-0.5 * y + 0.001 * rng.normal(size=300), 0.2 * y], axis=1)
    assert fit(learner(meta=rule), forecasts, y).weights.min() >= 0.0


@pytest.mark.parametrize("rule", ["elastic_net", "nnls"])
def test_forecasts_against_the_outcome_leave_the_mean(rule):
    y = market()[1]
    found = fit(learner(meta=rule), -y[:, None], y)
    assert found.empty
    np.testing.assert_array_equal(found.predict(-y[:3, None]), np.full(3, y.mean()))


@pytest.mark.parametrize("rule", ["elastic_net", "nnls"])
def test_a_forecast_that_never_moves_has_no_weight(rule):
    forecasts, y = market(m=2)
    forecasts[:, 1] = 0.0003
    found = fit(learner(meta=rule), forecasts, y)
    assert found.weights[1] == 0.0
    assert found.weights[0] > 0.0
    moved = np.array([[0.001, 5.0], [0.001, 0.0003]])  # later it moves: nothing known of it counts
    assert found.predict(moved)[0] == found.predict(moved)[1]


def test_an_outcome_that_never_moves_is_forecast_as_it_is():
    forecasts, _ = market()
    found = fit(learner(), forecasts, np.full(400, 0.0))
    np.testing.assert_array_equal(found.predict(forecasts[:4]), np.zeros(4))


def test_the_unit_of_a_forecast_does_not_matter():
    forecasts, y = market()
    one = fit(learner(), forecasts, y)
    other = fit(learner(), forecasts * [1.0, 100.0, 0.01] + [0.0, 0.5, -0.1], y)
    np.testing.assert_allclose(one.weights, other.weights, atol=1e-9)


def test_one_row_is_forecast_as_in_a_batch():
    forecasts, y = market()
    found = fit(learner(), forecasts, y)
    alone = np.concatenate([found.predict(forecasts[i : i + 1]) for i in range(50)])
    np.testing.assert_array_equal(alone, found.predict(forecasts[:50]))


@pytest.mark.parametrize("late", ["2020-01-11", "NaT"])
def test_an_outcome_that_was_not_known_is_refused(late):
    forecasts, y = market(n=50)
    known = days(50)
    known[30] = np.datetime64(late)
    with pytest.raises(TrainingError, match="cannot weigh forecasts decided on 2020-01-10"):
        learner().fit(["a", "b", "c"], forecasts, y, known_on=known, decided_on=TODAY)


def test_missing_numbers_and_few_rows_are_refused():
    forecasts, y = market(n=50)
    broken = forecasts.copy()
    broken[3, 1] = np.nan
    with pytest.raises(TrainingError, match="missing"):
        fit(learner(), broken, y)
    with pytest.raises(TrainingError, match="too few"):
        fit(learner(), forecasts[:5], y[:5])
    with pytest.raises(TrainingError, match=f"at most {MANY_MODELS} models"):
        fit(learner(), np.zeros((50, MANY_MODELS + 1)), y)
    with pytest.raises(TrainingError, match="2 columns for 3 models"):
        learner().fit(["a", "b", "c"], forecasts[:, :2], y, known_on=days(50), decided_on=TODAY)


@pytest.mark.parametrize(
    "wrong",
    [
        {"meta": "lasso"},
        {"units": "percent"},
        {"alpha": -1.0},
        {"alpha_share": 0.0},
        {"l1_ratio": 0.0},
        {"max_iter": 0},
    ],
)
def test_settings_that_make_no_sense_are_refused(wrong):
    with pytest.raises(SettingError, match=next(iter(wrong))):
        learner(**wrong)
